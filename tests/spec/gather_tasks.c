/* SPDX-License-Identifier: MIT */
/* Awaiting many tasks at once. */
#include "task_parts.h"

SPEC(gather, gives_the_results_in_the_order_of_the_tasks)
{
    int results[3] = { 0 };
    acio_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = acio_create_task(work, .seconds = 0.003 - 0.001 * i,
            .result = 10 * i);
    EXPECT_ERR(acio_gather(tasks, 3, results, 0), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(results[i], 10 * i);
    EXPECT_ELAPSED(0.003);
}

SPEC(gather, ends_the_handles)
{
    acio_task *tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = acio_create_task(work, .result = i);
    EXPECT_ERR(acio_gather(tasks, 2, NULL, 0), 0);
    EXPECT_ERR(acio_await(tasks[0]), -ACIO_EGONE);
    EXPECT_ERR(acio_await(tasks[1]), -ACIO_EGONE);
}

SPEC(gather, of_nothing_answers_at_once)
{
    EXPECT_ERR(acio_gather(NULL, 0, NULL, 0), 0);
    acio_task *none[1] = { NULL };
    EXPECT_ERR(acio_gather(none, 0, NULL, ACIO_RETURN_EXCEPTIONS), 0);
}

SPEC(gather, refuses_no_tasks_that_should_be_some)
{
    EXPECT_ERR(acio_gather(NULL, 2, NULL, 0), -EINVAL);
}

SPEC(gather, of_finished_tasks_gives_their_results)
{
    int results[2] = { 0 };
    acio_task *tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = acio_create_task(work, .result = 5 + i);
    settle();
    EXPECT_ERR(acio_gather(tasks, 2, results, 0), 0);
    EXPECT_EQ(results[0], 5);
    EXPECT_EQ(results[1], 6);
}

SPEC(gather, of_finished_tasks_lets_nobody_else_run)
{
    acio_task *tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = acio_create_task(work, .result = 5 + i);
    settle();
    start(say, .text = "other");
    EXPECT_ERR(acio_gather(tasks, 2, NULL, 0), 0);
    EXPECT_NOTED("");
    settle();
    EXPECT_NOTED("other ");
}

/* ---- errors ---- */

SPEC_SIM(gather, ends_at_the_first_error_and_lets_the_others_go_on)
{
    int results[3] = { 0 };
    acio_task *tasks[3];
    tasks[0] = acio_create_task(work, .seconds = 1, .result = 7);
    tasks[1] = acio_create_task(work, .seconds = 2, .result = -EIO);
    tasks[2] = acio_create_task(work, .seconds = 3, .text = "went on");
    EXPECT_ERR(acio_gather(tasks, 3, results, 0), -EIO);
    EXPECT_ELAPSED(2);
    EXPECT_EQ(results[0], 7);
    EXPECT_ERR(results[1], -EIO);
    EXPECT_ERR(results[2], -EINPROGRESS);
    EXPECT_ERR(acio_await(tasks[2]), -ACIO_EGONE);
    finish();
    EXPECT_NOTED("went on ");
}

SPEC_SIM(gather, reports_no_error_that_comes_after_the_first)
{
    acio_task *tasks[2];
    tasks[0] = acio_create_task(work, .seconds = 1, .result = -EIO);
    tasks[1] = acio_create_task(work, .seconds = 2, .result = -EPIPE);
    EXPECT_ERR(acio_gather(tasks, 2, NULL, 0), -EIO);
    finish();
    EXPECT_REPORTED("");
}

SPEC_SIM(gather, of_errors_gives_the_one_that_came_first)
{
    int results[3] = { 0 };
    acio_task *tasks[3];
    tasks[0] = acio_create_task(work, .seconds = 0.002, .result = -EPIPE);
    tasks[1] = acio_create_task(work, .seconds = 0.001, .result = -EIO);
    tasks[2] = acio_create_task(work, .result = 3);
    EXPECT_ERR(acio_gather(tasks, 3, results, 0), -EIO);
    EXPECT_EQ(results[2], 3);
    finish();
}

SPEC_SIM(gather, takes_errors_for_results_when_it_is_told_to)
{
    int results[3] = { 0 };
    acio_task *tasks[3];
    tasks[0] = acio_create_task(work, .seconds = 0.001, .result = -EIO);
    tasks[1] = acio_create_task(work, .result = 5);
    tasks[2] = acio_create_task(work, .seconds = 0.002, .result = -EPIPE);
    EXPECT_ERR(acio_gather(tasks, 3, results, ACIO_RETURN_EXCEPTIONS), 0);
    EXPECT_ERR(results[0], -EIO);
    EXPECT_EQ(results[1], 5);
    EXPECT_ERR(results[2], -EPIPE);
}

SPEC(gather, takes_a_cancelled_task_for_an_error)
{
    int results[2] = { 0 };
    acio_task *tasks[2];
    tasks[0] = acio_create_task(work, .seconds = 1000);
    tasks[1] = acio_create_task(work, .seconds = 0.001, .result = 1);
    settle();
    acio_cancel(tasks[0]);
    EXPECT_ERR(acio_gather(tasks, 2, results, 0), -ECANCELED);
    EXPECT_ERR(results[0], -ECANCELED);
    finish();
}

/* ---- bad handles ---- */

SPEC(gather, answers_for_handles_that_are_bad)
{
    int results[4] = { 0 };
    acio_task *gone = acio_create_task(work, .result = 1);
    EXPECT_EQ(acio_await(gone), 1);
    acio_task *tasks[4] = { NULL, gone, acio_current_task(),
        acio_create_task(work, .result = 5) };
    EXPECT_ERR(acio_gather(tasks, 4, results, ACIO_RETURN_EXCEPTIONS), 0);
    EXPECT_ERR(results[0], -EINVAL);
    EXPECT_ERR(results[1], -ACIO_EGONE);
    EXPECT_ERR(results[2], -ACIO_ESELF);
    EXPECT_EQ(results[3], 5);
}

SPEC(gather, with_a_bad_handle_ends_at_once)
{
    int results[2] = { 0 };
    acio_task *tasks[2] = { NULL,
        acio_create_task(work, .seconds = 0.001, .text = "went on") };
    EXPECT_ERR(acio_gather(tasks, 2, results, 0), -EINVAL);
    EXPECT_ERR(results[1], -EINPROGRESS);
    finish();
    EXPECT_NOTED("went on ");
}

SPEC(gather, takes_the_same_task_twice)
{
    int results[2] = { 0 };
    acio_task *task = acio_create_task(work, .seconds = 0.001, .result = 5);
    acio_task *tasks[2] = { task, task };
    EXPECT_ERR(acio_gather(tasks, 2, results, 0), 0);
    EXPECT_EQ(results[0], 5);
    EXPECT_EQ(results[1], 5);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
}

SPEC(gather, of_a_detached_task_says_that_it_is_gone)
{
    int result = 0;
    acio_task *task = acio_create_task(work, .seconds = 0.001);
    acio_detach(task);
    EXPECT_ERR(acio_gather(&task, 1, &result, 0), -ACIO_EGONE);
    finish();
}

SPEC(gather, leaves_tasks_of_a_group_to_the_group)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .result = 5);
    int result = 0;
    EXPECT_ERR(acio_gather(&task, 1, &result, 0), 0);
    EXPECT_EQ(result, 5);
    EXPECT_EQ(acio_task_result(task), 5);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

