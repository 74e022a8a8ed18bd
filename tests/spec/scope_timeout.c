/* SPDX-License-Identifier: MIT */
/* Time limits: of a block, nested, moved, and of one task. */
#include <math.h>

#include "task_parts.h"

static double
now(void)
{
    return acio_loop_time(acio_get_running_loop());
}

SPEC(timeout, ends_what_takes_too_long)
{
    acio_timeout limit;
    EXPECT_ERR(acio_timeout_open(&limit, 0.002), 0);
    EXPECT_ERR(acio_sleep(1000), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    EXPECT_ELAPSED(0.002);
    acio_timeout_close(&limit);
}

SPEC(timeout, leaves_alone_what_is_in_time)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1000);
    EXPECT_ERR(acio_sleep(0.001), 0);
    acio_timeout_close(&limit);
    EXPECT(!acio_timeout_expired(&limit));
    EXPECT_ELAPSED(0.001);
}

SPEC_SIM(timeout, is_answered_by_every_suspension_point_up_to_its_end)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_sleep(2), -ETIMEDOUT);
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    EXPECT_ERR(acio_sleep(3), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_sleep(1), 0);
    EXPECT_ELAPSED(2);
}

SPEC_SIM(timeout, is_known_after_its_end)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_sleep(2);
    acio_timeout_close(&limit);
    EXPECT(acio_timeout_expired(&limit));
    acio_timeout_close(&limit);
    EXPECT(acio_timeout_expired(&limit));
}

SPEC_SIM(timeout, is_of_the_block_and_not_of_each_call)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_sleep(0.4), 0);
    EXPECT_ERR(acio_sleep(0.4), 0);
    EXPECT_ERR(acio_sleep(0.4), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
    acio_timeout_close(&limit);
}

static void
return_early(void)
{
    ACIO_TIMEOUT(limit, 1);
    int err = acio_sleep(0);
    if (err == 0)
        return;
    EXPECT(false);
}

SPEC_SIM(timeout, ends_with_its_block_however_that_is_left)
{
    return_early();
    for (int i = 0; i < 2; i++) {
        ACIO_TIMEOUT(limit, 1);
        if (i == 0)
            continue;
        break;
    }
    EXPECT_ERR(acio_sleep(5), 0);
}

/* ---- nested ---- */

SPEC_SIM(timeout, that_is_the_inner_one_is_blamed_when_it_is_the_shorter)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 2);
    acio_timeout_open(&inner, 1);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&inner));
    EXPECT(!acio_timeout_expired(&outer));
    acio_timeout_close(&inner);
    EXPECT_ERR(acio_sleep(0.5), 0);
    acio_timeout_close(&outer);
    EXPECT(!acio_timeout_expired(&outer));
    EXPECT_ELAPSED(1.5);
}

SPEC_SIM(timeout, that_is_the_outer_one_is_blamed_when_it_is_the_shorter)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 1);
    acio_timeout_open(&inner, 2);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&outer));
    EXPECT(!acio_timeout_expired(&inner));
    acio_timeout_close(&inner);
    EXPECT_ERR(acio_sleep(0.5), -ETIMEDOUT);
    acio_timeout_close(&outer);
    EXPECT_ELAPSED(1);
}

SPEC_SIM(timeout, of_ten_nested_ones_is_the_one_that_expired)
{
    acio_timeout limits[10];
    for (int i = 0; i < 10; i++)
        acio_timeout_open(&limits[i], i == 6 ? 1 : 5);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(acio_timeout_expired(&limits[i]), i == 6);
    for (int i = 9; i > 6; i--) {
        EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
        acio_timeout_close(&limits[i]);
    }
    acio_timeout_close(&limits[6]);
    EXPECT_ERR(acio_sleep(0), 0);
    for (int i = 5; i >= 0; i--)
        acio_timeout_close(&limits[i]);
}

SPEC_SIM(timeout, may_expire_inside_and_outside_at_once)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 1);
    acio_timeout_open(&inner, 1);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    acio_timeout_close(&inner);
    EXPECT(acio_timeout_expired(&inner));
    EXPECT(acio_timeout_expired(&outer));
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&outer);
}

SPEC_SIM(timeout, comes_after_a_cancel_of_the_task)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_sleep(2);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    acio_uncancel(acio_current_task());
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&limit);
}

/* ---- moved, and odd ---- */

SPEC_SIM(timeout, can_be_at_a_time)
{
    acio_timeout limit;
    double when = now() + 3;
    EXPECT_ERR(acio_timeout_open_at(&limit, when), 0);
    EXPECT_NEAR(acio_timeout_when(&limit), when, 1e-9);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT_ELAPSED(3);
    acio_timeout_close(&limit);
}

SPEC_SIM(timeout, can_be_moved_to_a_later_time)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() + 4), 0);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT_ELAPSED(4);
    acio_timeout_close(&limit);
}

SPEC_SIM(timeout, can_be_moved_to_an_earlier_time)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 10);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() + 1), 0);
    EXPECT_ERR(acio_sleep(20), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
    acio_timeout_close(&limit);
}

SPEC_SIM(timeout, can_be_moved_to_never_and_back)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_timeout_reschedule(&limit, INFINITY), 0);
    EXPECT_EQ(acio_timeout_when(&limit), INFINITY);
    EXPECT_ERR(acio_sleep(5), 0);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() + 1), 0);
    EXPECT_ERR(acio_sleep(5), -ETIMEDOUT);
    EXPECT_ELAPSED(6);
    acio_timeout_close(&limit);
}

SPEC_SIM(timeout, that_is_moved_into_the_past_has_expired)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 10);
    acio_sleep(2);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() - 1), 0);
    EXPECT(acio_timeout_expired(&limit));
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_sleep(20), 0);
}

