# SPDX-License-Identifier: MIT
"""gather: results of many, and what becomes of the rest after an error."""

from asyncio import create_task, gather, get_running_loop, sleep

from traces import *


async def gather_and_say(*tasks, return_exceptions=False):
    try:
        results = await gather(*tasks, return_exceptions=return_exceptions)
    except (Exception, asyncio.CancelledError) as error:
        say(f"gather: {word(error)}")
        raise
    for result in results:
        say(f"result {word(result)}")


@scenario
async def gather_gives_results_in_order_of_tasks():
    await outcome(gather_and_say(
        create_task(work("a", delay=3, result=1)),
        create_task(work("b", delay=1, result=2)),
        create_task(work("c", delay=2, result=3))))


@scenario
async def gather_of_nothing_does_not_suspend():
    start(work("other"))
    await gather()
    say("0")
    await sleep(1)


@scenario
async def gather_wakes_two_passes_after_the_last():
    tasks = [create_task(tick("a", 1)),
             create_task(tick("b", 2))]
    start(tick("other", 6))
    await gather_and_say(*tasks)
    await sleep(1)


@scenario(since=(3, 12))
async def gather_of_finished_tasks_does_not_suspend():
    tasks = [create_task(work("a", result=1)),
             create_task(work("b", result=2))]
    await sleep(1)
    start(tick("other", 4))
    await gather_and_say(*tasks)
    await sleep(1)


@scenario
async def gather_ends_with_the_first_error():
    await outcome(gather_and_say(
        create_task(work("a", delay=3, result=1)),
        create_task(work("b", delay=1, result=-EIO)),
        create_task(work("c", delay=2, result=-ENOENT))))
    await sleep(5)


@scenario
async def gather_of_two_errors_at_once():
    await outcome(gather_and_say(
        create_task(work("a", delay=1, result=-ENOENT)),
        create_task(work("b", delay=1, result=-EIO))))
    await sleep(1)


@scenario
async def gather_takes_errors_for_results():
    await outcome(gather_and_say(
        create_task(work("a", delay=3, result=1)),
        create_task(work("b", delay=1, result=-EIO)),
        create_task(work("c", delay=2, result=-ENOENT)),
        return_exceptions=True))


@scenario
async def gather_of_a_cancelled_task():
    tasks = [create_task(work("a", delay=5, result=1)),
             create_task(work("b", delay=3, result=2))]
    get_running_loop().call_later(1, tasks[0].cancel)
    await outcome(gather_and_say(*tasks))
    await sleep(5)


@scenario
async def gather_takes_a_cancel_for_a_result():
    tasks = [create_task(work("a", delay=5, result=1)),
             create_task(work("b", delay=3, result=2))]
    get_running_loop().call_later(1, tasks[0].cancel)
    await outcome(gather_and_say(*tasks, return_exceptions=True))


async def gatherer(cleanup=0, return_exceptions=False):
    await gather_and_say(
        create_task(work("a", delay=5, result=1)),
        create_task(tidy("b", delay=5, cleanup=cleanup)),
        create_task(work("c", delay=5, result=-EIO)),
        return_exceptions=return_exceptions)


@scenario
async def gather_cancelled_cancels_all():
    task = create_task(gatherer(cleanup=2))
    await sleep(1)
    task.cancel()
    start(tick("other", 6))
    say(await outcome(task))
    await sleep(5)


@scenario
async def gather_cancelled_waits_for_clean_up():
    task = create_task(gatherer(cleanup=2, return_exceptions=True))
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def gather_within_a_limit():
    task = create_task(gatherer(cleanup=2, return_exceptions=True))
    say(await outcome(asyncio.wait_for(task, 1)))


async def gather_stubborn():
    await gather_and_say(
        create_task(stubborn("a", delay=5, result=1)),
        create_task(stubborn("b", delay=5, result=2)))


@scenario
async def gather_cancelled_stays_cancelled():
    task = create_task(gather_stubborn())
    await sleep(1)
    task.cancel()
    say(await outcome(task))


@scenario
async def gather_cancelled_before_it_waits():
    task = create_task(gatherer(cleanup=1))
    await sleep(0)
    task.cancel()
    say(await outcome(task))
    await sleep(2)