/* ---- interrupted ---- */

SPEC_SIM(gather, cancels_all_and_waits_for_them_at_a_deadline)
{
    int results[3] = { 0 };
    acio_task *tasks[3];
    tasks[0] = acio_create_task(work, .seconds = 0.5, .result = 1);
    tasks[1] = acio_create_task(work, .seconds = 1000, .text = "never");
    tasks[2] = acio_create_task(stubborn, .seconds = 3, .result = 3);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_gather(tasks, 3, results, 0), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(3);
    EXPECT_EQ(results[0], 1);
    EXPECT_ERR(results[1], -ECANCELED);
    EXPECT_EQ(results[2], 3);
    EXPECT_NOTED("");
}

SPEC_SIM(gather, that_was_cancelled_before_cancels_all)
{
    int results[2] = { 0 };
    acio_task *tasks[2];
    tasks[0] = acio_create_task(work, .seconds = 1000);
    tasks[1] = acio_create_task(work, .seconds = 1000);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_gather(tasks, 2, results, 0), -ECANCELED);
    acio_uncancel(acio_current_task());
    EXPECT_ERR(results[0], -ECANCELED);
    EXPECT_ERR(results[1], -ECANCELED);
    EXPECT_ELAPSED(0);
}

struct gather_two_args {
    acio_task *tasks[2];
};

