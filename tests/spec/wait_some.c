/* SPDX-License-Identifier: MIT */
/* Waiting for some of many tasks: acio_wait. */
#include <math.h>

#include "task_parts.h"

/* ---- which ---- */

SPEC_SIM(wait, ends_with_the_first_that_has_finished)
{
    acio_task *slow = acio_create_task(work, .seconds = 3, .result = 3);
    acio_task *fast = acio_create_task(work, .seconds = 1, .result = 1);
    acio_task *tasks[2] = { slow, fast };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_COMPLETED), 1);
    EXPECT_ELAPSED(1);
    EXPECT_EQ(tasks[0], fast);
    EXPECT_EQ(tasks[1], slow);
    EXPECT_EQ(acio_await(tasks[0]), 1);
    EXPECT_EQ(acio_await(tasks[1]), 3);
}

SPEC_SIM(wait, for_the_first_takes_an_error_for_an_end_like_others)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 1, .result = -EIO),
        acio_create_task(work, .seconds = 2, .result = 2),
    };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_COMPLETED), 1);
    EXPECT_ERR(acio_await(tasks[0]), -EIO);
    EXPECT_EQ(acio_await(tasks[1]), 2);
}

SPEC_SIM(wait, ends_with_the_first_that_has_failed)
{
    acio_task *good = acio_create_task(work, .seconds = 1, .result = 1);
    acio_task *late = acio_create_task(work, .seconds = 3, .result = 3);
    acio_task *bad = acio_create_task(work, .seconds = 2, .result = -EIO);
    acio_task *tasks[3] = { late, bad, good };
    EXPECT_EQ(acio_wait(tasks, 3, INFINITY, ACIO_FIRST_EXCEPTION), 2);
    EXPECT_ELAPSED(2);
    EXPECT_EQ(tasks[0], bad);
    EXPECT_EQ(tasks[1], good);
    EXPECT_EQ(tasks[2], late);
    EXPECT_ERR(acio_await(bad), -EIO);
    EXPECT_EQ(acio_await(good), 1);
    EXPECT_EQ(acio_await(late), 3);
}

SPEC_SIM(wait, for_the_first_error_does_not_take_a_cancel_for_one)
{
    acio_task *gone = acio_create_task(work, .seconds = 1000);
    acio_task *good = acio_create_task(work, .seconds = 2, .result = 2);
    acio_task *tasks[2] = { gone, good };
    settle();
    acio_cancel(gone);
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_EXCEPTION), 2);
    EXPECT_ELAPSED(2);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    EXPECT_EQ(acio_await(good), 2);
}

SPEC(wait, for_the_first_error_ends_with_all_where_there_is_none)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 0.002, .result = 2),
        acio_create_task(work, .seconds = 0.001, .result = 1),
    };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_EXCEPTION), 2);
    EXPECT_ELAPSED(0.002);
    EXPECT_EQ(acio_await(tasks[0]), 2);
    EXPECT_EQ(acio_await(tasks[1]), 1);
}

SPEC(wait, for_all_waits_past_errors)
{
    acio_task *tasks[3] = {
        acio_create_task(work, .seconds = 0.001, .result = -EIO),
        acio_create_task(work, .seconds = 0.003, .result = 3),
        acio_create_task(work, .seconds = 0.002, .result = -EPIPE),
    };
    EXPECT_EQ(acio_wait(tasks, 3, INFINITY, ACIO_ALL_COMPLETED), 3);
    EXPECT_ELAPSED(0.003);
    EXPECT_ERR(acio_await(tasks[0]), -EIO);
    EXPECT_EQ(acio_await(tasks[1]), 3);
    EXPECT_ERR(acio_await(tasks[2]), -EPIPE);
}

SPEC_SIM(wait, can_be_repeated_until_none_is_left)
{
    acio_task *array[4], **tasks = array;
    int count = 4;
    for (int i = 0; i < count; i++)
        tasks[i] = acio_create_task(work, .seconds = 4 - i / 2, .result = i);
    while (count > 0) {
        int done = acio_wait(tasks, (size_t)count, INFINITY,
            ACIO_FIRST_COMPLETED);
        if (!ALWAYS(done != 0) || done < 0)
            break;
        for (int i = 0; i < done; i++)
            note("%d ", acio_await(tasks[i]));
        note("| ");
        tasks += done;
        count -= done;
    }
    EXPECT_NOTED("2 3 | 0 1 | ");
}

