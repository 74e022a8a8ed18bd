/* SPDX-License-Identifier: MIT */
/* Waiting for a task that goes on when the waiter does not:
 * acio_await_shielded; and what acio_wait_for does with a task that does not
 * end by the cancel. */
#include "task_parts.h"

struct await_shielded_args {
    acio_task *task;
};

static int
await_shielded(void *arg)
{
    struct await_shielded_args *a = arg;
    int result = acio_await_shielded(a->task);
    return result;
}

SPEC(await_shielded, gives_the_result_and_ends_the_handle)
{
    acio_task *task = acio_create_task(work, .seconds = 0.001, .result = 7);
    EXPECT_EQ(acio_await_shielded(task), 7);
    EXPECT_ERR(acio_await_shielded(task), -ACIO_EGONE);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
}

SPEC(await_shielded, gives_the_result_of_a_task_that_has_finished)
{
    acio_task *task = acio_create_task(work, .result = -EIO);
    settle();
    EXPECT_ERR(acio_await_shielded(task), -EIO);
}

SPEC_SIM(await_shielded, lets_the_task_go_on_when_its_caller_is_cancelled)
{
    acio_task *task = acio_create_task(work, .seconds = 3, .result = 7);
    acio_task *waiter = acio_create_task(await_shielded, .task = task);
    settle();
    EXPECT_TEXT(acio_task_waits_for(waiter), "await");
    acio_cancel(waiter);
    EXPECT_ERR(acio_await(waiter), -ECANCELED);
    EXPECT_ELAPSED(0);
    EXPECT_EQ(acio_cancelling(task), 0);
    EXPECT(!acio_task_done(task));
    EXPECT_EQ(acio_await(task), 7);
    EXPECT_ELAPSED(3);
}

SPEC_SIM(await_shielded, lets_the_task_go_on_past_its_callers_deadline)
{
    acio_task *task = acio_create_task(work, .seconds = 3, .result = 7);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_await_shielded(task), -ETIMEDOUT);
    EXPECT_ERR(acio_await_shielded(task), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
    acio_timeout_close(&limit);
    EXPECT_EQ(acio_await_shielded(task), 7);
    EXPECT_ELAPSED(3);
}

SPEC_SIM(await_shielded, ends_when_the_task_itself_is_cancelled)
{
    acio_task *task = acio_create_task(work, .seconds = 1000);
    acio_task *waiter = acio_create_task(await_shielded, .task = task);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(waiter), -ECANCELED);
    EXPECT(acio_task_done(task));
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
}

SPEC(await_shielded, gives_a_result_that_came_with_the_cancel)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 7);
    acio_task *waiter = acio_create_task(await_shielded, .task = task);
    settle();
    acio_future_set_result(&gate, 0);
    acio_cancel(waiter);
    EXPECT_EQ(acio_await(waiter), 7);
}

SPEC(await_shielded, serves_several_of_whom_one_may_leave)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 7);
    acio_task *one = acio_create_task(await_shielded, .task = task);
    acio_task *two = acio_create_task(await_shielded, .task = task);
    settle();
    acio_cancel(one);
    EXPECT_ERR(acio_await(one), -ECANCELED);
    acio_future_set_result(&gate, 0);
    EXPECT_EQ(acio_await(two), 7);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
}

SPEC_SIM(await_shielded, leaves_an_error_to_who_looks_later)
{
    acio_task *task = acio_create_task(work, .seconds = 2, .result = -EIO);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_await_shielded(task), -ETIMEDOUT);
    acio_timeout_close(&limit);
    acio_detach(task);
    finish();
    EXPECT_REPORTED("work: a task failed and nobody awaited it: "
                    "Input/output error\n");
}

struct await_each_other_args {
    acio_task **other;
};

static int
await_each_other(void *arg)
{
    struct await_each_other_args *a = arg;
    int result = acio_await_shielded(*a->other);
    return result;
}

SPEC(await_shielded, refuses_what_acio_await_refuses)
{
    acio_task *one = NULL, *two = NULL, *self = acio_current_task();
    EXPECT_ERR(acio_await_shielded(NULL), -EINVAL);
    EXPECT_ERR(acio_await_shielded(self), -ACIO_ESELF);
    one = acio_create_task(await_each_other, .other = &two);
    two = acio_create_task(await_each_other, .other = &one);
    EXPECT_ERR(acio_await(one), -EDEADLK);
}

TEST(await_shielded, does_not_exist_outside_of_a_loop)
{
    EXPECT_ERR(acio_await_shielded(NULL), -EINVAL);
    EXPECT_ERR(acio_await_shielded((acio_task *)4096), -ACIO_ENOLOOP);
}

/* ---- wait_for ---- */

static int
fail_to_clean_up(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    return err == -ECANCELED ? -EIO : err;
}

SPEC_SIM(wait_for, gives_the_error_of_a_task_that_did_not_end_by_the_cancel)
{
    acio_task *task = acio_create_task(fail_to_clean_up);
    EXPECT_ERR(acio_wait_for(task, 1), -EIO);
    EXPECT_ELAPSED(1);
}

SPEC_SIM(wait_for, cancels_a_task_whose_own_time_comes_just_after_the_deadline)
{
    acio_task *task = acio_create_task(work, .seconds = 1, .result = 4);
    EXPECT_ERR(acio_wait_for(task, 1), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
}

static void
open_gate(void *arg)
{
    acio_future_set_result(arg, 0);
}

SPEC_SIM(wait_for, gives_a_result_whose_cause_came_just_before_the_deadline)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_timer timer = { 0 };
    acio_loop *loop = acio_get_running_loop();
    acio_loop_call_later(loop, &timer, 1, open_gate, &gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 4);
    EXPECT_EQ(acio_wait_for(task, 1), 4);
    EXPECT_ELAPSED(1);
    acio_timer_cancel(loop, &timer);
}

SPEC(wait_for, with_no_time_does_not_start_a_task)
{
    acio_task *task = acio_create_task(say, .text = "started");
    EXPECT_ERR(acio_wait_for(task, 0), -ETIMEDOUT);
    EXPECT_NOTED("");
}
