#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the programs for tasks measure, on Python's own asyncio:

    tasks_asyncio.py yield|create|queue|timer [COUNT]
"""

import asyncio
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


WHAT = {"yield": switch, "create": create, "queue": queue, "timer": timer}
asyncio.run(WHAT[sys.argv[1]](int(sys.argv[2]) if sys.argv[2:] else 100000))
