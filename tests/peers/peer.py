# SPDX-License-Identifier: MIT
"""What the tests with real peers have in common: programs of the library that
are asked, when they have ended, what they have left behind."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "scenarios"), str(TESTS / "tooling")]
os.environ["EXAMPLES"] = os.environ["BUILD"] # where program.py looks
from program import LIMIT, Program, eventually

BUILD = pathlib.Path(os.environ["BUILD"])
CERTIFICATES = pathlib.Path(os.environ["CERTIFICATES"])


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def pem(name):
    return str(CERTIFICATES / f"{name}.pem")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Case(unittest.TestCase):
    """Its programs leave nothing behind."""

    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory()))
        self.programs = 0
        self.addCleanup(self.nothing_is_left)

    def environment(self):
        self.programs += 1
        return dict(os.environ, LD_PRELOAD=os.environ["LEFT"],
                    LEFT_BEHIND=str(self.folder / "left"))

    def left(self):
        file = self.folder / "left"
        return file.read_text() if file.exists() else ""

    def nothing_is_left(self):
        lines = self.left().splitlines()
        self.assertEqual(len(lines), self.programs, lines)
        for line in lines:
            self.assertRegex(
                line, ": 0 tasks, 0 blocks, 0 files, 0 children;")

    def start(self, name, *words):
        """A server: ended by Ctrl-C when the test is over."""
        program = self.enterContext(
            Program(name, *words, env=self.environment()))
        self.addCleanup(program.interrupt)
        return program

    def run_program(self, name, *words, **options):
        done = subprocess.run(
            [BUILD / name, *map(str, words)], env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT,
            check=False, **options)
        return done.stdout, done.stderr.decode().splitlines()


def skip_without(name):
    """Where the peer is missing, or io_uring forbidden, there is nothing to be
    tested."""
    why = f"there is no {name}"
    if find(name):
        tried = subprocess.run(
            [BUILD / "tests/peers/http_client", "127.0.0.1", "1", "/"],
            stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=False)
        if "refused" in tried.stderr:
            return
        why = f"{os.environ.get('ACIO_BACKEND')}: {tried.stderr.strip()}"
    print(why)
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(77)
