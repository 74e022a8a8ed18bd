# SPDX-License-Identifier: MIT
"""Events, locks, conditions, semaphores, barriers: who goes on, and when."""

from asyncio import (Barrier, BoundedSemaphore, Condition, Event, Lock,
                     Semaphore, create_task, sleep)

from traces import *


async def wait_event(text, event):
    try:
        await event.wait()
    except asyncio.CancelledError as error:
        say(f"{text}: {word(error)}")
        raise
    say(f"{text}: 0")


def is_set(event):
    return "set" if event.is_set() else "not set"


@scenario
async def event_wakes_in_order_of_coming():
    event = Event()
    start(wait_event("a", event))
    start(wait_event("b", event))
    start(wait_event("c", event))
    await sleep(1)
    event.set()
    start(work("other"))
    say("set")
    await sleep(1)


@scenario
async def event_that_is_set_does_not_suspend():
    event = Event()
    event.set()
    start(work("other"))
    await event.wait()
    say("0")
    say(is_set(event))
    await sleep(1)


@scenario
async def event_cleared_at_once_still_wakes():
    event = Event()
    start(wait_event("a", event))
    await sleep(1)
    event.set()
    event.clear()
    start(wait_event("b", event))
    await sleep(1)
    say(is_set(event))
    event.set()
    await sleep(1)


@scenario
async def event_waiter_is_cancelled():
    event = Event()
    a = create_task(wait_event("a", event))
    start(wait_event("b", event))
    await sleep(1)
    a.cancel()
    event.set()
    await sleep(1)


@scenario
async def event_waiter_is_cancelled_after_the_set():
    event = Event()
    a = create_task(wait_event("a", event))
    await sleep(1)
    event.set()
    a.cancel()
    await sleep(1)


async def hold(text, lock, delay=0):
    try:
        await lock.acquire()
    except asyncio.CancelledError as error:
        say(f"{text}: {word(error)}")
        raise
    try:
        say(f"{text} holds")
        await sleep(delay)
    finally:
        say(f"{text} releases")
        lock.release()


def is_locked(lock):
    return "locked" if lock.locked() else "free"


@scenario
async def lock_is_taken_in_order_of_coming():
    lock = Lock()
    start(hold("a", lock, delay=1))
    start(hold("b", lock, delay=1))
    start(hold("c", lock, delay=1))
    await sleep(5)


def released(lock):
    try:
        lock.release()
        return "0"
    except (RuntimeError, ValueError) as error:
        return word(error)


@scenario
async def lock_that_is_free_does_not_suspend():
    lock = Lock()
    start(work("other"))
    await lock.acquire()
    say("0")
    say(is_locked(lock))
    say(released(lock))
    say(is_locked(lock))
    say(released(lock))
    await sleep(1)


async def hold_twice(text, lock, delay):
    for i in range(2):
        async with lock:
            say(f"{text} {i}")
            await sleep(delay)


@scenario
async def lock_goes_to_who_waits_and_not_back():
    lock = Lock()
    start(hold_twice("a", lock, delay=1))
    start(hold_twice("b", lock, delay=1))
    await sleep(5)


@scenario
async def lock_waiter_is_cancelled():
    lock = Lock()
    start(hold("a", lock, delay=2))
    b = create_task(hold("b", lock))
    start(hold("c", lock))
    await sleep(1)
    b.cancel()
    await sleep(3)


@scenario
async def lock_released_shows_that_it_was_handed_on():
    lock = Lock()
    await lock.acquire()
    say("0")
    start(hold("a", lock, delay=1))
    await sleep(1)
    lock.release()
    say(is_locked(lock))
    await sleep(0)
    say(is_locked(lock))
    await sleep(2)


@scenario
async def lock_waiter_is_cancelled_after_the_release():
    lock = Lock()
    await lock.acquire()
    say("0")
    a = create_task(hold("a", lock))
    start(hold("b", lock))
    await sleep(1)
    lock.release()
    a.cancel()
    await sleep(1)


async def enter(text, semaphore, delay=0):
    try:
        await semaphore.acquire()
    except asyncio.CancelledError as error:
        say(f"{text}: {word(error)}")
        raise
    try:
        say(f"{text} enters")
        await sleep(delay)
        say(f"{text} leaves")
    finally:
        semaphore.release()


@scenario
async def semaphore_lets_so_many_in():
    semaphore = Semaphore(2)
    start(enter("a", semaphore, delay=1))
    start(enter("b", semaphore, delay=2))
    start(enter("c", semaphore, delay=3))
    start(enter("d", semaphore, delay=1))
    await sleep(10)


@scenario
async def semaphore_released_several_times_at_once():
    semaphore = Semaphore(0)
    start(enter("a", semaphore, delay=5))
    start(enter("b", semaphore, delay=5))
    start(enter("c", semaphore, delay=5))
    await sleep(1)
    semaphore.release()
    semaphore.release()
    say("locked" if semaphore.locked() else "open")
    await sleep(1)
    semaphore.release()
    await sleep(10)


