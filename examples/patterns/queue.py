# SPDX-License-Identifier: MIT
"""Producer and consumers: a queue with two places between them."""
import asyncio


async def consume(queue, name, seconds):
    while True:
        number = await queue.get()
        print(f"{name} takes {number}")
        await asyncio.sleep(seconds)
        queue.task_done()


async def amain():
    queue = asyncio.Queue(2)
    async with asyncio.TaskGroup() as group:
        ann = group.create_task(consume(queue, "ann", seconds=0.1))
        bob = group.create_task(consume(queue, "bob", seconds=0.6))

        for number in range(1, 5):
            await queue.put(number)
        await queue.join()
        print("all is done")
        ann.cancel()
        bob.cancel()


asyncio.run(amain())
