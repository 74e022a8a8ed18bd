# SPDX-License-Identifier: MIT
"""Tasks: who runs when, and who hears of whom."""

from asyncio import create_task, sleep

from traces import *


@scenario
async def tasks_run_in_order_of_creation():
    start(work("a"))
    start(work("b"))
    start(work("c"))
    say("main")
    await sleep(1)


@scenario
async def sleep_of_no_time_goes_round():
    start(tick("a", 3))
    start(tick("b", 2))
    start(tick("c", 4))
    for i in range(3):
        say(f"main {i}")
        await sleep(0)
    await sleep(1)


@scenario
async def sleepers_wake_in_order_of_time():
    start(work("c", delay=3))
    start(work("a", delay=1))
    start(work("b", delay=2))
    await sleep(4)
    say("main")


@scenario
async def sleepers_of_equal_time_wake_in_order_of_falling_asleep():
    start(work("a", delay=1))
    start(work("b", delay=1))
    await sleep(2)
    say("main")


@scenario
async def main_that_sleeps_as_long_wakes_first():
    start(work("a", delay=1))
    await sleep(1)
    say("main")
    await sleep(1)


@scenario
async def tasks_and_callbacks_run_in_order():
    call_soon("callback a")
    start(work("task a"))
    call_soon("callback b")
    start(tick("task b", 2))
    call_soon("callback c")
    await sleep(1)


@scenario
async def timer_against_a_sleeper_of_equal_time():
    call_later(1, "before")
    start(work("sleeper", delay=1))
    await sleep(0)
    call_later(1, "after")
    await sleep(2)


@scenario
async def timer_against_tasks_that_are_ready():
    start(tick("a", 3))
    call_later(0, "timer")
    start(tick("b", 3))
    await sleep(1)


async def parent():
    start(tick("child a", 2))
    say("parent")
    await sleep(0)
    start(tick("child b", 2))
    say("parent again")


@scenario
async def tasks_of_tasks_run_behind_what_is_ready():
    start(parent())
    start(tick("sibling", 3))
    await sleep(1)


@scenario
async def await_gives_the_result():
    task = create_task(work("a", delay=1, result=42))
    say(await outcome(task))


@scenario
async def await_gives_the_error():
    task = create_task(work("a", delay=1, result=-EIO))
    say(await outcome(task))


@scenario
async def await_of_a_finished_task_does_not_suspend():
    task = create_task(work("a", result=7))
    await sleep(1)
    start(work("later"))
    say(await outcome(task))
    await sleep(1)


@scenario
async def await_wakes_one_pass_after_the_end():
    task = create_task(tick("awaited", 2))
    start(tick("other", 5))
    say(await outcome(task))
    await sleep(1)


@scenario
async def several_await_one_task_in_order():
    task = create_task(work("task", delay=1, result=3))
    start(await_task("a", task))
    start(await_task("b", task))
    start(await_task("c", task))
    await sleep(2)


@scenario
async def several_await_one_error():
    task = create_task(work("task", delay=1, result=-ENOENT))
    start(await_task("a", task))
    start(await_task("b", task))
    await sleep(2)


async def descend(depth, result):
    try:
        if depth > 0:
            result = await create_task(descend(depth - 1, result))
        else:
            give(result)
    except OSError as error:
        say(f"depth {depth}: {word(error)}")
        raise
    say(f"depth {depth}: {word(result)}")
    return result


@scenario
async def chain_of_awaits_returns_one_pass_each():
    start(tick("other", 10))
    say(await outcome(create_task(descend(3, 5))))
    await sleep(1)


@scenario
async def chain_of_awaits_passes_the_error_on():
    say(await outcome(create_task(descend(3, -EIO))))


@scenario
async def done_callbacks_run_in_order():
    task = create_task(work("task", delay=1))
    task.add_done_callback(lambda _: say("a"))
    task.add_done_callback(lambda _: say("b"))
    start(tick("other", 2))
    await sleep(2)


@scenario
async def done_callbacks_among_awaiters():
    task = create_task(work("task", delay=1))
    task.add_done_callback(lambda _: say("first"))
    start(await_task("awaiter", task))
    await sleep(0)
    task.add_done_callback(lambda _: say("last"))
    await sleep(2)


@scenario
async def done_callback_of_a_finished_task_runs_in_the_next_pass():
    task = create_task(work("task"))
    await sleep(1)
    task.add_done_callback(lambda _: say("called"))
    say("main")
    start(work("other"))
    await sleep(1)


@scenario
async def done_callback_may_be_taken_back():
    def say_a(task):
        say("a")
    task = create_task(work("task", delay=1))
    task.add_done_callback(say_a)
    task.add_done_callback(lambda _: say("b"))
    task.remove_done_callback(say_a)
    await sleep(2)


def result_of(task):
    try:
        return word(task.result())
    except Exception as error:
        return word(error)


@scenario
async def task_shows_what_became_of_it():
    task = create_task(work("task", delay=1, result=3))
    say(f"{'done' if task.done() else 'not done'} {result_of(task)}")
    await sleep(2)
    say(f"{'done' if task.done() else 'not done'} {result_of(task)}")


@scenario
async def all_tasks_are_those_that_have_not_ended():
    task = create_task(work("task"))
    say(f"{len(asyncio.all_tasks())} tasks")
    await sleep(1)
    say(f"{len(asyncio.all_tasks())} tasks")


@scenario
async def end_of_main_cancels_what_is_left():
    start(tidy("left", delay=5, cleanup=1))
    await sleep(1)
    say("main")


@scenario
async def end_of_main_lets_the_pass_end():
    start(work("a"))
    await sleep(0)
    start(work("b"))
    start(tick("c", 4))
    say("main")
