#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The port forwarder: every byte, each half end, and its limit."""

import hashlib
import random
import socket
import struct
import threading
import unittest

from program import (LIMIT, Program, connect, eventually, is_short, read_all,
                     skip_without_backend)
import closing

CHANCE = random.Random(1)


class Forwarder(unittest.TestCase):
    def setUp(self):
        self.target = self.enterContext(socket.create_server(
            ("127.0.0.1", 0), backlog=200))
        self.target.settimeout(LIMIT)
        port = self.target.getsockname()[1]
        self.program = self.enterContext(
            Program("forwarder", 0, "127.0.0.1", port))
        self.port = self.program.port()

    def pair(self):
        here = self.enterContext(connect(self.port))
        there, _ = self.target.accept()
        there.settimeout(LIMIT)
        return here, self.enterContext(there)

    def test_carries_every_byte_both_ways_at_once(self):
        ends = self.pair()
        sent = [CHANCE.randbytes(8 << 20) for _ in ends]

        def send(end, data):
            end.sendall(data)
            end.shutdown(socket.SHUT_WR)

        threads = [threading.Thread(target=send, args=pair)
                   for pair in zip(ends, sent)]
        received = [None, None]

        def receive(index):
            digest = hashlib.sha256()
            while data := ends[index].recv(65536):
                digest.update(data)
            received[index] = digest.digest()

        threads += [threading.Thread(target=receive, args=(i,)) for i in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        wanted = [hashlib.sha256(data).digest() for data in reversed(sent)]
        self.assertEqual(received, wanted)

    def test_passes_on_that_one_side_has_said_all(self):
        here, there = self.pair()
        here.sendall(b"question")
        here.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(there), b"question")
        there.sendall(b"answer")
        there.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(here), b"answer")

    def test_passes_on_the_other_half_as_well(self):
        here, there = self.pair()
        there.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(here), b"")
        here.sendall(b"still here")
        here.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(there), b"still here")

    def test_a_reset_of_either_side_ends_both(self):
        fds = self.program.open_fds()
        for broken, other in self.pair(), reversed(self.pair()):
            broken.sendall(b"x")
            self.assertEqual(other.recv(1), b"x")
            broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
            broken.close()
            try:
                self.assertEqual(other.recv(1), b"")
            except ConnectionResetError:
                pass
        eventually(lambda: self.program.open_fds() <= fds)

    def test_holds_little_for_a_side_that_does_not_read(self):
        here, there = self.pair()
        here.setblocking(False)
        sent, idle = 0, 0
        while idle < 20:
            try:
                sent += here.send(bytes(65536))
                idle = 0
            except BlockingIOError:
                idle += 1
                threading.Event().wait(0.01)
        self.assertLess(self.program.memory(), 20000, f"after {sent} bytes")

    def test_takes_no_more_than_its_limit(self):
        first, *_ = [self.pair() for _ in range(200)]
        late = self.enterContext(connect(self.port))
        late.sendall(b"late")
        self.target.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            self.target.accept()
        self.target.settimeout(LIMIT)
        for end in first:
            end.close()
        there, _ = self.target.accept()
        self.enterContext(there)
        there.settimeout(LIMIT)
        self.assertEqual(there.recv(4), b"late")

    def test_says_why_a_target_cannot_be_reached(self):
        self.target.close()
        here = self.enterContext(connect(self.port))
        with self.assertRaises((ConnectionResetError, EOFError)):
            if not here.recv(1):
                raise EOFError
        line = self.program.line(self.program.child.stderr)
        self.assertIn("refused", line)

    def test_a_hundred_come_and_go_and_nothing_is_left_open(self):
        fds = self.program.open_fds()
        for _ in range(5):
            pairs = [self.pair() for _ in range(20)]
            for here, there in pairs:
                here.sendall(b"ping")
                self.assertEqual(there.recv(4), b"ping")
                here.close()
                there.close()
        eventually(lambda: self.program.open_fds() <= fds)

    def test_a_ctrl_c_ends_all(self):
        here, there = self.pair()
        here.sendall(b"x")
        there.recv(1)
        status, _, errors = self.program.interrupt()
        self.assertEqual(status, 130, errors)


class Source(unittest.TestCase):
    def test_is_short_enough_to_read(self):
        is_short(self, "forwarder")


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
