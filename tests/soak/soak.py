#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Much at once, and then the question what is left of it.

    soak.py BUILD [NAME=COUNT ...]

    tls=10000       connections at once, on one thread at each end
    spawn=1000      subprocesses whose output is compared
    transfer=1024   MiB each way over TCP, a Unix socket and TLS
    gateway=10000   clients at once, on one thread

Each runs on every back end, or on $ACIO_BACKEND. At the end there is a table:
a line for each program with what it has left behind, counted by itself (see
tests/lib/left.c; what OpenSSL takes is none of those blocks: that is told by
the memory of a second wave of connections). Anything left is a failure.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
TESTS = pathlib.Path(__file__).resolve().parents[1]
CERTIFICATES = BUILD / "tests/tls/certificates"
LEFT = re.compile(r"(.*): (\d+) tasks, (-?\d+) blocks, (-?\d+) files, "
                  r"(\d+) children; (\d+) KiB at most")
HEAD = ("", "back end", "program", "tasks", "blocks", "files", "children",
        "KiB at most", "seconds")
SKIPPED = 77
LIMIT = 1200


class Job:
    """A test that is there, with more to do than in `make check`."""

    def __init__(self, command, figures, programs, **environment):
        self.command = [str(word) for word in command]
        self.figures, self.programs = re.compile(figures), programs
        self.environment = environment

    def run(self, backend):
        """(how it ended, a row for each program)"""
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            left = pathlib.Path(folder) / "left"
            done = subprocess.run(
                self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=LIMIT, check=False,
                env={**os.environ, **self.environment, "ACIO_BACKEND": backend,
                     "LD_PRELOAD": str(BUILD / "tests/peers/left.so"),
                     "LEFT_BEHIND": str(left)})
            told = LEFT.findall(left.read_text() if left.exists() else "")
        seconds = time.monotonic() - began
        for line in done.stdout.splitlines():
            if done.returncode or self.figures.search(line):
                print("   ", line)
        # A spec looks after itself whether it has left anything behind.
        count = "0" if done.returncode == 0 else "?"
        name = "?" if self.programs else "spec"
        rows = [(*row, f"{seconds:.1f}") for row in told] or [
            (name, *[count] * 4, "", f"{seconds:.1f}")]
        good = (len(told) == self.programs and
                all(row[1:5] == ("0",) * 4 for row in rows))
        return done.returncode or not good, rows


def jobs(counts):
    made = {
        "tls": lambda count: Job(
            [sys.executable, TESTS / "tls/soak.py",
             BUILD / "tests/tls/tls-soak", CERTIFICATES, count],
            "connections in", 3),
        "spawn": lambda count: Job(
            [BUILD / "tests/spec", "process_soak"], "passed", 0,
            SOAK_SPAWNS=count, SPEC_TIMEOUT_SCALE="60"),
        "transfer": lambda count: Job(
            [BUILD / "tests/transfer/transfer", count, "tcp", "unix",
             f"tls={CERTIFICATES}"], "each way", 1),
        "gateway": lambda count: Job(
            [sys.executable, TESTS / "scenarios/gateway.py",
             "Gateway.test_all_clients_at_once"],
            "connected|at once|at most", 3, GATEWAY_CLIENTS=count,
            EXAMPLES=str(BUILD / "examples")),
    }
    return {name: made[name](count) for name, count in counts.items()}


def has(backend):
    tried = subprocess.run(
        [BUILD / "tests/transfer/transfer", "8", "tcp"], check=False,
        stdout=subprocess.DEVNULL, env={**os.environ, "ACIO_BACKEND": backend})
    if tried.returncode == SKIPPED:
        print(f"skipped: {backend} is not allowed here")
    return tried.returncode != SKIPPED


def print_table(table):
    widths = [max(len(row[i]) for row in table) for i in range(len(HEAD))]
    for row in table:
        print(*(cell.rjust(width) if i > 2 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths))), sep="  ")


def main():
    if not CERTIFICATES.is_dir():
        print("skipped: there is no openssl(1) to make certificates")
        return SKIPPED
    counts = dict(tls="10000", spawn="1000", transfer="1024", gateway="10000")
    if len(sys.argv) > 2:
        counts = dict(word.split("=") for word in sys.argv[2:])
    chosen = os.environ.get("ACIO_BACKEND")
    backends = filter(has, [chosen] if chosen else ["epoll", "uring"])
    table, passed, failed = [HEAD], 0, 0
    for backend in backends:
        for name, job in jobs(counts).items():
            print(f"{name}, {counts[name]}, {backend}:", flush=True)
            bad, rows = job.run(backend)
            passed, failed = passed + (not bad), failed + bool(bad)
            table += [(name, backend, *row) for row in rows]
    print_table(table)
    print(f"{passed} passed, {failed} failed")
    return SKIPPED if passed + failed == 0 else failed > 0


if __name__ == "__main__":
    sys.exit(main())
