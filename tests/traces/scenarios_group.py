# SPDX-License-Identifier: MIT
"""Groups: when they end, and what an error or a cancel does to the rest."""

from asyncio import TaskGroup, create_task, current_task, sleep

from traces import *


class InOrder(dict):
    """A set that keeps the order in which it was filled."""

    def add(self, task):
        self[task] = None

    def discard(self, task):
        self.pop(task, None)


class Group(TaskGroup):
    """A group that says how it ended, as wait_and_say does in C.

    asyncio keeps the tasks in a set, and cancels them in the order of their
    places in memory; for a trace they are in the order of their creation.
    """

    def __init__(self):
        super().__init__()
        self._tasks = InOrder()

    async def __aexit__(self, kind, error, traceback):
        try:
            result = await super().__aexit__(kind, error, traceback)
        except BaseException as error:
            say(f"group: {word(error)}")
            for single in getattr(error, "exceptions", ()):
                say(f"error {word(single)}")
            raise
        say("group: 0")
        return result


@scenario
async def group_waits_for_all():
    async with Group() as group:
        group.create_task(work("a", delay=2))
        group.create_task(work("b", delay=1))
        say("body")


@scenario
async def group_of_nothing_does_not_suspend():
    start(work("other"))
    async with Group():
        pass
    await sleep(1)


@scenario
async def group_ends_two_passes_after_its_last_child():
    async with Group() as group:
        group.create_task(tick("a", 2))
        start(tick("other", 6))
    await sleep(1)


@scenario
async def group_whose_children_have_ended_does_not_suspend():
    async with Group() as group:
        group.create_task(work("a"))
        await sleep(1)
        start(work("other"))
    await sleep(1)


@scenario
async def group_keeps_the_results():
    async with Group() as group:
        a = group.create_task(work("a", delay=2, result=1))
        b = group.create_task(work("b", delay=1, result=2))
    say(f"{a.result()} {b.result()}")


async def group_of(*coroutines):
    async with Group() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


@scenario
async def group_error_cancels_the_sibling():
    start(tick("other", 2))
    await outcome(group_of(
        work("a", delay=5),
        work("b", delay=1, result=-EIO)))


@scenario
async def group_error_passes_counted():
    try:
        async with Group() as group:
            group.create_task(work("a", delay=5))
            group.create_task(work("b", result=-EIO))
            start(tick("other", 8))
    except ExceptionGroup:
        pass
    await sleep(1)


@scenario
async def group_error_waits_for_clean_up():
    await outcome(group_of(
        tidy("a", delay=5, cleanup=3),
        work("b", delay=1, result=-EIO)))


@scenario
async def group_error_waits_for_the_stubborn():
    try:
        async with Group() as group:
            a = group.create_task(stubborn("a", delay=5, result=7))
            group.create_task(work("b", delay=1, result=-EIO))
    except ExceptionGroup:
        say(word(a.result()))


@scenario
async def group_of_two_errors_at_once():
    await outcome(group_of(
        work("a", delay=1, result=-ENOENT),
        work("b", delay=1, result=-EIO)))


@scenario
async def group_error_during_clean_up():
    await outcome(group_of(
        stubborn("a", delay=5, result=-ENOENT),
        work("b", delay=1, result=-EIO)))


async def sleep_and_say(delay):
    try:
        await sleep(delay)
    except asyncio.CancelledError as error:
        say(f"body: {word(error)}")
        raise
    say("body: 0")


@scenario
async def group_error_interrupts_the_body():
    try:
        async with Group() as group:
            group.create_task(work("a", delay=1, result=-EIO))
            await sleep_and_say(5)
    except ExceptionGroup:
        say(f"{current_task().cancelling()} requests")
        say(await outcome(sleep(1)))


@scenario
async def group_error_while_the_body_is_ready():
    try:
        async with Group() as group:
            group.create_task(work("a", delay=1, result=-EIO))
            await sleep(0)
            await sleep_and_say(1)
            await sleep_and_say(1)
    except ExceptionGroup:
        pass


@scenario
async def group_child_that_is_cancelled_is_no_error():
    async with Group() as group:
        a = group.create_task(work("a", delay=5))
        group.create_task(work("b", delay=2))
        await sleep(1)
        a.cancel()


@scenario
async def group_child_cancelled_before_it_starts():
    async with Group() as group:
        a = group.create_task(work("a"))
        group.create_task(work("b"))
        a.cancel()


async def grouped(cleanup=0, result=0):
    """A group with a child that cleans up, and then fails or not."""
    async with Group() as group:
        group.create_task(tidy("child", delay=5, cleanup=cleanup))
        if result < 0:
            group.create_task(stubborn("failing", delay=4, result=result))


@scenario
async def group_cancelled_from_outside():
    task = create_task(grouped())
    await sleep(1)
    task.cancel()
    start(tick("other", 6))
    say(await outcome(task))
    await sleep(1)


@scenario
async def group_cancelled_from_outside_waits_for_clean_up():
    task = create_task(grouped(cleanup=2))
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def group_cancelled_from_outside_prefers_the_error():
    task = create_task(grouped(result=-EIO))
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def group_cancelled_before_its_children_start():
    task = create_task(grouped(cleanup=2))
    await sleep(0)
    task.cancel()
    say(await outcome(task))


@scenario
async def group_within_a_limit():
    task = create_task(grouped(cleanup=2))
    say(await outcome(asyncio.wait_for(task, 1)))


@scenario
async def group_within_a_limit_in_its_own_task():
    try:
        async with asyncio.timeout(1):
            async with TaskGroup() as group:
                group.create_task(tidy("child", delay=5, cleanup=1))
    except TimeoutError as error:
        say(word(error))


async def mother(group):
    say("mother")
    group.create_task(work("child", delay=2))
    await sleep(1)
    group.create_task(work("late child", delay=2))
    say("mother ends")


@scenario
async def group_child_starts_more():
    async with Group() as group:
        group.create_task(mother(group))


async def start_after_error(group):
    try:
        await sleep(5)
    finally:
        say("cancelled")
        coroutine = work("late")
        try:
            group.create_task(coroutine)
            say("started")
        except RuntimeError:
            coroutine.close()
            say("refused")


@scenario
async def group_that_failed_takes_no_more():
    try:
        async with Group() as group:
            group.create_task(start_after_error(group))
            group.create_task(work("b", delay=1, result=-EIO))
    except ExceptionGroup:
        pass


@scenario
async def group_in_a_group_passes_its_error_on():
    await outcome(group_of(
        work("sibling", delay=7),
        grouped(cleanup=1, result=-EIO)))


@scenario
async def group_in_a_group_is_cancelled_with_it():
    await outcome(group_of(
        grouped(cleanup=2),
        work("sibling", delay=1, result=-ENOENT)))


async def leave_early():
    async with TaskGroup() as group:
        group.create_task(tidy("child", delay=5, cleanup=1))
        await sleep(1)
        say("leaves")
        raise OSError(EIO, "")


@scenario
async def group_left_by_an_error():
    task = create_task(leave_early())
    say(await outcome(task))
