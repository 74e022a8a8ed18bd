/* SPDX-License-Identifier: MIT */
/* Seconds as people write them, and nanoseconds as the library counts. */
#include "base/clock.h"

#include <math.h>

#include "spec.h"

TEST(clock, rounds_seconds_to_the_nearest_nanosecond)
{
    EXPECT_EQ(acioi_seconds_to_ns(0.0), 0);
    EXPECT_EQ(acioi_seconds_to_ns(1.5), 1500000000);
    EXPECT_EQ(acioi_seconds_to_ns(0.1 + 0.2), 300000000);
    EXPECT_EQ(acioi_seconds_to_ns(0.6e-9), 1);
    EXPECT_EQ(acioi_seconds_to_ns(0.4e-9), 0);
    EXPECT_EQ(acioi_seconds_to_ns(-0.6e-9), -1);
}

TEST(clock, saturates_where_nanoseconds_end)
{
    EXPECT_EQ(acioi_seconds_to_ns(1e10), ACIOI_NEVER);
    EXPECT_EQ(acioi_seconds_to_ns((double)INFINITY), ACIOI_NEVER);
    EXPECT_EQ(acioi_seconds_to_ns(-(double)INFINITY), -ACIOI_NEVER);
    EXPECT_EQ(acioi_seconds_to_ns((double)NAN), 0);
}

TEST(clock, adds_without_overflow)
{
    EXPECT_EQ(acioi_time_add(1, 2), 3);
    EXPECT_EQ(acioi_time_add(ACIOI_NEVER, 1), ACIOI_NEVER);
    EXPECT_EQ(acioi_time_add(ACIOI_NEVER - 1, 1), ACIOI_NEVER);
    EXPECT_EQ(acioi_time_add(ACIOI_NEVER, ACIOI_NEVER), ACIOI_NEVER);
}

TEST(clock, does_not_run_backwards)
{
    int64_t last = acioi_clock_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = acioi_clock_ns();
        REQUIRE(now >= last);
        last = now;
    }
    EXPECT(acioi_clock_coarse_ns() <= acioi_clock_ns());
}
