/* SPDX-License-Identifier: MIT */
/* Random reads by pread(2), one after the other: what they cost at least. */
#include "files.h"

int
main(int argc, char **argv)
{
    struct bench_file f = bench_file_open(argc, argv);
    while (f.left > 0) {
        unsigned block = bench_file_next(&f);
        ssize_t got = pread(f.fd, f.data[0], BLOCK, (off_t)block * BLOCK);
        bench_file_check(got, f.data[0], block);
    }
    bench_file_print(&f);
    return 0;
}