SPEC(wait, for_what_has_finished_already_ends_at_once)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *other = acio_create_task(pass, .gate = &gate, .result = 2);
    acio_task *task = acio_create_task(work, .result = 1);
    settle();
    acio_task *tasks[2] = { other, task };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_COMPLETED), 1);
    EXPECT_EQ(tasks[0], task);
    EXPECT_EQ(acio_await(task), 1);
    acio_future_set_result(&gate, 0);
    EXPECT_EQ(acio_await(other), 2);
}

SPEC(wait, counts_a_task_twice_that_it_is_given_twice)
{
    acio_task *task = acio_create_task(work, .seconds = 0.001, .result = 1);
    acio_task *tasks[2] = { task, task };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_ALL_COMPLETED), 2);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(wait, leaves_it_to_others_to_see_an_error)
{
    acio_task *task = acio_create_task(work, .result = -EIO);
    EXPECT_EQ(acio_wait(&task, 1, INFINITY, ACIO_ALL_COMPLETED), 1);
    acio_detach(task);
    EXPECT_REPORTED("work: a task failed and nobody awaited it: "
                    "Input/output error\n");
}

SPEC(wait, takes_tasks_of_a_group)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .result = 5);
    EXPECT_EQ(acio_wait(&task, 1, INFINITY, ACIO_ALL_COMPLETED), 1);
    EXPECT_EQ(acio_task_result(task), 5);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

struct await_at_once_args {
    acio_task *task;
};

static int
await_at_once(void *arg)
{
    struct await_at_once_args *a = arg;
    int result = acio_await(a->task);
    return result;
}

SPEC_SIM(wait, sees_an_error_that_another_has_taken_meanwhile)
{
    acio_task *bad = acio_create_task(work, .seconds = 1, .result = -EIO);
    acio_task *other = acio_create_task(await_at_once, .task = bad);
    acio_task *late = acio_create_task(work, .seconds = 2);
    settle();
    acio_task *tasks[2] = { late, bad };
    EXPECT_EQ(acio_wait(tasks, 2, INFINITY, ACIO_FIRST_EXCEPTION), 1);
    EXPECT_EQ(tasks[0], bad);
    EXPECT_ERR(acio_await(other), -EIO);
    EXPECT_ERR(acio_await(bad), -ACIO_EGONE);
    acio_await(late);
}

/* ---- for how long ---- */

SPEC_SIM(wait, ends_when_the_time_is_up_and_cancels_nobody)
{
    acio_task *slow = acio_create_task(work, .seconds = 3, .result = 3);
    acio_task *fast = acio_create_task(work, .seconds = 1, .result = 1);
    acio_task *tasks[2] = { slow, fast };
    EXPECT_EQ(acio_wait(tasks, 2, 2, ACIO_ALL_COMPLETED), 1);
    EXPECT_ELAPSED(2);
    EXPECT_EQ(tasks[0], fast);
    EXPECT_EQ(acio_await(fast), 1);
    EXPECT_EQ(acio_await(slow), 3);
    EXPECT_ELAPSED(3);
}

SPEC_SIM(wait, may_find_none_when_the_time_is_up)
{
    acio_task *task = acio_create_task(work, .seconds = 3, .result = 3);
    EXPECT_EQ(acio_wait(&task, 1, 1, ACIO_FIRST_COMPLETED), 0);
    EXPECT_EQ(acio_await(task), 3);
}

SPEC(wait, for_no_time_lets_the_others_run_once)
{
    acio_task *quick = acio_create_task(say, .text = "ran");
    acio_task *slow = acio_create_task(work, .seconds = 0.001, .result = 2);
    acio_task *tasks[2] = { slow, quick };
    EXPECT_EQ(acio_wait(tasks, 2, 0, ACIO_ALL_COMPLETED), 1);
    EXPECT_NOTED("ran ");
    EXPECT_EQ(tasks[0], quick);
    EXPECT_EQ(acio_wait(tasks + 1, 1, -1, ACIO_ALL_COMPLETED), 0);
    EXPECT_ERR(acio_await(quick), 0);
    EXPECT_EQ(acio_await(slow), 2);
}

/* ---- interrupted ---- */

