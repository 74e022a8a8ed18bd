/* SPDX-License-Identifier: MIT */
/* Create a task, let it run and finish, take its result; one after the other,
 * so that each finds the stack of the one before. */
#include "bench.h"

#include <acio.h>

struct work_args {
    int number;
};

static int
work(void *arg)
{
    struct work_args *a = arg;
    return a->number;
}

struct amain_args {
    long count;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < a->count; i++) {
        acio_task *task = acio_create_task(work, .number = 7);
        int result = acio_await(task);
        bench_require(result == 7, "a task's result");
    }
    bench_print_each("ns", start_ns, a->count);
    return 0;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .count = bench_argument(argc, argv, 1, 1000000)) < 0;
}
