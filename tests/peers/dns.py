#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A name service that answers, is slow, fails or is dead.

It runs in namespaces of its own for mounts and for the network, where it is
the only name server there is: /etc/resolv.conf names it. Where such namespaces
cannot be made, all of it is skipped.
"""

import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.environ["NET_PEER"]
LIMIT = 30
A, AAAA = 1, 28
ADDRESSES = {
    ("good.example", A): ["192.0.2.7"],
    ("slow.example", A): ["192.0.2.8"],
    ("two.example", A): ["127.0.0.1"],
    ("two.example", AAAA): ["::1"],
    ("hole.example", A): ["127.0.0.1"],
    ("hole.example", AAAA): ["fd09::2"],
    ("many.example", A): [f"192.0.2.{i}" for i in range(1, 21)],
}


class NameServer(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 53))
        self.asked = []
        self.start()

    def run(self):
        while True:
            question, client = self.sock.recvfrom(4096)
            name, kind, end = self.read(question)
            self.asked.append(name)
            if name.startswith("dead"):
                continue
            delay = 0.4 if name.startswith("slow") else 0
            answer = self.answer(question[:end], name, kind)
            threading.Timer(delay, self.sock.sendto, [answer, client]).start()

    @staticmethod
    def read(question):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        return ".".join(labels).lower(), kind, at + 5

    @staticmethod
    def answer(question, name, kind):
        known = any(name == n for n, _ in ADDRESSES)
        code = 2 if name.startswith("broken") else 0 if known else 3
        found = ADDRESSES.get((name, kind), [])
        family = socket.AF_INET if kind == A else socket.AF_INET6
        records = b""
        for text in found:
            data = socket.inet_pton(family, text)
            records += struct.pack(">HHHIH", 0xc00c, kind, 1, 60, len(data))
            records += data
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1,
                                          len(found), 0, 0)
        return head + question[12:] + records


def run(*words):
    begin = time.monotonic()
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True,
                          timeout=LIMIT)
    return done.stdout.splitlines(), time.monotonic() - begin


def look_up(limit, *hosts):
    """({host: (what, after how long)}, how long the program took)"""
    lines, took = run("look-up", str(limit), *hosts)
    assert lines[-1] == "closed", lines
    found = {}
    for line in lines[:-1]:
        host, what, seconds = re.fullmatch(r"(\S+): (.*) (\S+)", line).groups()
        found[host] = what, float(seconds)
    return found, took


class Names(unittest.TestCase):
    def test_a_name_has_its_address(self):
        found, _ = look_up(5, "good.example")
        self.assertEqual(found["good.example"][0], "192.0.2.7")

    def test_a_slow_answer_is_waited_for_and_others_are_not_held_up(self):
        found, _ = look_up(5, "slow.example", "good.example")
        self.assertEqual(found["slow.example"][0], "192.0.2.8")
        self.assertGreaterEqual(found["slow.example"][1], 0.4)
        self.assertLess(found["good.example"][1], 0.4)

    def test_a_name_that_nobody_has_is_no_host(self):
        found, _ = look_up(5, "nobody.example")
        self.assertEqual(found["nobody.example"][0], "no such host")

    def test_a_server_that_fails_is_worth_another_try(self):
        found, _ = look_up(5, "broken.example")
        self.assertEqual(found["broken.example"][0],
                         "Temporary failure in name resolution")

    def test_a_dead_server_keeps_neither_the_task_nor_the_loop(self):
        found, took = look_up(0.3, "dead.example")
        what, seconds = found["dead.example"]
        self.assertEqual(what, "Connection timed out")
        self.assertLess(seconds, 1)
        self.assertLess(took, 2)  # the resolver waits for 20 s

    def test_many_dead_ones_do_not_hold_up_others_for_long(self):
        hosts = [f"dead{i}.example" for i in range(30)]
        found, took = look_up(0.5, *hosts, "good.example")
        self.assertEqual(found["dead29.example"][0], "Connection timed out")
        self.assertLess(took, 3)
        found, took = look_up(2, *hosts[:15], "good.example")
        self.assertEqual(found["good.example"][0], "192.0.2.7")
        self.assertLess(found["good.example"][1], 1)
        self.assertLess(took, 4)

    def test_a_host_with_two_addresses_is_reached_at_the_one_that_answers(self):
        lines, took = run("connect", "two.example")
        self.assertRegex(lines[0], r"^127\.0\.0\.1:\d+$")
        self.assertLess(took, 2)

    @unittest.skipUnless(shutil.which("ip"), "no ip here")
    def test_an_address_that_swallows_everything_costs_a_quarter_second(self):
        if not make_hole():
            self.skipTest("no virtual interfaces here")
        lines, took = run("connect", "hole.example")
        self.assertRegex(lines[0], r"^127\.0\.0\.1:\d+$")
        self.assertGreaterEqual(took, 0.25)
        self.assertLess(took, 2)

    def test_a_host_that_no_address_reaches_is_told_with_all_of_them(self):
        lines, _ = run("connect", "many.example")
        self.assertEqual(lines[0].count("192.0.2."), 20, lines)
        self.assertIn("Network is unreachable", lines[0])


def make_hole():
    """A neighbour, fd09::2, who is there for the kernel and for nobody else."""
    return all(subprocess.run(["ip", *words.split()]).returncode == 0
               for words in ("link add hole type veth peer name bottom",
                             "address add fd09::1/64 dev hole nodad",
                             "link set bottom up",
                             "link set hole up",
                             "neighbour add fd09::2 dev hole "
                             "lladdr 02:00:00:00:00:02"))


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS


def inside():
    loopback_up()
    with tempfile.NamedTemporaryFile("w") as config:
        config.write("nameserver 127.0.0.1\n"
                     "options timeout:20 attempts:1\n")
        config.flush()
        subprocess.run(["mount", "--bind", config.name, "/etc/resolv.conf"],
                       check=True)
        NameServer()
        result = unittest.main(argv=sys.argv[:1], exit=False).result
    bad = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{result.testsRun - bad - skipped} passed, {bad} failed, "
          f"{skipped} skipped")
    raise SystemExit(bad > 0)


def main():
    if sys.argv[1:] == ["--inside"]:
        inside()
    try:
        works = subprocess.run(["unshare", "-m", "-n", "true"],
                               capture_output=True).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        print("skip: namespaces for mounts and the network are not allowed")
        print("0 passed, 0 failed, 1 skipped")
        raise SystemExit(77)
    os.execvp("unshare", ["unshare", "-m", "-n", sys.executable, __file__,
                          "--inside"])


if __name__ == "__main__":
    main()
