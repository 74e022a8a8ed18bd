#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/map-check finds each mistake in the map of asyncio's names."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import closing

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAP = (ROOT / "docs" / "asyncio-map.md").read_text()
ROW = "| `sleep()` | `acio_sleep` | `sleep_of_no_time_goes_round` |"


def check(text):
    """(what is wrong, without the lines' numbers; the whole answer)"""
    with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [os.environ["MAP_CHECK"], os.environ["BUILD"], "--map", file.name],
            text=True, check=False, stdout=subprocess.PIPE)
    lines = done.stdout.splitlines()[:-1]
    return [line.split(":", 2)[2].strip() for line in lines], done


class Map(unittest.TestCase):
    def setUp(self):
        self.before, _ = check(MAP)

    def finds(self, rule, row):
        """With this in the place of a row that is right."""
        self.assertIn(ROW, MAP)
        found, done = check(MAP.replace(ROW, row))
        more = [line for line in found if line not in self.before]
        self.assertEqual([line.split(":")[0] for line in more], [rule])
        self.assertEqual(done.returncode, 1)

    def test_a_name_that_no_header_declares(self):
        self.finds("declared", ROW.replace("acio_sleep", "acio_sleep`, `acio_x"))

    def test_a_name_without_a_test(self):
        self.finds("shown", "| `sleep()` | `acio_sleep` | |")

    def test_a_test_that_does_not_exist(self):
        self.finds("test", ROW.replace("goes_round", "goes_square"))

    def test_another_name_than_the_header_says(self):
        self.finds("header", ROW.replace("acio_sleep", "acio_await"))

    def test_no_counterpart_without_a_reason(self):
        self.finds("reason", ROW + "\n| `slumber()` | | |")

    def test_a_name_of_asyncio_that_is_missing(self):
        self.finds("missing", "")

    def test_a_name_that_is_in_two_rows(self):
        self.finds("twice", ROW + "\n" + ROW)

    def test_a_page_without_a_table(self):
        self.assertEqual(check("Nothing.\n")[1].returncode, 1)


if __name__ == "__main__":
    closing.main()
