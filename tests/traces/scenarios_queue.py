# SPDX-License-Identifier: MIT
"""Queues: who gets which item, and who waits for whom."""

from asyncio import LifoQueue, PriorityQueue, Queue, create_task, sleep

from traces import *


async def get(text, queue, times=1, delay=0):
    for _ in range(times):
        try:
            item = await queue.get()
        except (Exception, asyncio.CancelledError) as error:
            say(f"{text} gets {word(error)}")
            raise
        say(f"{text} gets {item}")
        if delay:
            await sleep(delay)


async def put(text, queue, first, times=1):
    for i in range(first, first + times):
        try:
            await queue.put(i)
        except (Exception, asyncio.CancelledError) as error:
            say(f"{text} put {i}: {word(error)}")
            raise
        say(f"{text} put {i}: 0")


def without_waiting(call, *arguments):
    """The item, 0, or the word for what was raised."""
    try:
        return word(call(*arguments))
    except Exception as error:
        return word(error)


def put_nowait(queue, item):
    return without_waiting(queue.put_nowait, item)


def say_size(queue):
    say(f"{queue.qsize()} items, {'empty' if queue.empty() else 'not empty'}, "
        f"{'full' if queue.full() else 'not full'}")


@scenario
async def queue_gives_items_in_order():
    queue = Queue()
    start(put("a", queue, first=1, times=3))
    start(get("b", queue, times=3))
    await sleep(1)
    say_size(queue)


@scenario
async def queue_serves_getters_in_order_of_coming():
    queue = Queue()
    start(get("a", queue))
    start(get("b", queue))
    start(get("c", queue))
    await sleep(1)
    start(put("d", queue, first=1, times=3))
    await sleep(1)


@scenario
async def queue_serves_putters_in_order_of_coming():
    queue = Queue(1)
    start(put("a", queue, first=1))
    start(put("b", queue, first=2))
    start(put("c", queue, first=3))
    await sleep(1)
    say_size(queue)
    start(get("d", queue, times=3, delay=1))
    await sleep(5)
    say_size(queue)


@scenario
async def queue_that_is_full_holds_the_producer_back():
    queue = Queue(2)
    start(put("producer", queue, first=1, times=6))
    start(get("consumer", queue, times=6, delay=1))
    await sleep(10)


@scenario
async def queue_gives_one_item_to_one_getter():
    queue = Queue()
    start(get("a", queue, times=2))
    start(get("b", queue, times=1))
    for i in range(1, 4):
        await sleep(1)
        say(put_nowait(queue, i))
    await sleep(1)


@scenario
async def queue_without_waiting():
    queue = Queue(2)
    say(without_waiting(queue.get_nowait))
    say(put_nowait(queue, 1))
    say(put_nowait(queue, 2))
    say(put_nowait(queue, 3))
    say_size(queue)
    item = queue.get_nowait()
    say("0")
    say(item)
    say_size(queue)


@scenario
async def queue_getter_is_cancelled():
    queue = Queue()
    a = create_task(get("a", queue))
    start(get("b", queue))
    await sleep(1)
    a.cancel()
    say(put_nowait(queue, 1))
    await sleep(1)


@scenario
async def queue_getter_is_cancelled_after_the_put():
    queue = Queue()
    a = create_task(get("a", queue))
    start(get("b", queue))
    await sleep(1)
    say(put_nowait(queue, 1))
    a.cancel()
    await sleep(1)
    say(put_nowait(queue, 2))
    await sleep(1)


@scenario
async def queue_putter_is_cancelled():
    queue = Queue(1)
    say(put_nowait(queue, 1))
    a = create_task(put("a", queue, first=2))
    start(put("b", queue, first=3))
    await sleep(1)
    a.cancel()
    start(get("c", queue, times=2))
    await sleep(1)
    say_size(queue)


def get_nowait(queue):
    """0 or the word for an error, as in C; the item is dropped."""
    return without_waiting(lambda: queue.get_nowait() and None)


@scenario
async def queue_item_is_not_taken_from_who_waits():
    queue = Queue()
    start(get("a", queue))
    await sleep(1)
    say(put_nowait(queue, 1))
    say(get_nowait(queue))
    await sleep(1)
    say(put_nowait(queue, 2))
    await sleep(1)


@scenario
async def queue_place_is_not_taken_from_who_waits():
    queue = Queue(1)
    say(put_nowait(queue, 1))
    start(put("a", queue, first=2))
    await sleep(1)
    say(get_nowait(queue))
    say(put_nowait(queue, 3))
    await sleep(1)
    say(get_nowait(queue))
    await sleep(1)
    say_size(queue)


async def process(queue):
    while True:
        item = await queue.get()
        await sleep(1)
        say(f"processed {item}")
        queue.task_done()


async def join(text, queue):
    await queue.join()
    say(f"{text} joined: 0")


@scenario
async def queue_is_joined_when_all_is_done():
    queue = Queue()
    for i in range(3):
        say(put_nowait(queue, i))
    worker = create_task(process(queue))
    start(join("a", queue))
    start(join("b", queue))
    await sleep(5)
    worker.cancel()


@scenario
async def queue_without_unfinished_items_is_joined_at_once():
    queue = Queue()
    start(work("other"))
    await queue.join()
    say("0")
    say(without_waiting(queue.task_done))
    await sleep(1)


@scenario
async def queue_within_a_limit():
    queue = Queue()
    task = create_task(get("a", queue))
    say(await outcome(asyncio.wait_for(task, 1)))
    say(put_nowait(queue, 1))
    say_size(queue)


@scenario
async def queue_between_two_that_never_rest():
    queue = Queue(1)
    start(put("a", queue, first=1, times=5))
    start(get("b", queue, times=5))
    start(tick("other", 6))
    await sleep(1)


def put_some(queue):
    for item in (3, 1, 4, 1, 5, 9, 2, 6):
        say(put_nowait(queue, item))


@scenario
async def queue_by_priority():
    queue = PriorityQueue()
    put_some(queue)
    start(get("a", queue, times=8))
    await sleep(1)
    start(get("b", queue))
    start(get("c", queue))
    await sleep(1)
    start(put("d", queue, first=1))
    await sleep(1)
    start(put("d", queue, first=0))
    await sleep(1)


@scenario
async def queue_last_in_first_out():
    queue = LifoQueue()
    put_some(queue)
    start(get("a", queue, times=8))
    await sleep(1)
    say_size(queue)


@scenario(since=(3, 13))
async def queue_that_is_shut_down():
    queue = Queue(2)
    start(put("a", queue, first=1, times=3))
    start(join("b", queue))
    await sleep(1)
    say(without_waiting(queue.shutdown))
    say(put_nowait(queue, 9))
    await sleep(1)
    start(get("c", queue, times=3))
    await sleep(1)
    queue.task_done()
    queue.task_done()
    await sleep(1)


@scenario(since=(3, 13))
async def queue_that_is_shut_down_at_once():
    queue = Queue(2)
    start(put("a", queue, first=1, times=3))
    start(join("b", queue))
    await sleep(1)
    say(without_waiting(queue.shutdown, True))
    say_size(queue)
    start(get("c", queue))
    await sleep(1)


@scenario(since=(3, 13))
async def queue_shut_down_tells_who_waits():
    queue = Queue()
    start(get("a", queue))
    start(get("b", queue))
    await sleep(1)
    say(without_waiting(queue.shutdown))
    start(tick("other", 2))
    await sleep(1)
