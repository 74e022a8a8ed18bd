# SPDX-License-Identifier: MIT
"""Futures: who is told of a result, and in which order."""

from asyncio import Future, create_task, get_running_loop, sleep

from traces import *


def state(call, *arguments):
    """What a call that raises in Python returns in C."""
    try:
        return word(call(*arguments))
    except (Exception, asyncio.CancelledError) as error:
        return word(error)


def say_result(future):
    say(f"{'done' if future.done() else 'not done'}, "
        f"{'cancelled' if future.cancelled() else 'not cancelled'}, "
        f"{state(future.result)}")


def say_cancel(future):
    say("cancelled" if future.cancel() else "too late")


@scenario
async def future_wakes_in_order_of_coming():
    future = Future()
    start(await_future("a", future))
    start(await_future("b", future))
    start(await_future("c", future))
    await sleep(1)
    future.set_result(4)
    say("set")
    start(work("other"))
    await sleep(1)


@scenario
async def future_gives_its_error_to_all():
    future = Future()
    start(await_future("a", future))
    start(await_future("b", future))
    await sleep(1)
    future.set_exception(OSError(EIO, ""))
    await sleep(1)


@scenario
async def future_calls_back_in_order_among_waiters():
    future = Future()
    future.add_done_callback(lambda _: say("first"))
    start(await_future("a", future))
    await sleep(0)
    future.add_done_callback(lambda _: say("middle"))
    start(await_future("b", future))
    await sleep(0)
    future.add_done_callback(lambda _: say("last"))
    future.set_result(1)
    await sleep(1)


@scenario
async def future_that_is_done_does_not_suspend():
    future = Future()
    future.set_result(1)
    start(work("other"))
    say(await outcome(future))
    say(await outcome(future))
    await sleep(1)


@scenario
async def future_that_is_done_calls_back_in_the_next_pass():
    future = Future()
    future.set_result(1)
    call_soon("before")
    future.add_done_callback(lambda _: say("called"))
    say("main")
    await sleep(1)


@scenario
async def future_takes_one_result():
    future = Future()
    say_result(future)
    say(state(future.set_result, 1))
    say(state(future.set_result, 2))
    say(state(future.set_exception, OSError(EIO, "")))
    say_cancel(future)
    say_result(future)


@scenario
async def future_cancelled_tells_its_waiters():
    future = Future()
    start(await_future("a", future))
    await sleep(0)
    future.add_done_callback(lambda _: say("called"))
    start(await_future("b", future))
    await sleep(1)
    say_cancel(future)
    say_cancel(future)
    await sleep(1)
    say_result(future)


@scenario
async def future_is_cancelled_with_its_waiter():
    future = Future()
    a = create_task(await_future("a", future))
    start(await_future("b", future))
    await sleep(1)
    a.cancel()
    say_result(future)
    await sleep(1)


@scenario
async def future_outlives_a_result_that_nobody_awaits():
    future = Future()
    future.set_exception(OSError(EIO, ""))
    await sleep(1)
    say_result(future)


@scenario
async def future_set_by_a_timer():
    future = Future()
    get_running_loop().call_later(1, lambda: say(state(future.set_result, 6)))
    start(tick("other", 2))
    say(await outcome(future))


async def relay(source, target):
    result = await source
    say(f"relays {result}")
    target.set_result(result + 1)


@scenario
async def futures_in_a_row_take_a_pass_each():
    futures = [Future() for _ in range(4)]
    for i in range(3):
        start(relay(futures[i], futures[i + 1]))
    await sleep(1)
    futures[0].set_result(0)
    start(tick("other", 6))
    say(await outcome(futures[3]))
    await sleep(1)
