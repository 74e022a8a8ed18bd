#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unix sockets with socat, and with Python, at the other end."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

PROGRAM = os.environ["NET_PEER"]
LIMIT = 30


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True,
                          timeout=LIMIT, **more)


class Server:
    """An echo server of the library."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.child = subprocess.Popen([PROGRAM, "serve", self.path],
                                      stdout=subprocess.PIPE, text=True)
        self.said = self.child.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        self.child.wait(LIMIT)
        self.child.stdout.close()


class Unix(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "socket")

    def tearDown(self):
        self.folder.cleanup()

    @unittest.skipUnless(shutil.which("socat"), "no socat here")
    def test_socat_is_served_at_a_path(self):
        with Server(self.path) as server:
            self.assertEqual(server.said, "ready")
            answer = run("socat", "-t", "5", "-", f"UNIX-CONNECT:{self.path}",
                         input="hello\n" * 1000)
            self.assertEqual(answer.stdout, "hello\n" * 1000)
        self.assertFalse(os.path.exists(self.path))

    @unittest.skipUnless(shutil.which("socat"), "no socat here")
    def test_socat_is_served_at_an_abstract_name(self):
        name = f"acio-peer-{os.getpid()}"
        with Server("@" + name):
            answer = run("socat", "-t", "5", "-", f"ABSTRACT-CONNECT:{name}",
                         input="hello")
            self.assertEqual(answer.stdout, "hello")

    @unittest.skipUnless(shutil.which("socat"), "no socat here")
    def test_socat_is_talked_to(self):
        child = subprocess.Popen(
            ["socat", f"UNIX-LISTEN:{self.path}", "EXEC:tr a-z A-Z"])
        while not os.path.exists(self.path):
            time.sleep(0.01)
        answer = run(PROGRAM, "talk", self.path, "hello")
        self.assertEqual(answer.stdout, "HELLOclosed\n")
        self.assertEqual(child.wait(LIMIT), 0)

    def test_what_a_killed_server_left_is_in_nobodys_way(self):
        with Server(self.path) as first:
            first.child.kill()
            first.child.wait(LIMIT)
            self.assertTrue(os.path.exists(self.path))
            refused = run(PROGRAM, "talk", self.path, "hello")
            self.assertEqual(refused.stdout.splitlines()[0],
                             f"cannot connect: {self.path}: "
                             "Connection refused")
            with Server(self.path) as second:
                self.assertEqual(second.said, "ready")
                answer = run(PROGRAM, "talk", self.path, "hello")
                self.assertEqual(answer.stdout, "helloclosed\n")

    def test_a_file_of_somebody_else_is_left_alone(self):
        pathlib.Path(self.path).write_text("precious")
        with Server(self.path) as server:
            self.assertEqual(server.said, f"cannot listen at {self.path}: "
                             "Address already in use")
        self.assertEqual(pathlib.Path(self.path).read_text(), "precious")

    def test_waits_for_a_server_with_a_full_queue(self):
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path)
        server.listen(0)
        first = socket.socket(socket.AF_UNIX)
        first.connect(self.path)  # takes the only place

        def serve_later():
            time.sleep(0.3)
            server.accept()[0].close()
            connection = server.accept()[0]
            connection.sendall(connection.recv(100))
            connection.close()
        thread = threading.Thread(target=serve_later)
        thread.start()
        before = time.monotonic()
        answer = run(PROGRAM, "talk", self.path, "patience")
        self.assertEqual(answer.stdout, "patienceclosed\n")
        self.assertGreaterEqual(time.monotonic() - before, 0.25)
        thread.join()
        first.close()
        server.close()


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, "
          f"{bad} failed, {len(result.skipped)} skipped")
    raise SystemExit(bad > 0)
