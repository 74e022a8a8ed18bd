/* SPDX-License-Identifier: MIT */
/* clock.c - the machine's monotonic clock, and seconds as nanoseconds */
#include "clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * ACIOI_SECOND_NS + t.tv_nsec;
}

int64_t
acioi_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t
acioi_clock_coarse_ns(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}

int64_t
acioi_seconds_to_ns(double seconds)
{
    if (seconds != seconds)
        return 0;
    double ns = seconds * 1e9;
    if (ns >= 9.2e18)
        return ACIOI_NEVER;
    if (ns <= -9.2e18)
        return -ACIOI_NEVER;
    return (int64_t)(ns < 0 ? ns - 0.5 : ns + 0.5);
}
