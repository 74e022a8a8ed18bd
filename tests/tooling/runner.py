#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the test runner makes of the tests in victims.c."""

import os
import subprocess
import unittest

import closing

PROGRAM = os.environ["VICTIMS"]


def run(*arguments):
    """(exit status, output)."""
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


class Runner(unittest.TestCase):
    def expect_failure(self, name, *words):
        status, output = run(name)
        self.assertEqual(status, 1, output)
        self.assertIn("FAIL " + name, output)
        for word in words:
            self.assertIn(word, output)
        self.assertEqual(output.splitlines()[-1], "0 passed, 1 failed")
        return output

    def test_good_tests_pass(self):
        status, output = run("good")
        self.assertEqual(status, 0, output)
        self.assertEqual(output.splitlines()[-1], "5 passed, 0 failed")

    def test_counts_stand_in_the_last_line(self):
        status, output = run("good", "skipped", "bad.prints_both_numbers")
        self.assertEqual(status, 1)
        self.assertEqual(output.splitlines()[-1],
                         "5 passed, 1 failed, 1 skipped")

    def test_skip_says_why_and_exits_with_77(self):
        status, output = run("skipped")
        self.assertEqual(status, 77)
        self.assertIn("skip skipped.says_why: the moon is full", output)

    def test_expect_goes_on(self):
        self.expect_failure("bad.expects_in_vain",
                            "EXPECT(1 + 1 == 3): does not hold", "goes on",
                            "tests/tooling/victims.c:")

    def test_require_ends_the_test(self):
        output = self.expect_failure("bad.requires_in_vain", "does not hold")
        self.assertNotIn("goes on", output)

    def test_values_are_printed(self):
        self.expect_failure("bad.prints_both_numbers", "4, not 5")
        self.expect_failure("bad.does_not_mix_signs",
                            "-1, not 18446744073709551615")
        self.expect_failure("bad.prints_the_names_of_errors",
                            "-EAGAIN, not -ECANCELED",
                            "no event loop is running")
        self.expect_failure("bad.prints_both_texts", '"one", not "two"')
        self.expect_failure("bad.is_not_near", "1, not 2 +- 0.5")

    def test_a_test_without_a_check_fails(self):
        self.expect_failure("bad.checks_nothing", "checks nothing")

    def test_a_crash_is_named(self):
        self.expect_failure("bad.crashes", "killed by SIGSEGV")

    def test_exit_is_no_way_out(self):
        self.expect_failure("bad.exits", "left by exit")

    def test_a_hang_is_ended(self):
        self.expect_failure("bad.hangs", "still running after 1 seconds")

    def test_leaks_are_found(self):
        self.expect_failure("bad.leaks_a_block", "leaks 1 blocks",
                            "allocation 1: 24 bytes")
        self.expect_failure("bad.leaks_a_descriptor", "leaves descriptor",
                            "/dev/null")
        self.expect_failure("bad.closes_a_descriptor", "closes descriptor 0")
        self.expect_failure("bad.leaks_a_thread", "leaves 1 threads")
        self.expect_failure("bad.leaks_a_child", "leaves a child process")

    def test_deaths_are_asked_for_and_listened_to(self):
        self.expect_failure("bad.survives", "did not die")
        self.expect_failure("bad.dies_without_a_word",
                            'without saying "last words"')

    def test_torture_repeats_until_no_fault_is_left(self):
        status, output = run("-v", "--torture=alloc", "tortured.survives")
        self.assertEqual(status, 0, output)
        self.assertIn("pass tortured.survives (alloc, n = 4)", output)
        _, output = run("-v", "--torture=short", "tortured.has_four_*")
        self.assertIn("(short, n = 5)", output)

    def test_torture_finds_what_a_fault_leaves_behind(self):
        status, output = run("--torture=alloc", "tortured.leaks_*")
        self.assertEqual(status, 1)
        self.assertIn("(alloc, n = 2): 1 broken promises", output)
        status, output = run("--torture=alloc", "tortured.breaks_*")
        self.assertEqual(status, 1)
        self.assertIn("is not so always", output)

    def test_list_prints_names_in_order_of_place(self):
        _, output = run("--list", "good.*")
        self.assertEqual(output.split(), [
            "good.passes", "good.counts_the_librarys_blocks",
            "good.compares_a_log", "good.dies_with_its_last_words",
            "good.runs_another_way"])

    def test_no_fork_stays_in_the_process(self):
        status, output = run("--no-fork", "good.passes")
        self.assertEqual((status, output), (0, ""))
        status, output = run("--no-fork", "bad.prints_both_numbers")
        self.assertEqual(status, 1)
        self.assertIn("4, not 5", output)

    def test_an_unknown_name_is_an_error(self):
        status, output = run("nobody")
        self.assertEqual(status, 2)
        self.assertIn("no test has such a name", output)


if __name__ == "__main__":
    closing.main()
