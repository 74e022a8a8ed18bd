#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the programs for tasks measure, on Python's own asyncio:

    tasks_asyncio.py yield|create|queue|timer [COUNT]
    tasks_asyncio.py lock|handover|semaphore|event|wait_for [COUNT]
    tasks_asyncio.py gather [TASKS [COUNT]]

With BENCH_LOOP=uvloop in the environment on that loop instead.
"""

import asyncio
import os
import random
import sys
import time


def print_each(key, start, count):
    print(key, f"{(time.process_time() - start) * 1e9 / count:.3f}")


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def switch(count):
    start = time.process_time()
    await asyncio.gather(turns(count // 2), turns(count // 2))
    print_each("ns", start, count)


async def seven():
    return 7


async def create(count):
    start = time.process_time()
    for _ in range(count):
        await asyncio.create_task(seven())
    print_each("ns", start, count)


async def put(items, count):
    for i in range(count):
        await items.put(i)


async def queue(count):
    items = asyncio.Queue(64)
    start = time.process_time()
    task = asyncio.create_task(put(items, count))
    for _ in range(count):
        await items.get()
    await task
    print_each("ns", start, count)


async def timer(count):
    loop = asyncio.get_running_loop()
    armed = [loop.call_later(60 + random.random(), print)
             for _ in range(10000)]
    start = time.process_time()
    for _ in range(count):
        loop.call_later(60 + random.random(), print).cancel()
    print_each("cancel_ns", start, count)
    for handle in armed:
        handle.cancel()


async def take(it, count):
    start = time.process_time()
    for _ in range(count):
        await it.acquire()
        it.release()
    print_each("ns", start, count)


async def lock(count):
    await take(asyncio.Lock(), count)


async def semaphore(count):
    await take(asyncio.Semaphore(10), count)


async def turn(it, holders, me, count):
    for _ in range(count):
        await it.acquire()
        assert holders[0] != me
        holders[0] = me
        it.release()


async def handover(count):
    it, holders = asyncio.Lock(), [0]
    await it.acquire()
    tasks = [asyncio.create_task(turn(it, holders, me, count // 2))
             for me in (1, 2)]
    await asyncio.sleep(0)
    start = time.process_time()
    it.release()
    await asyncio.wait(tasks)
    print_each("ns", start, count)
    assert not any(task.exception() for task in tasks)


async def answer(mine, other, count):
    for _ in range(count):
        await mine.wait()
        mine.clear()
        other.set()


async def event(count):
    ping, pong = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(answer(ping, pong, count // 2)),
             asyncio.create_task(answer(pong, ping, count // 2))]
    await asyncio.sleep(0)
    start = time.process_time()
    ping.set()
    await asyncio.wait(tasks)
    print_each("ns", start, count)


async def number(i):
    return i


async def gather_once(count):
    found = await asyncio.gather(
        *[asyncio.create_task(number(i)) for i in range(count)])
    assert found[-1] == count - 1


async def gather(tasks, count=100000):
    tasks = min(tasks, count)
    start = time.process_time()
    await gather_once(tasks)
    print_each("first_ns", start, tasks)
    start = time.process_time()
    for _ in range(count // tasks):
        await gather_once(tasks)
    print_each("ns", start, count // tasks * tasks)


async def wait_for(count):
    start = time.process_time()
    for _ in range(count):
        await asyncio.wait_for(seven(), 10)
    print_each("ns", start, count)


WHAT = {"yield": switch, "create": create, "queue": queue, "timer": timer,
        "lock": lock, "handover": handover, "semaphore": semaphore,
        "event": event, "gather": gather, "wait_for": wait_for}
if os.environ.get("BENCH_LOOP") == "uvloop":
    import uvloop
    uvloop.install()
asyncio.run(WHAT[sys.argv[1]](*[int(x) for x in sys.argv[2:] or [100000]]))
