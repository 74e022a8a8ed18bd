#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The engine needs nothing of the layers above it: examples/callbacks, linked
with the objects of base and engine alone, is complete and works."""

import os
import re
import subprocess
import unittest

import closing

ALONE = os.environ["ENGINE_ALONE"]
WHOLE = os.environ["CALLBACKS"]
ARCHIVE = os.environ["ARCHIVE"]


def nm(*arguments):
    done = subprocess.run(["nm", *arguments], text=True, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout


def defined_by_layer():
    """The global names of the archive's members, which meson calls after
    their folder: task_park.c.o."""
    layers = {}
    for line in nm("-A", "--defined-only", "-g", ARCHIVE).splitlines():
        member, name = re.search(r":(\w+)\.\w+\.o:.* (\S+)$", line).groups()
        layers.setdefault(member.split("_")[0], set()).add(name)
    return layers


def output(program, backend):
    return subprocess.run(
        [program], env=os.environ | {"ACIO_BACKEND": backend}, timeout=60,
        check=True, stdout=subprocess.PIPE).stdout


class Engine(unittest.TestCase):
    def test_links_no_name_of_another_layer(self):
        layers = defined_by_layer()
        below = layers.pop("base") | layers.pop("engine")
        above = set().union(*layers.values())
        linked = {line.split()[-1]
                  for line in nm("--defined-only", ALONE).splitlines()}
        self.assertIn("acio_loop_run_once", linked & below)
        self.assertIn("acio_create_task_with", above)
        self.assertEqual(sorted(linked & above), [])

    def test_asks_for_no_name_of_the_library(self):
        # A weak name may stay away: libacio-curl brings its own sentences.
        wanted = re.findall(r" U (\w+)", nm("--undefined-only", ALONE))
        self.assertIn("pthread_mutex_lock", wanted)
        self.assertEqual([name for name in wanted if "acio" in name], [])

    def test_names_the_back_ends_where_it_does_not_know_one(self):
        done = subprocess.run(
            [ALONE], env=os.environ | {"ACIO_BACKEND": "steam"}, timeout=60,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ACIO_BACKEND=steam", done.stderr)
        for name in "uring", "epoll", "sim":
            self.assertIn(name, done.stderr)

    def test_works_alone_on_every_back_end(self):
        for backend in "epoll", "sim", "":
            with self.subTest(backend):
                self.assertEqual(output(ALONE, backend),
                                 output(WHOLE, backend))


if __name__ == "__main__":
    closing.main()