static int
gather_two(void *arg)
{
    struct gather_two_args *a = arg;
    int err = acio_gather(a->tasks, 2, NULL, ACIO_RETURN_EXCEPTIONS);
    return err;
}

SPEC_SIM(gather, passes_each_cancel_on)
{
    acio_task *one = acio_create_task(work, .seconds = 1000);
    acio_task *two = acio_create_task(stubborn, .seconds = 4);
    acio_task *both = acio_create_task(gather_two, .tasks = { one, two });
    settle();
    acio_cancel(both);
    acio_cancel(both);
    EXPECT_EQ(acio_cancelling(two), 2);
    EXPECT_ERR(acio_await(both), -ECANCELED);
    EXPECT_ELAPSED(4);
}

enum { MANY = 10000 };

SPEC_LARGE(gather, takes_ten_thousand_tasks)
{
    static acio_task *tasks[MANY];
    static int results[MANY];
    int count = many(MANY);
    for (int i = 0; i < count; i++)
        tasks[i] = acio_create_task(work, .result = i);
    EXPECT_ERR(acio_gather(tasks, (size_t)count, results, 0), 0);
    int right = 0;
    for (int i = 0; i < count; i++)
        right += results[i] == i;
    EXPECT_EQ(right, count);
}

struct gather_other_args {
    acio_task **other;
};

static int
gather_other(void *arg)
{
    struct gather_other_args *a = arg;
    return acio_gather(a->other, 1, NULL, 0);
}

struct await_other_args {
    acio_task **other;
};

static int
await_other(void *arg)
{
    struct await_other_args *a = arg;
    int result = acio_await(*a->other);
    return result;
}

SPEC(gather, of_a_task_that_awaits_the_caller_is_refused)
{
    acio_task *awaits, *gathers;
    awaits = acio_create_task(await_other, .other = &gathers);
    gathers = acio_create_task(gather_other, .other = &awaits);
    EXPECT_ERR(acio_await(gathers), -EDEADLK);
    EXPECT_ERR(acio_await(awaits), -EDEADLK);
}

SPEC(gather, keeps_its_tasks_from_awaiting_the_caller)
{
    acio_task *gathers, *awaits;
    gathers = acio_create_task(gather_other, .other = &awaits);
    awaits = acio_create_task(await_other, .other = &gathers);
    EXPECT_ERR(acio_await(gathers), -EDEADLK);
}

SPEC(gather, keeps_tasks_inside_of_other_gathers_from_awaiting_the_caller)
{
    acio_task *outer, *inner, *awaits;
    outer = acio_create_task(gather_other, .other = &inner);
    inner = acio_create_task(gather_other, .other = &awaits);
    awaits = acio_create_task(await_other, .other = &outer);
    EXPECT_ERR(acio_await(outer), -EDEADLK);
}

struct own_group_args {
    acio_task **self;
};

static int
own_group(void *arg)
{
    struct own_group_args *a = arg;
    ACIO_GROUP(group);
    acio_group_create_task_with(&group, await_other,
        (struct acio_args){ &(struct await_other_args){ a->self },
            sizeof(struct await_other_args) },
        NULL);
    return acio_group_wait(&group);
}

SPEC(group, keeps_its_tasks_from_awaiting_its_owner)
{
    acio_task *owner;
    owner = acio_create_task(own_group, .self = &owner);
    EXPECT_ERR(acio_await(owner), -EDEADLK);
}