SPEC_SIM(timeout, cannot_be_moved_once_it_has_expired_or_ended)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_sleep(2);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() + 5), -ACIO_EINVALIDSTATE);
    acio_timeout_close(&limit);
    acio_timeout_open(&limit, 1);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_timeout_reschedule(&limit, now() + 5), -ACIO_EINVALIDSTATE);
}

struct move_limit_args {
    acio_timeout *limit;
};

static int
move_limit(void *arg)
{
    struct move_limit_args *a = arg;
    return acio_timeout_reschedule(a->limit, now() + 5);
}

SPEC_SIM(timeout, can_be_moved_by_another_task)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    start(move_limit, .limit = &limit);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT_ELAPSED(5);
    acio_timeout_close(&limit);
}

SPEC(timeout, of_no_time_has_expired)
{
    acio_timeout limit;
    EXPECT_ERR(acio_timeout_open(&limit, 0), 0);
    EXPECT(acio_timeout_expired(&limit));
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_timeout_open(&limit, -5), 0);
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_timeout_open(&limit, -INFINITY), 0);
    EXPECT_ERR(acio_sleep(0), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_sleep(0), 0);
}

SPEC_SIM(timeout, without_end_never_expires)
{
    acio_timeout limit;
    EXPECT_ERR(acio_timeout_open(&limit, INFINITY), 0);
    EXPECT_EQ(acio_timeout_when(&limit), INFINITY);
    EXPECT_ERR(acio_sleep(1e6), 0);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_timeout_open(&limit, 1e300), 0);
    EXPECT_ERR(acio_sleep(1e6), 0);
    acio_timeout_close(&limit);
}

SPEC(timeout, that_is_no_number_is_refused)
{
    acio_timeout limit;
    EXPECT_ERR(acio_timeout_open(&limit, NAN), -EINVAL);
    EXPECT_ERR(acio_sleep(0), -EINVAL);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_timeout_open_at(&limit, NAN), -EINVAL);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_timeout_open(&limit, 10), 0);
    EXPECT_ERR(acio_timeout_reschedule(&limit, NAN), -EINVAL);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_timeout_close(&limit);
}

/* ---- over other tasks ---- */

SPEC_SIM(timeout, cancels_the_task_that_is_awaited)
{
    acio_task *task = acio_create_task(work, .seconds = 10);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_await(task), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
    acio_timeout_close(&limit);
}

SPEC_SIM(timeout, does_not_reach_the_tasks_that_are_started_inside_it)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_task *task = acio_create_task(work, .seconds = 2, .result = 3);
    acio_sleep(5);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(1);
    EXPECT_EQ(acio_await(task), 3);
    EXPECT_ELAPSED(2);
}

/* ---- wait_for ---- */

SPEC(wait_for, gives_the_result_of_a_task_in_time)
{
    acio_task *task = acio_create_task(work, .seconds = 0.001, .result = 8);
    EXPECT_EQ(acio_wait_for(task, 1000), 8);
}

SPEC_SIM(wait_for, cancels_a_task_that_is_too_slow)
{
    acio_task *task = acio_create_task(work, .seconds = 10, .text = "done");
    EXPECT_ERR(acio_wait_for(task, 2), -ETIMEDOUT);
    EXPECT_ELAPSED(2);
    EXPECT_NOTED("");
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
}

SPEC_SIM(wait_for, waits_for_a_task_that_ends_late_and_gives_its_result)
{
    acio_task *task = acio_create_task(stubborn, .seconds = 10, .result = 4);
    EXPECT_EQ(acio_wait_for(task, 2), 4);
    EXPECT_ELAPSED(10);
}

SPEC_SIM(wait_for, gives_a_result_that_comes_with_the_deadline)
{
    acio_task *task = acio_create_task(work, .seconds = 1, .result = 4);
    settle();
    EXPECT_EQ(acio_wait_for(task, 1), 4);
    EXPECT_ELAPSED(1);
}

SPEC(wait_for, without_time_takes_only_what_has_finished)
{
    acio_task *done = acio_create_task(work, .result = 4);
    settle();
    EXPECT_EQ(acio_wait_for(done, 0), 4);
    acio_task *late = acio_create_task(work, .seconds = 1000);
    EXPECT_ERR(acio_wait_for(late, 0), -ETIMEDOUT);
    late = acio_create_task(work, .seconds = 1000);
    EXPECT_ERR(acio_wait_for(late, -1), -ETIMEDOUT);
}

SPEC_SIM(wait_for, without_end_waits_as_long_as_it_takes)
{
    acio_task *task = acio_create_task(work, .seconds = 1e6, .result = 1);
    EXPECT_EQ(acio_wait_for(task, INFINITY), 1);
    EXPECT_ELAPSED(1e6);
}

SPEC_SIM(wait_for, leaves_the_limit_around_it_in_force)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_task *task = acio_create_task(work, .seconds = 10);
    EXPECT_ERR(acio_wait_for(task, 5), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    EXPECT_ELAPSED(1);
    acio_timeout_close(&limit);
}

struct wait_two_seconds_args {
    acio_task *task;
};

static int
wait_two_seconds(void *arg)
{
    struct wait_two_seconds_args *a = arg;
    int result = acio_wait_for(a->task, 2);
    return result;
}

SPEC_SIM(wait_for, that_is_cancelled_cancels_the_task)
{
    acio_task *inner = acio_create_task(work, .seconds = 1000);
    acio_task *outer = acio_create_task(wait_two_seconds, .task = inner);
    settle();
    acio_cancel(outer);
    EXPECT_ERR(acio_await(outer), -ECANCELED);
    EXPECT_ELAPSED(0);
}
