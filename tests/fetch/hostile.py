#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An HTTP server that answers as badly as it is asked to.

The path says how, the query tells URLs apart: /ok, /bytes/N, /status/N,
/cut, /cut-chunked, /reset, /close, /never, /trickle, /garbage, /redirect/N,
/loop, /busy/N (503 N times, then 200), /busy-until/N (as that, with
Retry-After).
"""

import asyncio
import contextlib
import socket
import struct
import threading


def plain(status, body=b"", extra=""):
    head = (f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n"
            f"{extra}\r\n")
    return head.encode() + body


def pattern(length):
    return bytes((i * 7 + i // 251) % 256 for i in range(length))


class Hostile:
    """Runs in a thread of its own; for `with`."""

    def __init__(self):
        self.asked = {}      # path with query: how often it was asked for
        self.waiting = 0     # requests that will never be answered
        self.connections = 0
        self.release = None  # set at the end, for those that wait

    def __enter__(self):
        ready = threading.Event()
        self.thread = threading.Thread(
            target=asyncio.run, args=(self.serve(ready),))
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.release.set)
        self.thread.join()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, ready):
        self.loop = asyncio.get_running_loop()
        self.release = asyncio.Event()
        server = await asyncio.start_server(
            self.connection, "127.0.0.1", 0, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self.release.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def connection(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError,
                                 asyncio.CancelledError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                path = request.split()[1].decode()
                self.asked[path] = self.asked.get(path, 0) + 1
                if not await self.answer(path, writer):
                    break
                await writer.drain()
        writer.close()

    async def answer(self, path, writer):
        """True where the connection goes on."""
        name, _, number = path.partition("?")[0][1:].partition("/")
        how = getattr(self, "do_" + name.replace("-", "_"))
        return await how(writer, int(number or 0), path)

    async def do_ok(self, writer, _number, path):
        writer.write(plain(200, b"ok " + path.encode()))
        return True

    async def do_bytes(self, writer, number, _path):
        writer.write(plain(200, pattern(number)))
        return True

    async def do_status(self, writer, number, _path):
        writer.write(plain(number, b"no"))
        return True

    async def do_cut(self, writer, _number, _path):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        writer.write(pattern(50000))
        return False

    async def do_cut_chunked(self, writer, _number, _path):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"100\r\n" + pattern(128))
        return False

    async def do_reset(self, writer, _number, _path):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        writer.write(pattern(1000))
        await writer.drain()
        await asyncio.sleep(0.05)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        return False

    async def do_close(self, _writer, _number, _path):
        return False

    async def do_never(self, _writer, _number, _path):
        self.waiting += 1
        await self.release.wait()
        return False

    async def do_trickle(self, writer, _number, _path):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        self.waiting += 1
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async def do_garbage(self, writer, _number, _path):
        writer.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
        return False

    async def do_redirect(self, writer, number, _path):
        there = "/ok?redirected" if number <= 1 else f"/redirect/{number - 1}"
        writer.write(plain(302, extra=f"Location: {there}\r\n"))
        return True

    async def do_loop(self, writer, _number, _path):
        writer.write(plain(302, extra="Location: /loop\r\n"))
        return True

    async def do_busy(self, writer, number, path, extra=""):
        if self.asked[path] <= number:
            writer.write(plain(503, b"busy", extra))
        else:
            writer.write(plain(200, b"at last"))
        return True

    async def do_busy_until(self, writer, number, path):
        return await self.do_busy(writer, number, path, "Retry-After: 1\r\n")
