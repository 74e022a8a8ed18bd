/* SPDX-License-Identifier: MIT */
/* Time limits: whose they are, and who wins when much happens at once. */
#include "traces.h"

#include <math.h>

static const char *
expired(const acio_timeout *timeout)
{
    return acio_timeout_expired(timeout) ? "expired" : "not expired";
}

SCENARIO(limit_ends_a_sleep)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    int err = acio_sleep(5);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
    say("%s", word(acio_sleep(1)));
}

SCENARIO(limit_that_is_not_reached)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 3);
    int err = acio_sleep(1);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
    say("%s", word(acio_sleep(5)));
}

SCENARIO(limit_without_end)
{
    acio_timeout limit;
    acio_timeout_open(&limit, INFINITY);
    int err = acio_sleep(1000);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
}

SCENARIO(limit_inside_a_longer_one)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 2);
    acio_timeout_open(&inner, 1);
    int err = acio_sleep(5);
    acio_timeout_close(&inner);
    say("inner: %s", word(err));
    err = acio_sleep(5);
    acio_timeout_close(&outer);
    say("outer: %s", word(err));
    say("%s, %s", expired(&outer), expired(&inner));
}

SCENARIO(limit_inside_a_shorter_one)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 1);
    acio_timeout_open(&inner, 2);
    int err = acio_sleep(5);
    acio_timeout_close(&inner);
    acio_timeout_close(&outer);
    say("outer: %s", word(err));
    say("%s, %s", expired(&outer), expired(&inner));
}

SCENARIO(limits_of_equal_time_nested)
{
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 1);
    acio_timeout_open(&inner, 1);
    int err = acio_sleep(5);
    acio_timeout_close(&inner);
    acio_timeout_close(&outer);
    say("outer: %s", word(err));
    say("%s, %s", expired(&outer), expired(&inner));
}

struct limited_args {
    const char *text;
    double limit, delay;
};

static int
limited(void *arg)
{
    struct limited_args *a = arg;
    acio_timeout limit;
    acio_timeout_open(&limit, a->limit);
    int err = acio_sleep(a->delay);
    acio_timeout_close(&limit);
    say("%s: %s", a->text, word(err));
    return err;
}

SCENARIO(limits_of_equal_time_in_siblings)
{
    start(limited, .text = "a", .limit = 1, .delay = 5);
    start(limited, .text = "b", .limit = 1, .delay = 5);
    acio_sleep(2);
}

SCENARIO(limit_of_one_task_leaves_the_others)
{
    start(limited, .text = "a", .limit = 1, .delay = 5);
    start(limited, .text = "b", .limit = 4, .delay = 3);
    start(work, .text = "c", .delay = 2);
    acio_sleep(6);
}

SCENARIO(limit_armed_before_the_sleep_of_equal_time)
{
    start(limited, .text = "a", .limit = 1, .delay = 1);
    acio_sleep(2);
}

static void
set_result(void *arg)
{
    say("%s", word(acio_future_set_result(arg, 6)));
}

struct await_within_args {
    acio_future *future;
    double limit;
};

static int
await_within(void *arg)
{
    struct await_within_args *a = arg;
    acio_timeout limit;
    acio_timeout_open(&limit, a->limit);
    int result = acio_future_await(a->future);
    acio_timeout_close(&limit);
    say("%s, %s", word(result), expired(&limit));
    return result;
}

SCENARIO(limit_before_the_result_of_equal_time)
{
    acio_future future;
    acio_timer timer = { 0 };
    acio_future_init(&future);
    start(await_within, .future = &future, .limit = 1);
    acio_sleep(0);
    acio_loop_call_later(acio_get_running_loop(), &timer, 1, set_result,
        &future);
    acio_sleep(2);
}

SCENARIO(result_before_the_limit_of_equal_time)
{
    acio_future future;
    acio_timer timer = { 0 };
    acio_future_init(&future);
    acio_loop_call_later(acio_get_running_loop(), &timer, 1, set_result,
        &future);
    start(await_within, .future = &future, .limit = 1);
    acio_sleep(2);
}

