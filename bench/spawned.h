/* SPDX-License-Identifier: MIT */
/* spawned.h - start /bin/true and wait for its end, one after the other
 *
 *     PROGRAM MIB COUNT
 *
 * The process that starts them holds MIB of memory of its own, in pages of 4
 * KiB: what has to copy its tables (fork) is told from what has not. Where the
 * child borrows the parent's memory, a part of the work is on the child's
 * account, so there is a figure with the children's time, too.
 */
#ifndef ACIO_BENCH_SPAWNED_H
#define ACIO_BENCH_SPAWNED_H

#include "bench.h"

#include <sys/mman.h>

struct bench_spawn {
    long count, left;
    double own_ns, children_ns;
};

static inline double
bench_children_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    double seconds = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec);
    double micros = (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    return seconds * 1e9 + micros * 1e3;
}

static inline struct bench_spawn
bench_spawn_begin(int argc, char **argv)
{
    bench_require(argc == 3, "two arguments");
    size_t bytes = (size_t)atol(argv[1]) << 20;
    if (bytes > 0) {
        void *held = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bench_require(held != MAP_FAILED, "memory");
        madvise(held, bytes, MADV_NOHUGEPAGE);
        memset(held, 1, bytes);
    }
    long count = atol(argv[2]);
    return (struct bench_spawn){ .count = count,
        .left = count,
        .own_ns = bench_cpu_ns(),
        .children_ns = bench_children_ns() };
}

static inline void
bench_spawn_print(const struct bench_spawn *s)
{
    double own = (bench_cpu_ns() - s->own_ns) / (double)s->count;
    double theirs = (bench_children_ns() - s->children_ns) / (double)s->count;
    bench_print("ns", own);
    bench_print("all_ns", own + theirs);
}

#endif
