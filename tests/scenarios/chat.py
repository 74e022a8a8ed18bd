#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The chat server: names, clients who are slow, and all ways to go."""

import socket
import struct
import unittest

from program import (Program, connect, eventually, is_short, read_all,
                     skip_without_backend)
import closing


class Client:
    def __init__(self, port, name, **options):
        self.sock = connect(port, **options)
        self.file = self.sock.makefile("r", newline="\n")
        self.expect("Your name?")
        self.send(name)

    def send(self, line):
        self.sock.sendall(line.encode() + b"\n")

    def line(self):
        return self.file.readline().rstrip("\n")

    def expect(self, *lines):
        for line in lines:
            found = self.line()
            if found != line:
                raise AssertionError(f"{found!r}, not {line!r}")

    def close(self):
        self.file.close()
        self.sock.close()


class Chat(unittest.TestCase):
    def setUp(self):
        self.chat = self.enterContext(Program("chat", 0))
        self.port = self.chat.port()

    def client(self, name, **options):
        client = Client(self.port, name, **options)
        self.addCleanup(client.close)
        return client

    def enter(self, name, *others):
        client = self.client(name)
        for one in (client, *others):
            one.expect(f"{name} comes")
        return client

    def test_what_one_says_all_read_in_order(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        for number in range(100):
            ann.send(f"number {number}")
            for one in (ann, bob):
                one.expect(f"ann: number {number}")

    def test_a_name_is_a_word_that_fits(self):
        for name, taken in (("bob: hi", "bob"), ("ann lee", "ann"),
                            ("eve\r", "eve"), ("x" * 100, "x" * 23)):
            self.client(name).expect(f"{taken} comes")
        for name in "", " ", ": hi":
            self.assertEqual(read_all(self.client(name).sock), b"")

    def test_who_leaves_has_read_everything_and_the_others_learn_of_it(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.send("bye")
        bob.sock.shutdown(socket.SHUT_WR)
        bob.expect("bob: bye", "")
        ann.expect("bob: bye", "bob leaves")

    def test_who_is_gone_without_a_word_leaves_too(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        bob.close()
        ann.expect("bob is lost")
        self.enter("bob", ann)

    def test_who_does_not_read_is_cut_off_and_holds_up_nobody(self):
        ann = self.enter("ann")
        slow = self.client("slow", receive_bytes=4096)
        ann.expect("slow comes")
        line, told = "x" * 480, False
        for _ in range(40000):
            ann.send(line)
            said = ann.line()
            if said == "slow is lost":
                told = True
                break
            self.assertEqual(said, "ann: " + line)
        self.assertTrue(told)
        fds = self.chat.open_fds()
        slow.close()
        eventually(lambda: self.chat.open_fds() <= fds)

    def test_a_line_without_end_ends_its_client(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.sock.sendall(b"y" * 100000)
        ann.expect("bob is lost")

    def test_a_hundred_clients_all_read_all(self):
        ann = self.enter("ann")
        crowd = []
        for number in range(100):
            crowd.append(self.client(f"client{number}"))
            ann.expect(f"client{number} comes")
        ann.send("hello")
        for client in crowd:
            while (line := client.line()) != "ann: hello":
                self.assertTrue(line.startswith("client"))

    def test_a_ctrl_c_ends_all(self):
        ann = self.enter("ann")
        status, _, errors = self.chat.interrupt()
        self.assertEqual((status, errors), (130, ""))
        self.assertIn(read_all(ann.sock), (b"", b"ann is lost\n"))


class Source(unittest.TestCase):
    def test_is_short_enough_to_read(self):
        is_short(self, "chat")


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
