#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pipeline at its rate, and whatever can go wrong on its way."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from program import (LIMIT, Program, connect, eventually, run,
                     skip_without_backend, usage_is_told)
import closing

FEED = (pathlib.Path(__file__).resolve().parents[2] / "examples" / "pipeline"
        / "feed.py")
SECONDS = float(os.environ.get("PIPELINE_SECONDS", 3))
COUNTS = re.compile(
    r"pipeline: (?P<tcp>\d+) tcp, (?P<udp>\d+) udp, (?P<file>\d+) file and "
    r"(?P<timer>\d+) timer events: (?P<total>\d+) in, (?P<written>\d+) "
    r"written, (?P<lost>\d+) lost, (?P<late>\d+) late, (?P<malformed>\d+) "
    r"malformed, (?P<dropped>-?\d+) dropped, at most (?P<behind>\d+) ms behind")


def now_ms():
    return time.monotonic_ns() // 1000000


class Pipeline(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "events.log"
        self.output = self.folder / "sums.csv"

    def start(self, *options, output=None):
        self.pipeline = self.enterContext(Program(
            "pipeline", *options, 0, 0, self.file, output or self.output))
        self.ports = re.findall(r"port (\d+)", self.pipeline.line())

    def send_by_tcp(self):
        return self.enterContext(connect(int(self.ports[0])))

    def end_udp_and_file(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"", ("127.0.0.1", int(self.ports[1])))
        with open(self.file, "a") as file:
            file.write("end\n")

    def counts(self, end=None):
        status, out, errors = end or self.pipeline.end()
        self.summary = out.strip()
        self.assertEqual(errors, "")
        found = COUNTS.fullmatch(self.summary)
        self.assertTrue(found, out)
        counts = {name: int(text) for name, text in found.groupdict().items()}
        self.assertEqual(counts["total"], sum(
            counts[name] for name in ("tcp", "udp", "file", "timer")))
        return status, counts

    def sums(self):
        """What the sources but the timer have given, and the timer's count."""
        lines = self.output.read_text().splitlines()
        ticks = sum(int(line.split(",")[2]) for line in lines
                    if ",timer," in line)
        return [line for line in lines if ",timer," not in line], ticks

    def test_loses_nothing_at_its_rate_and_sums_up_each_window(self):
        self.start("--idle", 60000)
        fed = subprocess.run(
            [sys.executable, FEED, *self.ports, self.file, str(SECONDS)],
            text=True, stdout=subprocess.PIPE, timeout=LIMIT + SECONDS,
            check=True)
        status, counts = self.counts()
        print(self.summary, file=sys.stderr)
        wanted = [int(SECONDS * rate) for rate in (20000, 5000, 2000)]
        self.assertEqual([counts["tcp"], counts["udp"], counts["file"]], wanted)
        for name in "lost", "late", "malformed", "dropped":
            self.assertEqual(counts[name], 0, name)
        self.assertEqual(counts["written"], counts["total"])
        self.assertEqual(status, 0)
        lines, ticks = self.sums()
        self.assertEqual(lines, fed.stdout.splitlines())
        self.assertEqual(ticks, counts["timer"])

    def test_makes_a_sender_wait_that_is_too_fast(self):
        self.start("--idle", 60000)
        tcp, count, stamp = self.send_by_tcp(), 400000, now_ms()
        for first in range(0, count, 1000):
            tcp.sendall(b"".join(b"%d %d 1\n" % (number + 1, stamp)
                                 for number in range(first, first + 1000)))
        tcp.close()
        self.assertLess(self.pipeline.memory(), 20000)
        self.end_udp_and_file()
        status, counts = self.counts()
        self.assertEqual((status, counts["tcp"], counts["lost"]), (0, count, 0))
        self.assertEqual(counts["written"], counts["total"])

    def test_notices_that_a_datagram_is_missing(self):
        self.start()
        self.send_by_tcp().close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(("127.0.0.1", int(self.ports[1])))
            for number in 1, 2, 4:
                udp.send(b"%d %d 5" % (number, now_ms()))
        self.end_udp_and_file()
        status, counts = self.counts()
        self.assertEqual((status, counts["udp"], counts["lost"]), (1, 3, 1))

    def test_notices_what_the_kernel_has_dropped(self):
        self.start("--idle", 60000)
        self.send_by_tcp().close()
        self.pipeline.child.send_signal(signal.SIGSTOP)
        count = 40000  # more than the socket's buffer holds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(("127.0.0.1", int(self.ports[1])))
            for number in range(count):
                udp.send(b"%d %d 5" % (number + 1, now_ms()))
        self.pipeline.child.send_signal(signal.SIGCONT)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(("127.0.0.1", int(self.ports[1])))
            eventually(lambda: not self.queued())
            udp.send(b"%d %d 5" % (count + 1, now_ms()))
        self.end_udp_and_file()
        status, counts = self.counts()
        self.assertGreater(counts["dropped"], 0)
        self.assertEqual(counts["udp"] + counts["dropped"], count + 1)
        self.assertEqual(counts["lost"], counts["dropped"])
        self.assertEqual(status, 1)

    def queued(self):
        """Bytes that wait in the kernel for the UDP socket."""
        port = f":{int(self.ports[1]):04X}"
        for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(port):
                return int(fields[4].split(":")[1], 16)
        raise AssertionError("there is no such socket")

    def test_counts_what_is_no_event(self):
        self.start()
        tcp = self.send_by_tcp()
        tcp.sendall(b"nonsense\n\n1 2\n-\n1 %d 7\n2 %d 1\n"
                    % (now_ms(), now_ms() + 1000000))
        tcp.close()
        self.end_udp_and_file()
        _, counts = self.counts()
        self.assertEqual((counts["tcp"], counts["malformed"]), (1, 5))

    def test_does_not_write_a_window_twice_for_what_comes_late(self):
        self.start("--late", 0, "--idle", 50)
        tcp, stamp = self.send_by_tcp(), now_ms()
        tcp.sendall(b"1 %d 7\n" % stamp)
        eventually(lambda: self.sums()[0])
        tcp.sendall(b"2 %d 7\n" % stamp)
        tcp.close()
        self.end_udp_and_file()
        status, counts = self.counts()
        self.assertEqual((status, counts["late"], counts["lost"]), (1, 1, 0))
        self.assertEqual(self.sums()[0], [f"{stamp // 100 * 100},tcp,1,7"])

    def test_a_ctrl_c_writes_what_was_taken_in(self):
        self.start("--idle", 50)
        tcp, stamp = self.send_by_tcp(), now_ms()
        tcp.sendall(b"".join(b"%d %d 2\n" % (number + 1, stamp)
                             for number in range(1000)))
        eventually(lambda: self.sums()[0])
        status, counts = self.counts(self.pipeline.interrupt())
        self.assertEqual((status, counts["tcp"]), (0, 1000))
        self.assertEqual(counts["written"], counts["total"])
        self.assertEqual(self.sums()[0], [f"{stamp // 100 * 100},tcp,1000,2000"])

    def test_a_full_disk_ends_it_with_a_sentence(self):
        self.start("--idle", 50, output="/dev/full")
        status, _, errors = self.pipeline.end()
        self.assertEqual(status, 1)
        self.assertIn("it broke: No space left on device", errors)

    def test_says_what_it_cannot_open(self):
        result = run("pipeline", 0, 0, self.file, "/nowhere/sums.csv")
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot open /nowhere/sums.csv: No such file",
                      result.stderr)


class Usage(unittest.TestCase):
    def test_is_told(self):
        usage_is_told(self, "pipeline")


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
