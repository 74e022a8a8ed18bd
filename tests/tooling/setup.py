#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/setup on machines where packages are missing, told by stand-ins."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import closing

SETUP = os.environ["SETUP"]
TARGETS = ("build", "check", "valgrind", "aarch64", "bench", "tidy",
           "docs", "clang-tidy")


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def program(self, name, script):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def run_setup(self, target, missing=(), user=0, apt="exit 0"):
        """(status, output, the calls of apt-get)."""
        calls = self.folder / "calls"
        calls.write_text("")
        absent = "|".join(missing) or "none-is-missing"
        self.program("dpkg-query", f"""
            shift 3
            for package; do case $package in {absent}) ;;
                *) echo "installed $package" ;;
            esac; done
            """)
        self.program("id", f"echo {user}")
        self.program("apt-get", f'echo "$@" >>{calls}\n{apt}\n')
        done = subprocess.run(
            [SETUP, target], text=True, check=False,
            env=dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout, calls.read_text().splitlines()

    def test_says_nothing_where_nothing_is_missing(self):
        for target in TARGETS:
            self.assertEqual(self.run_setup(target), (0, "", []))

    def test_installs_what_is_missing_and_says_why(self):
        status, output, calls = self.run_setup(
            "valgrind", missing=["valgrind", "meson"])
        self.assertEqual(status, 0)
        self.assertIn("running the tests under Valgrind: meson valgrind",
                      output)
        self.assertEqual(calls, [
            "install --yes --no-install-recommends meson valgrind"])

    def test_updates_where_the_first_attempt_fails(self):
        attempt = 'test "$1" = update && touch "$0".ok; test -e "$0".ok'
        status, _, calls = self.run_setup(
            "build", missing=["meson"], apt=attempt)
        self.assertEqual(status, 0)
        self.assertEqual([call.split()[0] for call in calls],
                         ["install", "update", "install"])

    def test_fails_where_the_package_cannot_be_had(self):
        status, _, _ = self.run_setup("build", missing=["meson"],
                                      apt='test "$1" = update')
        self.assertNotEqual(status, 0)

    def test_a_user_is_told_what_to_type(self):
        status, output, calls = self.run_setup(
            "build", missing=["gcc", "meson"], user=1000)
        self.assertEqual((status, calls), (1, []))
        self.assertIn("sudo apt-get install --yes --no-install-recommends "
                      "gcc meson\n", output)

    def test_an_unknown_target_is_an_error(self):
        self.assertEqual(self.run_setup("nothing")[0], 2)


if __name__ == "__main__":
    closing.main()
