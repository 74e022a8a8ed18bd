/* SPDX-License-Identifier: MIT */
/* Tasks in the order in which they finish: acio_as_completed. */
#include <math.h>
#include <string.h>

#include "task_parts.h"

SPEC_SIM(as_completed, gives_tasks_in_the_order_of_their_end)
{
    acio_task *tasks[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = acio_create_task(work, .seconds = 4 - i, .result = i);
    acio_as_completed all;
    EXPECT_ERR(acio_as_completed_open(&all, tasks, 4, INFINITY), 0);
    acio_task *task;
    while (acio_as_completed_next(&all, &task) > 0)
        note("%d at %g ", acio_await(task), (double)elapsed_ns() / 1e9);
    EXPECT_NOTED("3 at 1 2 at 2 1 at 3 0 at 4 ");
    EXPECT(!acio_as_completed_expired(&all));
    EXPECT_ERR(acio_as_completed_next(&all, &task), 0);
    acio_as_completed_close(&all);
}

SPEC(as_completed, gives_those_first_that_have_finished_before)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *tasks[3] = {
        acio_create_task(pass, .gate = &gate, .result = 0),
        acio_create_task(work, .result = 1),
        acio_create_task(work, .result = 2),
    };
    settle();
    ACIO_AS_COMPLETED(all, tasks, 3, INFINITY);
    acio_future_set_result(&gate, 0);
    acio_task *task;
    while (acio_as_completed_next(&all, &task) > 0)
        note("%d ", acio_await(task));
    EXPECT_NOTED("1 2 0 ");
}

SPEC(as_completed, gives_the_handles_that_it_was_given)
{
    acio_task *one = acio_create_task(work, .result = 1), *task = NULL;
    acio_as_completed all;
    EXPECT_ERR(acio_as_completed_open(&all, &one, 1, INFINITY), 0);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(task, one);
    EXPECT_EQ(acio_task_result(task), 1);
    acio_as_completed_close(&all);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(as_completed, of_nothing_gives_nothing)
{
    acio_as_completed all;
    acio_task *task;
    EXPECT_ERR(acio_as_completed_open(&all, NULL, 0, 1), 0);
    EXPECT_ERR(acio_as_completed_next(&all, &task), 0);
    acio_as_completed_close(&all);
}

SPEC(as_completed, gives_errors_and_cancelled_tasks_like_others)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .result = -EIO),
        acio_create_task(work, .seconds = 1000),
    };
    ACIO_AS_COMPLETED(all, tasks, 2, INFINITY);
    acio_task *task;
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_ERR(acio_await(task), -EIO);
    acio_cancel(tasks[1]);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_ERR(acio_await(task), -ECANCELED);
}

SPEC_SIM(as_completed, gives_a_handle_that_another_has_ended_as_it_is)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 1, .result = 1),
        acio_create_task(work, .seconds = 2, .result = 2),
    };
    ACIO_AS_COMPLETED(all, tasks, 2, INFINITY);
    EXPECT_EQ(acio_await(tasks[0]), 1);
    acio_task *task;
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(task, tasks[0]);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 2);
}

/* ---- its limit ---- */

SPEC_SIM(as_completed, gives_up_those_that_are_late)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 3, .result = 3),
        acio_create_task(work, .seconds = 1, .result = 1),
    };
    acio_as_completed all;
    acio_as_completed_open(&all, tasks, 2, 2);
    acio_task *task;
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 1);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ETIMEDOUT);
    EXPECT_ELAPSED(2);
    EXPECT(acio_as_completed_expired(&all));
    EXPECT_EQ(acio_await(tasks[0]), 3);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ETIMEDOUT);
    acio_as_completed_close(&all);
    EXPECT(acio_as_completed_expired(&all));
}

SPEC_SIM(as_completed, gives_those_that_were_in_time_also_after_it)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 1, .result = 1),
        acio_create_task(work, .seconds = 3, .result = 3),
    };
    ACIO_AS_COMPLETED(all, tasks, 2, 2);
    EXPECT_ERR(acio_sleep(5), 0);
    acio_task *task;
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 1);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ETIMEDOUT);
    EXPECT_EQ(acio_await(tasks[1]), 3);
}

SPEC_SIM(as_completed, has_no_limit_once_all_have_finished)
{
    acio_task *task = acio_create_task(work, .seconds = 1, .result = 1);
    ACIO_AS_COMPLETED(all, &task, 1, 2);
    EXPECT_ERR(acio_sleep(5), 0);
    EXPECT(!acio_as_completed_expired(&all));
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 1);
    EXPECT_ERR(acio_as_completed_next(&all, &task), 0);
}

SPEC(as_completed, with_no_time_gives_what_has_finished)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 0.001, .result = 1),
        acio_create_task(work, .result = 2),
    };
    acio_task *task;
    EXPECT_EQ(acio_await(acio_create_task(work, .result = 9)), 9);
    ACIO_AS_COMPLETED(all, tasks + 1, 1, 0);
    ACIO_AS_COMPLETED(late, tasks, 1, -1);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(task, tasks[1]);
    EXPECT_ERR(acio_as_completed_next(&all, &task), 0);
    EXPECT_ERR(acio_as_completed_next(&late, &task), -ETIMEDOUT);
    EXPECT_EQ(acio_await(tasks[0]), 1);
    EXPECT_EQ(acio_await(tasks[1]), 2);
}

