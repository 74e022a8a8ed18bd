#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A redis-server of one's own, and acio's client of it: over TCP, over a Unix
socket and over TLS.

    redis.py tcp|unix|tls
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """
daemonize no
bind 127.0.0.1
save ""
appendonly no
loglevel warning
dir {root}
port {port}
unixsocket {root}/redis.sock
unixsocketperm 700
{tls}
"""

TLS = """
tls-port {port}
tls-cert-file {root}/certificate.pem
tls-key-file {root}/key.pem
tls-ca-cert-file {root}/certificate.pem
tls-auth-clients no
"""


def skip(why):
    print(why)
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(root):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", root / "key.pem", "-out", root / "certificate.pem"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(root, over):
    """The server, once it listens at its Unix socket, and its address."""
    port = free_port()
    tls = ""
    address = f"tcp 127.0.0.1 {port}"
    if over == "unix":
        address = f"unix {root}/redis.sock"
    if over == "tls":
        make_certificate(root)
        tls_port = free_port()
        tls = TLS.format(root=root, port=tls_port)
        address = f"tls 127.0.0.1 {tls_port} {root}/certificate.pem"
    config = root / "redis.conf"
    config.write_text(CONFIG.format(root=root, port=port, tls=tls))
    with open(root / "log", "wb") as log:
        server = subprocess.Popen([shutil.which("redis-server"), config],
                                  stdout=log, stderr=log)
    for _ in range(500):
        if server.poll() is not None:
            return None, None
        if (root / "redis.sock").exists():
            return server, address
        time.sleep(0.02)
    server.kill()
    return None, None


def main():
    over = sys.argv[1]
    if not shutil.which("redis-server"):
        skip("there is no redis-server")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        root = pathlib.Path(folder)
        for _ in range(3):  # another program may take a port before it does
            server, address = start(root, over)
            if server:
                break
        else:
            sys.exit("redis-server did not start:\n"
                     + (root / "log").read_text())
        try:
            done = subprocess.run([os.environ["REDIS_SPEC"]],
                                  env={**os.environ, "REDIS": address},
                                  timeout=300, check=False)
        finally:
            server.terminate()
            server.wait()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