SPEC_SIM(wait, that_meets_a_deadline_leaves_everything_as_it_was)
{
    acio_task *slow = acio_create_task(work, .seconds = 3, .result = 3);
    acio_task *fast = acio_create_task(work, .seconds = 1, .result = 1);
    acio_task *tasks[2] = { slow, fast };
    acio_timeout limit;
    acio_timeout_open(&limit, 2);
    EXPECT_ERR(acio_wait(tasks, 2, INFINITY, ACIO_ALL_COMPLETED), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(2);
    EXPECT_EQ(tasks[0], slow);
    EXPECT_EQ(tasks[1], fast);
    EXPECT_EQ(acio_await(fast), 1);
    EXPECT_EQ(acio_await(slow), 3);
}

struct wait_for_one_args {
    acio_task *task;
};

static int
wait_for_one(void *arg)
{
    struct wait_for_one_args *a = arg;
    int done = acio_wait(&a->task, 1, INFINITY, ACIO_ALL_COMPLETED);
    return done;
}

SPEC_SIM(wait, that_is_cancelled_does_not_cancel_the_tasks)
{
    acio_task *task = acio_create_task(work, .seconds = 3, .result = 3);
    acio_task *waiter = acio_create_task(wait_for_one, .task = task);
    settle();
    EXPECT_TEXT(acio_task_waits_for(waiter), "wait");
    acio_cancel(waiter);
    EXPECT_ERR(acio_await(waiter), -ECANCELED);
    EXPECT_ELAPSED(0);
    EXPECT_EQ(acio_cancelling(task), 0);
    EXPECT_EQ(acio_await(task), 3);
}

SPEC(wait, that_was_cancelled_before_says_so)
{
    acio_task *task = acio_create_task(work, .result = 1);
    settle();
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_wait(&task, 1, INFINITY, ACIO_ALL_COMPLETED), -ECANCELED);
    acio_uncancel(acio_current_task());
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(wait, that_was_woken_before_a_cancel_says_what_it_was_woken_for)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 1);
    acio_task *waiter = acio_create_task(wait_for_one, .task = task);
    settle();
    acio_future_set_result(&gate, 0);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(waiter);
    EXPECT_EQ(acio_await(waiter), 1);
    EXPECT_EQ(acio_await(task), 1);
}

/* ---- refused ---- */

SPEC(wait, refuses_what_is_no_task)
{
    acio_task *gone = acio_create_task(work, .result = 0);
    EXPECT_ERR(acio_await(gone), 0);
    acio_task *task = acio_create_task(work, .result = 1);
    acio_task *null = NULL, *self = acio_current_task();
    acio_task *two[2] = { task, NULL };
    enum acio_return_when all = ACIO_ALL_COMPLETED;
    EXPECT_ERR(acio_wait(NULL, 1, INFINITY, all), -EINVAL);
    EXPECT_ERR(acio_wait(&task, 0, INFINITY, all), -EINVAL);
    EXPECT_ERR(acio_wait(&task, 1, NAN, all), -EINVAL);
    EXPECT_ERR(acio_wait(&task, 1, INFINITY, (enum acio_return_when)7),
        -EINVAL);
    EXPECT_ERR(acio_wait(&null, 1, INFINITY, all), -EINVAL);
    EXPECT_ERR(acio_wait(two, 2, INFINITY, all), -EINVAL);
    EXPECT_ERR(acio_wait(&gone, 1, INFINITY, all), -ACIO_EGONE);
    EXPECT_ERR(acio_wait(&self, 1, INFINITY, all), -ACIO_ESELF);
    EXPECT_EQ(two[0], task);
    EXPECT_EQ(acio_await(task), 1);
}

TEST(wait, refuses_to_wait_outside_of_a_task)
{
    acio_task *task = NULL;
    EXPECT_ERR(acio_wait(&task, 1, INFINITY, ACIO_ALL_COMPLETED),
        -ACIO_ENOTASK);
}

enum { MANY = 10000 };

SPEC_LARGE(wait, takes_ten_thousand_tasks)
{
    static acio_task *tasks[MANY];
    int right = 0, count = many(MANY);
    for (int i = 0; i < count; i++)
        tasks[i] = acio_create_task(work, .result = i);
    EXPECT_EQ(acio_wait(tasks, (size_t)count, INFINITY, ACIO_ALL_COMPLETED),
        count);
    for (int i = 0; i < count; i++)
        right += acio_await(tasks[i]) == i;
    EXPECT_EQ(right, count);
}
