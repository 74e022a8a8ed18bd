# SPDX-License-Identifier: MIT
"""Time limits: for one task, and for all that happens in a block."""
import asyncio


async def answer(seconds):
    await asyncio.sleep(seconds)
    return 42


async def amain():
    result = await asyncio.wait_for(answer(seconds=0.01), 0.5)
    print(f"in time: {result}")

    async with asyncio.timeout(5.0) as whole:
        try:
            async with asyncio.timeout(0.05) as part:
                await asyncio.sleep(10)
        except TimeoutError:
            if part.expired():
                print("too slow for the part,",
                      "and for" if whole.expired() else "not for", "the whole")


asyncio.run(amain())
