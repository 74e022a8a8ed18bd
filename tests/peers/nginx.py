#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx at the other end of the library's own streams, plain and by TLS."""

import contextlib
import gzip
import hashlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import peer
from peer import LIMIT, Case, Program, eventually, find, free_port, pem
import closing

CLIENT = "tests/peers/http_client"
CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {root}/pid;
error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {root}/access.log;
    default_type application/octet-stream;
    client_body_temp_path {root}/temp1;
    proxy_temp_path {root}/temp2;
    fastcgi_temp_path {root}/temp3;
    uwsgi_temp_path {root}/temp4;
    scgi_temp_path {root}/temp5;
    root {root}/files;
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    sendfile on;
    server {{ listen 127.0.0.1:{port}; {slow} }}
    {tls}
}}
"""
TLS = """
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_protocols TLSv1.2 TLSv1.3;
        {slow}
    }}
"""
# nginx sends a second's worth at once, and then so much in a second.
SLOW = """
        location /slow/ { alias {root}/files/; limit_rate 400k; }
        location /slower/ { alias {root}/files/; limit_rate 20k; }
"""
CHANCE = random.Random(1)
DATA = CHANCE.randbytes(600001)
TEXT = b"".join(b"%d, " % CHANCE.getrandbits(20) for _ in range(50000))


class Nginx:
    """nginx in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="nginx-")
        self.root = pathlib.Path(self.folder.name)
        self.root.chmod(0o755)
        (self.root / "files").mkdir()
        (self.root / "files" / "small").write_bytes(DATA[:1000])
        (self.root / "files" / "data").write_bytes(DATA)
        (self.root / "files" / "text").write_bytes(TEXT)
        self.process = None

    def __enter__(self):
        for _ in range(3):  # another program may take a port before nginx
            self.start()
            if self.answers():
                return self
            self.stop()
        log = (self.root / "error.log").read_text()
        raise AssertionError(f"nginx did not start:\n{log}")

    def start(self):
        self.ports = [free_port() for _ in range(3)]
        slow = SLOW.replace("{root}", str(self.root))
        tls = "".join(
            TLS.format(port=port, certificate=pem(name), slow=slow)
            for port, name in zip(self.ports[1:], ("server", "other")))
        user = "user root;" if os.getuid() == 0 else ""
        config = self.root / "nginx.conf"
        config.write_text(CONFIG.format(
            root=self.root, user=user, port=self.ports[0], slow=slow, tls=tls))
        self.process = subprocess.Popen(
            [find("nginx"), "-p", self.root, "-c", config,
             "-e", self.root / "error.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers(self):
        for _ in range(200):
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.ports[-1]),
                                         1).close()
                return True
            time.sleep(0.02)
        return False

    def workers(self):
        children = pathlib.Path(
            f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def reload(self):
        """With other workers; those that are there end when they are done."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: set(self.workers()) - before)

    def kill(self):
        """All of it, so that no other worker takes the place of one."""
        workers = self.workers()
        self.process.kill()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()


class Client:
    """What all ways of connecting have in common."""

    @classmethod
    def setUpClass(cls):
        cls.nginx = cls.enterClassContext(Nginx())

    def words(self, path, **options):
        return [CLIENT, *self.where(), path,
                *(f"{name}={value}" for name, value in options.items())]

    def fetch(self, path, **options):
        """The bodies, and the lines behind that of the handshake."""
        body, lines = self.run_program(*self.words(path, **options))
        return body, lines[self.greeting:]

    def started(self, path, **options):
        """A client that has the head, while its body is on its way."""
        program = self.enterContext(
            Program(*self.words(path, **options), env=self.environment()))
        for _ in range(1 + self.greeting):
            line = program.line(program.child.stderr)
        self.assertEqual(line.split(), ["200"])
        return program

    def test_a_file_comes_whole(self):
        body, lines = self.fetch("/data")
        self.assertEqual(lines, ["200 ", f"whole, {len(DATA)} bytes"])
        self.assertEqual(hashlib.sha256(body).digest(),
                         hashlib.sha256(DATA).digest())

    def test_a_hundred_requests_share_a_connection(self):
        body, lines = self.fetch("/small", times=100)
        self.assertEqual(body, DATA[:1000] * 100)
        self.assertEqual(lines, ["200 ", "whole, 1000 bytes"] * 100)

    def test_a_response_in_chunks_is_put_together(self):
        body, lines = self.fetch("/text", times=2,
                                 field="Accept-Encoding: gzip")
        self.assertEqual(lines[0::2], ["200 chunked"] * 2)
        half = len(body) // 2
        self.assertEqual(body[:half], body[half:])
        self.assertEqual(gzip.decompress(body[:half]), TEXT)

    def test_what_is_not_there_is_told_and_more_can_be_asked(self):
        body, lines = self.fetch("/nothing", times=3)
        self.assertEqual(lines[0::2], ["404 "] * 3)
        self.assertEqual(body.count(b"404 Not Found</h1>"), 3)

    def test_a_reload_in_the_middle_of_a_body_is_not_noticed(self):
        client = self.started("/slow/data", times=2, idle=30)
        self.nginx.reload()
        status, body, lines = self.end(client)
        self.assertEqual(body, DATA)
        self.assertEqual((status, lines),
                         (0, [f"whole, {len(DATA)} bytes", "ended"]))

    def test_a_reload_ends_a_connection_that_waits(self):
        client = self.started("/small", times=2, idle=30)
        self.assertEqual(client.line(client.child.stderr),
                         "whole, 1000 bytes")
        self.nginx.reload()
        self.assertEqual(self.end(client), (0, DATA[:1000], ["ended"]))

    def test_a_kill_in_the_middle_of_a_body_is_an_error(self):
        with Nginx() as self.nginx: # another one
            client = self.started("/slower/data")
            first = os.read(client.child.stdout.fileno(), 1)
            self.nginx.kill()
            status, body, lines = self.end(client)
        self.assertEqual(status, 1)
        self.assertLess(len(body), len(DATA) - 1)
        self.assertTrue(DATA.startswith(first + body))
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], rf"^broken after \d+ bytes: {self.broken}$")

    @staticmethod
    def end(client):
        read = client.seen[client.child.stderr]
        body, errors = client.child.communicate(timeout=LIMIT)
        return (client.child.returncode, body,
                (read + errors).decode().splitlines())


class Plain(Client, Case):
    greeting = 0
    broken = ("(the stream ended before enough bytes came|"
              "the connection .*broke: Connection reset by peer)")

    def where(self):
        return "127.0.0.1", self.nginx.ports[0]

    def test_a_slow_body_is_waited_for(self):
        before = time.monotonic()
        body, lines = self.fetch("/slow/data")
        self.assertEqual(body, DATA)
        self.assertEqual(lines[-1], f"whole, {len(DATA)} bytes")
        self.assertGreater(time.monotonic() - before, 0.5)


class Tls(Client, Case):
    greeting = 1
    broken = (r"the connection (to \S+ )?broke: the peer left without ending "
              "the TLS connection: what came may be cut short")

    def where(self):
        return "localhost", self.nginx.ports[1]

    def words(self, path, **options):
        return super().words(path, **{"authorities": pem("authority"),
                                      "protocol": "http/1.1", **options})

    def lines(self, **options):
        body, lines = self.run_program(*self.words("/small", **options))
        self.assertEqual(body, b"")
        return lines

    def test_http_1_1_is_agreed_upon(self):
        _, lines = self.run_program(*self.words("/small"))
        self.assertEqual(lines[0], "TLSv1.3 http/1.1")

    def test_another_host_is_refused(self):
        port = self.nginx.ports[2]
        self.where = lambda: ("localhost", port)
        self.assertEqual(self.lines(), [
            f"cannot connect to localhost, port {port}: the certificate is "
            "for 'other.example', not for 'localhost'"])

    def test_an_authority_that_is_not_trusted_is_refused(self):
        self.assertEqual(self.lines(authorities=pem("stranger")), [
            f"cannot connect to localhost, port {self.nginx.ports[1]}: the "
            "certificate was issued by 'acio test authority', which is not "
            "trusted"])

    def test_a_protocol_that_it_does_not_speak_is_refused_by_it(self):
        lines = self.lines(protocol="irc")
        self.assertEqual(lines, [
            f"cannot connect to localhost, port {self.nginx.ports[1]}: the "
            "peer speaks none of the protocols offered (ALPN)"])


if __name__ == "__main__":
    peer.skip_without("nginx")
    closing.main()
