/* SPDX-License-Identifier: MIT */
/* Timers: arm and cancel one among 10,000 that are armed, as time limits are
 * used; and arm 10,000 for whole milliseconds to come, and let them fire. */
#include "bench.h"

#include <acio.h>

enum { ARMED = 10000 };

static acio_timer timers[ARMED], one;
static long left;
static acio_loop *loop;

static void
fired(void *arg)
{
    (void)arg;
    if (--left == 0)
        acio_loop_stop(loop);
}

static void
cancel(long count)
{
    unsigned random = 1;
    for (int i = 0; i < ARMED; i++)
        acio_loop_call_later(loop, &timers[i],
            60 + 1e-3 * (bench_random(&random) % 10000), fired, NULL);
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        acio_loop_call_later(loop, &one,
            60 + 1e-3 * (bench_random(&random) % 10000), fired, NULL);
        acio_timer_cancel(loop, &one);
    }
    bench_print_each("cancel_ns", start_ns, count);
    for (int i = 0; i < ARMED; i++)
        acio_timer_cancel(loop, &timers[i]);
}

static void
fire(long rounds)
{
    unsigned random = 1;
    double start_ns = bench_cpu_ns();
    for (long round = 0; round < rounds; round++) {
        int64_t now_ns = acio_loop_time_ns(loop);
        left = ARMED;
        for (int i = 0; i < ARMED; i++)
            acio_loop_call_at_ns(loop, &timers[i],
                now_ns + 1000000 * (1 + bench_random(&random) % 10), fired,
                NULL);
        bench_require(acio_loop_run_forever(loop) == 0, "the loop");
    }
    bench_print_each("fire_ns", start_ns, rounds * ARMED);
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 1000000);
    bench_require(acio_loop_new(&loop, NULL) == 0, "acio_loop_new");
    cancel(count);
    fire(count / ARMED);
    acio_loop_close(loop);
    return 0;
}
