# SPDX-License-Identifier: MIT
"""Jobs for workers: the results are in order whoever did them, one that was
fatal is told, and no worker is left behind."""

import pathlib
import re
import subprocess
import unittest

from program import LIMIT, path_of

import closing

SOURCE = (pathlib.Path(__file__).parents[2]
          / "examples" / "process_pool" / "process_pool.c")


def output(*arguments):
    done = subprocess.run([path_of("process_pool"), *arguments], check=True,
                          stdout=subprocess.PIPE, timeout=LIMIT, text=True)
    return done.stdout.splitlines()


class ProcessPool(unittest.TestCase):
    said = re.findall(r"^ \*     (\S.* squared: .*)$", SOURCE.read_text(),
                      re.M)

    def test_prints_what_its_comment_says(self):
        self.assertEqual(len(self.said), 4)
        self.assertEqual(output(), self.said)

    def test_keeps_the_order_with_any_number_of_workers(self):
        for workers in "1", "2", "6", "40":
            with self.subTest(workers=workers):
                self.assertEqual(output(workers), self.said)

    def test_leaves_no_worker_behind(self):
        with subprocess.Popen([path_of("process_pool"), "8"],
                              stdout=subprocess.PIPE,
                              start_new_session=True) as program:
            program.communicate(timeout=LIMIT)
        found = subprocess.run(["ps", "-o", "pid=", "-s", str(program.pid)],
                               stdout=subprocess.PIPE, text=True)
        self.assertEqual(found.stdout, "")


if __name__ == "__main__":
    closing.main()