@scenario
async def semaphore_is_not_taken_from_who_waits():
    semaphore = Semaphore(1)
    await semaphore.acquire()
    say("0")
    start(enter("a", semaphore, delay=1))
    await sleep(1)
    semaphore.release()
    await semaphore.acquire()
    say("0")
    say("again")
    semaphore.release()
    await sleep(2)


@scenario
async def semaphore_waiter_is_cancelled():
    semaphore = Semaphore(0)
    a = create_task(enter("a", semaphore))
    start(enter("b", semaphore, delay=1))
    await sleep(1)
    a.cancel()
    semaphore.release()
    await sleep(3)


@scenario
async def semaphore_that_is_bounded():
    semaphore = BoundedSemaphore(1)
    await semaphore.acquire()
    say("0")
    say(released(semaphore))
    say(released(semaphore))


async def await_notice(text, condition, delay=0):
    async with condition:
        say(f"{text} waits")
        try:
            await condition.wait()
        except asyncio.CancelledError as error:
            say(f"{text}: {word(error)}, {is_locked(condition)}")
            raise
        say(f"{text}: 0, {is_locked(condition)}")
        await sleep(delay)


async def notify(condition, n):
    async with condition:
        condition.notify(n)
        say("notified")


@scenario
async def condition_notifies_in_order():
    condition = Condition()
    start(await_notice("a", condition))
    start(await_notice("b", condition))
    start(await_notice("c", condition))
    await sleep(1)
    await notify(condition, 1)
    await sleep(1)
    await notify(condition, 2)
    await sleep(1)


@scenario
async def condition_lets_on_one_after_the_other():
    condition = Condition()
    start(await_notice("a", condition, delay=1))
    start(await_notice("b", condition, delay=1))
    await sleep(1)
    await notify(condition, 2)
    start(await_notice("c", condition))
    await sleep(5)
    await notify(condition, 1)
    await sleep(1)


@scenario(since=(3, 13))
async def condition_waiter_is_cancelled():
    condition = Condition()
    a = create_task(await_notice("a", condition))
    start(await_notice("b", condition))
    await sleep(1)
    a.cancel()
    await sleep(1)
    await notify(condition, 1)
    await sleep(1)


class Count:
    def __init__(self):
        self.condition = Condition()
        self.value = 0

    def is_three(self):
        say(f"looks at {self.value}")
        return self.value >= 3


async def await_three(count):
    async with count.condition:
        result = await count.condition.wait_for(count.is_three)
        say(f"three: {word(result)}")


@scenario
async def condition_waits_for_a_state():
    count = Count()
    start(await_three(count))
    for i in range(1, 5):
        await sleep(1)
        count.value = i
        await notify(count.condition, 1)
    await sleep(1)


@scenario
async def condition_needs_its_lock():
    condition = Condition()
    try:
        condition.notify(1)
    except RuntimeError as error:
        say(word(error))
    say(await outcome(condition.wait()))


async def come(text, barrier, delay=0):
    await sleep(delay)
    try:
        number = await barrier.wait()
    except (Exception, asyncio.CancelledError) as error:
        say(f"{text}: {word(error)}")
        raise
    say(f"{text}: {number}")


@scenario
async def barrier_lets_all_go_with_the_last():
    barrier = Barrier(3)
    start(come("a", barrier, delay=1))
    start(come("b", barrier, delay=2))
    start(come("c", barrier, delay=3))
    await sleep(2.5)
    say(f"{barrier.n_waiting} wait")
    await sleep(2)
    say(f"{barrier.n_waiting} wait")


@scenario
async def barrier_is_used_again():
    barrier = Barrier(2)
    start(come("a", barrier, delay=1))
    start(come("b", barrier, delay=2))
    start(come("c", barrier, delay=3))
    start(come("d", barrier, delay=4))
    await sleep(6)


def is_broken(barrier):
    return "broken" if barrier.broken else "whole"


@scenario
async def barrier_is_broken():
    barrier = Barrier(2)
    start(come("a", barrier, delay=1))
    await sleep(2)
    await barrier.abort()
    await sleep(0)
    await sleep(0)
    say(is_broken(barrier))
    start(come("b", barrier))
    await sleep(1)


@scenario
async def barrier_is_made_whole_again():
    barrier = Barrier(2)
    start(come("a", barrier, delay=1))
    await sleep(2)
    await barrier.reset()
    await sleep(1)
    say(is_broken(barrier))
    start(come("b", barrier))
    start(come("c", barrier))
    await sleep(1)


@scenario
async def barrier_waiter_is_cancelled():
    barrier = Barrier(2)
    a = create_task(come("a", barrier))
    await sleep(1)
    a.cancel()
    await sleep(1)
    say(f"{barrier.n_waiting} wait")
    start(come("b", barrier))
    start(come("c", barrier))
    await sleep(1)