SCENARIO(limit_of_no_time)
{
    acio_timeout limit;
    start(tick, .text = "other", .times = 2);
    acio_timeout_open(&limit, 0);
    say("inside");
    int err = acio_sleep(1);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
    acio_sleep(1);
}

SCENARIO(limit_that_has_passed_already)
{
    acio_timeout limit;
    acio_sleep(5);
    acio_timeout_open_at(&limit, 1);
    say("inside");
    int err = acio_sleep(1);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
}

SCENARIO(limit_of_no_time_around_nothing)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 0);
    say("inside");
    acio_timeout_close(&limit);
    say("%s", word(acio_sleep(1)));
}

SCENARIO(limit_may_be_moved)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    say("%.1f", acio_timeout_when(&limit));
    acio_timeout_reschedule(&limit, 3);
    say("%.1f", acio_timeout_when(&limit));
    int err = acio_sleep(2);
    say("%s, %s", word(err), expired(&limit));
    acio_timeout_reschedule(&limit, 2.5);
    err = acio_sleep(5);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
}

SCENARIO(limit_cancels_what_is_awaited)
{
    acio_timeout limit;
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_timeout_open(&limit, 1);
    int err = acio_await(task);
    acio_timeout_close(&limit);
    say("%s", word(err));
}

SCENARIO(limit_waits_for_the_clean_up_of_what_is_awaited)
{
    acio_timeout limit;
    acio_task *task = acio_create_task(tidy, .text = "task", .delay = 5,
        .cleanup = 2);
    acio_timeout_open(&limit, 1);
    int err = acio_await(task);
    acio_timeout_close(&limit);
    say("%s", word(err));
}

SCENARIO(limit_and_an_error_of_what_is_awaited)
{
    acio_timeout limit;
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = -EIO);
    acio_timeout_open(&limit, 2);
    int err = acio_await(task);
    acio_timeout_close(&limit);
    say("%s, %s", word(err), expired(&limit));
}

SCENARIO(limit_against_a_cancel_before_it)
{
    acio_task *task = acio_create_task(limited, .text = "task", .limit = 2,
        .delay = 5);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(limit_after_a_cancel_in_the_same_pass)
{
    acio_timer timer = { 0 };
    acio_task *task = acio_create_task(limited, .text = "task", .limit = 1,
        .delay = 5);
    call_later(&timer, 1, "timer");
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(wait_for_a_result_in_time)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    say("%s", word(acio_wait_for(task, 2)));
}

SCENARIO(wait_for_a_result_too_late)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5,
        .result = 3);
    say("%s", word(acio_wait_for(task, 2)));
}

SCENARIO(wait_for_an_error)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = -EIO);
    say("%s", word(acio_wait_for(task, 2)));
}

SCENARIO(wait_for_clean_up)
{
    acio_task *task = acio_create_task(tidy, .text = "task", .delay = 5,
        .cleanup = 3);
    say("%s", word(acio_wait_for(task, 1)));
}

SCENARIO(wait_for_who_swallows_the_cancel)
{
    acio_task *task = acio_create_task(stubborn, .text = "task", .delay = 5,
        .result = 7);
    say("%s", word(acio_wait_for(task, 1)));
}

SCENARIO(wait_for_no_time)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1);
    acio_sleep(0);
    say("%s", word(acio_wait_for(task, 0)));
}

SCENARIO(wait_for_no_time_what_is_finished)
{
    acio_task *task = acio_create_task(work, .text = "task", .result = 3);
    acio_sleep(1);
    start(work, .text = "other");
    say("%s", word(acio_wait_for(task, 0)));
    acio_sleep(1);
}

SCENARIO(wait_for_a_result_of_equal_time)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    acio_sleep(0);
    say("%s", word(acio_wait_for(task, 1)));
}

struct wait_within_args {
    acio_task *task;
    double limit;
};

static int
wait_within(void *arg)
{
    struct wait_within_args *a = arg;
    int result = acio_wait_for(a->task, a->limit);
    say("waiter: %s", word(result));
    return result;
}

SCENARIO(wait_for_is_cancelled)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *waiter = acio_create_task(wait_within, .task = task, .limit = 3);
    acio_sleep(1);
    acio_cancel(waiter);
    say("%s", word(acio_await(waiter)));
}
