/* SPDX-License-Identifier: MIT */
/* Task groups: the first error ends the others; what comes from outside. */
#include "task_parts.h"

SPEC(group, answers_the_first_error_of_its_tasks)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *other = acio_group_create_task(&group, work, .seconds = 1000);
    acio_task *bad = acio_group_create_task(&group, work, .seconds = 0.001,
        .result = -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ELAPSED(0.001);
    EXPECT_ERR(acio_task_result(bad), -EIO);
    EXPECT_ERR(acio_task_result(other), -ECANCELED);
    acio_group_close(&group);
}

SPEC_SIM(group, interrupts_its_body_at_the_first_error)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_sleep(1000), -ECANCELED);
    EXPECT_ERR(acio_sleep(1000), -ECANCELED);
    EXPECT_ELAPSED(1);
    EXPECT_EQ(acio_cancelling(acio_current_task()), 0);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_group_close(&group);
}

SPEC_SIM(group, keeps_an_error_that_comes_after_group_cancel)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, stubborn, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_group_cancel(&group);
    EXPECT_ERR(acio_sleep(1000), -ECANCELED);
    EXPECT_ELAPSED(0);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ELAPSED(1);
    acio_group_close(&group);
}

SPEC(group, takes_no_more_tasks_after_an_error)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .result = -EIO);
    settle();
    EXPECT_EQ(acio_group_create_task(&group, say, .text = "late"), NULL);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_NOTED("");
    acio_group_close(&group);
}

SPEC_SIM(group, keeps_the_errors_that_come_after_the_first)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, stubborn, .seconds = 2, .result = -EPIPE);
    acio_group_create_task(&group, work, .seconds = 1, .result = -EIO);
    acio_group_create_task(&group, stubborn, .seconds = 3, .result = -EBADF);
    acio_group_create_task(&group, work, .seconds = 1000);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ELAPSED(3);
    int errors[4] = { 0 };
    EXPECT_EQ(acio_group_errors(&group, errors, 4), 3);
    EXPECT_ERR(errors[0], -EIO);
    EXPECT_ERR(errors[1], -EPIPE);
    EXPECT_ERR(errors[2], -EBADF);
    EXPECT_ERR(errors[3], 0);
    acio_group_close(&group);
}

SPEC(group, counts_errors_that_there_is_no_room_for)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .result = -EIO);
    acio_group_create_task(&group, work, .result = -EPIPE);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    int error = 0;
    EXPECT_EQ(acio_group_errors(&group, NULL, 0), 2);
    EXPECT_EQ(acio_group_errors(&group, &error, 1), 2);
    EXPECT_ERR(error, -EIO);
    acio_group_close(&group);
}

SPEC_SIM(group, waits_for_a_task_that_ignores_the_cancel)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *late = acio_group_create_task(&group, stubborn, .seconds = 5,
        .result = 5);
    acio_group_create_task(&group, work, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_ELAPSED(5);
    EXPECT_EQ(acio_task_result(late), 5);
    acio_group_close(&group);
}

SPEC(group, gives_the_body_the_error_that_it_awaits)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *bad = acio_group_create_task(&group, work, .seconds = 0.001,
        .result = -EIO);
    EXPECT_ERR(acio_await(bad), -EIO);
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    acio_group_close(&group);
}

SPEC(group, counts_the_error_of_a_task_that_it_only_started)
{
    acio_group group;
    acio_group_open(&group);
    EXPECT_ERR(acio_group_start(&group, work, .result = -EIO), 0);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_EQ(acio_group_errors(&group, NULL, 0), 1);
    acio_group_close(&group);
}

/* ---- from outside ---- */

struct wait_in_a_group_args {
    double seconds;
    int error;
};

/* Waits for a group whose task ends after a second, or with an error when it
 * is cancelled. */
static int
wait_in_a_group(void *arg)
{
    struct wait_in_a_group_args *a = arg;
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .seconds = a->seconds, .text = "end");
    if (a->error)
        acio_group_create_task(&group, stubborn, .seconds = 1,
            .result = a->error);
    int err = acio_group_wait(&group);
    note("%s ", acio_strerror(err));
    int after = acio_sleep(0);
    return after < 0 ? after : err;
}

SPEC_SIM(group, that_waits_is_cancelled_from_outside)
{
    acio_task *task = acio_create_task(wait_in_a_group, .seconds = 1000);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_ELAPSED(1);
    EXPECT_NOTED("Operation canceled ");
}

