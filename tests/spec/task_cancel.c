/* SPDX-License-Identifier: MIT */
/* Cancelling tasks: sticky, taken back, passed on. */
#include "task_parts.h"

/* ---- the request ---- */

SPEC(cancel, ends_the_wait_of_a_parked_task)
{
    acio_task *task = acio_create_task(work, .seconds = 1000);
    settle();
    EXPECT(acio_cancel(task));
    EXPECT_ERR(acio_await(task), -ECANCELED);
}

SPEC(cancel, marks_the_task_that_ended_by_it)
{
    acio_task *task = acio_create_task(work, .seconds = 1000);
    settle();
    acio_cancel(task);
    EXPECT(!acio_task_cancelled(task));
    EXPECT(!acio_task_done(task));
    settle();
    EXPECT(acio_task_cancelled(task));
    EXPECT_ERR(acio_task_result(task), -ECANCELED);
    acio_detach(task);
}

SPEC(cancel, leaves_a_finished_task_alone)
{
    acio_task *task = acio_create_task(work, .result = 1);
    settle();
    EXPECT(!acio_cancel(task));
    EXPECT_EQ(acio_cancelling(task), 0);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(cancel, is_not_seen_by_a_task_that_never_suspends_again)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 7);
    settle();
    acio_future_set_result(&gate, 0);
    EXPECT(acio_cancel(task));
    EXPECT_EQ(acio_await(task), 7);
}

/* ---- before the first step ---- */

SPEC(cancel, before_its_first_step_keeps_a_task_from_running)
{
    acio_task *task = acio_create_task(say, .text = "ran");
    EXPECT(acio_cancel(task));
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("");
}

static int
say_and_sleep(void *arg)
{
    note("%s ", *(const char **)arg);
    int err = acio_sleep(0);
    return err;
}

SPEC(cancel, before_its_first_step_is_seen_inside_a_task_that_always_starts)
{
    const char *text = "ran";
    acio_task *task = acio_create_task_with(say_and_sleep,
        (struct acio_args){ &text, sizeof text },
        &(struct acio_task_options){ .always_start = true });
    EXPECT(acio_cancel(task));
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("ran ");
}

SPEC(cancel, taken_back_before_its_first_step_lets_a_task_run)
{
    acio_task *task = acio_create_task(say, .text = "ran");
    EXPECT(acio_cancel(task));
    EXPECT_EQ(acio_uncancel(task), 0);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("ran ");
}

/* ---- sticky ---- */

static int
sleep_thrice(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        int err = acio_sleep(1000);
        note("%s ", err == -ECANCELED ? "cancelled" : "slept");
    }
    return 5;
}

SPEC(cancel, is_answered_by_every_suspension_point_that_follows)
{
    acio_task *task = acio_create_task(sleep_thrice);
    settle();
    acio_cancel(task);
    EXPECT_EQ(acio_await(task), 5);
    EXPECT_NOTED("cancelled cancelled cancelled ");
}

SPEC(cancel, that_is_swallowed_leaves_the_tasks_own_result)
{
    acio_task *task = acio_create_task(sleep_thrice);
    settle();
    acio_cancel(task);
    settle();
    EXPECT(acio_task_done(task));
    EXPECT(!acio_task_cancelled(task));
    EXPECT_EQ(acio_await(task), 5);
    EXPECT_NOTED("cancelled cancelled cancelled ");
}

SPEC(cancel, of_itself_is_seen_at_the_next_suspension_point)
{
    acio_task *self = acio_current_task();
    EXPECT(acio_cancel(self));
    EXPECT_EQ(acio_cancelling(self), 1);
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    EXPECT_ERR(acio_sleep(1), -ECANCELED);
    EXPECT_EQ(acio_uncancel(self), 0);
    EXPECT_ERR(acio_sleep(0), 0);
}

