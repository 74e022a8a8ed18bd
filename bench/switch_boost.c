/* SPDX-License-Identifier: MIT */
/* The bare context switch of Boost.Context. Its C++ header adds objects to
 * these two functions, which are the fastest that it has. */
#include "bench.h"

typedef void *fcontext;

struct transfer {
    fcontext from;
    void *data;
};

struct transfer jump_fcontext(fcontext to, void *data);
fcontext make_fcontext(void *high, size_t bytes,
    void (*entry)(struct transfer));

static char stack[64 << 10] __attribute__((aligned(64)));

static void
come_back(struct transfer t)
{
    for (;;)
        t = jump_fcontext(t.from, t.data);
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 20000000);
    struct transfer t = { .from = make_fcontext(stack + sizeof stack,
                              sizeof stack, come_back) };
    t = jump_fcontext(t.from, NULL);

    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count / 2; i++)
        t = jump_fcontext(t.from, NULL);
    bench_print_each("ns", start_ns, count);
    return 0;
}
