#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The file server: what it serves, and what it refuses."""

import hashlib
import http.client
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest

from program import (LIMIT, Program, connect, eventually, is_short, read_all,
                     run, skip_without_backend)
import closing

CHANCE = random.Random(1)


class Folder(unittest.TestCase):
    def setUp(self):
        outside = self.enterContext(tempfile.TemporaryDirectory())
        self.outside = pathlib.Path(outside)
        (self.outside / "secret").write_text("secret")
        self.folder = self.outside / "public"
        (self.folder / "sub").mkdir(parents=True)
        (self.folder / "sub" / "page.html").write_text("<p>page</p>")
        (self.folder / "empty").write_text("")
        (self.folder / ".hidden").write_text("hidden")
        self.data = CHANCE.randbytes(3000017)
        (self.folder / "data.bin").write_bytes(self.data)
        self.server = self.enterContext(
            Program("file_server", 0, self.folder))
        self.port = self.server.port()

    def connection(self):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=LIMIT)
        self.addCleanup(connection.close)
        return connection

    def get(self, path, method="GET", connection=None, **headers):
        connection = connection or self.connection()
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response, response.read()

    def status(self, path, **headers):
        return self.get(path, **headers)[0].status

    def raw(self, data):
        with connect(self.port) as sock:
            sock.sendall(data)
            return read_all(sock)


class Serving(Folder):
    def test_gives_every_byte_of_a_file(self):
        response, body = self.get("/data.bin")
        self.assertEqual((response.status, body), (200, self.data))
        self.assertEqual(self.get("/sub/page.html")[1], b"<p>page</p>")

    def test_gives_an_empty_file(self):
        response, body = self.get("/empty")
        self.assertEqual((response.status, body), (200, b""))

    def test_tells_by_head_what_get_would_give(self):
        response, body = self.get("/data.bin", "HEAD")
        self.assertEqual((response.status, body), (200, b""))
        self.assertEqual(response.headers["Content-Length"],
                         str(len(self.data)))

    def test_serves_many_requests_of_one_connection(self):
        connection = self.connection()
        for number in range(50):
            path = ["/data.bin", "/sub/page.html", "/missing", "/empty"][number % 4]
            response, _ = self.get(path, connection=connection)
            self.assertEqual(response.status, 404 if number % 4 == 2 else 200)
        self.assertEqual(self.get("/data.bin", connection=connection)[1],
                         self.data)

    def test_serves_requests_that_are_sent_ahead_in_order(self):
        request = b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
        answers = self.raw(request % (b"empty", b"")
                           + request % (b"sub/page.html", b"")
                           + request % (b"empty", b"Connection: close\r\n"))
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK"), 3)
        self.assertEqual(answers.count(b"<p>page</p>"), 1)

    def test_gives_a_hundred_at_once_every_byte(self):
        wanted = hashlib.sha256(self.data).digest()
        connections = [self.connection() for _ in range(100)]
        for connection in connections:
            connection.request("GET", "/data.bin")
        for connection in connections:
            body = connection.getresponse().read()
            self.assertEqual(hashlib.sha256(body).digest(), wanted)

    def test_gives_curl_what_it_asks_for(self):
        if not shutil.which("curl"):
            self.skipTest("there is no curl")
        url = f"http://127.0.0.1:{self.port}/data.bin"
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", url, url],
                              stdout=subprocess.PIPE, timeout=LIMIT, check=True)
        self.assertEqual(done.stdout, self.data * 2)

    def test_leaves_nothing_open(self):
        fds = self.server.open_fds()
        for _ in range(20):
            with connect(self.port) as sock: # gone in the middle of a body
                sock.sendall(b"GET /data.bin HTTP/1.1\r\n\r\n")
                sock.recv(1000)
        eventually(lambda: self.server.open_fds() <= fds)


class Refusing(Folder):
    def test_hides_what_is_outside_and_what_begins_with_a_dot(self):
        for path in ("/../secret", "/..", "/sub/../../secret", "/sub/..",
                     "/%2e%2e/secret", "/..%2fsecret", "/.hidden", "/.",
                     "//etc/passwd", f"/{self.outside}/secret", "secret",
                     "../secret", "http://x/../secret", "/", "/sub", "/sub/",
                     "/missing", "/data.bin/", "/data.bin?a"):
            with self.subTest(path):
                answer = self.raw(b"GET %s HTTP/1.1\r\nConnection: close\r\n"
                                  b"\r\n" % path.encode())
                self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), answer)

    def test_does_not_wait_for_a_fifo(self):
        os.mkfifo(self.folder / "fifo")
        self.assertEqual(self.status("/fifo"), 404)

    def test_refuses_other_methods(self):
        response, _ = self.get("/", "POST")
        self.assertEqual(response.status, 405)
        self.assertEqual(response.headers["Allow"], "GET, HEAD")

    def test_refuses_what_is_no_request(self):
        for text in (b"nonsense\r\n\r\n", b"\r\n\r\n", b"GET /\r\n\r\n",
                     b"GET / HTTP/2.0\r\n\r\n", b"GET / a HTTP/1.1\r\n\r\n",
                     b"get / HTTP/1.1\r\n\r\n",
                     b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nA: b\0\r\n\r\n"):
            with self.subTest(text):
                answer = self.raw(text)
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
                self.assertEqual(answer.count(b"HTTP/1.1"), 1)

    def test_takes_no_body_for_a_request(self):
        inner = b"GET /empty HTTP/1.1\r\n\r\n"
        for field in (b"Content-Length: 26", b"content-length:26",
                      b"Transfer-Encoding: chunked"):
            with self.subTest(field):
                answer = self.raw(b"GET /empty HTTP/1.1\r\n" + field
                                  + b"\r\n\r\n" + inner)
                self.assertEqual(answer.count(b"HTTP/1.1 200 "), 1)
                self.assertEqual(answer.count(b"HTTP/1.1"), 1)

    def test_refuses_a_head_that_is_too_large(self):
        answer = self.raw(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10000)
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer)

    def test_says_what_it_cannot_serve(self):
        result = run("file_server", 0, "/nowhere")
        self.assertEqual(result.returncode, 1)
        self.assertIn("No such file", result.stderr)

    def test_a_ctrl_c_ends_all(self):
        with connect(self.port):
            status, _, errors = self.server.interrupt()
        self.assertEqual((status, errors), (130, ""))


class Slow(Folder):
    def test_sends_away_who_sends_a_head_byte_by_byte(self):
        with connect(self.port) as sock:
            begin = time.monotonic()
            with self.assertRaises((BrokenPipeError, ConnectionResetError,
                                    EOFError)):
                while time.monotonic() - begin < LIMIT:
                    sock.sendall(b"a")
                    sock.settimeout(0.05)
                    try:
                        if sock.recv(100) == b"":
                            raise EOFError
                    except TimeoutError:
                        pass

    def test_serves_others_while_hundreds_hang(self):
        hanging = [self.enterContext(connect(self.port)) for _ in range(300)]
        for sock in hanging:
            sock.sendall(b"GET / HTTP/1.1\r\n")
        self.assertEqual(self.status("/empty"), 200)
        for sock in hanging:
            self.assertEqual(read_all(sock), b"")

    def test_holds_little_for_who_does_not_read(self):
        with connect(self.port, receive_bytes=4096) as sock:
            sock.sendall(b"GET /data.bin HTTP/1.1\r\n\r\n" * 10)
            self.assertEqual(self.status("/empty"), 200)
            self.assertLess(self.server.memory(), 20000)


class Source(unittest.TestCase):
    def test_is_short_enough_to_read(self):
        is_short(self, "file_server", 120)


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
