# SPDX-License-Identifier: MIT
"""The twin of traces.h: scenarios of asyncio under a virtual clock.

    traces.py [NAME ...]     "== name", then a line "time text" per event
    traces.py --list         the names

A scenario that an older Python lacks the means for, or where it did otherwise,
says since when it holds: "== name since 3.12" is all that is printed there.
"""

import asyncio
import errno
import importlib
import pathlib
import selectors
import sys

EIO, ENOENT = errno.EIO, errno.ENOENT
SCENARIOS = {}


class Deadlock(Exception):
    """Nothing is ready, and no timer is armed."""


class Clock(selectors.SelectSelector):
    """A selector that does not wait but moves the time."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise Deadlock
        self.now += max(timeout, 0)
        return []


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time is a Clock's."""

    def __init__(self):
        self.clock = Clock()
        super().__init__(self.clock)
        self.set_exception_handler(lambda loop, context: None)

    def time(self):
        return self.clock.now


# ---- for scenarios ----

_loop_now = None
_started = set()


def scenario(function=None, since=(3, 11)):
    """Register what has a twin of the same name in C."""
    if function is None:
        return lambda f: scenario(f, since)
    SCENARIOS[function.__name__] = (function, since)
    return function


def say(text):
    """Write a line of the trace: the time, and the text."""
    print(f"{_loop_now.time():.3f} {text}")


def word(result):
    """What both languages call a result: "3", "cancelled", "EIO"."""
    if isinstance(result, BaseExceptionGroup):
        return word(result.exceptions[0])
    if isinstance(result, asyncio.CancelledError):
        return "cancelled"
    if isinstance(result, TimeoutError):
        return "timeout"
    if isinstance(result, OSError):
        return errno.errorcode[result.errno]
    names = {"InvalidStateError": "invalid state", "QueueEmpty": "queue empty",
             "QueueFull": "queue full", "QueueShutDown": "queue shut down",
             "BrokenBarrierError": "broken barrier",
             "RuntimeError": "not locked", "ValueError": "-22"}
    if isinstance(result, Exception):
        return names[type(result).__name__]
    return "0" if result is None else str(int(result))


async def outcome(awaitable):
    """Await, and take an error for a result, as in C."""
    try:
        return word(await awaitable)
    except (Exception, asyncio.CancelledError) as error:
        return word(error)


def call_soon(text):
    return _loop_now.call_soon(say, text)


def call_later(delay, text):
    return _loop_now.call_later(delay, say, text)


def start(coroutine):
    """Start a task whose result does not matter."""
    task = asyncio.create_task(coroutine)
    _started.add(task)
    return task


def give(result):
    """The result of a task in C: below 0 it is an error."""
    if result < 0:
        raise OSError(-result, "")
    return result


# ---- async functions that scenarios are made of ----

async def work(text, delay=0, result=0):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(f"{text} cancelled")
        raise
    say(text)
    return give(result)


async def tidy(text, delay=0, cleanup=0, result=0):
    try:
        return await work(text, delay, result)
    finally:
        await asyncio.sleep(cleanup)
        say(f"{text} is clean")


async def stubborn(text, delay=0, result=0):
    try:
        await work(text, delay)
    except asyncio.CancelledError:
        pass
    return give(result)


async def tick(text, times):
    for i in range(times):
        say(f"{text} {i}")
        await asyncio.sleep(0)


async def await_task(text, awaitable):
    try:
        result = await awaitable
    except (Exception, asyncio.CancelledError) as error:
        say(f"{text}: {word(error)}")
        raise
    say(f"{text}: {word(result)}")
    return result


await_future = await_task


async def cancel(task):
    task.cancel()


# ---- running ----

def run(name):
    global _loop_now
    function, since = SCENARIOS[name]
    if sys.version_info < since:
        print(f"== {name} since {'.'.join(map(str, since))}")
        return
    print(f"== {name}")
    try:
        if asyncio.iscoroutinefunction(function):
            run_task(function)
        else:
            _loop_now = Loop()
            function(_loop_now)
            _loop_now.close()
    except Deadlock:
        print("deadlock")
    _started.clear()


def run_task(function):
    def new_loop():
        global _loop_now
        _loop_now = Loop()
        return _loop_now
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(function())


def main():
    here = pathlib.Path(__file__).parent
    for path in sorted(here.glob("scenarios_*.py")):
        importlib.import_module(path.stem)
    if sys.argv[1:] == ["--list"]:
        print("\n".join(SCENARIOS))
        return
    for name in sys.argv[1:] or SCENARIOS:
        run(name)


if __name__ == "__main__":
    sys.modules["traces"] = sys.modules["__main__"]
    main()