/* ---- interrupted, and closed early ---- */

struct take_next_args {
    acio_as_completed *all;
};

static int
take_next(void *arg)
{
    struct take_next_args *a = arg;
    acio_task *task = NULL;
    int err = acio_as_completed_next(a->all, &task);
    if (err <= 0)
        return err;
    int result = acio_await(task);
    return result;
}

SPEC_SIM(as_completed, loses_nothing_when_who_waits_is_cancelled)
{
    acio_task *task = acio_create_task(work, .seconds = 1, .result = 1);
    ACIO_AS_COMPLETED(all, &task, 1, INFINITY);
    acio_task *taker = acio_create_task(take_next, .all = &all);
    settle();
    EXPECT_TEXT(acio_task_waits_for(taker), "as_completed");
    acio_cancel(taker);
    EXPECT_ERR(acio_await(taker), -ECANCELED);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC_SIM(as_completed, is_interrupted_by_a_deadline_around_it)
{
    acio_task *task = acio_create_task(work, .seconds = 2, .result = 2);
    ACIO_AS_COMPLETED(all, &task, 1, INFINITY);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    EXPECT(!acio_as_completed_expired(&all));
    acio_timeout_close(&limit);
    EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
    EXPECT_EQ(acio_await(task), 2);
}

SPEC_SIM(as_completed, gives_each_of_several_who_wait_another_task)
{
    acio_task *tasks[2] = {
        acio_create_task(work, .seconds = 2, .result = 2),
        acio_create_task(work, .seconds = 1, .result = 1),
    };
    ACIO_AS_COMPLETED(all, tasks, 2, INFINITY);
    acio_task *first = acio_create_task(take_next, .all = &all);
    acio_task *second = acio_create_task(take_next, .all = &all);
    acio_task *third = acio_create_task(take_next, .all = &all);
    EXPECT_EQ(acio_await(first), 1);
    EXPECT_EQ(acio_await(second), 2);
    EXPECT_ERR(acio_await(third), 0);
}

SPEC_SIM(as_completed, that_is_closed_early_lets_the_tasks_go_on)
{
    acio_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = acio_create_task(work, .seconds = 1 + i, .result = i);
    {
        ACIO_AS_COMPLETED(all, tasks, 3, 10);
        acio_task *task;
        EXPECT_EQ(acio_as_completed_next(&all, &task), 1);
        EXPECT_EQ(task, tasks[0]);
    }
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(acio_await(tasks[i]), i);
}

SPEC_SIM(as_completed, that_is_closed_tells_who_waits)
{
    acio_task *task = acio_create_task(work, .seconds = 1, .result = 1);
    acio_as_completed all;
    acio_as_completed_open(&all, &task, 1, INFINITY);
    acio_task *taker = acio_create_task(take_next, .all = &all);
    settle();
    acio_as_completed_close(&all);
    acio_as_completed_close(&all);
    memset(&all, 0x55, sizeof all);
    EXPECT_ERR(acio_await(taker), -ACIO_ECLOSED);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(as_completed, that_is_closed_has_no_next)
{
    acio_task *task;
    acio_as_completed all;
    acio_as_completed_open(&all, NULL, 0, INFINITY);
    acio_as_completed_close(&all);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ACIO_ECLOSED);
}

/* ---- refused ---- */

SPEC(as_completed, that_could_not_be_opened_says_why)
{
    acio_as_completed all;
    acio_task *task = acio_create_task(work, .result = 1), *next;
    acio_task *tasks[2] = { task, NULL };
    EXPECT_ERR(acio_as_completed_open(&all, tasks, 2, INFINITY), -EINVAL);
    EXPECT_ERR(acio_as_completed_next(&all, &next), -EINVAL);
    acio_as_completed_close(&all);
    EXPECT_ERR(acio_as_completed_open(&all, NULL, 2, INFINITY), -EINVAL);
    EXPECT_ERR(acio_as_completed_open(&all, &task, 1, NAN), -EINVAL);
    EXPECT_ERR(acio_as_completed_open(&all, &task, SIZE_MAX, 1), -ENOMEM);
    acio_task *self = acio_current_task();
    EXPECT_ERR(acio_as_completed_open(&all, &self, 1, 1), -ACIO_ESELF);
    EXPECT_EQ(acio_await(task), 1);
    EXPECT_ERR(acio_as_completed_open(&all, &task, 1, 1), -ACIO_EGONE);
}

TEST(as_completed, does_not_exist_outside_of_a_loop)
{
    acio_as_completed all;
    acio_task *task;
    EXPECT_ERR(acio_as_completed_open(&all, NULL, 0, 1), -ACIO_ENOLOOP);
    EXPECT_ERR(acio_as_completed_next(&all, &task), -ACIO_ENOTASK);
    acio_as_completed_close(&all);
}
