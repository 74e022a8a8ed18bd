#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curl(1) as the client of the library's servers: HTTP and HTTPS, and the file
server among the examples."""

import hashlib
import os
import random
import subprocess
import unittest

import peer
from peer import LIMIT, Case, eventually, pem
import closing

CHANCE = random.Random(1)
MUCH = CHANCE.randbytes(10 << 20)
GONE = ("^1 requests, the connection (from .* )?broke: "
        "(Broken pipe|Connection reset by peer|the peer left without)")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def curl(*words, **options):
    """(status, what it wrote, what it said)"""
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--max-time", str(LIMIT), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=2 * LIMIT,
        check=False, **options)
    return done.returncode, done.stdout, done.stderr.decode()


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


class Serving:
    """What holds with TLS and without."""

    def url(self, path):
        return f"{self.scheme}://localhost:{self.port}/{path}"

    def curl(self, *words, **options):
        return curl(*self.words, *words, **options)

    def setUp(self):
        super().setUp()
        self.server = self.start("tests/peers/http_server", *self.arguments)
        self.port = self.server.port()
        self.fds = self.server.open_fds()

    def get(self, path, *words):
        status, body, errors = self.curl(*words, self.url(path))
        self.assertEqual((status, errors), (0, ""))
        return body

    def test_a_response_comes_whole(self):
        body = self.get("bytes/3000000", "--http1.1")
        self.assertEqual(sha256(body), sha256(pattern(3000000)))
        self.assertEqual(self.server.line(), "1 requests, ended")

    def test_requests_share_a_connection(self):
        urls = [self.url(f"bytes/{size}") for size in range(50)]
        status, body, _ = self.curl(*urls)
        self.assertEqual(status, 0)
        self.assertEqual(body, b"".join(pattern(n) for n in range(50)))
        self.assertEqual(self.server.line(), "50 requests, ended")

    def test_ten_mebibytes_go_there_and_back(self):
        status, body, errors = self.curl("--data-binary", "@-",
                                         self.url("echo"), input=MUCH)
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(sha256(body), sha256(MUCH))

    def test_chunks_go_there_and_back(self):
        status, body, errors = self.curl(
            "--data-binary", "@-", "-H", "Transfer-Encoding: chunked",
            self.url("echo"), input=MUCH[:2000000])
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(sha256(body), sha256(MUCH[:2000000]))

    def test_a_slow_reader_is_waited_for_and_costs_little(self):
        self.get("bytes/1000000")
        before = self.server.memory()
        with subprocess.Popen(
                ["curl", "-sS", "--noproxy", "*", *self.words, "--limit-rate",
                 "2M", self.url("bytes/30000000")],
                stdout=subprocess.PIPE) as slow:
            for _ in range(20):
                self.assertEqual(len(slow.stdout.read(100000)), 100000)
            self.assertEqual(self.get("bytes/10"), pattern(10))
            self.assertLess(self.server.memory() - before, 2000)
            slow.kill()
        for _ in range(2):
            self.assertEqual(self.server.line(), "1 requests, ended")
        self.assertRegex(self.server.line(), GONE)

    def test_who_leaves_in_the_middle_leaves_nothing(self):
        for _ in range(10):
            with subprocess.Popen(
                    ["curl", "-sS", "--noproxy", "*", *self.words,
                     self.url("bytes/1000000000")],
                    stdout=subprocess.PIPE) as leaver:
                leaver.stdout.read(1000)
                leaver.kill()
            self.assertRegex(self.server.line(), GONE)
        eventually(lambda: self.server.open_fds() <= self.fds)

    def test_many_are_served_at_once(self):
        urls = [word for _ in range(40) for word in
                ("-o", "/dev/stdout", self.url("bytes/200000"))]
        status, body, _ = self.curl("-Z", "--parallel-immediate",
                                    "--parallel-max", "40", *urls)
        self.assertEqual((status, len(body)), (0, 40 * 200000))
        eventually(lambda: self.server.open_fds() <= self.fds)


class Http(Serving, Case):
    scheme, arguments, words = "http", [], []


class Https(Serving, Case):
    scheme, arguments = "https", [pem("server")]
    words = ["--cacert", pem("authority")]

    def test_http_1_1_is_agreed_upon(self):
        status, _, errors = self.curl("-v", "--http2", self.url("bytes/1"))
        self.assertEqual(status, 0)
        self.assertRegex(errors, "ALPN: server accepted http/1.1")
        self.assertRegex(errors, "SSL connection using TLSv1.3")

    def test_tls_1_2_will_do(self):
        status, body, errors = self.curl("-v", "--tls-max", "1.2",
                                         self.url("bytes/3"))
        self.assertEqual((status, body), (0, pattern(3)))
        self.assertRegex(errors, "SSL connection using TLSv1.2")

    def test_tls_1_1_is_refused(self):
        status, _, errors = self.curl(
            "--tlsv1.0", "--tls-max", "1.1", "--ciphers",
            "DEFAULT@SECLEVEL=0", self.url("bytes/1"))
        self.assertEqual(status, 35)
        self.assertRegex(errors, "alert protocol version")
        self.assertEqual(
            self.server.line(), "the handshake of a connection failed: the "
            "client speaks TLS 1.1, and at least TLS 1.2 is wanted")

    def test_who_does_not_trust_it_tells_it(self):
        status, _, _ = curl(self.url("bytes/1"))
        self.assertEqual(status, 60)
        self.assertEqual(
            self.server.line(), "the handshake of a connection failed: the "
            "peer does not trust the issuer of our certificate")

    def test_plain_http_is_refused(self):
        status, _, _ = curl(f"http://localhost:{self.port}/")
        self.assertIn(status, (52, 56))
        self.assertRegex(self.server.line(),
                         'the peer does not speak TLS: it says "GET / HTTP/')


@unittest.skipUnless(
    os.path.exists(peer.BUILD / "examples/file_server/file_server"),
    "built without examples")
class FileServer(Case):
    """examples/file_server"""

    def setUp(self):
        super().setUp()
        (self.folder / "files").mkdir()
        (self.folder / "files" / "much").write_bytes(MUCH)
        self.server = self.start("examples/file_server/file_server", 0,
                                 self.folder / "files")
        self.url = f"http://127.0.0.1:{self.server.port()}/much"
        self.fds = self.server.open_fds()

    def test_a_file_comes_whole_twice(self):
        status, body, errors = curl(self.url, self.url)
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(sha256(body), sha256(MUCH * 2))

    def test_its_head_tells_its_size(self):
        status, head, _ = curl("-I", self.url)
        self.assertEqual(status, 0)
        self.assertRegex(head.decode(), f"Content-Length: {len(MUCH)}\r\n")

    def test_what_is_not_there_is_told(self):
        status, _, errors = curl("-f", self.url + "more")
        self.assertEqual(status, 22)
        self.assertRegex(errors, "404")

    def test_a_slow_reader_costs_little(self):
        before = self.server.memory()
        with subprocess.Popen(
                ["curl", "-sS", "--noproxy", "*", "--limit-rate", "2M",
                 self.url], stdout=subprocess.PIPE) as slow:
            self.assertEqual(slow.stdout.read(1000000), MUCH[:1000000])
            self.assertEqual(curl(self.url)[0], 0)
            self.assertLess(self.server.memory() - before, 4000)
            slow.kill()
        eventually(lambda: self.server.open_fds() <= self.fds)


if __name__ == "__main__":
    peer.skip_without("curl")
    closing.main()
