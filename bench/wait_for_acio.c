/* SPDX-License-Identifier: MIT */
/* Create a task and wait for it with a limit, which it never reaches. */
#include "bench.h"

#include <acio.h>

static int
work(void *arg)
{
    (void)arg;
    return 7;
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
        acio_task *task = acio_create_task(work);
        int result = acio_wait_for(task, 10);
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
