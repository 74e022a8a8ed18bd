# SPDX-License-Identifier: MIT
"""Callbacks and timers: their order among themselves."""

from traces import *


def run_until(loop, seconds):
    loop.call_later(seconds, loop.stop)
    loop.run_forever()
    say("stopped")


@scenario
def callbacks_run_in_order(loop):
    call_soon("a")
    call_soon("b")
    call_soon("c")
    run_until(loop, 1)


def run_chain(loop, text, left):
    say(f"{text} {left}")
    if left > 0:
        loop.call_soon(run_chain, loop, text, left - 1)


@scenario
def callbacks_of_callbacks_run_in_the_next_pass(loop):
    loop.call_soon(run_chain, loop, "a", 3)
    loop.call_soon(run_chain, loop, "b", 2)
    loop.call_soon(run_chain, loop, "c", 1)
    run_until(loop, 1)


@scenario
def timers_fire_in_order_of_time(loop):
    call_later(3, "c")
    call_later(1, "a")
    call_later(2, "b")
    run_until(loop, 4)


@scenario
def timers_of_equal_time_fire_in_order_of_arming(loop):
    call_later(1, "a")
    call_later(1, "b")
    run_until(loop, 2)


@scenario
def many_timers_of_equal_time(loop):
    for text in "abcdef":
        call_later(1, text)
    run_until(loop, 2)


@scenario
def call_at_is_as_call_later(loop):
    call_later(1, "later")
    loop.call_at(loop.time() + 1, say, "at")
    loop.call_at(-5, say, "past")
    run_until(loop, 2)


@scenario
def timer_of_no_time_comes_after_what_is_ready(loop):
    call_soon("a")
    call_later(0, "now")
    call_soon("b")
    run_until(loop, 1)


@scenario
def timer_of_negative_delay(loop):
    call_later(0, "now")
    call_later(-1, "past")
    run_until(loop, 1)


def arm_both():
    say("both")
    call_later(0, "timer")
    call_soon("soon")


@scenario
def timer_of_no_time_waits_for_the_next_pass(loop):
    loop.call_soon(arm_both)
    loop.call_soon(run_chain, loop, "chain", 3)
    run_until(loop, 1)


@scenario
def due_timers_run_behind_what_timers_scheduled(loop):
    loop.call_later(1, arm_both)
    call_later(1, "second")
    call_later(1.5, "third")
    run_until(loop, 2)


@scenario
def cancelled_handle_does_not_run(loop):
    call_soon("a")
    b = call_soon("b")
    call_soon("c")
    b.cancel()
    b.cancel()
    run_until(loop, 1)


def cancel_handle(handles):
    say("cancels")
    handles[0].cancel()


@scenario
def handle_may_be_cancelled_in_its_own_pass(loop):
    handles = []
    loop.call_soon(cancel_handle, handles)
    handles.append(call_soon("b"))
    call_soon("c")
    run_until(loop, 1)


@scenario
def timer_may_be_cancelled_when_it_is_due(loop):
    timers = []
    loop.call_later(1, cancel_handle, timers)
    timers.append(call_later(1, "b"))
    call_later(1.5, "c")
    run_until(loop, 2)


@scenario
def cancelled_timers_leave_the_others_in_order(loop):
    timers = [call_later(i + 1, text) for i, text in enumerate("abcd")]
    timers[0].cancel()
    timers[2].cancel()
    run_until(loop, 5)


@scenario
def stop_lets_the_pass_end(loop):
    call_soon("a")
    loop.call_soon(loop.stop)
    call_soon("b")
    loop.call_soon(run_chain, loop, "chain", 3)
    loop.run_forever()
    say("stopped")
    run_until(loop, 1)


@scenario
def stop_before_the_start_makes_one_pass(loop):
    loop.call_soon(run_chain, loop, "chain", 3)
    loop.stop()
    loop.run_forever()
    say("stopped")
    run_until(loop, 1)


@scenario
def threadsafe_callbacks_run_in_order(loop):
    loop.call_soon_threadsafe(say, "a")
    loop.call_soon_threadsafe(say, "b")
    run_until(loop, 1)


@scenario
def threadsafe_callbacks_among_others(loop):
    loop.call_soon_threadsafe(say, "threadsafe")
    call_soon("b")
    call_soon("c")
    run_until(loop, 1)


@scenario
def time_stands_still_while_callbacks_run(loop):
    loop.call_soon(run_chain, loop, "chain", 20)
    call_later(0.5, "timer")
    run_until(loop, 1)
