/* SPDX-License-Identifier: MIT */
/* The bare context switch: there and back, nothing else. */
#include "bench.h"

#include "coro/coro.h"

static struct acioi_coro outside, inside;
static char stack[64 << 10] __attribute__((aligned(64)));

static void
come_back(void *arg)
{
    (void)arg;
    for (;;)
        acioi_coro_switch(&inside, &outside);
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 20000000);
    acioi_coro_init_thread(&outside);
    acioi_coro_init(&inside, stack, stack + sizeof stack, come_back, NULL);
    acioi_coro_switch(&outside, &inside);

    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count / 2; i++)
        acioi_coro_switch(&outside, &inside);
    bench_print_each("ns", start_ns, count);
    return 0;
}
