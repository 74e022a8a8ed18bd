/* SPDX-License-Identifier: MIT */
/* Tasks: who runs when, and who hears of whom. */
#include "traces.h"

SCENARIO(tasks_run_in_order_of_creation)
{
    start(work, .text = "a");
    start(work, .text = "b");
    start(work, .text = "c");
    say("main");
    acio_sleep(1);
}

SCENARIO(sleep_of_no_time_goes_round)
{
    start(tick, .text = "a", .times = 3);
    start(tick, .text = "b", .times = 2);
    start(tick, .text = "c", .times = 4);
    for (int i = 0; i < 3; i++) {
        say("main %d", i);
        acio_sleep(0);
    }
    acio_sleep(1);
}

SCENARIO(sleepers_wake_in_order_of_time)
{
    start(work, .text = "c", .delay = 3);
    start(work, .text = "a", .delay = 1);
    start(work, .text = "b", .delay = 2);
    acio_sleep(4);
    say("main");
}

SCENARIO(sleepers_of_equal_time_wake_in_order_of_falling_asleep)
{
    start(work, .text = "a", .delay = 1);
    start(work, .text = "b", .delay = 1);
    acio_sleep(2);
    say("main");
}

SCENARIO(main_that_sleeps_as_long_wakes_first)
{
    start(work, .text = "a", .delay = 1);
    acio_sleep(1);
    say("main");
    acio_sleep(1);
}

SCENARIO(tasks_and_callbacks_run_in_order)
{
    acio_handle a = { 0 }, b = { 0 }, c = { 0 };
    call_soon(&a, "callback a");
    start(work, .text = "task a");
    call_soon(&b, "callback b");
    start(tick, .text = "task b", .times = 2);
    call_soon(&c, "callback c");
    acio_sleep(1);
}

SCENARIO(timer_against_a_sleeper_of_equal_time)
{
    acio_timer before = { 0 }, after = { 0 };
    call_later(&before, 1, "before");
    start(work, .text = "sleeper", .delay = 1);
    acio_sleep(0);
    call_later(&after, 1, "after");
    acio_sleep(2);
}

SCENARIO(timer_against_tasks_that_are_ready)
{
    acio_timer timer = { 0 };
    start(tick, .text = "a", .times = 3);
    call_later(&timer, 0, "timer");
    start(tick, .text = "b", .times = 3);
    acio_sleep(1);
}

static int
parent(void *arg)
{
    (void)arg;
    start(tick, .text = "child a", .times = 2);
    say("parent");
    acio_sleep(0);
    start(tick, .text = "child b", .times = 2);
    say("parent again");
    return 0;
}

SCENARIO(tasks_of_tasks_run_behind_what_is_ready)
{
    start(parent);
    start(tick, .text = "sibling", .times = 3);
    acio_sleep(1);
}

SCENARIO(await_gives_the_result)
{
    acio_task *task = acio_create_task(work, .text = "a", .delay = 1,
        .result = 42);
    say("%s", word(acio_await(task)));
}

SCENARIO(await_gives_the_error)
{
    acio_task *task = acio_create_task(work, .text = "a", .delay = 1,
        .result = -EIO);
    say("%s", word(acio_await(task)));
}

SCENARIO(await_of_a_finished_task_does_not_suspend)
{
    acio_task *task = acio_create_task(work, .text = "a", .result = 7);
    acio_sleep(1);
    start(work, .text = "later");
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(await_wakes_one_pass_after_the_end)
{
    acio_task *task = acio_create_task(tick, .text = "awaited", .times = 2);
    start(tick, .text = "other", .times = 5);
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(several_await_one_task_in_order)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    start(await_task, .text = "a", .task = task);
    start(await_task, .text = "b", .task = task);
    start(await_task, .text = "c", .task = task);
    acio_sleep(2);
}

SCENARIO(several_await_one_error)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = -ENOENT);
    start(await_task, .text = "a", .task = task);
    start(await_task, .text = "b", .task = task);
    acio_sleep(2);
}

struct descend_args {
    int depth;
    int result;
};

static int
descend(void *arg)
{
    struct descend_args *a = arg;
    int result = a->result;
    if (a->depth > 0) {
        acio_task *next = acio_create_task(descend, .depth = a->depth - 1,
            .result = a->result);
        result = acio_await(next);
    }
    say("depth %d: %s", a->depth, word(result));
    return result;
}

SCENARIO(chain_of_awaits_returns_one_pass_each)
{
    start(tick, .text = "other", .times = 10);
    say("%s",
        word(acio_await(acio_create_task(descend, .depth = 3, .result = 5))));
    acio_sleep(1);
}

SCENARIO(chain_of_awaits_passes_the_error_on)
{
    say("%s",
        word(
            acio_await(acio_create_task(descend, .depth = 3, .result = -EIO))));
}

SCENARIO(done_callbacks_run_in_order)
{
    acio_handle a = { 0 }, b = { 0 };
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1);
    acio_task_add_done_callback(task, &a, say_text, "a");
    acio_task_add_done_callback(task, &b, say_text, "b");
    start(tick, .text = "other", .times = 2);
    acio_sleep(2);
    acio_detach(task);
}

SCENARIO(done_callbacks_among_awaiters)
{
    acio_handle first = { 0 }, last = { 0 };
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1);
    acio_task_add_done_callback(task, &first, say_text, "first");
    start(await_task, .text = "awaiter", .task = task);
    acio_sleep(0);
    acio_task_add_done_callback(task, &last, say_text, "last");
    acio_sleep(2);
}

SCENARIO(done_callback_of_a_finished_task_runs_in_the_next_pass)
{
    acio_handle handle = { 0 };
    acio_task *task = acio_create_task(work, .text = "task");
    acio_sleep(1);
    acio_task_add_done_callback(task, &handle, say_text, "called");
    say("main");
    start(work, .text = "other");
    acio_sleep(1);
    acio_detach(task);
}

SCENARIO(done_callback_may_be_taken_back)
{
    acio_handle a = { 0 }, b = { 0 };
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1);
    acio_task_add_done_callback(task, &a, say_text, "a");
    acio_task_add_done_callback(task, &b, say_text, "b");
    acio_handle_cancel(&a);
    acio_sleep(2);
    acio_detach(task);
}

SCENARIO(task_shows_what_became_of_it)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    say("%s %s", acio_task_done(task) ? "done" : "not done",
        word(acio_task_result(task)));
    acio_sleep(2);
    say("%s %s", acio_task_done(task) ? "done" : "not done",
        word(acio_task_result(task)));
    acio_detach(task);
}

SCENARIO(all_tasks_are_those_that_have_not_ended)
{
    acio_task *task = acio_create_task(work, .text = "task");
    say("%d tasks", (int)acio_all_tasks(NULL, 0));
    acio_sleep(1);
    say("%d tasks", (int)acio_all_tasks(NULL, 0));
    acio_detach(task);
}

SCENARIO(end_of_main_cancels_what_is_left)
{
    start(tidy, .text = "left", .delay = 5, .cleanup = 1);
    acio_sleep(1);
    say("main");
}

SCENARIO(end_of_main_lets_the_pass_end)
{
    start(work, .text = "a");
    acio_sleep(0);
    start(work, .text = "b");
    start(tick, .text = "c", .times = 4);
    say("main");
}
