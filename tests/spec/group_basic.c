/* SPDX-License-Identifier: MIT */
/* Task groups: tasks that end together. */
#include "task_parts.h"

SPEC_SIM(group, waits_for_all_of_its_tasks)
{
    acio_group group;
    EXPECT_ERR(acio_group_open(&group), 0);
    acio_group_create_task(&group, work, .seconds = 0.002, .text = "b");
    acio_group_create_task(&group, work, .seconds = 0.001, .text = "a");
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_NOTED("a b ");
    EXPECT_ELAPSED(0.002);
    acio_group_close(&group);
}

SPEC(group, keeps_the_handles_of_its_tasks_until_it_is_closed)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *one = acio_group_create_task(&group, work, .result = 1);
    acio_task *two = acio_group_create_task(&group, work, .result = 2);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_EQ(acio_task_result(one), 1);
    EXPECT_EQ(acio_task_result(two), 2);
    EXPECT_EQ(acio_await(one), 1);
    EXPECT_EQ(acio_await(one), 1);
    acio_group_close(&group);
    EXPECT_ERR(acio_task_result(one), -ACIO_EGONE);
    EXPECT_ERR(acio_await(two), -ACIO_EGONE);
}

SPEC(group, without_tasks_has_nothing_to_wait_for)
{
    acio_group group;
    acio_group_open(&group);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

SPEC(group, ignores_that_one_of_its_tasks_was_cancelled)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *gone = acio_group_create_task(&group, work, .seconds = 1000);
    acio_task *other = acio_group_create_task(&group, work, .seconds = 0.001,
        .result = 1);
    settle();
    acio_cancel(gone);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_ERR(acio_task_result(gone), -ECANCELED);
    EXPECT_EQ(acio_task_result(other), 1);
    acio_group_close(&group);
}

SPEC(group, does_not_lose_a_task_to_detach)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .result = 1);
    acio_detach(task);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_EQ(acio_task_result(task), 1);
    acio_group_close(&group);
}

SPEC(group, lets_its_tasks_be_awaited_one_by_one)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .result = 5);
    EXPECT_EQ(acio_await(task), 5);
    EXPECT_EQ(acio_wait_for(task, 1), 5);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

SPEC(group, reuses_the_memory_of_tasks_that_it_only_starts)
{
    acio_group group;
    acio_group_open(&group);
    size_t blocks = spec_heap_allocations();
    for (int round = 0; round < 50; round++) {
        EXPECT_ERR(acio_group_start(&group, say, .text = "x"), 0);
        settle();
    }
    EXPECT_EQ(acio_all_tasks(NULL, 0), 1);
    EXPECT_EQ(spec_heap_allocations(), blocks); /* of them, stacks are made */
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
    EXPECT_NOTED("x x x x x x x x x x x x x x x x x x x x x x x x x "
                 "x x x x x x x x x x x x x x x x x x x x x x x x x ");
}

struct multiply_args {
    acio_group *group;
    int depth;
};

static int
multiply(void *arg)
{
    struct multiply_args *a = arg;
    int err = acio_sleep(0);
    for (int i = 0; i < 2 && a->depth > 0 && err == 0; i++)
        err = acio_group_start(a->group, multiply, a->group, a->depth - 1);
    if (a->depth == 0)
        note(".");
    return err;
}

SPEC(group, waits_for_tasks_that_its_tasks_have_started)
{
    acio_group group;
    acio_group_open(&group);
    EXPECT_ERR(acio_group_start(&group, multiply, &group, 3), 0);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_NOTED("........");
    acio_group_close(&group);
}

SPEC(group, takes_no_task_after_the_wait_has_answered)
{
    acio_group group;
    acio_group_open(&group);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_EQ(acio_group_create_task(&group, say, .text = "late"), NULL);
    EXPECT_ERR(acio_group_start(&group, say, .text = "late"), -ACIO_ECLOSED);
    acio_group_close(&group);
    EXPECT_EQ(acio_group_create_task(&group, say, .text = "late"), NULL);
    EXPECT_NOTED("");
}

SPEC(group, answers_a_second_wait_as_the_first)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .result = -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    acio_group_close(&group);
}

static int
wait_for_group_of_another(void *arg)
{
    acio_group *group = *(acio_group **)arg;
    int err = acio_group_wait(group);
    return err;
}

SPEC(group, can_be_waited_for_only_by_its_own_task)
{
    acio_group group, *address = &group;
    acio_group_open(&group);
    acio_task *task = acio_create_task_with(wait_for_group_of_another,
        (struct acio_args){ &address, sizeof address }, NULL);
    EXPECT_ERR(acio_await(task), -ACIO_ENOTASK);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

/* ---- cancelling it ---- */

SPEC(group, that_is_cancelled_ends_without_an_error)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .seconds = 1000);
    settle();
    acio_group_cancel(&group);
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_task_result(task), -ECANCELED);
    EXPECT_EQ(acio_group_create_task(&group, say, .text = "late"), NULL);
    acio_group_close(&group);
}

SPEC(group, that_is_cancelled_takes_no_more_tasks)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_cancel(&group);
    EXPECT_EQ(acio_group_create_task(&group, say, .text = "late"), NULL);
    EXPECT_ERR(acio_group_start(&group, say, .text = "late"), -ACIO_ECLOSED);
    EXPECT_ERR(acio_group_wait(&group), 0);
    acio_group_close(&group);
}

/* ---- leaving it ---- */

static int
leave_early(void)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .seconds = 1000, .text = "slept");
    acio_group_create_task(&group, stubborn, .seconds = 0.002, .text = "ended");
    int err = acio_sleep(0);
    if (err < 0)
        return err;
    return 7;
}

SPEC(group, that_is_left_cancels_its_tasks_and_waits_for_them)
{
    EXPECT_EQ(leave_early(), 7);
    EXPECT_NOTED("ended ");
    EXPECT_ELAPSED(0.002);
}

SPEC_SIM(group, that_is_left_waits_even_when_its_task_is_cancelled)
{
    acio_cancel(acio_current_task());
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, say, .text = "never");
    acio_task *late = acio_group_create_task(&group, stubborn, .seconds = 2,
        .text = "ended");
    acio_uncancel(acio_current_task());
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(acio_current_task());
    EXPECT(!acio_task_done(late));
    acio_group_close(&group);
    acio_uncancel(acio_current_task());
    EXPECT_NOTED("never ended ");
    EXPECT_ELAPSED(2);
}

SPEC_SIM(group, that_is_left_reports_the_error_that_nobody_saw)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, stubborn, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_group_close(&group);
    EXPECT_REPORTED("main: a task group was left without acio_group_wait, and "
                    "a task of it failed: Input/output error\n");
}

SPEC(group, that_was_waited_for_reports_nothing)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .result = -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    acio_group_close(&group);
    acio_group_close(&group);
    EXPECT_REPORTED("");
}
