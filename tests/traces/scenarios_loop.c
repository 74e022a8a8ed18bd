/* SPDX-License-Identifier: MIT */
/* Callbacks and timers: their order among themselves. */
#include "traces.h"

static void
stop(void *arg)
{
    acio_loop_stop(arg);
}

static void
run_until(acio_loop *loop, double seconds)
{
    acio_timer end = { 0 };
    acio_loop_call_later(loop, &end, seconds, stop, loop);
    if (acio_loop_run_forever(loop) == 0)
        say("stopped");
}

SCENARIO_LOOP(callbacks_run_in_order)
{
    acio_handle a = { 0 }, b = { 0 }, c = { 0 };
    call_soon(&a, "a");
    call_soon(&b, "b");
    call_soon(&c, "c");
    run_until(loop, 1);
}

struct chain {
    acio_handle handle;
    const char *text;
    int left;
};

static void
run_chain(void *arg)
{
    struct chain *chain = arg;
    say("%s %d", chain->text, chain->left);
    if (chain->left-- > 0)
        acio_loop_call_soon(acio_get_running_loop(), &chain->handle, run_chain,
            chain);
}

SCENARIO_LOOP(callbacks_of_callbacks_run_in_the_next_pass)
{
    struct chain a = { .text = "a", .left = 3 };
    struct chain b = { .text = "b", .left = 2 };
    struct chain c = { .text = "c", .left = 1 };
    acio_loop_call_soon(loop, &a.handle, run_chain, &a);
    acio_loop_call_soon(loop, &b.handle, run_chain, &b);
    acio_loop_call_soon(loop, &c.handle, run_chain, &c);
    run_until(loop, 1);
}

SCENARIO_LOOP(timers_fire_in_order_of_time)
{
    acio_timer a = { 0 }, b = { 0 }, c = { 0 };
    call_later(&c, 3, "c");
    call_later(&a, 1, "a");
    call_later(&b, 2, "b");
    run_until(loop, 4);
}

SCENARIO_LOOP(timers_of_equal_time_fire_in_order_of_arming)
{
    acio_timer a = { 0 }, b = { 0 };
    call_later(&a, 1, "a");
    call_later(&b, 1, "b");
    run_until(loop, 2);
}

SCENARIO_LOOP(many_timers_of_equal_time)
{
    static const char *const texts[] = { "a", "b", "c", "d", "e", "f" };
    acio_timer timers[6] = { 0 };
    for (int i = 0; i < 6; i++)
        call_later(&timers[i], 1, texts[i]);
    run_until(loop, 2);
}

SCENARIO_LOOP(call_at_is_as_call_later)
{
    acio_timer a = { 0 }, b = { 0 }, past = { 0 };
    call_later(&a, 1, "later");
    acio_loop_call_at(loop, &b, acio_loop_time(loop) + 1, say_text, "at");
    acio_loop_call_at(loop, &past, -5, say_text, "past");
    run_until(loop, 2);
}

SCENARIO_LOOP(timer_of_no_time_comes_after_what_is_ready)
{
    acio_timer now = { 0 };
    acio_handle a = { 0 }, b = { 0 };
    call_soon(&a, "a");
    call_later(&now, 0, "now");
    call_soon(&b, "b");
    run_until(loop, 1);
}

SCENARIO_LOOP(timer_of_negative_delay)
{
    acio_timer now = { 0 }, past = { 0 };
    call_later(&now, 0, "now");
    call_later(&past, -1, "past");
    run_until(loop, 1);
}

struct both {
    acio_timer timer;
    acio_handle handle;
};

static void
arm_both(void *arg)
{
    struct both *both = arg;
    say("both");
    call_later(&both->timer, 0, "timer");
    call_soon(&both->handle, "soon");
}

SCENARIO_LOOP(timer_of_no_time_waits_for_the_next_pass)
{
    struct both both = { 0 };
    struct chain chain = { .text = "chain", .left = 3 };
    acio_handle handle = { 0 };
    acio_loop_call_soon(loop, &handle, arm_both, &both);
    acio_loop_call_soon(loop, &chain.handle, run_chain, &chain);
    run_until(loop, 1);
}

