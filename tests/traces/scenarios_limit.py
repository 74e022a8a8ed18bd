# SPDX-License-Identifier: MIT
"""Time limits: whose they are, and who wins when much happens at once."""

from asyncio import (Future, create_task, get_running_loop, sleep, timeout,
                     timeout_at, wait_for)

from traces import *


def expired(limit):
    return "expired" if limit.expired() else "not expired"


async def within(limit, awaitable):
    """What is awaited inside a block of a limit, and then its outcome."""
    try:
        async with limit:
            return word(await awaitable)
    except (Exception, asyncio.CancelledError) as error:
        return word(error)


@scenario
async def limit_ends_a_sleep():
    limit = timeout(1)
    result = await within(limit, sleep(5))
    say(f"{result}, {expired(limit)}")
    say(await outcome(sleep(1)))


@scenario
async def limit_that_is_not_reached():
    limit = timeout(3)
    result = await within(limit, sleep(1))
    say(f"{result}, {expired(limit)}")
    say(await outcome(sleep(5)))


@scenario
async def limit_without_end():
    limit = timeout(None)
    result = await within(limit, sleep(1000))
    say(f"{result}, {expired(limit)}")


@scenario
async def limit_inside_a_longer_one():
    try:
        async with timeout(2) as outer:
            inner = timeout(1)
            say(f"inner: {await within(inner, sleep(5))}")
            await sleep(5)
    except TimeoutError as error:
        say(f"outer: {word(error)}")
    say(f"{expired(outer)}, {expired(inner)}")


@scenario
async def limit_inside_a_shorter_one():
    try:
        async with timeout(1) as outer:
            async with timeout(2) as inner:
                await sleep(5)
    except TimeoutError as error:
        say(f"outer: {word(error)}")
    say(f"{expired(outer)}, {expired(inner)}")


@scenario
async def limits_of_equal_time_nested():
    try:
        async with timeout(1) as outer:
            async with timeout(1) as inner:
                await sleep(5)
    except TimeoutError as error:
        say(f"outer: {word(error)}")
    say(f"{expired(outer)}, {expired(inner)}")


async def limited(text, limit, delay):
    try:
        async with timeout(limit):
            await sleep(delay)
    except (TimeoutError, asyncio.CancelledError) as error:
        say(f"{text}: {word(error)}")
        raise
    say(f"{text}: 0")


@scenario
async def limits_of_equal_time_in_siblings():
    start(limited("a", limit=1, delay=5))
    start(limited("b", limit=1, delay=5))
    await sleep(2)


@scenario
async def limit_of_one_task_leaves_the_others():
    start(limited("a", limit=1, delay=5))
    start(limited("b", limit=4, delay=3))
    start(work("c", delay=2))
    await sleep(6)


@scenario
async def limit_armed_before_the_sleep_of_equal_time():
    start(limited("a", limit=1, delay=1))
    await sleep(2)


def set_result(future):
    try:
        future.set_result(6)
        say("0")
    except asyncio.InvalidStateError as error:
        say(word(error))


async def await_within(future, limit):
    limit = timeout(limit)
    result = await within(limit, future)
    say(f"{result}, {expired(limit)}")


@scenario
async def limit_before_the_result_of_equal_time():
    future = Future()
    start(await_within(future, limit=1))
    await sleep(0)
    get_running_loop().call_later(1, set_result, future)
    await sleep(2)


@scenario
async def result_before_the_limit_of_equal_time():
    future = Future()
    get_running_loop().call_later(1, set_result, future)
    start(await_within(future, limit=1))
    await sleep(2)


@scenario
async def limit_of_no_time():
    start(tick("other", 2))
    try:
        async with timeout(0) as limit:
            say("inside")
            await sleep(1)
    except TimeoutError as error:
        say(f"{word(error)}, {expired(limit)}")
    await sleep(1)


@scenario
async def limit_that_has_passed_already():
    await sleep(5)
    try:
        async with timeout_at(1) as limit:
            say("inside")
            await sleep(1)
    except TimeoutError as error:
        say(f"{word(error)}, {expired(limit)}")


@scenario
async def limit_of_no_time_around_nothing():
    async with timeout(0):
        say("inside")
    say(await outcome(sleep(1)))


@scenario
async def limit_may_be_moved():
    try:
        async with timeout(1) as limit:
            say(f"{limit.when():.1f}")
            limit.reschedule(3)
            say(f"{limit.when():.1f}")
            await sleep(2)
            say(f"0, {expired(limit)}")
            limit.reschedule(2.5)
            await sleep(5)
    except TimeoutError as error:
        say(f"{word(error)}, {expired(limit)}")


@scenario
async def limit_cancels_what_is_awaited():
    task = create_task(work("task", delay=5))
    say(await within(timeout(1), task))


@scenario
async def limit_waits_for_the_clean_up_of_what_is_awaited():
    task = create_task(tidy("task", delay=5, cleanup=2))
    say(await within(timeout(1), task))


@scenario
async def limit_and_an_error_of_what_is_awaited():
    task = create_task(work("task", delay=1, result=-EIO))
    limit = timeout(2)
    result = await within(limit, task)
    say(f"{result}, {expired(limit)}")


@scenario
async def limit_against_a_cancel_before_it():
    task = create_task(limited("task", limit=2, delay=5))
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def limit_after_a_cancel_in_the_same_pass():
    task = create_task(limited("task", limit=1, delay=5))
    call_later(1, "timer")
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def wait_for_a_result_in_time():
    task = create_task(work("task", delay=1, result=3))
    say(await outcome(wait_for(task, 2)))


@scenario
async def wait_for_a_result_too_late():
    task = create_task(work("task", delay=5, result=3))
    say(await outcome(wait_for(task, 2)))


@scenario
async def wait_for_an_error():
    task = create_task(work("task", delay=1, result=-EIO))
    say(await outcome(wait_for(task, 2)))


@scenario
async def wait_for_clean_up():
    task = create_task(tidy("task", delay=5, cleanup=3))
    say(await outcome(wait_for(task, 1)))


@scenario
async def wait_for_who_swallows_the_cancel():
    task = create_task(stubborn("task", delay=5, result=7))
    say(await outcome(wait_for(task, 1)))


@scenario
async def wait_for_no_time():
    task = create_task(work("task", delay=1))
    await sleep(0)
    say(await outcome(wait_for(task, 0)))


@scenario
async def wait_for_no_time_what_is_finished():
    task = create_task(work("task", result=3))
    await sleep(1)
    start(work("other"))
    say(await outcome(wait_for(task, 0)))
    await sleep(1)


@scenario(since=(3, 12))
async def wait_for_a_result_of_equal_time():
    task = create_task(work("task", delay=1, result=3))
    await sleep(0)
    say(await outcome(wait_for(task, 1)))


async def wait_within(task, limit):
    try:
        await wait_for(task, limit)
    except asyncio.CancelledError as error:
        say(f"waiter: {word(error)}")
        raise


@scenario
async def wait_for_is_cancelled():
    task = create_task(work("task", delay=5))
    waiter = create_task(wait_within(task, limit=3))
    await sleep(1)
    waiter.cancel()
    say(await outcome(waiter))
