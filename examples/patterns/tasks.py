# SPDX-License-Identifier: MIT
"""Concurrent tasks: a group starts two of them and waits for both."""
import asyncio


async def work(id, seconds):
    print(f"task {id} begins")
    await asyncio.sleep(seconds)
    print(f"task {id} is complete")
    return id * 10


async def amain():
    async with asyncio.TaskGroup() as group:
        one = group.create_task(work(id=1, seconds=0.2))
        two = group.create_task(work(id=2, seconds=0.1))
    print(f"together they return {one.result() + two.result()}")


asyncio.run(amain())