SCENARIO_LOOP(due_timers_run_behind_what_timers_scheduled)
{
    struct both both = { 0 };
    acio_timer first = { 0 }, second = { 0 }, third = { 0 };
    acio_loop_call_later(loop, &first, 1, arm_both, &both);
    call_later(&second, 1, "second");
    call_later(&third, 1.5, "third");
    run_until(loop, 2);
}

SCENARIO_LOOP(cancelled_handle_does_not_run)
{
    acio_handle a = { 0 }, b = { 0 }, c = { 0 };
    call_soon(&a, "a");
    call_soon(&b, "b");
    call_soon(&c, "c");
    acio_handle_cancel(&b);
    acio_handle_cancel(&b);
    run_until(loop, 1);
}

static void
cancel_handle(void *arg)
{
    say("cancels");
    acio_handle_cancel(arg);
}

SCENARIO_LOOP(handle_may_be_cancelled_in_its_own_pass)
{
    acio_handle a = { 0 }, b = { 0 }, c = { 0 };
    acio_loop_call_soon(loop, &a, cancel_handle, &b);
    call_soon(&b, "b");
    call_soon(&c, "c");
    run_until(loop, 1);
}

static void
cancel_timer(void *arg)
{
    say("cancels");
    acio_timer_cancel(acio_get_running_loop(), arg);
}

SCENARIO_LOOP(timer_may_be_cancelled_when_it_is_due)
{
    acio_timer a = { 0 }, b = { 0 }, c = { 0 };
    acio_loop_call_later(loop, &a, 1, cancel_timer, &b);
    call_later(&b, 1, "b");
    call_later(&c, 1.5, "c");
    run_until(loop, 2);
}

SCENARIO_LOOP(cancelled_timers_leave_the_others_in_order)
{
    acio_timer timers[4] = { 0 };
    call_later(&timers[0], 1, "a");
    call_later(&timers[1], 2, "b");
    call_later(&timers[2], 3, "c");
    call_later(&timers[3], 4, "d");
    acio_timer_cancel(loop, &timers[0]);
    acio_timer_cancel(loop, &timers[2]);
    run_until(loop, 5);
}

SCENARIO_LOOP(stop_lets_the_pass_end)
{
    struct chain chain = { .text = "chain", .left = 3 };
    acio_handle a = { 0 }, b = { 0 }, end = { 0 };
    call_soon(&a, "a");
    acio_loop_call_soon(loop, &end, stop, loop);
    call_soon(&b, "b");
    acio_loop_call_soon(loop, &chain.handle, run_chain, &chain);
    if (acio_loop_run_forever(loop) == 0)
        say("stopped");
    run_until(loop, 1);
}

SCENARIO_LOOP(stop_before_the_start_makes_one_pass)
{
    struct chain chain = { .text = "chain", .left = 3 };
    acio_loop_call_soon(loop, &chain.handle, run_chain, &chain);
    acio_loop_stop(loop);
    if (acio_loop_run_forever(loop) == 0)
        say("stopped");
    run_until(loop, 1);
}

SCENARIO_LOOP(threadsafe_callbacks_run_in_order)
{
    acio_handle a = { 0 }, b = { 0 };
    acio_loop_call_soon_threadsafe(loop, &a, say_text, "a");
    acio_loop_call_soon_threadsafe(loop, &b, say_text, "b");
    run_until(loop, 1);
}

SCENARIO_LOOP(threadsafe_callbacks_among_others)
{
    acio_handle a = { 0 }, b = { 0 }, c = { 0 };
    acio_loop_call_soon_threadsafe(loop, &a, say_text, "threadsafe");
    call_soon(&b, "b");
    call_soon(&c, "c");
    run_until(loop, 1);
}

SCENARIO_LOOP(time_stands_still_while_callbacks_run)
{
    struct chain chain = { .text = "chain", .left = 20 };
    acio_timer timer = { 0 };
    acio_loop_call_soon(loop, &chain.handle, run_chain, &chain);
    call_later(&timer, 0.5, "timer");
    run_until(loop, 1);
}
