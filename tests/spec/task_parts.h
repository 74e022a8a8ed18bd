/* SPDX-License-Identifier: MIT */
/* Async functions that the tests of the task layer are made of. */
#ifndef ACIO_TESTS_TASK_PARTS_H
#define ACIO_TESTS_TASK_PARTS_H

#include "acio_spec.h"

#define PART static __attribute__((unused)) int

struct work_args {
    double seconds;
    int result;
    const char *text;
};

/* Sleeps, notes `text`, returns `result`; or why it could not sleep. */
PART
work(void *arg)
{
    struct work_args *a = arg;
    int err = acio_sleep(a->seconds);
    if (err < 0)
        return err;
    if (a->text)
        note("%s ", a->text);
    return a->result;
}

struct stubborn_args {
    double seconds;
    int result;
    const char *text;
};

/* The same, whoever cancels it. */
PART
stubborn(void *arg)
{
    struct stubborn_args *a = arg;
    ACIO_SHIELD(shield);
    int err = acio_sleep(a->seconds);
    if (a->text)
        note("%s ", a->text);
    return err < 0 ? err : a->result;
}

struct pass_args {
    acio_future *gate;
    int result;
    const char *text;
};

/* The same, but waits for a future: until the test lets it. */
PART
pass(void *arg)
{
    struct pass_args *a = arg;
    int err = acio_future_await(a->gate);
    if (err < 0)
        return err;
    if (a->text)
        note("%s ", a->text);
    return a->result;
}

struct say_args {
    const char *text;
};

/* Notes `text` at once and ends. */
PART
say(void *arg)
{
    struct say_args *a = arg;
    note("%s ", a->text);
    return 0;
}

#endif
