/* SPDX-License-Identifier: MIT */
/* Locks, semaphores and events: to take one that is free and give it back, and
 * to hand one to a task that waits.
 *
 *     sync_acio lock|handover|semaphore|event [COUNT]
 */
#include "bench.h"

#include <acio.h>

struct amain_args {
    long count;
};

static int
lock(void *arg)
{
    struct amain_args *a = arg;
    acio_lock it = ACIO_LOCK_INIT;
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < a->count; i++) {
        int err = acio_lock_acquire(&it);
        bench_require(err == 0, "acio_lock_acquire");
        acio_lock_release(&it);
    }
    bench_print_each("ns", start_ns, a->count);
    return 0;
}

static int
semaphore(void *arg)
{
    struct amain_args *a = arg;
    acio_semaphore it = ACIO_SEMAPHORE_INIT(10);
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < a->count; i++) {
        int err = acio_semaphore_acquire(&it);
        bench_require(err == 0, "acio_semaphore_acquire");
        acio_semaphore_release(&it);
    }
    bench_print_each("ns", start_ns, a->count);
    return 0;
}

struct turns_args {
    acio_lock *lock;
    int *last;
    int me;
    long count;
};

static int
turns(void *arg)
{
    struct turns_args *a = arg;
    for (long i = 0; i < a->count; i++) {
        int err = acio_lock_acquire(a->lock);
        bench_require(err == 0 && *a->last != a->me, "a hand-over");
        *a->last = a->me;
        acio_lock_release(a->lock);
    }
    return 0;
}

/* Both tasks wait before the lock is released for the first time; from then on
 * one of them always does. */
static int
handover(void *arg)
{
    struct amain_args *a = arg;
    acio_lock it = ACIO_LOCK_INIT;
    int last = 0;
    long half = a->count / 2;
    int err = acio_lock_acquire(&it);
    bench_require(err == 0, "acio_lock_acquire");
    acio_task *one = acio_create_task(turns, &it, &last, 1, half);
    acio_task *two = acio_create_task(turns, &it, &last, 2, half);
    acio_sleep(0);
    double start_ns = bench_cpu_ns();
    acio_lock_release(&it);
    acio_await(one);
    acio_await(two);
    bench_print_each("ns", start_ns, 2 * half);
    return 0;
}

struct answer_args {
    acio_event *mine, *other;
    long count;
};

static int
answer(void *arg)
{
    struct answer_args *a = arg;
    for (long i = 0; i < a->count; i++) {
        int err = acio_event_wait(a->mine);
        bench_require(err == 0, "acio_event_wait");
        acio_event_clear(a->mine);
        acio_event_set(a->other);
    }
    return 0;
}

/* Two tasks wake each other, each with an event of its own. */
static int
event(void *arg)
{
    struct amain_args *a = arg;
    acio_event ping = ACIO_EVENT_INIT, pong = ACIO_EVENT_INIT;
    long half = a->count / 2;
    acio_task *one = acio_create_task(answer, &ping, &pong, half);
    acio_task *two = acio_create_task(answer, &pong, &ping, half);
    acio_sleep(0);
    double start_ns = bench_cpu_ns();
    acio_event_set(&ping);
    acio_await(one);
    acio_await(two);
    bench_print_each("ns", start_ns, 2 * half);
    return 0;
}

static const struct {
    const char *name;
    acio_function *run;
} parts[] = {
    { "lock", lock },
    { "handover", handover },
    { "semaphore", semaphore },
    { "event", event },
};

int
main(int argc, char **argv)
{
    struct amain_args args = { bench_argument(argc, argv, 2, 1000000) };
    struct acio_args copied = { &args, sizeof args };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (argc > 1 && strcmp(argv[1], parts[i].name) == 0)
            return acio_run_with(parts[i].run, copied, NULL) < 0;
    bench_require(0, "which part? lock, handover, semaphore or event");
    return 1;
}
