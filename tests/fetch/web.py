# SPDX-License-Identifier: MIT
"""nginx in a folder of its own, on free ports, for as long as a `with`."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {root}/temp1;
    proxy_temp_path {root}/temp2;
    fastcgi_temp_path {root}/temp3;
    uwsgi_temp_path {root}/temp4;
    scgi_temp_path {root}/temp5;
    sendfile on;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {root}/files;
    }}
    {tls}
}}
"""

TLS_SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {root}/certificate.pem;
        ssl_certificate_key {root}/key.pem;
        root {root}/files;
    }}
"""


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(root):
    """For localhost, signed by itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", root / "key.pem", "-out", root / "certificate.pem"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return root / "certificate.pem"


class Web:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fetch-web-")
        self.root = pathlib.Path(self.folder.name)
        self.files = self.root / "files"
        self.files.mkdir()
        self.root.chmod(0o755)
        self.certificate = None
        self.process = None

    def __enter__(self):
        if find("openssl"):
            self.certificate = make_certificate(self.root)
        for _ in range(3):  # another program may take the port before nginx
            self.start()
            if self.answers():
                return self
            self.stop()
        log = (self.root / "error.log").read_text()
        raise AssertionError(f"nginx did not start:\n{log}")

    def start(self):
        self.port, self.tls_port = free_port(), free_port()
        tls = TLS_SERVER.format(root=self.root, port=self.tls_port)
        user = "user root;" if os.getuid() == 0 else ""
        (self.root / "nginx.conf").write_text(CONFIG.format(
            root=self.root, port=self.port, user=user,
            tls=tls if self.certificate else ""))
        self.process = subprocess.Popen(
            [find("nginx"), "-p", self.root, "-c", self.root / "nginx.conf",
             "-e", self.root / "error.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers(self):
        for _ in range(200):
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            time.sleep(0.02)
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def tls_url(self, path, host="localhost"):
        return f"https://{host}:{self.tls_port}/{path}"
