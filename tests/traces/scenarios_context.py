# SPDX-License-Identifier: MIT
"""Context variables: who sees which value."""

import contextvars
from asyncio import get_running_loop, sleep

from traces import *

color = contextvars.ContextVar("color", default="none")


async def say_color(text, delay=0, then=None):
    await sleep(delay)
    say(f"{text} sees {color.get()}")
    if then:
        color.set(then)
        await sleep(1)
        say(f"{text} sees {color.get()}")


@scenario
async def context_is_inherited_at_creation():
    start(say_color("before", delay=1))
    color.set("red")
    start(say_color("after", delay=1))
    color.set("blue")
    await sleep(2)
    say(f"main sees {color.get()}")


@scenario
async def context_of_a_task_is_its_own():
    color.set("red")
    start(say_color("a", then="green"))
    start(say_color("b", then="blue"))
    start(say_color("c", delay=0.5))
    await sleep(2)
    say(f"main sees {color.get()}")


@scenario
async def context_value_may_be_put_back():
    color.set("red")
    token = color.set("green")
    say(f"main sees {color.get()}")
    start(say_color("a"))
    color.reset(token)
    say(f"main sees {color.get()}")
    await sleep(1)


def swap_color():
    say(f"inside {color.get()}")
    color.set("blue")
    say(f"inside {color.get()}")


@scenario
async def context_copy_is_a_world_of_its_own():
    color.set("red")
    copy = contextvars.copy_context()
    color.set("green")
    copy.run(swap_color)
    say(f"main sees {color.get()}")
    copy.run(swap_color)


@scenario
async def context_of_callbacks():
    color.set("red")
    get_running_loop().call_soon(
        lambda: say(f"callback sees {color.get()}"))
    await sleep(1)
