/* SPDX-License-Identifier: MIT */
/* traces.c - runs scenarios and writes their traces
 *
 *     traces [NAME ...]        "== name", then a line "time text" per event
 *     traces --list            the names
 */
#include "traces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <acio/sim.h>

/* The linker knows where the section begins and ends. */
extern const struct scenario *const __start_scenarios[];
extern const struct scenario *const __stop_scenarios[];

/* Scenarios run one after the other; their helpers know no other. */
static acio_loop *loop_now;

/* ---- for scenarios ---- */

void
say(const char *format, ...)
{
    va_list arguments;
    printf("%.3f ", acio_loop_time(loop_now));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

const char *
word(int result)
{
    static char numbers[8][16]; /* several may be said at once */
    static unsigned next;
    switch (result) {
    case -ECANCELED:
        return "cancelled";
    case -ETIMEDOUT:
        return "timeout";
    case -EIO:
        return "EIO";
    case -ENOENT:
        return "ENOENT";
    case -EINPROGRESS:
        return "pending";
    case -ACIO_EINVALIDSTATE:
        return "invalid state";
    case -ACIO_EQUEUEEMPTY:
        return "queue empty";
    case -ACIO_EQUEUEFULL:
        return "queue full";
    case -ACIO_EQUEUESHUTDOWN:
        return "queue shut down";
    case -ACIO_ENOTLOCKED:
        return "not locked";
    case -ACIO_EBROKENBARRIER:
        return "broken barrier";
    default:
        break;
    }
    char *text = numbers[next++ % 8];
    snprintf(text, sizeof numbers[0], "%d", result);
    return text;
}

void
say_text(void *arg)
{
    say("%s", (const char *)arg);
}

void
call_soon(acio_handle *handle, const char *text)
{
    acio_loop_call_soon(loop_now, handle, say_text, (void *)text);
}

void
call_later(acio_timer *timer, double delay, const char *text)
{
    acio_loop_call_later(loop_now, timer, delay, say_text, (void *)text);
}

/* ---- async functions ---- */

static int
say_end(const char *text, int err, int result)
{
    if (err < 0)
        say("%s %s", text, word(err));
    else
        say("%s", text);
    return err < 0 ? err : result;
}

int
work(void *arg)
{
    struct work_args *a = arg;
    int err = acio_sleep(a->delay);
    return say_end(a->text, err, a->result);
}

int
tidy(void *arg)
{
    struct tidy_args *a = arg;
    int err = acio_sleep(a->delay);
    int result = say_end(a->text, err, a->result);
    ACIO_SHIELD(shield);
    acio_sleep(a->cleanup);
    say("%s is clean", a->text);
    return result;
}

int
stubborn(void *arg)
{
    struct stubborn_args *a = arg;
    int err = acio_sleep(a->delay);
    (void)say_end(a->text, err, 0);
    return a->result;
}

int
tick(void *arg)
{
    struct tick_args *a = arg;
    for (int i = 0; i < a->times; i++) {
        say("%s %d", a->text, i);
        int err = acio_sleep(0);
        if (err < 0)
            return err;
    }
    return 0;
}

int
await_task(void *arg)
{
    struct await_task_args *a = arg;
    int result = acio_await(a->task);
    say("%s: %s", a->text, word(result));
    return result;
}

int
await_future(void *arg)
{
    struct await_future_args *a = arg;
    int result = acio_future_await(a->future);
    say("%s: %s", a->text, word(result));
    return result;
}

int
cancel(void *arg)
{
    struct cancel_args *a = arg;
    acio_cancel(a->task);
    return 0;
}

/* ---- running ---- */

static void
hear_nothing(acio_loop *loop, const struct acio_exception *exception,
    void *user)
{
    (void)loop;
    (void)exception;
    (void)user;
}

struct main_task_args {
    const struct scenario *scenario;
};

static int
main_task(void *arg)
{
    struct main_task_args *a = arg;
    loop_now = acio_get_running_loop();
    acio_loop_set_exception_handler(loop_now, hear_nothing, NULL);
    a->scenario->body();
    return 0;
}

static int
run_tasks(const struct scenario *scenario)
{
    struct acio_run_options options = { .backend = "sim" };
    struct main_task_args args = { scenario };
    return acio_run_with(main_task, (struct acio_args){ &args, sizeof args },
        &options);
}

static int
run_loop(const struct scenario *scenario)
{
    struct acio_loop_options options = { .backend = "sim" };
    int err = acio_loop_new(&loop_now, &options);
    if (err < 0)
        return err;
    scenario->loop_body(loop_now);
    return acio_loop_close(loop_now);
}

static bool
run(const struct scenario *scenario)
{
    printf("== %s\n", scenario->name);
    int err = scenario->body ? run_tasks(scenario) : run_loop(scenario);
    if (err < 0)
        printf("%s\n", acio_strerror(err));
    return err == 0;
}

static int
by_place(const void *a, const void *b)
{
    const struct scenario *one = *(const struct scenario *const *)a;
    const struct scenario *other = *(const struct scenario *const *)b;
    int order = strcmp(one->file, other->file);
    return order ? order : one->line - other->line;
}

static bool
is_wanted(const struct scenario *scenario, char **names)
{
    if (!*names)
        return true;
    for (; *names; names++) {
        if (!strcmp(scenario->name, *names))
            return true;
    }
    return false;
}

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* so that a crash shows where */
    size_t count = (size_t)(__stop_scenarios - __start_scenarios);
    const struct scenario **all = malloc(count * sizeof *all);
    bool ok = all;
    for (size_t i = 0; ok && i < count; i++)
        all[i] = __start_scenarios[i];
    if (ok)
        qsort(all, count, sizeof *all, by_place);
    bool list = argc == 2 && !strcmp(argv[1], "--list");
    for (size_t i = 0; all && i < count; i++) {
        if (list)
            printf("%s\n", all[i]->name);
        else if (is_wanted(all[i], argv + 1))
            ok = run(all[i]) && ok;
    }
    free(all);
    return !ok;
}
