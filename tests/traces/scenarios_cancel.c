/* SPDX-License-Identifier: MIT */
/* Cancellation: when a task learns of it, and what comes of it. */
#include "traces.h"

static void
say_state(acio_task *task)
{
    say("%s, %s, %d requests", acio_task_done(task) ? "done" : "not done",
        acio_task_cancelled(task) ? "cancelled" : "not cancelled",
        acio_cancelling(task));
}

SCENARIO(cancel_before_the_first_step)
{
    acio_task *task = acio_create_task(work, .text = "task");
    start(tick, .text = "other", .times = 2);
    acio_cancel(task);
    say_state(task);
    acio_sleep(0);
    say_state(task);
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(cancel_of_a_sleeper)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_sleep(1);
    acio_cancel(task);
    start(tick, .text = "other", .times = 3);
    say_state(task);
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(cancel_keeps_the_order_of_what_is_ready)
{
    acio_task *a = acio_create_task(work, .text = "a", .delay = 5);
    acio_task *b = acio_create_task(work, .text = "b", .delay = 5);
    acio_handle first = { 0 }, last = { 0 };
    acio_sleep(1);
    call_soon(&first, "first");
    acio_cancel(b);
    acio_cancel(a);
    call_soon(&last, "last");
    acio_sleep(1);
    acio_detach(a);
    acio_detach(b);
}

SCENARIO(cancel_of_a_finished_task)
{
    acio_task *task = acio_create_task(work, .text = "task", .result = 3);
    acio_sleep(1);
    say("%s", acio_cancel(task) ? "requested" : "too late");
    say_state(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_twice_is_two_requests)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_sleep(1);
    say("%s", acio_cancel(task) ? "requested" : "too late");
    say("%s", acio_cancel(task) ? "requested" : "too late");
    say_state(task);
    acio_sleep(1);
    say_state(task);
    acio_detach(task);
}

static int
cancel_self(void *arg)
{
    (void)arg;
    acio_cancel(acio_current_task());
    say("goes on");
    int err = acio_sleep(0);
    say("%s", word(err));
    return err;
}

SCENARIO(cancel_of_oneself_waits_for_the_next_suspension)
{
    acio_task *task = acio_create_task(cancel_self);
    say("%s", word(acio_await(task)));
}

static int
cancel_self_and_end(void *arg)
{
    (void)arg;
    acio_cancel(acio_current_task());
    return 5;
}

SCENARIO(cancel_of_a_task_that_never_suspends_again)
{
    acio_task *task = acio_create_task(cancel_self_and_end);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_of_an_awaiter_cancels_what_it_awaits)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *awaiter = acio_create_task(await_task, .text = "awaiter",
        .task = task);
    acio_sleep(1);
    acio_cancel(awaiter);
    start(tick, .text = "other", .times = 4);
    say("%s", word(acio_await(awaiter)));
    acio_sleep(1);
}

SCENARIO(cancel_of_a_chain_of_awaiters)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *a = acio_create_task(await_task, .text = "a", .task = task);
    acio_task *b = acio_create_task(await_task, .text = "b", .task = a);
    acio_task *c = acio_create_task(await_task, .text = "c", .task = b);
    acio_sleep(1);
    acio_cancel(c);
    start(tick, .text = "other", .times = 6);
    say("%s", word(acio_await(c)));
    acio_sleep(1);
}

SCENARIO(cancel_of_the_awaited_ends_the_chain)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *a = acio_create_task(await_task, .text = "a", .task = task);
    acio_task *b = acio_create_task(await_task, .text = "b", .task = a);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(b)));
    acio_sleep(1);
}

SCENARIO(cancel_of_one_awaiter_is_seen_by_the_others)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *a = acio_create_task(await_task, .text = "a", .task = task);
    acio_task *b = acio_create_task(await_task, .text = "b", .task = task);
    acio_sleep(1);
    acio_cancel(b);
    acio_sleep(1);
    say_state(a);
    say_state(b);
    acio_detach(a);
    acio_detach(b);
}

SCENARIO(cancel_lets_clean_up_suspend)
{
    acio_task *task = acio_create_task(tidy, .text = "task", .delay = 5,
        .cleanup = 2);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_of_an_awaiter_waits_for_clean_up)
{
    acio_task *task = acio_create_task(tidy, .text = "task", .delay = 5,
        .cleanup = 2);
    acio_task *awaiter = acio_create_task(await_task, .text = "awaiter",
        .task = task);
    acio_sleep(1);
    acio_cancel(awaiter);
    say("%s", word(acio_await(awaiter)));
}

static int
clean_up_without_a_shield(void *arg)
{
    (void)arg;
    int err = acio_sleep(5);
    say("%s", word(err));
    say("%s", word(acio_sleep(2)));
    return err;
}

