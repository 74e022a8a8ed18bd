#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many TLS connections at once, on one thread at each end, twice.

    soak.py TLS_SOAK CERTIFICATES COUNT
"""

import pathlib
import subprocess
import sys
import time

PROGRAM, CERTIFICATES, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])


class Process:
    def __init__(self, *words):
        self.process = subprocess.Popen(
            [PROGRAM, *words], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def line(self, word):
        """The number behind the word that it has to say."""
        said = self.process.stdout.readline()
        if not said.startswith(word + " "):
            sys.exit(f"instead of '{word}': {said}0 passed, 1 failed")
        return int(said.split()[1])

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()

    def kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmRSS"].split()[0])

    def fds(self):
        return len(list(pathlib.Path(
            f"/proc/{self.process.pid}/fd").iterdir()))


def wave(server, before):
    """Opens, uses and closes all; KiB of each end while they were idle."""
    begun = time.monotonic()
    client = Process("hold", str(server.port), f"{CERTIFICATES}/authority.pem",
                     str(COUNT))
    assert client.line("open") == COUNT
    server.tell()
    assert server.line("connections") == COUNT
    seconds = time.monotonic() - begun
    kib = server.kib()
    client.tell()
    assert client.line("done") == COUNT
    print(f"{COUNT} connections in {seconds:.1f} s, each in "
          f"{(kib - before) / COUNT:.1f} KiB of the server, "
          f"{client.kib() / COUNT:.1f} KiB of the client")
    client.end()
    assert client.line("closed") == COUNT
    assert client.process.wait(60) == 0
    return kib


def main():
    server = Process("serve", f"{CERTIFICATES}/server.pem")
    server.port = server.line("port")
    fds, before = server.fds(), server.kib()
    first = wave(server, before)
    second = wave(server, before)
    deadline = time.monotonic() + 10
    while server.fds() > fds and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.fds() == fds, f"{server.fds() - fds} fds are left open"
    server.tell()
    assert server.line("connections") == 0
    assert second < first + COUNT // 2 + 2048, (first, second)
    server.end()
    assert server.process.wait(60) == 0
    print("1 passed, 0 failed")


main()
