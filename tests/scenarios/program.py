# SPDX-License-Identifier: MIT
"""Running the examples: each wait has a limit, each port is a free one."""

import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tooling"))

EXAMPLES = pathlib.Path(os.environ["EXAMPLES"])
LIMIT = 60


def path_of(name):
    return EXAMPLES / (name if "/" in name else f"{name}/{name}")


class Program:
    """A running example; its output is read line by line."""

    def __init__(self, name, *arguments, **options):
        self.child = subprocess.Popen(
            [path_of(name), *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.seen = {self.child.stdout: b"", self.child.stderr: b""}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(LIMIT)
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.stderr.close()

    def line(self, pipe=None, limit=LIMIT):
        """The next line, of the standard output unless said otherwise."""
        pipe = pipe or self.child.stdout
        deadline = time.monotonic() + limit
        while b"\n" not in self.seen[pipe]:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise AssertionError(f"no line within {limit} s")
            data = os.read(pipe.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended: {self.rest(self.child.stderr)}")
            self.seen[pipe] += data
        line, _, self.seen[pipe] = self.seen[pipe].partition(b"\n")
        return line.decode()

    def rest(self, pipe=None):
        pipe = pipe or self.child.stdout
        text = self.seen[pipe] + pipe.read()
        self.seen[pipe] = b""
        return text.decode()

    def port(self):
        return int(re.search(r"port (\d+)", self.line()).group(1))

    def open_fds(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def memory(self):
        """Resident, in KiB."""
        path = pathlib.Path(f"/proc/{self.child.pid}/status")
        return int(re.search(r"VmRSS:\s+(\d+)", path.read_text()).group(1))

    def interrupt(self):
        """Ctrl-C; what is left to be read, and the status."""
        self.child.send_signal(signal.SIGINT)
        return self.end()

    def end(self, limit=LIMIT):
        out, err = self.child.communicate(timeout=limit)
        return self.child.returncode, out.decode(), err.decode()


def run(name, *arguments, **options):
    return subprocess.run(
        [path_of(name), *map(str, arguments)], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=LIMIT, check=False, **options)


def connect(port, receive_bytes=0):
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(LIMIT)
    sock.connect(("127.0.0.1", port))
    return sock


def read_all(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def eventually(condition, limit=LIMIT):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("that did not come true in time")
        time.sleep(0.01)


def usage_is_told(case, name):
    """--help is an answer, nonsense a failure; both say how to do it."""
    asked, wrong = run(name, "--help"), run(name, "--nonsense")
    case.assertEqual((asked.returncode, asked.stderr), (0, ""))
    name = path_of(name).name
    case.assertTrue(asked.stdout.startswith(f"Usage: {name} "))
    case.assertEqual((wrong.returncode, wrong.stdout), (2, ""))
    case.assertIn(f"Usage: {name} ", wrong.stderr)


def is_short(case, name, most=110):
    """A source that is read as a whole; its usage is a line."""
    source = pathlib.Path(__file__).parents[2] / "examples" / name
    lines = sum(len(file.read_text().splitlines())
                for file in source.glob("*.[ch]"))
    case.assertTrue(0 < lines <= most, f"{name}: {lines} lines")
    for arguments in (), ("--help",):
        told = run(name, *arguments)
        case.assertEqual((told.returncode, told.stdout), (2, ""))
        case.assertRegex(told.stderr, rf"\AUsage: {name} .*\n\Z")


def skip_without_backend():
    """Where io_uring is forbidden there is nothing to be tested."""
    with Program("chat", 0) as program:
        try:
            program.port()
        except AssertionError as why:
            print(f"{os.environ.get('ACIO_BACKEND')}: {why}")
            print("0 passed, 0 failed, 1 skipped")
            sys.exit(77)
