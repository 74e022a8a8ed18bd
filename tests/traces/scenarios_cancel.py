# SPDX-License-Identifier: MIT
"""Cancellation: when a task learns of it, and what comes of it."""

from asyncio import CancelledError, create_task, current_task, sleep

from traces import *


def say_state(task):
    say(f"{'done' if task.done() else 'not done'}, "
        f"{'cancelled' if task.cancelled() else 'not cancelled'}, "
        f"{task.cancelling()} requests")


def say_request(task):
    say("requested" if task.cancel() else "too late")


@scenario
async def cancel_before_the_first_step():
    task = create_task(work("task"))
    start(tick("other", 2))
    task.cancel()
    say_state(task)
    await sleep(0)
    say_state(task)
    say(await outcome(task))
    await sleep(1)


@scenario
async def cancel_of_a_sleeper():
    task = create_task(work("task", delay=5))
    await sleep(1)
    task.cancel()
    start(tick("other", 3))
    say_state(task)
    say(await outcome(task))
    await sleep(1)


@scenario
async def cancel_keeps_the_order_of_what_is_ready():
    a = create_task(work("a", delay=5))
    b = create_task(work("b", delay=5))
    await sleep(1)
    call_soon("first")
    b.cancel()
    a.cancel()
    call_soon("last")
    await sleep(1)


@scenario
async def cancel_of_a_finished_task():
    task = create_task(work("task", result=3))
    await sleep(1)
    say_request(task)
    say_state(task)
    say(await outcome(task))


@scenario
async def cancel_twice_is_two_requests():
    task = create_task(work("task", delay=5))
    await sleep(1)
    say_request(task)
    say_request(task)
    say_state(task)
    await sleep(1)
    say_state(task)


async def cancel_self():
    current_task().cancel()
    say("goes on")
    try:
        await sleep(0)
    except CancelledError as error:
        say(word(error))
        raise


@scenario
async def cancel_of_oneself_waits_for_the_next_suspension():
    task = create_task(cancel_self())
    say(await outcome(task))


async def cancel_self_and_end():
    current_task().cancel()
    return 5


@scenario
async def cancel_of_a_task_that_never_suspends_again():
    task = create_task(cancel_self_and_end())
    say(await outcome(task))


@scenario
async def cancel_of_an_awaiter_cancels_what_it_awaits():
    task = create_task(work("task", delay=5))
    awaiter = create_task(await_task("awaiter", task))
    await sleep(1)
    awaiter.cancel()
    start(tick("other", 4))
    say(await outcome(awaiter))
    await sleep(1)


@scenario
async def cancel_of_a_chain_of_awaiters():
    task = create_task(work("task", delay=5))
    a = create_task(await_task("a", task))
    b = create_task(await_task("b", a))
    c = create_task(await_task("c", b))
    await sleep(1)
    c.cancel()
    start(tick("other", 6))
    say(await outcome(c))
    await sleep(1)


@scenario
async def cancel_of_the_awaited_ends_the_chain():
    task = create_task(work("task", delay=5))
    a = create_task(await_task("a", task))
    b = create_task(await_task("b", a))
    await sleep(1)
    task.cancel()
    say(await outcome(b))
    await sleep(1)


@scenario
async def cancel_of_one_awaiter_is_seen_by_the_others():
    task = create_task(work("task", delay=5))
    a = create_task(await_task("a", task))
    b = create_task(await_task("b", task))
    await sleep(1)
    b.cancel()
    await sleep(1)
    say_state(a)
    say_state(b)


@scenario
async def cancel_lets_clean_up_suspend():
    task = create_task(tidy("task", delay=5, cleanup=2))
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def cancel_of_an_awaiter_waits_for_clean_up():
    task = create_task(tidy("task", delay=5, cleanup=2))
    awaiter = create_task(await_task("awaiter", task))
    await sleep(1)
    awaiter.cancel()
    say(await outcome(awaiter))