SPEC_SIM(group, answers_an_error_rather_than_a_cancel_from_outside)
{
    acio_task *task = acio_create_task(wait_in_a_group, .seconds = 1000,
        .error = -EIO);
    EXPECT_ERR(acio_sleep(0.5), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_ELAPSED(1);
    EXPECT_NOTED("Input/output error ");
}

SPEC_SIM(group, that_waits_is_ended_by_a_deadline_around_it)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .seconds = 1000);
    EXPECT_ERR(acio_group_wait(&group), -ETIMEDOUT);
    EXPECT(acio_timeout_expired(&limit));
    acio_group_close(&group);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(1);
}

SPEC_SIM(group, passes_a_deadline_in_its_body_on_when_it_waits)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .seconds = 5,
        .result = 1);
    {
        ACIO_TIMEOUT(limit, 1);
        EXPECT_ERR(acio_sleep(2), -ETIMEDOUT);
    }
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_EQ(acio_task_result(task), 1);
    EXPECT_ELAPSED(5);
    acio_group_close(&group);
}

SPEC_SIM(group, that_was_cancelled_before_cancels_its_tasks_when_it_waits)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *task = acio_group_create_task(&group, work, .seconds = 1000);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_group_wait(&group), -ECANCELED);
    EXPECT_ERR(acio_task_result(task), -ECANCELED);
    acio_uncancel(acio_current_task());
    acio_group_close(&group);
    EXPECT_ELAPSED(0);
}

/* ---- nested ---- */

SPEC_SIM(group, inside_a_group_that_fails_is_ended_with_it)
{
    acio_group outer, inner;
    acio_group_open(&outer);
    acio_group_create_task(&outer, work, .seconds = 1, .result = -EIO);
    acio_group_open(&inner);
    acio_task *task = acio_group_create_task(&inner, work, .seconds = 1000);
    EXPECT_ERR(acio_group_wait(&inner), -ECANCELED);
    EXPECT_ERR(acio_task_result(task), -ECANCELED);
    acio_group_close(&inner);
    EXPECT_ERR(acio_sleep(1), -ECANCELED);
    EXPECT_ERR(acio_group_wait(&outer), -EIO);
    acio_group_close(&outer);
    EXPECT_ERR(acio_sleep(1), 0);
    EXPECT_ELAPSED(2);
}

SPEC_SIM(group, that_fails_inside_a_group_leaves_the_outer_one_alone)
{
    acio_group outer, inner;
    acio_group_open(&outer);
    acio_task *task = acio_group_create_task(&outer, work, .seconds = 3,
        .result = 1);
    acio_group_open(&inner);
    acio_group_create_task(&inner, work, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_sleep(1000), -ECANCELED);
    EXPECT_ERR(acio_group_wait(&inner), -EIO);
    acio_group_close(&inner);
    EXPECT_ERR(acio_sleep(1), 0);
    EXPECT_ERR(acio_group_wait(&outer), 0);
    EXPECT_EQ(acio_task_result(task), 1);
    acio_group_close(&outer);
    EXPECT_ELAPSED(3);
}

SPEC_SIM(group, in_a_task_of_a_group_passes_its_error_on)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *nested = acio_group_create_task(&group, wait_in_a_group,
        .seconds = 1000, .error = -EPIPE);
    acio_task *other = acio_group_create_task(&group, work, .seconds = 1000);
    EXPECT_ERR(acio_group_wait(&group), -EPIPE);
    EXPECT_ERR(acio_task_result(nested), -EPIPE);
    EXPECT_ERR(acio_task_result(other), -ECANCELED);
    EXPECT_ELAPSED(1);
    EXPECT_NOTED("Broken pipe ");
    acio_group_close(&group);
}

struct start_late_args {
    acio_group *group;
};

/* Belongs to no group, and gives one another task just when it was empty. */
static int
start_late(void *arg)
{
    struct start_late_args *a = arg;
    int err = acio_sleep(1);
    err = err < 0 ? err : acio_sleep(0);
    int late = acio_group_start(a->group, work, .seconds = 5, .text = "late");
    return err < 0 ? err : late;
}

SPEC_SIM(group, that_gets_a_task_in_its_last_moment_can_still_be_cancelled)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 2);
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .seconds = 1);
    start(start_late, .group = &group);
    EXPECT_ERR(acio_group_wait(&group), -ETIMEDOUT);
    EXPECT_ELAPSED(2);
    acio_group_close(&group);
    acio_timeout_close(&limit);
    finish();
    EXPECT_NOTED("");
}
