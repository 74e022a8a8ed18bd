/* SPDX-License-Identifier: MIT */
/* files.h - reads of 4 KiB at random places of a file, many at a time
 *
 *     PROGRAM FILE cached|direct COUNT
 *
 * Each block of the file begins with its number, which is compared. With
 * direct, the reads go past the page cache (O_DIRECT), so that they wait.
 */
#ifndef ACIO_BENCH_FILES_H
#define ACIO_BENCH_FILES_H

#include "bench.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, DEPTH = 64 };

struct bench_file {
    int fd;
    unsigned blocks, random;
    long count, left; /* reads in all, and those not begun */
    double cpu_ns, real_ns;
    char (*data)[BLOCK]; /* DEPTH of them, aligned */
};

static inline struct bench_file
bench_file_open(int argc, char **argv)
{
    bench_require(argc == 4, "three arguments");
    struct bench_file f = { .random = 1, .count = atol(argv[3]) };
    int direct = strcmp(argv[2], "direct") == 0 ? O_DIRECT : 0;
    struct stat status;
    f.fd = open(argv[1], O_RDONLY | O_CLOEXEC | direct);
    bench_require(f.fd >= 0 && fstat(f.fd, &status) == 0, argv[1]);
    f.blocks = (unsigned)(status.st_size / BLOCK);
    f.left = f.count;
    f.data = aligned_alloc(BLOCK, (size_t)DEPTH * BLOCK);
    bench_require(f.data != NULL, "memory");
    memset(f.data, 0, (size_t)DEPTH * BLOCK);
    f.cpu_ns = bench_cpu_ns();
    f.real_ns = bench_clock_ns(CLOCK_MONOTONIC);
    return f;
}

/* The number of the block to read next. */
static inline unsigned
bench_file_next(struct bench_file *f)
{
    f->left--;
    return bench_random(&f->random) % f->blocks;
}

static inline void
bench_file_check(long got, const char *data, unsigned block)
{
    unsigned number;
    memcpy(&number, data, sizeof number);
    bench_require(got == BLOCK && number == block, "the right block came");
}

static inline void
bench_file_print(const struct bench_file *f)
{
    double wall = bench_clock_ns(CLOCK_MONOTONIC) - f->real_ns;
    bench_print_each("ns", f->cpu_ns, f->count);
    bench_print("wall_ns", wall / (double)f->count);
}

#endif
