/* SPDX-License-Identifier: MIT */
/* Timers of libuv: arm and cancel one among 10,000 that are armed; and arm
 * 10,000 for whole milliseconds to come, and let them fire. */
#include "bench.h"

#include <uv.h>

enum { ARMED = 10000 };

static uv_timer_t timers[ARMED], one;
static uv_loop_t loop;

static void
fired(uv_timer_t *timer)
{
    (void)timer;
}

static void
cancel(long count)
{
    unsigned random = 1;
    for (int i = 0; i < ARMED; i++)
        uv_timer_start(&timers[i], fired, 60000 + bench_random(&random) % 10000,
            0);
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        uv_timer_start(&one, fired, 60000 + bench_random(&random) % 10000, 0);
        uv_timer_stop(&one);
    }
    bench_print_each("cancel_ns", start_ns, count);
    for (int i = 0; i < ARMED; i++)
        uv_timer_stop(&timers[i]);
}

static void
fire(long rounds)
{
    unsigned random = 1;
    double start_ns = bench_cpu_ns();
    for (long round = 0; round < rounds; round++) {
        uv_update_time(&loop);
        for (int i = 0; i < ARMED; i++)
            uv_timer_start(&timers[i], fired, 1 + bench_random(&random) % 10,
                0);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    bench_print_each("fire_ns", start_ns, rounds * ARMED);
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 1000000);
    bench_require(uv_loop_init(&loop) == 0, "uv_loop_init");
    for (int i = 0; i < ARMED; i++)
        uv_timer_init(&loop, &timers[i]);
    uv_timer_init(&loop, &one);
    cancel(count);
    fire(count / ARMED);
    return 0;
}
