#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway between many clients and a back end: GATEWAY_CLIENTS of them."""

import os
import random
import re
import signal
import struct
import sys
import unittest

from program import (Program, connect, eventually, read_all,
                     skip_without_backend, usage_is_told)
import closing

CLIENTS = int(os.environ.get("GATEWAY_CLIENTS", 1000))
CHANCE = random.Random(1)


def masked(data):
    return bytes(byte ^ 0x5a for byte in data)


def frame(data):
    return struct.pack(">I", len(data)) + data


class Gateway(unittest.TestCase):
    def setUp(self):
        self.start_backend(0)
        self.gateway = self.enterContext(Program(
            "gateway/gateway", 0, "127.0.0.1", self.backend_port))
        self.port = self.gateway.port()
        self.client_sees(b"the links are there")

    def start_backend(self, port, milliseconds=20):
        self.backend = self.enterContext(
            Program("gateway/backend", port, milliseconds))
        self.backend_port = self.backend.port()

    def connect(self):
        return self.enterContext(connect(self.port))

    def exchange(self, sock, data):
        sock.sendall(frame(data))
        return self.receive(sock)

    def receive(self, sock):
        """Byte for byte: what lies behind the answer is for the next call."""
        head = self.receive_exactly(sock, 4)
        return self.receive_exactly(sock, struct.unpack(">I", head)[0])

    def receive_exactly(self, sock, size):
        data = b""
        while len(data) < size:
            piece = sock.recv(size - len(data))
            if not piece:
                raise ConnectionResetError
            data += piece
        return data

    def client_sees(self, data):
        """Now or as soon as there is a link."""
        def seen():
            with connect(self.port) as sock:
                try:
                    return self.exchange(sock, data) == masked(data)
                except ConnectionError:
                    return False
        eventually(seen)

    def state(self):
        self.gateway.child.send_signal(signal.SIGUSR1)
        line = self.gateway.line()
        return line, [float(number) for number in re.findall(r"[\d.]+", line)]

    def test_all_clients_at_once(self):
        fds = self.gateway.open_fds()
        load = self.enterContext(Program(
            "gateway/load", "--hold", "--clients", CLIENTS, "--rounds", 5,
            "127.0.0.1", self.port))
        connected = load.line()
        self.assertIn(f" {CLIENTS} connected ", connected)
        summary = load.line()
        self.assertIn(f"{CLIENTS} clients at once, {5 * CLIENTS} answers, ",
                      summary)
        line, numbers = self.state()
        print(connected, summary, line, sep="\n", file=sys.stderr)
        clients, _, _, _, _, _, rss, pss = numbers
        self.assertEqual(clients, CLIENTS)
        self.assertLess(max(rss, pss), 16, "KiB for each client")
        self.assertGreaterEqual(self.gateway.open_fds(), CLIENTS)
        load.child.stdin.write(b"\n")
        status, _, errors = load.end()
        self.assertEqual((status, errors), (0, ""))
        eventually(lambda: self.gateway.open_fds() <= fds)
        for program in self.gateway, self.backend:
            self.assertEqual(program.interrupt()[0], 130)

    def test_frames_of_every_size_come_through(self):
        sock = self.connect()
        for size in (0, 1, 4095, 4096, 65535, 65536):
            data = CHANCE.randbytes(size)
            self.assertEqual(self.exchange(sock, data), masked(data))

    def test_a_frame_that_comes_byte_by_byte_is_answered(self):
        sock = self.connect()
        for byte in frame(b"slowly"):
            sock.sendall(bytes([byte]))
        self.assertEqual(self.receive(sock), masked(b"slowly"))

    def test_requests_sent_ahead_are_answered_in_order(self):
        sock = self.connect()
        sock.sendall(b"".join(frame(b"%d" % n) for n in range(200)))
        for number in range(200):
            self.assertEqual(self.receive(sock), masked(b"%d" % number))

    def test_a_frame_that_is_too_large_ends_its_client_only(self):
        good, bad = self.connect(), self.connect()
        bad.sendall(struct.pack(">I", 65537))
        with self.assertRaises(ConnectionResetError):
            if not bad.recv(1):
                raise ConnectionResetError
        self.assertEqual(self.exchange(good, b"fine"), masked(b"fine"))

    def test_who_leaves_before_the_answer_takes_it_from_nobody(self):
        for number in range(300):
            with connect(self.port) as sock:
                sock.sendall(frame(b"gone %d" % number))
            if number % 10 == 0:
                data = b"here %d" % number
                self.assertEqual(self.exchange(self.connect(), data),
                                 masked(data))

    def test_who_does_not_read_holds_up_nobody(self):
        slow = self.enterContext(connect(self.port, receive_bytes=4096))
        slow.setblocking(False)
        data = frame(bytes(65536))
        while True:
            try:
                slow.send(data)
            except BlockingIOError:
                break
        before = self.gateway.memory()
        self.client_sees(b"fast")
        self.assertLess(self.gateway.memory(), before + 4000)

    def test_a_lost_back_end_is_told_to_who_waits_and_found_again(self):
        port = self.backend_port
        with self.backend:
            self.backend.interrupt()
        self.start_backend(port, 60000)
        eventually(lambda: self.backend.open_fds() >= 5 + 4)
        waiting = self.connect()
        waiting.sendall(frame(b"x" * 1000))
        eventually(lambda: self.state()[1][0] >= 1)
        with self.backend:
            self.backend.child.kill()
        try:
            self.assertEqual(read_all(waiting), b"")
        except ConnectionResetError:
            pass
        self.start_backend(port)
        self.client_sees(b"there again")

    def test_a_ctrl_c_ends_all_with_a_last_line(self):
        sock = self.connect()
        self.exchange(sock, b"x")
        status, out, _ = self.gateway.interrupt()
        self.assertEqual(status, 130)
        self.assertIn("2 answers", out)


class Usage(unittest.TestCase):
    def test_is_told(self):
        for name in "backend", "gateway", "load":
            usage_is_told(self, "gateway/" + name)


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
