#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The chat server: rooms, names, clients who are slow, and all ways to go."""

import socket
import struct
import unittest

from program import (Program, connect, eventually, read_all,
                     skip_without_backend, usage_is_told)
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
            one.expect(f"* {name} comes to lobby")
        return client

    def test_what_one_says_all_in_the_room_read_in_order(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        for number in range(100):
            ann.send(f"number {number}")
            for one in (ann, bob):
                one.expect(f"ann: number {number}")

    def test_rooms_hear_only_themselves(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.send("/join cellar")
        for one in (ann, bob):
            one.expect("* bob leaves lobby")
        bob.expect("* bob comes to cellar")
        ann.send("who is upstairs?")
        ann.expect("ann: who is upstairs?")
        bob.send("nobody")
        bob.expect("bob: nobody")
        bob.send("/join lobby")
        bob.expect("* bob leaves cellar")
        for one in (ann, bob):
            one.expect("* bob comes to lobby")

    def test_a_name_has_one_bearer_only(self):
        self.enter("ann")
        second = self.client("ann")
        second.expect("That is taken, or no name.", "")

    def test_a_name_is_a_word_that_fits(self):
        self.enter("ann")
        for name, taken in (("bob: hi", "bob:"), ("x" * 100, "x" * 23)):
            client = self.client(name)
            client.expect(f"* {taken} comes to lobby")
        self.client(" ").expect("That is taken, or no name.", "")

    def test_what_steers_a_terminal_is_not_passed_on(self):
        ann = self.enter("ann")
        ann.send("\x1b[2Jred\x07")
        ann.expect("ann:  [2Jred ")

    def test_who_quits_has_read_everything_and_the_others_learn_of_it(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.send("bye")
        bob.send("/quit")
        bob.expect("bob: bye", "")
        ann.expect("bob: bye", "* bob leaves")

    def test_who_is_gone_without_a_word_leaves_too(self):
        ann = self.enter("ann")
        bob = self.enter("bob", ann)
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        bob.close()
        ann.expect("* bob is lost")
        self.enter("bob", ann)

    def test_who_does_not_read_is_cut_off_and_holds_up_nobody(self):
        ann = self.enter("ann")
        slow = self.client("slow", receive_bytes=4096)
        ann.expect("* slow comes to lobby")
        line, told = "x" * 480, False
        for _ in range(40000):
            ann.send(line)
            said = ann.line()
            if said == "* slow is too slow for us":
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
        ann.expect("* bob is lost")

    def test_a_hundred_clients_all_read_all(self):
        ann = self.enter("ann")
        crowd = []
        for number in range(100):
            crowd.append(self.client(f"client{number}"))
            ann.expect(f"* client{number} comes to lobby")
        ann.send("hello")
        for client in crowd:
            while (line := client.line()) != "ann: hello":
                self.assertTrue(line.startswith("* client"))

    def test_a_ctrl_c_ends_all(self):
        ann = self.enter("ann")
        status, _, errors = self.chat.interrupt()
        self.assertEqual((status, errors), (130, ""))
        self.assertIn(read_all(ann.sock), (b"", b"* ann is lost\n"))


class Usage(unittest.TestCase):
    def test_is_told(self):
        usage_is_told(self, "chat")


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