SCENARIO(cancel_sticks)
{
    acio_task *task = acio_create_task(clean_up_without_a_shield);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_during_clean_up)
{
    acio_task *task = acio_create_task(tidy, .text = "task", .delay = 5,
        .cleanup = 4);
    acio_sleep(1);
    acio_cancel(task);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_may_be_swallowed)
{
    acio_task *task = acio_create_task(stubborn, .text = "task", .delay = 5,
        .result = 7);
    acio_sleep(1);
    acio_cancel(task);
    acio_sleep(1);
    say_state(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_that_the_awaited_swallows)
{
    acio_task *task = acio_create_task(stubborn, .text = "task", .delay = 5,
        .result = 7);
    acio_task *awaiter = acio_create_task(await_task, .text = "awaiter",
        .task = task);
    acio_sleep(1);
    acio_cancel(awaiter);
    say("%s", word(acio_await(awaiter)));
}

static int
uncancel_and_sleep(void *arg)
{
    (void)arg;
    int err = acio_sleep(5);
    say("%s, %d requests", word(err), acio_cancelling(acio_current_task()));
    say("%d left", acio_uncancel(acio_current_task()));
    err = acio_sleep(2);
    say("%s", word(err));
    return err < 0 ? err : 9;
}

SCENARIO(cancel_may_be_taken_back)
{
    acio_task *task = acio_create_task(uncancel_and_sleep);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_after_one_was_taken_back)
{
    acio_task *task = acio_create_task(uncancel_and_sleep);
    acio_sleep(1);
    acio_cancel(task);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

SCENARIO(uncancel_before_the_task_knew)
{
    acio_task *task = acio_create_task(work, .text = "task", .result = 3);
    acio_cancel(task);
    say("%d left", acio_uncancel(task));
    say("%s", word(acio_await(task)));
}

SCENARIO(cancel_then_result_in_one_pass)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *task = acio_create_task(await_future, .text = "task",
        .future = &future);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_future_set_result(&future, 5)));
    say("%s", word(acio_await(task)));
}

SCENARIO(result_then_cancel_in_one_pass)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *task = acio_create_task(await_future, .text = "task",
        .future = &future);
    acio_sleep(1);
    acio_future_set_result(&future, 5);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}

struct sleep_then_cancel_args {
    acio_task *task;
};

static int
sleep_then_cancel(void *arg)
{
    struct sleep_then_cancel_args *a = arg;
    int err = acio_sleep(1);
    say("cancels");
    acio_cancel(a->task);
    return err;
}

SCENARIO(cancel_by_who_wakes_first)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    acio_task *later = acio_create_task(sleep_then_cancel, .task = task);
    say("%s", word(acio_await(task)));
    say("%s", word(acio_await(later)));
}

struct sleep_then_cancel_first_args {
    acio_task **victims;
};

static int
sleep_then_cancel_first(void *arg)
{
    struct sleep_then_cancel_first_args *a = arg;
    int err = acio_sleep(1);
    say("cancels");
    acio_cancel(a->victims[0]);
    return err;
}

SCENARIO(cancel_of_who_wakes_next)
{
    acio_task *victims[1];
    start(sleep_then_cancel_first, .victims = victims);
    victims[0] = acio_create_task(work, .text = "sleeper", .delay = 1);
    acio_sleep(2);
    say_state(victims[0]);
    acio_detach(victims[0]);
}

SCENARIO(cancel_of_who_sleeps_a_little_longer)
{
    acio_task *sleeper = acio_create_task(work, .text = "sleeper",
        .delay = 1.5);
    start(sleep_then_cancel, .task = sleeper);
    acio_sleep(2);
    say_state(sleeper);
    acio_detach(sleeper);
}

SCENARIO(cancel_by_a_task_that_ends_in_the_same_pass)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *awaiter = acio_create_task(await_task, .text = "awaiter",
        .task = task);
    acio_sleep(1);
    start(cancel, .task = task);
    start(cancel, .task = awaiter);
    say("%s", word(acio_await(awaiter)));
}

SCENARIO(cancelled_child_does_not_cancel_its_parent)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task *awaiter = acio_create_task(await_task, .text = "awaiter",
        .task = task);
    acio_sleep(1);
    acio_cancel(task);
    acio_sleep(1);
    say_state(awaiter);
    acio_detach(awaiter);
}

SCENARIO(cancelled_task_with_done_callbacks)
{
    acio_handle a = { 0 }, b = { 0 };
    acio_task *task = acio_create_task(work, .text = "task", .delay = 5);
    acio_task_add_done_callback(task, &a, say_text, "a");
    acio_task_add_done_callback(task, &b, say_text, "b");
    acio_sleep(1);
    acio_cancel(task);
    start(tick, .text = "other", .times = 3);
    acio_sleep(1);
    acio_detach(task);
}
