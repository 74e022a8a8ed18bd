/* SPDX-License-Identifier: MIT */
/* Groups: when they end, and what an error or a cancel does to the rest. */
#include "traces.h"

static int
wait_and_say(acio_group *group)
{
    int err = acio_group_wait(group);
    int errors[4];
    size_t count = acio_group_errors(group, errors, 4);
    say("group: %s", word(err));
    for (size_t i = 0; i < count; i++)
        say("error %s", word(errors[i]));
    return err;
}

SCENARIO(group_waits_for_all)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 2);
    acio_group_create_task(&group, work, .text = "b", .delay = 1);
    say("body");
    wait_and_say(&group);
}

SCENARIO(group_of_nothing_does_not_suspend)
{
    ACIO_GROUP(group);
    start(work, .text = "other");
    wait_and_say(&group);
    acio_sleep(1);
}

SCENARIO(group_ends_two_passes_after_its_last_child)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, tick, .text = "a", .times = 2);
    start(tick, .text = "other", .times = 6);
    wait_and_say(&group);
    acio_sleep(1);
}

SCENARIO(group_whose_children_have_ended_does_not_suspend)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a");
    acio_sleep(1);
    start(work, .text = "other");
    wait_and_say(&group);
    acio_sleep(1);
}

SCENARIO(group_keeps_the_results)
{
    ACIO_GROUP(group);
    acio_task *a = acio_group_create_task(&group, work, .text = "a", .delay = 2,
        .result = 1);
    acio_task *b = acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = 2);
    wait_and_say(&group);
    say("%s %s", word(acio_task_result(a)), word(acio_task_result(b)));
}

SCENARIO(group_error_cancels_the_sibling)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 5);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    start(tick, .text = "other", .times = 2);
    wait_and_say(&group);
}

SCENARIO(group_error_passes_counted)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 5);
    acio_group_create_task(&group, work, .text = "b", .result = -EIO);
    start(tick, .text = "other", .times = 8);
    wait_and_say(&group);
    acio_sleep(1);
}

SCENARIO(group_error_waits_for_clean_up)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, tidy, .text = "a", .delay = 5, .cleanup = 3);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    wait_and_say(&group);
}

SCENARIO(group_error_waits_for_the_stubborn)
{
    ACIO_GROUP(group);
    acio_task *a = acio_group_create_task(&group, stubborn, .text = "a",
        .delay = 5, .result = 7);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    wait_and_say(&group);
    say("%s", word(acio_task_result(a)));
}

SCENARIO(group_of_two_errors_at_once)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 1,
        .result = -ENOENT);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    wait_and_say(&group);
}

SCENARIO(group_error_during_clean_up)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, stubborn, .text = "a", .delay = 5,
        .result = -ENOENT);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    wait_and_say(&group);
}

SCENARIO(group_error_interrupts_the_body)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 1,
        .result = -EIO);
    say("body: %s", word(acio_sleep(5)));
    wait_and_say(&group);
    say("%d requests", acio_cancelling(acio_current_task()));
    say("%s", word(acio_sleep(1)));
}

SCENARIO(group_error_while_the_body_is_ready)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "a", .delay = 1,
        .result = -EIO);
    acio_sleep(0);
    int err = acio_sleep(1);
    say("body: %s", word(err));
    err = acio_sleep(1);
    say("body: %s", word(err));
    wait_and_say(&group);
}

SCENARIO(group_child_that_is_cancelled_is_no_error)
{
    ACIO_GROUP(group);
    acio_task *a = acio_group_create_task(&group, work, .text = "a",
        .delay = 5);
    acio_group_create_task(&group, work, .text = "b", .delay = 2);
    acio_sleep(1);
    acio_cancel(a);
    wait_and_say(&group);
}

SCENARIO(group_child_cancelled_before_it_starts)
{
    ACIO_GROUP(group);
    acio_task *a = acio_group_create_task(&group, work, .text = "a");
    acio_group_create_task(&group, work, .text = "b");
    acio_cancel(a);
    wait_and_say(&group);
}

struct grouped_args {
    double cleanup;
    int result;
};

/* A group with a child that cleans up, and then fails or not. */
static int
grouped(void *arg)
{
    struct grouped_args *a = arg;
    ACIO_GROUP(group);
    acio_group_create_task(&group, tidy, .text = "child", .delay = 5,
        .cleanup = a->cleanup);
    if (a->result < 0)
        acio_group_create_task(&group, stubborn, .text = "failing", .delay = 4,
            .result = a->result);
    return wait_and_say(&group);
}

SCENARIO(group_cancelled_from_outside)
{
    acio_task *task = acio_create_task(grouped, .cleanup = 0);
    acio_sleep(1);
    acio_cancel(task);
    start(tick, .text = "other", .times = 6);
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(group_cancelled_from_outside_waits_for_clean_up)
{
    acio_task *task = acio_create_task(grouped, .cleanup = 2);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(group_cancelled_from_outside_prefers_the_error)
{
    acio_task *task = acio_create_task(grouped, .result = -EIO);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(group_cancelled_before_its_children_start)
{
    acio_task *task = acio_create_task(grouped, .cleanup = 2);
    acio_sleep(0);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(group_within_a_limit)
{
    acio_task *task = acio_create_task(grouped, .cleanup = 2);
    say("%s", word(acio_wait_for(task, 1)));
}

SCENARIO(group_within_a_limit_in_its_own_task)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task(&group, tidy, .text = "child", .delay = 5,
        .cleanup = 1);
    int err = acio_group_wait(&group);
    acio_group_close(&group);
    acio_timeout_close(&limit);
    say("%s", word(err));
}

struct mother_args {
    acio_group *group;
};

static int
mother(void *arg)
{
    struct mother_args *a = arg;
    say("mother");
    acio_group_create_task(a->group, work, .text = "child", .delay = 2);
    acio_sleep(1);
    acio_group_create_task(a->group, work, .text = "late child", .delay = 2);
    say("mother ends");
    return 0;
}

SCENARIO(group_child_starts_more)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, mother, .group = &group);
    wait_and_say(&group);
}

struct start_after_error_args {
    acio_group *group;
};

static int
start_after_error(void *arg)
{
    struct start_after_error_args *a = arg;
    say("%s", word(acio_sleep(5)));
    acio_task *task = acio_group_create_task(a->group, work, .text = "late");
    say("%s", task ? "started" : "refused");
    return -ECANCELED;
}

SCENARIO(group_that_failed_takes_no_more)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, start_after_error, .group = &group);
    acio_group_create_task(&group, work, .text = "b", .delay = 1,
        .result = -EIO);
    wait_and_say(&group);
}

SCENARIO(group_in_a_group_passes_its_error_on)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, work, .text = "sibling", .delay = 7);
    acio_group_create_task(&group, grouped, .cleanup = 1, .result = -EIO);
    wait_and_say(&group);
}

SCENARIO(group_in_a_group_is_cancelled_with_it)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, grouped, .cleanup = 2);
    acio_group_create_task(&group, work, .text = "sibling", .delay = 1,
        .result = -ENOENT);
    wait_and_say(&group);
}

static int
leave_early(void *arg)
{
    (void)arg;
    ACIO_GROUP(group);
    acio_group_create_task(&group, tidy, .text = "child", .delay = 5,
        .cleanup = 1);
    acio_sleep(1);
    say("leaves");
    return -EIO;
}

SCENARIO(group_left_by_an_error)
{
    acio_task *task = acio_create_task(leave_early);
    say("%s", word(acio_await(task)));
}
