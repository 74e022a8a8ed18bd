# SPDX-License-Identifier: MIT
"""Waiting for some, in order of their ends, behind a shield; eager tasks."""

from asyncio import (ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION,
                     as_completed, create_task, shield, sleep, timeout, wait)

from traces import *


def make_three():
    return [create_task(work("a", delay=3, result=1)),
            create_task(work("b", delay=1, result=-EIO)),
            create_task(work("c", delay=2, result=3))]


def end(tasks):
    for task in tasks:
        task.cancel()


async def wait_and_say(tasks, timeout, return_when):
    done, pending = await wait(tasks, timeout=timeout, return_when=return_when)
    say(f"{len(done)} done, {len(pending)} pending")
    for task in tasks:
        if task in done:
            say(await outcome(task))


@scenario
async def wait_for_the_first():
    tasks = make_three()
    await wait_and_say(tasks, None, FIRST_COMPLETED)
    await sleep(5)
    end(tasks)


@scenario
async def wait_for_the_first_error():
    tasks = [create_task(work("a", delay=3, result=1)),
             create_task(work("b", delay=2, result=-EIO)),
             create_task(work("c", delay=1, result=3))]
    await wait_and_say(tasks, None, FIRST_EXCEPTION)
    end(tasks)


@scenario
async def wait_for_all():
    tasks = make_three()
    await wait_and_say(tasks, None, ALL_COMPLETED)
    end(tasks)


@scenario
async def wait_for_some_time():
    tasks = make_three()
    await wait_and_say(tasks, 1.5, ALL_COMPLETED)
    await sleep(5)
    end(tasks)


@scenario
async def wait_wakes_two_passes_after_the_end():
    tasks = [create_task(work("a", delay=5)),
             create_task(tick("b", 1)),
             create_task(work("c", delay=5))]
    start(tick("other", 5))
    await wait_and_say(tasks, None, FIRST_COMPLETED)
    await sleep(1)
    end(tasks)


@scenario
async def wait_for_what_has_finished_does_not_suspend():
    tasks = [create_task(work("a", result=1)),
             create_task(work("b", result=2)),
             create_task(work("c", result=3))]
    await sleep(1)
    start(work("other"))
    await wait_and_say(tasks, None, FIRST_COMPLETED)
    await sleep(1)
    end(tasks)


@scenario
async def wait_counts_two_that_end_at_once():
    tasks = [create_task(work("a", delay=1, result=1)),
             create_task(work("b", delay=2, result=2)),
             create_task(work("c", delay=1, result=3))]
    await wait_and_say(tasks, None, FIRST_COMPLETED)
    end(tasks)


async def waiter(tasks):
    try:
        await wait(tasks)
    except asyncio.CancelledError as error:
        say(f"waiter: {word(error)}")
        raise


@scenario
async def wait_cancelled_lets_the_tasks_go_on():
    tasks = make_three()
    task = create_task(waiter(tasks))
    await sleep(0.5)
    task.cancel()
    say(await outcome(task))
    await sleep(5)
    end(tasks)


@scenario
async def as_completed_gives_them_in_order_of_their_ends():
    for next_one in as_completed(make_three()):
        say(f"next: {await outcome(next_one)}")


@scenario
async def as_completed_gives_those_at_once_that_have_ended():
    tasks = [create_task(work("a", delay=2, result=1)),
             create_task(work("b", delay=5, result=2)),
             create_task(work("c", delay=4, result=3))]
    await sleep(3)
    for next_one in as_completed(tasks):
        say(f"next: {await outcome(next_one)}")


@scenario
async def as_completed_within_a_time():
    for next_one in as_completed(make_three(), timeout=1.5):
        result = await outcome(next_one)
        if result == "timeout":
            say(result)
            break
        say(f"next: {result}")
    await sleep(5)


async def await_shielded(task):
    try:
        result = await shield(task)
    except (Exception, asyncio.CancelledError) as error:
        say(f"shielded: {word(error)}")
        raise
    say(f"shielded: {word(result)}")
    return result


@scenario
async def shielded_task_gives_its_result():
    task = create_task(work("task", delay=1, result=3))
    say(await outcome(create_task(await_shielded(task))))


@scenario
async def shielded_task_gives_its_error():
    task = create_task(work("task", delay=1, result=-EIO))
    say(await outcome(create_task(await_shielded(task))))


@scenario
async def shielded_task_goes_on_without_its_awaiter():
    task = create_task(work("task", delay=3, result=3))
    awaiter = create_task(await_shielded(task))
    await sleep(1)
    awaiter.cancel()
    start(tick("other", 3))
    say(await outcome(awaiter))
    say(await outcome(task))


@scenario
async def shielded_task_may_itself_be_cancelled():
    task = create_task(work("task", delay=3))
    awaiter = create_task(await_shielded(task))
    await sleep(1)
    task.cancel()
    say(await outcome(awaiter))


@scenario
async def shielded_task_within_a_limit():
    task = create_task(work("task", delay=3, result=3))
    try:
        async with timeout(1):
            await shield(task)
    except TimeoutError as error:
        say(word(error))
    say(await outcome(task))


def create_task_eager(coroutine):
    """create_task(eager_start=True), which came later than the factory."""
    loop = asyncio.get_running_loop()
    return asyncio.Task(coroutine, loop=loop, eager_start=True)


@scenario(since=(3, 12))
async def eager_task_runs_before_its_creator_goes_on():
    start(work("other"))
    task = create_task_eager(tick("eager", 2))
    say("main")
    await sleep(1)
    await task


async def at_once():
    say("at once")
    return 4


@scenario(since=(3, 12))
async def eager_task_may_have_ended_at_once():
    task = create_task_eager(at_once())
    say("done" if task.done() else "not done")
    start(work("other"))
    say(await outcome(task))
    await sleep(1)


async def eager_parent():
    say("parent")
    task = create_task_eager(tick("child", 2))
    say("parent again")
    await task


@scenario(since=(3, 12))
async def eager_tasks_nest():
    task = create_task_eager(eager_parent())
    start(tick("other", 3))
    say(await outcome(task))
    await sleep(1)


@scenario(since=(3, 12))
async def eager_task_is_cancelled_where_it_waits():
    task = create_task_eager(work("task", delay=5))
    task.cancel()
    say(await outcome(task))
