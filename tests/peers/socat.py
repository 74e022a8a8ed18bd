#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""socat between two programs of the library, in front of one, and around one:
TCP, UDP, pipes, terminals."""

import os
import re
import signal
import subprocess
import unittest

import peer
from peer import BUILD, LIMIT, Case, eventually
import closing

PEER = "tests/peers/net_peer"
UDP_PING = "examples/udp_ping/udp_ping"
TEXT = "".join(f"line {n}\n" for n in range(2000))


class Socat:
    """A socat that runs along, and what it says about itself."""

    def __init__(self, *words, **options):
        self.child = subprocess.Popen(
            ["socat", "-d", "-d", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, **options)

    def __enter__(self):
        return self

    def port(self):
        for line in self.child.stderr:
            found = re.search(r"listening on.* 127\.0\.0\.1:(\d+)", line)
            if found:
                return int(found.group(1))
        raise AssertionError("socat does not listen")

    def __exit__(self, *_):
        """With what it has forked, but not with what it runs: a program of ours
        ends by itself."""
        if "fork" in self.child.args[3]:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.kill()
        self.child.communicate(timeout=LIMIT)


class Tcp(Case):
    def setUp(self):
        super().setUp()
        self.server = self.start(PEER, "listen")
        self.port = self.server.port()

    def forwarder(self, *options):
        forwarder = self.enterContext(Socat(
            ",".join(["TCP-LISTEN:0", "bind=127.0.0.1", *options]),
            f"TCP:127.0.0.1:{self.port}"))
        return forwarder, forwarder.port()

    def test_it_is_served(self):
        done = subprocess.run(
            ["socat", "-t", str(LIMIT), "-", f"TCP:127.0.0.1:{self.port}"],
            input=TEXT, stdout=subprocess.PIPE, text=True, timeout=LIMIT,
            check=True)
        self.assertEqual(done.stdout, TEXT)

    def test_it_may_stand_between_client_and_server(self):
        _, port = self.forwarder("fork")
        for _ in range(10):
            out, _ = self.run_program(PEER, "call", port, TEXT)
            self.assertEqual(out.decode(), TEXT + "closed\n")

    def test_it_may_read_and_write_byte_by_byte(self):
        forwarder = self.enterContext(Socat(
            "-b", "1", "TCP-LISTEN:0,bind=127.0.0.1",
            f"TCP:127.0.0.1:{self.port}"))
        out, _ = self.run_program(PEER, "call", forwarder.port(), TEXT[:3000])
        self.assertEqual(out.decode(), TEXT[:3000] + "closed\n")

    def test_both_ends_notice_when_it_is_killed(self):
        fds = self.server.open_fds()
        forwarder, port = self.forwarder("ignoreeof")  # there is no end of it
        client = self.enterContext(peer.Program(
            PEER, "call", port, "x", env=self.environment()))
        eventually(lambda: self.server.open_fds() > fds)
        forwarder.child.kill()
        # A reset, if socat had not read yet what the client has sent.
        self.assertIn(client.end()[0], (0, 1))
        eventually(lambda: self.server.open_fds() == fds)


@unittest.skipUnless((BUILD / UDP_PING).exists(), "built without examples")
class Udp(Case):
    def test_it_may_stand_between_client_and_server(self):
        server = self.start(UDP_PING, "server", 0)
        forwarder = self.enterContext(Socat(
            "UDP-LISTEN:0,bind=127.0.0.1,fork",
            f"UDP:127.0.0.1:{server.port()}"))
        out, _ = self.run_program(UDP_PING, "client", forwarder.port())
        self.assertRegex(out.decode(), "5 sent, 5 received")


class Exec(Case):
    """Around the program, in place of a shell."""

    def converse(self, *options):
        command = ",".join([f"EXEC:{BUILD / PEER} filter", *options])
        with Socat("-", command, env=self.environment()) as socat:
            socat.child.stdin.write(TEXT)
            socat.child.stdin.flush()
            for line in TEXT.splitlines():
                self.assertEqual(socat.child.stdout.readline(),
                                 line.upper() + "\n")
        eventually(lambda: self.left().endswith("\n"))

    def test_standard_input_and_output_may_be_a_socket(self):
        self.converse()

    def test_they_may_be_pipes(self):
        self.converse("pipes")

    def test_they_may_be_a_terminal(self):
        self.converse("pty", "raw", "echo=0")

    def test_the_input_may_end_before_the_output(self):
        done = subprocess.run(
            ["socat", "-t", str(LIMIT), "-", f"EXEC:{BUILD / PEER} filter"],
            input=TEXT, text=True, stdout=subprocess.PIPE, timeout=LIMIT,
            check=True)
        self.assertEqual(done.stdout, TEXT.upper())


class Terminal(Case):
    """A terminal that socat has made."""

    def test_it_is_read_and_written_until_it_hangs_up(self):
        path = self.folder / "terminal"
        with Socat(f"PTY,link={path},raw,echo=0", "-") as socat:
            eventually(path.exists)
            program = self.enterContext(peer.Program(
                PEER, "terminal", path, env=self.environment()))
            for number in range(100):
                socat.child.stdin.write(f"line {number}\n")
                socat.child.stdin.flush()
                self.assertEqual(socat.child.stdout.readline(),
                                 f"LINE {number}\n")
        self.assertEqual(program.end()[:2], (0, "success\nclosed\n"))


if __name__ == "__main__":
    peer.skip_without("socat")
    closing.main()
