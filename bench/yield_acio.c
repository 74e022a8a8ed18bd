/* SPDX-License-Identifier: MIT */
/* Two tasks take turns: acio_sleep(0), through the scheduler each time. */
#include "bench.h"

#include <acio.h>

struct turns_args {
    long count;
};

static int
turns(void *arg)
{
    struct turns_args *a = arg;
    for (long i = 0; i < a->count; i++)
        acio_sleep(0);
    return 0;
}

struct amain_args {
    long count;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    acio_task *one = acio_create_task(turns, .count = a->count / 2);
    acio_task *two = acio_create_task(turns, .count = a->count / 2);
    double start_ns = bench_cpu_ns();
    acio_await(one);
    acio_await(two);
    bench_print_each("ns", start_ns, a->count);
    return 0;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .count = bench_argument(argc, argv, 1, 4000000)) < 0;
}