SPEC(cancel, counts_its_requests)
{
    acio_task *self = acio_current_task();
    acio_cancel(self);
    acio_cancel(self);
    EXPECT_EQ(acio_cancelling(self), 2);
    EXPECT_EQ(acio_uncancel(self), 1);
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    EXPECT_EQ(acio_uncancel(self), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_EQ(acio_uncancel(self), 0);
}

SPEC(cancel, in_the_pass_of_the_wake_up_comes_after_it)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .text = "passed",
        .result = 3);
    settle();
    acio_future_set_result(&gate, 0);
    acio_cancel(task);
    EXPECT_EQ(acio_await(task), 3);
    EXPECT_NOTED("passed ");
}

SPEC(cancel, while_it_lets_the_others_run_is_answered)
{
    acio_task *task = acio_create_task(work, .seconds = 0, .text = "slept");
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("");
}

struct ignore_args {
    bool *stop;
};

static int
ignore(void *arg)
{
    struct ignore_args *a = arg;
    while (!*a->stop)
        (void)acio_sleep(1000);
    return 0;
}

SPEC_LARGE(cancel, that_is_ignored_lets_the_others_run_all_the_same)
{
    bool stop = false;
    acio_task *task = acio_create_task(ignore, .stop = &stop);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_sleep(0), 0);
    stop = true;
    EXPECT_EQ(acio_await(task), 0);
}

/* ---- passed on ---- */

struct relay_args {
    acio_task *task;
};

static int
relay(void *arg)
{
    struct relay_args *a = arg;
    int result = acio_await(a->task);
    return result;
}

SPEC(cancel, is_passed_on_to_the_task_that_is_awaited)
{
    acio_task *inner = acio_create_task(work, .seconds = 1000);
    acio_task *outer = acio_create_task(relay, .task = inner);
    settle();
    acio_cancel(outer);
    EXPECT_EQ(acio_cancelling(inner), 1);
    EXPECT_ERR(acio_await(outer), -ECANCELED);
    EXPECT_ERR(acio_await(inner), -ACIO_EGONE);
}

SPEC_SIM(cancel, waits_for_the_awaited_task_to_end)
{
    acio_task *inner = acio_create_task(stubborn, .seconds = 2, .result = 9);
    acio_task *outer = acio_create_task(relay, .task = inner);
    settle();
    acio_cancel(outer);
    EXPECT_EQ(acio_await(outer), 9);
    EXPECT_ELAPSED(2);
}

SPEC_SIM(cancel, before_the_wait_begins_is_passed_on_all_the_same)
{
    acio_task *task = acio_create_task(work, .seconds = 1000);
    settle();
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
    EXPECT_ELAPSED(0);
    acio_uncancel(acio_current_task());
}

SPEC(cancel, does_not_take_the_result_of_a_task_that_had_finished)
{
    acio_task *task = acio_create_task(work, .result = 4);
    settle();
    acio_cancel(acio_current_task());
    EXPECT_EQ(acio_await(task), 4);
    acio_uncancel(acio_current_task());
}

SPEC(cancel, of_one_who_awaits_a_task_ends_the_task_for_all_who_do)
{
    acio_task *inner = acio_create_task(work, .seconds = 1000);
    acio_task *one = acio_create_task(relay, .task = inner);
    acio_task *two = acio_create_task(relay, .task = inner);
    settle();
    acio_cancel(one);
    EXPECT_ERR(acio_await(two), -ECANCELED);
    EXPECT_ERR(acio_await(one), -ECANCELED);
}

SPEC_SIM(cancel, twice_reaches_a_task_that_took_the_first_one_back)
{
    acio_task *inner = acio_create_task(work, .seconds = 1000);
    acio_task *outer = acio_create_task(relay, .task = inner);
    settle();
    acio_cancel(outer);
    acio_cancel(outer);
    EXPECT_EQ(acio_cancelling(inner), 2);
    EXPECT_ERR(acio_await(outer), -ECANCELED);
}

struct await_each_other_args {
    acio_task **other;
};

static int
await_each_other(void *arg)
{
    struct await_each_other_args *a = arg;
    int result = acio_await(*a->other);
    return result;
}

SPEC(cancel, is_not_needed_by_tasks_that_would_await_each_other)
{
    acio_task *one, *two;
    one = acio_create_task(await_each_other, .other = &two);
    two = acio_create_task(await_each_other, .other = &one);
    EXPECT_ERR(acio_await(one), -EDEADLK);
}
