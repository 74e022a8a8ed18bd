#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Feed the pipeline at a steady rate, and say what has to come out of it:

    examples/pipeline/feed.py TCPPORT UDPPORT FILE [SECONDS [WINDOW_MS]]

20,000 events a second by TCP, 5,000 by UDP, 2,000 lines in the file; what is
printed are the lines that have to be in the pipeline's output, but for the
timer's."""

import collections
import random
import socket
import sys
import time

RATES = {"tcp": 20000, "udp": 5000, "file": 2000}
TICKS = 100  # a second


class Feed:
    def __init__(self, tcp_port, udp_port, path, window_ms):
        self.window_ms = window_ms
        self.tcp = socket.create_connection(("127.0.0.1", tcp_port))
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect(("127.0.0.1", udp_port))
        self.file = open(path, "ab", buffering=0)
        self.sent = collections.Counter()
        self.sums = collections.defaultdict(lambda: [0, 0])
        self.chance = random.Random(1)

    def events(self, source):
        """A tick's share, each with the stamp of now."""
        stamp = time.monotonic_ns() // 1000000
        window = stamp // self.window_ms * self.window_ms
        for _ in range(RATES[source] // TICKS):
            self.sent[source] += 1
            value = self.chance.randrange(-1000, 1000)
            sums = self.sums[window, source]
            sums[0] += 1
            sums[1] += value
            yield b"%d %d %d\n" % (self.sent[source], stamp, value)

    def tick(self):
        self.tcp.sendall(b"".join(self.events("tcp")))
        for event in self.events("udp"):
            self.udp.send(event)
        self.file.write(b"".join(self.events("file")))

    def run(self, seconds):
        """By the clock: a late tick is made up for."""
        begin = time.monotonic()
        for number in range(int(seconds * TICKS)):
            time.sleep(max(0, begin + number / TICKS - time.monotonic()))
            self.tick()
        self.tcp.close()
        self.udp.send(b"")
        self.udp.close()
        self.file.write(b"end\n")
        self.file.close()

    def lines(self):
        order = list(RATES)
        for window, source in sorted(
                self.sums, key=lambda at: (at[0], order.index(at[1]))):
            count, total = self.sums[window, source]
            yield f"{window},{source},{count},{total}"


def main():
    if len(sys.argv) < 4 or sys.argv[1] == "--help":
        print(__doc__)
        sys.exit(len(sys.argv) != 2)
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 5
    window_ms = int(sys.argv[5]) if len(sys.argv) > 5 else 100
    feed = Feed(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], window_ms)
    feed.run(seconds)
    print(*feed.lines(), sep="\n")


if __name__ == "__main__":
    main()