async def clean_up_without_a_shield():
    try:
        await sleep(5)
    finally:
        say("cancelled")
        say(await outcome(sleep(2)))


@scenario
async def cancel_sticks():
    task = create_task(clean_up_without_a_shield())
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def cancel_during_clean_up():
    task = create_task(tidy("task", delay=5, cleanup=4))
    await sleep(1)
    task.cancel()
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def cancel_may_be_swallowed():
    task = create_task(stubborn("task", delay=5, result=7))
    await sleep(1)
    task.cancel()
    await sleep(1)
    say_state(task)
    say(await outcome(task))


@scenario
async def cancel_that_the_awaited_swallows():
    task = create_task(stubborn("task", delay=5, result=7))
    awaiter = create_task(await_task("awaiter", task))
    await sleep(1)
    awaiter.cancel()
    say(await outcome(awaiter))


async def uncancel_and_sleep():
    try:
        await sleep(5)
    except CancelledError as error:
        say(f"{word(error)}, {current_task().cancelling()} requests")
    say(f"{current_task().uncancel()} left")
    try:
        await sleep(2)
    except CancelledError as error:
        say(word(error))
        raise
    say("0")
    return 9


@scenario
async def cancel_may_be_taken_back():
    task = create_task(uncancel_and_sleep())
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def cancel_after_one_was_taken_back():
    task = create_task(uncancel_and_sleep())
    await sleep(1)
    task.cancel()
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario(since=(3, 13))
async def uncancel_before_the_task_knew():
    task = create_task(work("task", result=3))
    task.cancel()
    say(f"{task.uncancel()} left")
    say(await outcome(task))


def set_result(future, result):
    """Says what asyncio raises as well, but that of a cancelled future."""
    try:
        future.set_result(result)
        say("0")
    except asyncio.InvalidStateError as error:
        say(word(error))


@scenario
async def cancel_then_result_in_one_pass():
    future = asyncio.Future()
    task = create_task(await_future("task", future))
    await sleep(1)
    task.cancel()
    set_result(future, 5)
    say(await outcome(task))


@scenario
async def result_then_cancel_in_one_pass():
    future = asyncio.Future()
    task = create_task(await_future("task", future))
    await sleep(1)
    future.set_result(5)
    task.cancel()
    say(await outcome(task))


async def sleep_then_cancel(task):
    await sleep(1)
    say("cancels")
    task.cancel()


@scenario
async def cancel_by_who_wakes_first():
    task = create_task(work("task", delay=1, result=3))
    later = create_task(sleep_then_cancel(task))
    say(await outcome(task))
    say(await outcome(later))


async def sleep_then_cancel_first(victims):
    await sleep(1)
    say("cancels")
    victims[0].cancel()


@scenario
async def cancel_of_who_wakes_next():
    victims = []
    start(sleep_then_cancel_first(victims))
    victims.append(create_task(work("sleeper", delay=1)))
    await sleep(2)
    say_state(victims[0])


@scenario
async def cancel_of_who_sleeps_a_little_longer():
    sleeper = create_task(work("sleeper", delay=1.5))
    start(sleep_then_cancel(sleeper))
    await sleep(2)
    say_state(sleeper)


@scenario
async def cancel_by_a_task_that_ends_in_the_same_pass():
    task = create_task(work("task", delay=5))
    awaiter = create_task(await_task("awaiter", task))
    await sleep(1)
    start(cancel(task))
    start(cancel(awaiter))
    say(await outcome(awaiter))


@scenario
async def cancelled_child_does_not_cancel_its_parent():
    task = create_task(work("task", delay=5))
    awaiter = create_task(await_task("awaiter", task))
    await sleep(1)
    task.cancel()
    await sleep(1)
    say_state(awaiter)


@scenario
async def cancelled_task_with_done_callbacks():
    task = create_task(work("task", delay=5))
    task.add_done_callback(lambda _: say("a"))
    task.add_done_callback(lambda _: say("b"))
    await sleep(1)
    task.cancel()
    start(tick("other", 3))
    await sleep(1)
