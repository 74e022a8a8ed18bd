/* SPDX-License-Identifier: MIT */
/* clock.h - the machine's monotonic clock, and seconds as nanoseconds
 *
 * Users write seconds as doubles, as in asyncio; inside, time is int64_t
 * nanoseconds, and ACIOI_NEVER is the time that does not come.
 */
#ifndef ACIOI_CLOCK_H
#define ACIOI_CLOCK_H

#include <stdint.h>

#define ACIOI_NEVER INT64_MAX
#define ACIOI_SECOND_NS INT64_C(1000000000)

/* CLOCK_MONOTONIC, some 20 ns to read. */
int64_t acioi_clock_ns(void);

/* The same clock as of the last timer tick: up to 10 ms behind, some 5 ns. */
int64_t acioi_clock_coarse_ns(void);

/* Rounds to the nearest nanosecond; saturates. NaN gives 0. */
int64_t acioi_seconds_to_ns(double seconds);

/* a + b, saturated at ACIOI_NEVER; neither may be negative. */
static inline int64_t
acioi_time_add(int64_t a, int64_t b)
{
    return a > ACIOI_NEVER - b ? ACIOI_NEVER : a + b;
}

#endif
