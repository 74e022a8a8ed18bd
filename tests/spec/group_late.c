/* SPDX-License-Identifier: MIT */
/* Task groups: what comes after the first error, and from outside meanwhile. */
#include "task_parts.h"

SPEC_SIM(group, lists_the_errors_of_tasks_that_it_only_started)
{
    acio_group group;
    acio_group_open(&group);
    EXPECT_ERR(acio_group_start(&group, stubborn, .seconds = 2,
                   .result = -EPIPE),
        0);
    EXPECT_ERR(acio_group_start(&group, work, .seconds = 1, .result = -EIO), 0);
    EXPECT_ERR(acio_group_start(&group, work, .seconds = 1000), 0);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    int errors[4] = { 0 };
    EXPECT_EQ(acio_group_errors(&group, errors, 4), 2);
    EXPECT_ERR(errors[0], -EIO);
    EXPECT_ERR(errors[1], -EPIPE);
    EXPECT_ERR(errors[2], 0);
    acio_group_close(&group);
    EXPECT_REPORTED("");
}

struct huge_args {
    char bytes[100000];
};

static int
huge(void *arg)
{
    (void)arg;
    return 0;
}

SPEC_SIM(group, lists_that_a_task_could_not_be_created)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, stubborn, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_EQ(acio_group_create_task(&group, huge, .bytes = ""), NULL);
    EXPECT_ERR(acio_group_wait(&group), -ENOMEM);
    int errors[3] = { 0 };
    EXPECT_EQ(acio_group_errors(&group, errors, 3), 2);
    EXPECT_ERR(errors[0], -ENOMEM);
    EXPECT_ERR(errors[1], -EIO);
    acio_group_close(&group);
}

SPEC_SIM(group, shows_its_errors_already_to_its_body)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, work, .seconds = 1, .result = -EIO);
    EXPECT_EQ(acio_group_errors(&group, NULL, 0), 0);
    EXPECT_ERR(acio_sleep(1000), -ECANCELED);
    int error = 0;
    EXPECT_EQ(acio_group_errors(&group, &error, 1), 1);
    EXPECT_ERR(error, -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    acio_group_close(&group);
}

/* ---- while it is shutting down ---- */

struct start_sibling_args {
    acio_group *group;
};

/* When it is cancelled, it tries to start a task in its group. */
static int
start_sibling(void *arg)
{
    struct start_sibling_args *a = arg;
    int err = acio_sleep(1000);
    acio_task *task = acio_group_create_task(a->group, say, .text = "late");
    int started = acio_group_start(a->group, say, .text = "late");
    note("%s %s ", task ? "created" : "refused", acio_strerror(started));
    return err;
}

SPEC_SIM(group, that_is_shutting_down_takes_no_task_of_its_own_tasks)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, start_sibling, &group);
    acio_group_create_task(&group, work, .seconds = 1, .result = -EIO);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    EXPECT_EQ(acio_group_errors(&group, NULL, 0), 1);
    EXPECT_NOTED("refused the object is closed ");
    acio_group_close(&group);
}

struct own_group_args {
    double seconds;
};

static int
own_group(void *arg)
{
    struct own_group_args *a = arg;
    ACIO_GROUP(group);
    acio_group_create_task(&group, stubborn, .seconds = a->seconds,
        .text = "stubborn");
    acio_group_create_task(&group, work, .seconds = 1000);
    int err = acio_group_wait(&group);
    note("%s ", acio_strerror(err));
    return err;
}

SPEC_SIM(group, that_is_cancelled_twice_from_outside_waits_all_the_same)
{
    acio_task *task = acio_create_task(own_group, .seconds = 5);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_ELAPSED(5);
    EXPECT_NOTED("stubborn Operation canceled ");
}

static int
fail_with_its_cancel(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    return err == -ECANCELED ? -EIO : err;
}

static int
group_that_fails_when_cancelled(void *arg)
{
    (void)arg;
    ACIO_GROUP(group);
    acio_group_create_task(&group, fail_with_its_cancel);
    int err = acio_group_wait(&group);
    return err;
}

SPEC_SIM(group, that_is_cancelled_from_outside_answers_what_that_made_fail)
{
    acio_task *task = acio_create_task(group_that_fails_when_cancelled);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -EIO);
}

/* ---- nested ---- */

struct nest_args {
    int depth;
};

static int
nest(void *arg)
{
    struct nest_args *a = arg;
    if (a->depth == 0)
        return acio_sleep(1) < 0 ? -ECANCELED : -EIO;
    ACIO_GROUP(group);
    acio_group_create_task(&group, nest, a->depth - 1);
    acio_group_create_task(&group, stubborn, .seconds = 1 + a->depth,
        .text = "end");
    int err = acio_group_wait(&group);
    note("%d ", a->depth);
    return err;
}

SPEC_SIM(group, that_fails_far_inside_ends_all_around_it_from_the_inside_out)
{
    EXPECT_ERR(acio_await(acio_create_task(nest, 3)), -EIO);
    EXPECT_NOTED("end 1 end 2 end 3 ");
    EXPECT_ELAPSED(4);
}

SPEC_SIM(group, that_is_cancelled_from_outside_ends_all_inside_it_first)
{
    acio_task *task = acio_create_task(nest, 3);
    EXPECT_ERR(acio_sleep(0.5), 0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("end 1 end 2 end 3 ");
    EXPECT_ELAPSED(4);
}
