/* SPDX-License-Identifier: MIT */
/* gather: results of many, and what becomes of the rest after an error. */
#include "traces.h"

static int
gather_and_say(acio_task *const *tasks, size_t count, int flags)
{
    int results[3];
    int err = acio_gather(tasks, count, results, flags);
    if (err < 0)
        say("gather: %s", word(err));
    for (size_t i = 0; i < count && err == 0; i++)
        say("result %s", word(results[i]));
    return err;
}

SCENARIO(gather_gives_results_in_order_of_tasks)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 3, .result = 1),
        acio_create_task(work, .text = "b", .delay = 1, .result = 2),
        acio_create_task(work, .text = "c", .delay = 2, .result = 3),
    };
    gather_and_say(tasks, 3, 0);
}

SCENARIO(gather_of_nothing_does_not_suspend)
{
    start(work, .text = "other");
    say("%s", word(acio_gather(NULL, 0, NULL, 0)));
    acio_sleep(1);
}

SCENARIO(gather_wakes_two_passes_after_the_last)
{
    acio_task *tasks[] = {
        acio_create_task(tick, .text = "a", .times = 1),
        acio_create_task(tick, .text = "b", .times = 2),
    };
    start(tick, .text = "other", .times = 6);
    gather_and_say(tasks, 2, 0);
    acio_sleep(1);
}

SCENARIO(gather_of_finished_tasks_does_not_suspend)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .result = 1),
        acio_create_task(work, .text = "b", .result = 2),
    };
    acio_sleep(1);
    start(tick, .text = "other", .times = 4);
    gather_and_say(tasks, 2, 0);
    acio_sleep(1);
}

SCENARIO(gather_ends_with_the_first_error)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 3, .result = 1),
        acio_create_task(work, .text = "b", .delay = 1, .result = -EIO),
        acio_create_task(work, .text = "c", .delay = 2, .result = -ENOENT),
    };
    gather_and_say(tasks, 3, 0);
    acio_sleep(5);
}

SCENARIO(gather_of_two_errors_at_once)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 1, .result = -ENOENT),
        acio_create_task(work, .text = "b", .delay = 1, .result = -EIO),
    };
    gather_and_say(tasks, 2, 0);
    acio_sleep(1);
}

SCENARIO(gather_takes_errors_for_results)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 3, .result = 1),
        acio_create_task(work, .text = "b", .delay = 1, .result = -EIO),
        acio_create_task(work, .text = "c", .delay = 2, .result = -ENOENT),
    };
    gather_and_say(tasks, 3, ACIO_RETURN_EXCEPTIONS);
}

static void
cancel_task(void *arg)
{
    acio_cancel(arg);
}

SCENARIO(gather_of_a_cancelled_task)
{
    acio_timer timer = { 0 };
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 5, .result = 1),
        acio_create_task(work, .text = "b", .delay = 3, .result = 2),
    };
    acio_loop_call_later(acio_get_running_loop(), &timer, 1, cancel_task,
        tasks[0]);
    gather_and_say(tasks, 2, 0);
    acio_sleep(5);
}

SCENARIO(gather_takes_a_cancel_for_a_result)
{
    acio_timer timer = { 0 };
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 5, .result = 1),
        acio_create_task(work, .text = "b", .delay = 3, .result = 2),
    };
    acio_loop_call_later(acio_get_running_loop(), &timer, 1, cancel_task,
        tasks[0]);
    gather_and_say(tasks, 2, ACIO_RETURN_EXCEPTIONS);
}

struct gatherer_args {
    double cleanup;
    int flags;
};

static int
gatherer(void *arg)
{
    struct gatherer_args *a = arg;
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 5, .result = 1),
        acio_create_task(tidy, .text = "b", .delay = 5, .cleanup = a->cleanup),
        acio_create_task(work, .text = "c", .delay = 5, .result = -EIO),
    };
    return gather_and_say(tasks, 3, a->flags);
}

SCENARIO(gather_cancelled_cancels_all)
{
    acio_task *task = acio_create_task(gatherer, .cleanup = 2);
    acio_sleep(1);
    acio_cancel(task);
    start(tick, .text = "other", .times = 6);
    say("%s", word(acio_await(task)));
    acio_sleep(5);
}

SCENARIO(gather_cancelled_waits_for_clean_up)
{
    acio_task *task = acio_create_task(gatherer, .cleanup = 2,
        .flags = ACIO_RETURN_EXCEPTIONS);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(gather_within_a_limit)
{
    acio_task *task = acio_create_task(gatherer, .cleanup = 2,
        .flags = ACIO_RETURN_EXCEPTIONS);
    say("%s", word(acio_wait_for(task, 1)));
}

static int
gather_stubborn(void *arg)
{
    (void)arg;
    acio_task *tasks[] = {
        acio_create_task(stubborn, .text = "a", .delay = 5, .result = 1),
        acio_create_task(stubborn, .text = "b", .delay = 5, .result = 2),
    };
    return gather_and_say(tasks, 2, 0);
}

SCENARIO(gather_cancelled_stays_cancelled)
{
    acio_task *task = acio_create_task(gather_stubborn);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(gather_cancelled_before_it_waits)
{
    acio_task *task = acio_create_task(gatherer, .cleanup = 1);
    acio_sleep(0);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
    acio_sleep(2);
}
