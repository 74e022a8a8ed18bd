#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""UDP with Python, and with socat, at the other end: examples/udp_ping."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import unittest

PROGRAM = pathlib.Path(os.environ["UDP_PING"])
LIMIT = 60


def udp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(LIMIT)
    return sock


class Server:
    """The example's server."""

    def __enter__(self):
        self.child = subprocess.Popen([PROGRAM, "server", "0"],
                                      stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        self.port = int(re.fullmatch(r"port (\d+)\n", line).group(1))
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait(LIMIT)
        self.child.stdout.close()


class PythonServer(threading.Thread):
    """Answers pings by a function: what it returns is sent back."""

    def __init__(self, answers):
        super().__init__(daemon=True)
        self.sock = udp()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.answers = answers
        self.start()

    def run(self):
        try:
            for number in range(5):
                data, address = self.sock.recvfrom(65536)
                for answer in self.answers(number, data):
                    self.sock.sendto(answer, address)
        except TimeoutError:
            pass
        finally:
            self.sock.close()


def run(*arguments, **environment):
    done = subprocess.run([PROGRAM, *map(str, arguments)], text=True,
                          capture_output=True, timeout=LIMIT,
                          env={**os.environ, **environment})
    return done.returncode, re.sub(r", [0-9.]+ ms.*\n", "", done.stdout)


class TheServer(unittest.TestCase):
    def test_sends_back_what_a_client_in_python_sends(self):
        with Server() as server, udp() as sock:
            sock.connect(("127.0.0.1", server.port))
            for data in (b"x", b"", bytes(range(256)) * 8):
                sock.send(data)
                self.assertEqual(sock.recv(65536), data)

    def test_cuts_what_is_larger_than_its_buffer(self):
        with Server() as server, udp() as sock:
            sock.connect(("127.0.0.1", server.port))
            sock.send(b"y" * 65507)
            self.assertEqual(sock.recv(65536), b"y" * 2048)

    def test_tells_a_hundred_clients_apart(self):
        with Server() as server:
            clients = [udp() for _ in range(100)]
            for number, sock in enumerate(clients):
                sock.sendto(b"%d" % number, ("127.0.0.1", server.port))
            for number, sock in enumerate(clients):
                self.assertEqual(sock.recv(100), b"%d" % number)
                sock.close()

    def test_survives_clients_that_are_gone(self):
        with Server() as server:
            for _ in range(50):
                with udp() as sock:
                    sock.sendto(b"bye", ("127.0.0.1", server.port))
            self.assertEqual(run("client", server.port),
                             (0, "5 sent, 5 received"))

    @unittest.skipUnless(shutil.which("socat"), "no socat here")
    def test_answers_socat(self):
        with Server() as server:
            done = subprocess.run(
                ["socat", "-t", "1", "-", f"UDP:127.0.0.1:{server.port}"],
                input=b"from socat", capture_output=True, timeout=LIMIT)
            self.assertEqual(done.stdout, b"from socat")


class TheClient(unittest.TestCase):
    def test_hears_a_server_in_python(self):
        server = PythonServer(lambda _, data: [data])
        self.assertEqual(run("client", server.port), (0, "5 sent, 5 received"))

    def test_counts_what_is_lost(self):
        server = PythonServer(lambda n, data: [data] if n % 2 else [])
        self.assertEqual(run("client", server.port), (0, "5 sent, 2 received"))

    def test_is_not_confused_by_answers_that_come_twice_or_are_empty(self):
        server = PythonServer(lambda _, data: [b"", data, data])
        self.assertEqual(run("client", server.port), (0, "5 sent, 5 received"))

    def test_fails_where_nobody_answers(self):
        with udp() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        self.assertEqual(run("client", port), (1, "5 sent, 0 received"))

    @unittest.skipUnless(shutil.which("socat"), "no socat here")
    def test_hears_socat(self):
        with udp() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        echo = subprocess.Popen(
            ["socat", f"UDP-LISTEN:{port},bind=127.0.0.1", "EXEC:cat"])
        try:
            found = (1, "")
            for _ in range(20):  # until it listens
                found = run("client", port)
                if found[0] == 0:
                    break
            self.assertEqual(found[0], 0)
        finally:
            echo.kill()
            echo.wait(LIMIT)


class TheSimulation(unittest.TestCase):
    def simulate(self, seed):
        return subprocess.run(
            [PROGRAM, "simulate", "7777"], text=True, capture_output=True,
            timeout=LIMIT, env={**os.environ, "ACIO_SIM_SEED": seed}).stdout

    def test_is_the_same_for_the_same_seed(self):
        self.assertEqual(self.simulate("7"), self.simulate("7"))
        self.assertNotEqual(self.simulate("7"), self.simulate("8"))

    def test_loses_a_fifth_in_each_direction(self):
        found = re.search(r"1000 sent, (\d+) received", self.simulate("9"))
        self.assertLess(abs(int(found.group(1)) - 640), 60)


if __name__ == "__main__":
    unittest.main()
