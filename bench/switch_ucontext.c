/* SPDX-License-Identifier: MIT */
/* The context switch of POSIX, which also saves the signal mask: a system
 * call each time. */
#include "bench.h"

#include <ucontext.h>

static ucontext_t outside, inside;
static char stack[64 << 10] __attribute__((aligned(64)));

static void
come_back(void)
{
    for (;;)
        swapcontext(&inside, &outside);
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 1000000);
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof stack;
    makecontext(&inside, come_back, 0);

    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count / 2; i++)
        swapcontext(&outside, &inside);
    bench_print_each("ns", start_ns, count);
    return 0;
}
