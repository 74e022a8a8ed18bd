/* SPDX-License-Identifier: MIT */
/* What the tests of locks and their kin have in common. */
#ifndef ACIO_TESTS_SYNC_PARTS_H
#define ACIO_TESTS_SYNC_PARTS_H

#include <pthread.h>

#include "acio_spec.h"

struct elsewhere {
    acio_function *function;
    void *object;
};

static inline void *
sync_run_elsewhere(void *arg)
{
    struct elsewhere *e = arg;
    struct acio_run_options options = { .backend = "epoll" };
    struct acio_args args = { &e->object, sizeof e->object };
    acio_run_with(e->function, args, &options);
    return NULL;
}

/* Runs `function` in a loop of another thread, to its end; its argument is
 * where `object` stands. */
static inline void
run_in_another_loop(acio_function *function, void *object)
{
    struct elsewhere e = { function, object };
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, sync_run_elsewhere, &e), 0);
    pthread_join(thread, NULL);
}

/* Runs `callback(arg)` outside of tasks. */
static inline void
run_in_a_callback(acio_callback *callback, void *arg)
{
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, callback, arg);
    settle();
}

/* Acquires it, blind to a cancel, for what a test builds on. */
static inline void
take(acio_lock *lock)
{
    ACIO_SHIELD(shield);
    REQUIRE_ERR(acio_lock_acquire(lock), 0);
}

/* Sleeps, blind to a cancel. */
static inline void
let_pass(double seconds)
{
    ACIO_SHIELD(shield);
    EXPECT_ERR(acio_sleep(seconds), 0);
}

#endif
