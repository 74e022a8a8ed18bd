/* SPDX-License-Identifier: MIT */
/* flow.h - what a stream of bytes in one direction consists of
 *
 * One block over and over. In byte `at` of the stream stands byte
 * `at % FLOW_BLOCK` of the block, so that the receiver can look at the two
 * ends of whatever came.
 */
#ifndef ACIO_BENCH_FLOW_H
#define ACIO_BENCH_FLOW_H

#include "bench.h"

enum { FLOW_BLOCK = 64 << 10 };

static char flow_block[FLOW_BLOCK];

static inline void
flow_fill(void)
{
    unsigned random = 1;
    for (size_t i = 0; i < FLOW_BLOCK; i++)
        flow_block[i] = (char)(bench_random(&random) >> 8);
}

static inline void
flow_check(long at, const char *data, long bytes)
{
    long last = bytes - 1;
    bench_require(data[0] == flow_block[at % FLOW_BLOCK] &&
            data[last] == flow_block[(at + last) % FLOW_BLOCK],
        "the right bytes came");
}

#endif
