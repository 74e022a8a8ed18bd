#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS with openssl(1) and Python at the other end, both ways."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tooling"))
import closing

PEER = os.environ["TLS_PEER"]
OPENSSL = os.environ["OPENSSL"]
CERTIFICATES = pathlib.Path(os.environ["CERTIFICATES"])
OLD = ["-cipher", "DEFAULT@SECLEVEL=0"]  # or OpenSSL has no TLS 1.1 itself


def pem(name):
    return str(CERTIFICATES / f"{name}.pem")


def run(command, text=""):
    done = subprocess.run(command, input=text, text=True, check=False,
                          timeout=30, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout


def connect(host, port, *options):
    return run([PEER, "connect", host, str(port),
                f"authorities={pem('authority')}", *options])


@contextlib.contextmanager
def started(command):
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


@contextlib.contextmanager
def s_server(*options):
    """openssl's server, which sends back what it reads in reverse order; its
    port."""
    command = [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-rev", *options]
    if "-cert" not in options:
        command += ["-cert", pem("server"), "-key", pem("server")]
    with started(command) as process:
        for line in process.stdout:
            found = re.match(r"ACCEPT 127.0.0.1:(\d+)", line)
            if found:
                yield int(found.group(1))
                return
    raise AssertionError("s_server does not start")


class Served:
    """tls_peer's server, and what it says."""

    def __init__(self, process):
        self.process, self.port = process, int(process.stdout.readline())

    def line(self):
        return self.process.stdout.readline().rstrip("\n")


@contextlib.contextmanager
def serve(*options):
    if not any(option.startswith("certificate=") for option in options):
        options = (f"certificate={pem('server')}", *options)
    with started([PEER, "serve", *options]) as process:
        yield Served(process)


def s_client(port, *options):
    """What openssl's client says: it sends "ping", and goes when that has come
    back, or when it is refused."""
    command = [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}",
               "-CAfile", pem("authority"), *options]
    with started(command) as process:
        out = []
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("ping\n")
            process.stdin.flush()
        for line in process.stdout:
            out.append(line)
            if line.endswith("ping\n"):
                break
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        out += process.stdout
        process.stdin = None
        return "".join(out)


class Client(unittest.TestCase):
    """Our client, their server."""

    def refuses(self, sentence, *server, host="localhost", client=()):
        with s_server(*server) as port:
            self.assertEqual(
                connect(host, port, *client),
                f"cannot connect to {host}, port {port}: {sentence}\n")

    def cert(self, name):
        return ["-cert", pem(name), "-key", pem(name)]

    def test_talks(self):
        with s_server() as port:
            self.assertEqual(
                connect("localhost", port),
                "TLSv1.3 protocol= name=localhost "
                "peer=CN=localhost, O=acio reused=0\ngnip\n")

    def test_talks_in_tls_1_2(self):
        with s_server("-tls1_2") as port:
            self.assertTrue(connect("localhost", port).startswith("TLSv1.2"))

    def test_refuses_another_host(self):
        self.refuses("the certificate is for 'other.example', not for "
                     "'localhost'", *self.cert("other"))

    def test_refuses_another_address(self):
        self.refuses("the certificate is for 'other.example', not for "
                     "'127.0.0.1'", *self.cert("other"), host="127.0.0.1")

    def test_refuses_an_expired_certificate(self):
        self.refuses("the certificate has been expired since "
                     "2021-02-03 04:05:06 UTC", *self.cert("expired"))

    def test_refuses_a_selfsigned_certificate(self):
        self.refuses("the certificate is self-signed, and not trusted",
                     *self.cert("selfsigned"))

    def test_refuses_an_unknown_authority(self):
        self.refuses("the certificate was issued by 'a stranger', which is "
                     "not trusted", *self.cert("unknown"))

    def test_refuses_a_chain_with_a_hole(self):
        self.refuses("the certificate was issued by 'acio test deputy', which "
                     "is not trusted", *self.cert("chain"))

    def test_accepts_a_whole_chain(self):
        with s_server("-cert_chain", pem("between"),
                      *self.cert("chain")) as port:
            self.assertIn("gnip", connect("localhost", port))

    def test_refuses_tls_1_1(self):
        self.refuses("the peer does not speak these versions of TLS",
                     "-tls1_1", *OLD)

    def test_is_refused_for_its_protocols(self):
        self.refuses("the peer speaks none of the protocols offered (ALPN)",
                     "-alpn", "h2", client=["protocol=irc"])

    def test_agrees_upon_a_protocol(self):
        with s_server("-alpn", "h2,irc") as port:
            self.assertIn("protocol=irc ",
                          connect("localhost", port, "protocol=irc"))

    def test_resumes(self):
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version), s_server(version) as port:
                lines = connect("localhost", port, "times=3").splitlines()
                self.assertEqual([line[-1] for line in lines[::2]],
                                 ["0", "1", "1"])

    def test_shows_its_certificate(self):
        with s_server("-Verify", "1", "-verify_return_error", "-CAfile",
                      pem("authority")) as port:
            self.assertIn("gnip", connect("localhost", port,
                                          f"certificate={pem('alice')}"))

    def test_learns_that_it_needs_a_certificate(self):
        with s_server("-Verify", "1", "-verify_return_error", "-CAfile",
                      pem("authority")) as port:
            out = connect("localhost", port)
            self.assertIn("broke: the peer wants a certificate, "
                          "and got none\n", out)

    def test_names_what_speaks_no_tls(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

            def answer():
                with listener.accept()[0] as connection:
                    connection.recv(100)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    while connection.recv(1000):
                        pass

            thread = threading.Thread(target=answer)
            thread.start()
            self.assertEqual(
                connect("localhost", port),
                f"cannot connect to localhost, port {port}: the peer does not "
                'speak TLS: it says "HTTP/1.1 400 Bad Request"\n')
            thread.join()

    def test_tells_of_who_leaves(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

            def leave():
                with listener.accept()[0] as connection:
                    connection.recv(10000)

            thread = threading.Thread(target=leave)
            thread.start()
            self.assertEqual(
                connect("localhost", port),
                f"cannot connect to localhost, port {port}: the peer closed "
                "the connection during the handshake\n")
            thread.join()


class Server(unittest.TestCase):
    """Our server, their client."""

    def refuses(self, sentence, *client, server=()):
        with serve(*server) as served:
            out = s_client(served.port, *client)
            self.assertEqual(
                served.line(),
                f"the handshake of a connection failed: {sentence}")
            return out

    def test_talks(self):
        with serve() as served:
            out = s_client(served.port, "-servername", "localhost")
            self.assertIn("ping", out)
            self.assertEqual(served.line(), "TLSv1.3 protocol= "
                             "name=localhost peer=- reused=0")

    def test_is_verified(self):
        with serve() as served:
            self.assertIn("Verify return code: 0 (ok)",
                          s_client(served.port, "-verify_hostname",
                                   "localhost"))

    def test_refuses_tls_1_1(self):
        out = self.refuses("the client speaks TLS 1.1, and at least TLS 1.2 "
                           "is wanted", "-tls1_1", *OLD)
        self.assertIn("alert protocol version", out)

    def test_refuses_other_protocols(self):
        out = self.refuses("the client offers none of our protocols (ALPN)",
                           "-alpn", "h2", server=["protocol=irc"])
        self.assertIn("no application protocol", out)

    def test_refuses_who_shows_no_certificate(self):
        asks = ["verify=required", f"authorities={pem('authority')}"]
        out = self.refuses("the client has shown no certificate", server=asks)
        self.assertIn("certificate required", out)
        self.refuses("the client's certificate was issued by 'a stranger', "
                     "which is not trusted", "-cert", pem("mallory"),
                     server=asks)

    def test_accepts_a_clients_certificate(self):
        with serve("verify=required",
                   f"authorities={pem('authority')}") as served:
            out = s_client(served.port, "-cert", pem("alice"))
            self.assertIn("CN = acio test authority", out)  # who is asked for
            self.assertIn("peer=CN=alice ", served.line())

    def test_is_not_renegotiated(self):
        with serve("highest=1.2") as served:
            out = run([OPENSSL, "s_client", "-connect",
                       f"127.0.0.1:{served.port}", "-legacy_renegotiation"],
                      "R\n")
            self.assertIn("RENEGOTIATING", out)
            self.assertIn("no renegotiation", out)

    def test_resumes(self):
        session = CERTIFICATES / f"session-{os.getpid()}"
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version), serve() as served:
                s_client(served.port, version, "-sess_out", str(session))
                self.assertIn("reused=0", served.line())
                self.assertEqual(served.line(), "end")
                s_client(served.port, version, "-sess_in", str(session))
                self.assertIn("reused=1", served.line())
            session.unlink()

    def test_names_who_speaks_http(self):
        with serve() as served:
            with socket.create_connection(("127.0.0.1", served.port)) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(
                    served.line(), "the handshake of a connection failed: the "
                    'peer does not speak TLS: it says "GET / HTTP/1.1"')

    def test_serves_python(self):
        context = ssl.create_default_context(cafile=pem("authority"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        data = bytes(range(256)) * 1000
        with serve() as served:
            with context.wrap_socket(
                    socket.create_connection(("127.0.0.1", served.port)),
                    server_hostname="localhost") as peer:
                peer.settimeout(20)
                sender = threading.Thread(target=peer.sendall, args=[data])
                sender.start()
                back = b""
                while len(back) < len(data):
                    back += peer.recv(65536)
                sender.join()
                self.assertEqual(back, data)
                peer.unwrap().close()  # both have said their last word
            self.assertIn("TLSv1.3", served.line())
            self.assertEqual(served.line(), "end")

    def test_tells_a_cut_connection_from_an_end(self):
        context = ssl.create_default_context(cafile=pem("authority"))
        with serve() as served:
            peer = context.wrap_socket(
                socket.create_connection(("127.0.0.1", served.port)),
                server_hostname="localhost")
            peer.settimeout(20)
            peer.sendall(b"x")
            self.assertEqual(peer.recv(1), b"x")
            peer.close()
            served.line()
            self.assertIn("the peer left without ending the TLS connection",
                          served.line())


@unittest.skipUnless(os.environ.get("TLS_ECHO"), "built without examples")
class Example(unittest.TestCase):
    """examples/tls_echo"""

    def test_goes_there_and_back(self):
        example = os.environ["TLS_ECHO"]
        with started([example, "serve", "0", pem("server")]) as process:
            port = process.stdout.readline().split()[-1]
            ask = [example, "ask", "localhost", port]
            self.assertEqual(
                run([*ask, pem("authority"), "one", "two"]),
                "TLSv1.3, TLS_AES_256_GCM_SHA384\none\ntwo\n")
            self.assertEqual(
                run([*ask, pem("stranger"), "three"]),
                f"cannot connect to localhost, port {port}: the certificate "
                "was issued by 'acio test authority', which is not trusted\n")


if __name__ == "__main__":
    closing.main()
