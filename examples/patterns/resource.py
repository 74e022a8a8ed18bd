# SPDX-License-Identifier: MIT
"""A resource that ends with its block (async with), though closing it takes
time."""
import asyncio
import contextlib
import errno
import os


@contextlib.asynccontextmanager
async def link(peer):
    await asyncio.sleep(0.02)  # shaking hands
    print(f"{peer}: open", end="")
    try:
        yield
    finally:
        await asyncio.sleep(0.02)  # saying goodbye
        print(", closed")


async def talk(peer, seconds):
    async with link(peer):
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            print(", interrupted", end="")
            raise
        print(", done", end="")


async def amain():
    async with asyncio.timeout(0.2):
        await talk("ann", 0.05)
        await talk("bob", 10)


try:
    asyncio.run(amain())
except TimeoutError:
    print(os.strerror(errno.ETIMEDOUT))
