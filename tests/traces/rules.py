#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py notices each way in which traces can fail to agree."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tooling"))
import closing  # noqa: E402  (it lies in the folder above)

# Two that are equal, and one that differs on purpose.
NAMES = ["callbacks_run_in_order", "tasks_run_in_order_of_creation",
         "many_timers_of_equal_time"]
PROGRAM = """\
#!/bin/sh
{traces} "$@" | sed '{edit}'
"""


class Comparison(unittest.TestCase):
    def compare(self, edit="", different=NAMES[2], document=None):
        """The answer, with edited traces and in a tree of our own."""
        if document is None:
            document = f"`{NAMES[2]}`"
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "docs" / "differences-from-asyncio.md").write_text(document)
            (root / "tests" / "traces").mkdir(parents=True)
            (root / "tests" / "traces" / "different").write_text(different)
            program = root / "program"
            program.write_text(PROGRAM.format(traces=os.environ["TRACES"],
                                              edit=edit))
            program.chmod(0o755)
            return subprocess.run(
                [sys.executable, str(HERE / "compare.py"), str(program),
                 "--root", folder, "--python", sys.executable, "--only",
                 *NAMES], text=True, check=False, stdout=subprocess.PIPE)

    def fails(self, text, **how):
        done = self.compare(**how)
        self.assertIn(text, done.stdout)
        self.assertTrue(done.stdout.endswith("\n2 passed, 1 failed\n"),
                        done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_what_is_as_it_should_be_passes(self):
        done = self.compare()
        self.assertIn("3 scenarios, 2 equal, 1 different\n", done.stdout)
        self.assertIn("\n3 passed, 0 failed\n", done.stdout)
        self.assertEqual(done.returncode, 0)

    def test_another_event_fails(self):
        self.fails(f"{NAMES[1]} differs:\n", edit="s/ main$/ nain/")

    def test_another_order_fails(self):
        self.fails(f"{NAMES[1]} differs:\n",
                   edit=r"/ main$/{N;s/\(.*\)\n\(.*\)/\2\n\1/}")

    def test_another_time_fails(self):
        self.fails(f"{NAMES[0]} differs:\n", edit="s/1.000 stopped/1.001 &/")

    def test_a_difference_that_is_not_listed_fails(self):
        self.fails(f"{NAMES[2]} differs:\n", different="")

    def test_a_difference_that_is_not_documented_fails(self):
        self.fails("does not name it", document="Nothing.")

    def test_a_difference_that_is_gone_fails(self):
        self.fails("is equal", different="\n".join([NAMES[0], NAMES[2]]),
                   document=f"`{NAMES[0]}` `{NAMES[2]}`")

    def test_a_scenario_without_a_twin_fails(self):
        done = self.compare(edit=f"s/{NAMES[0]}/other/")
        self.assertIn("other has no twin", done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_a_program_that_breaks_off_fails(self):
        done = self.compare(edit=f"/{NAMES[0]}/q")
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    closing.main()
