# SPDX-License-Identifier: MIT
"""Each pattern prints, byte by byte, what the same program in Python prints,
and what its first comment promises; on every back end."""

import functools
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tooling"))
import closing

SOURCES = pathlib.Path(__file__).parents[2] / "examples" / "patterns"
PROGRAMS = pathlib.Path(os.environ["PATTERNS"])


def output(*command, **environment):
    done = subprocess.run(command, env=os.environ | environment, check=True,
                          stdout=subprocess.PIPE, timeout=60)
    return done.stdout


@functools.cache
def in_c(name, backend):
    return output(str(PROGRAMS / name), ACIO_BACKEND=backend)


@functools.cache
def in_python(name):
    return output(sys.executable, str(SOURCES / f"{name}.py"))


def source(name):
    return (SOURCES / f"{name}.c").read_text()


class Patterns(unittest.TestCase):
    names = sorted(path.stem for path in SOURCES.glob("*.c"))

    def test_are_five_at_least(self):
        self.assertGreaterEqual(len(self.names), 5)

    def test_print_what_the_python_program_prints(self):
        for name in self.names:
            for backend in "sim", "epoll", "":
                with self.subTest(name, backend=backend):
                    self.assertTrue(in_python(name))
                    self.assertEqual(in_c(name, backend), in_python(name))

    def test_print_what_their_comment_says(self):
        for name in self.names:
            with self.subTest(name):
                comment = source(name).split("*/")[1]
                said = re.findall(r"^ \*     (?!build/)(.*)$", comment, re.M)
                self.assertEqual(said, in_c(name, "sim").decode().splitlines())

    def test_are_short_enough_to_read(self):
        for name in self.names:
            with self.subTest(name):
                self.assertLessEqual(len(source(name).splitlines()), 60)


if __name__ == "__main__":
    closing.main()
