/* SPDX-License-Identifier: MIT */
/* Futures: who is told of a result, and in which order. */
#include "traces.h"

static void
say_result(acio_future *future)
{
    say("%s, %s, %s", acio_future_done(future) ? "done" : "not done",
        acio_future_cancelled(future) ? "cancelled" : "not cancelled",
        word(acio_future_result(future)));
}

SCENARIO(future_wakes_in_order_of_coming)
{
    acio_future future;
    acio_future_init(&future);
    start(await_future, .text = "a", .future = &future);
    start(await_future, .text = "b", .future = &future);
    start(await_future, .text = "c", .future = &future);
    acio_sleep(1);
    acio_future_set_result(&future, 4);
    say("set");
    start(work, .text = "other");
    acio_sleep(1);
}

SCENARIO(future_gives_its_error_to_all)
{
    acio_future future;
    acio_future_init(&future);
    start(await_future, .text = "a", .future = &future);
    start(await_future, .text = "b", .future = &future);
    acio_sleep(1);
    acio_future_set_error(&future, -EIO);
    acio_sleep(1);
}

SCENARIO(future_calls_back_in_order_among_waiters)
{
    acio_future future;
    acio_handle first = { 0 }, middle = { 0 }, last = { 0 };
    acio_future_init(&future);
    acio_future_add_done_callback(&future, &first, say_text, "first");
    start(await_future, .text = "a", .future = &future);
    acio_sleep(0);
    acio_future_add_done_callback(&future, &middle, say_text, "middle");
    start(await_future, .text = "b", .future = &future);
    acio_sleep(0);
    acio_future_add_done_callback(&future, &last, say_text, "last");
    acio_future_set_result(&future, 1);
    acio_sleep(1);
}

SCENARIO(future_that_is_done_does_not_suspend)
{
    acio_future future;
    acio_future_init(&future);
    acio_future_set_result(&future, 1);
    start(work, .text = "other");
    say("%s", word(acio_future_await(&future)));
    say("%s", word(acio_future_await(&future)));
    acio_sleep(1);
}

SCENARIO(future_that_is_done_calls_back_in_the_next_pass)
{
    acio_future future;
    acio_handle before = { 0 }, handle = { 0 };
    acio_future_init(&future);
    acio_future_set_result(&future, 1);
    call_soon(&before, "before");
    acio_future_add_done_callback(&future, &handle, say_text, "called");
    say("main");
    acio_sleep(1);
}

SCENARIO(future_takes_one_result)
{
    acio_future future;
    acio_future_init(&future);
    say_result(&future);
    say("%s", word(acio_future_set_result(&future, 1)));
    say("%s", word(acio_future_set_result(&future, 2)));
    say("%s", word(acio_future_set_error(&future, -EIO)));
    say("%s", acio_future_cancel(&future) ? "cancelled" : "too late");
    say_result(&future);
}

SCENARIO(future_cancelled_tells_its_waiters)
{
    acio_future future;
    acio_handle handle = { 0 };
    acio_future_init(&future);
    start(await_future, .text = "a", .future = &future);
    acio_sleep(0);
    acio_future_add_done_callback(&future, &handle, say_text, "called");
    start(await_future, .text = "b", .future = &future);
    acio_sleep(1);
    say("%s", acio_future_cancel(&future) ? "cancelled" : "too late");
    say("%s", acio_future_cancel(&future) ? "cancelled" : "too late");
    acio_sleep(1);
    say_result(&future);
}

SCENARIO(future_is_cancelled_with_its_waiter)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *a = acio_create_task(await_future, .text = "a",
        .future = &future);
    start(await_future, .text = "b", .future = &future);
    acio_sleep(1);
    acio_cancel(a);
    say_result(&future);
    acio_sleep(1);
    acio_detach(a);
}

SCENARIO(future_outlives_a_result_that_nobody_awaits)
{
    acio_future future;
    acio_future_init(&future);
    acio_future_set_error(&future, -EIO);
    acio_sleep(1);
    say_result(&future);
}

static void
set_result(void *arg)
{
    say("%s", word(acio_future_set_result(arg, 6)));
}

SCENARIO(future_set_by_a_timer)
{
    acio_future future;
    acio_timer timer = { 0 };
    acio_future_init(&future);
    acio_loop_call_later(acio_get_running_loop(), &timer, 1, set_result,
        &future);
    start(tick, .text = "other", .times = 2);
    say("%s", word(acio_future_await(&future)));
}

struct relay_args {
    acio_future *from, *to;
};

static int
relay(void *arg)
{
    struct relay_args *a = arg;
    int result = acio_future_await(a->from);
    say("relays %s", word(result));
    acio_future_set_result(a->to, result + 1);
    return 0;
}

SCENARIO(futures_in_a_row_take_a_pass_each)
{
    acio_future futures[4];
    for (int i = 0; i < 4; i++)
        acio_future_init(&futures[i]);
    for (int i = 0; i < 3; i++)
        start(relay, .from = &futures[i], .to = &futures[i + 1]);
    acio_sleep(1);
    acio_future_set_result(&futures[0], 0);
    start(tick, .text = "other", .times = 6);
    say("%s", word(acio_future_await(&futures[3])));
    acio_sleep(1);
}
