# SPDX-License-Identifier: MIT
"""Errors: as results among others, and as the end of a group."""
import asyncio
import errno
import os


async def visit(number):
    await asyncio.sleep(0.05 * number)
    if number == 2:
        raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return number * 10


async def amain():
    results = await asyncio.gather(*(visit(n) for n in (1, 2, 3)),
                                   return_exceptions=True)
    for number, result in enumerate(results, 1):
        if isinstance(result, OSError):
            result = result.strerror
        print(f"visit {number}: {result}")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(visit(2))
            other = group.create_task(visit(3))
    except* OSError as several:
        print("the group:", several.exceptions[0].strerror)
    if other.cancelled():
        print("its other task:", os.strerror(errno.ECANCELED))


asyncio.run(amain())
