#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What fetch prints, and when: options, terminal, JSON, the demonstration."""

import os
import pathlib
import pty
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tooling"))
import closing
from hostile import Hostile
from program import (BACKEND, FETCH, environment, fetch, fetch_json,
                     skip_without_backend)

DEMO_SECONDS = 2.5


class Options(unittest.TestCase):
    def test_help_and_version_go_to_standard_output(self):
        for option, word in (("--help", "Usage:"), ("--version", "acio ")):
            result = fetch(option)
            self.assertEqual(result.status, 0)
            self.assertIn(word, result.out)
            self.assertEqual(result.err, "")

    def test_help_names_every_option(self):
        text = fetch("--help").out
        for option in ("-i,", "-o,", "-c,", "-t,", "-q,", "--retry", "--json",
                       "--help", "--version", "NO_COLOR", "Exit status"):
            self.assertIn(option, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_wrong_usage_is_status_2(self):
        for wrong in (["-c", "0"], ["-c", "many"], ["-t", "-1"], ["-t", "nan"],
                      ["--retry", "-1"], ["--retry", "1x"], ["--bogus"],
                      ["http://127.0.0.1:1/", "-i"]):
            result = fetch(*wrong)
            self.assertEqual(result.status, 2, wrong)
            self.assertIn("--help", result.err)
            self.assertEqual(result.out, "")

    def test_the_simulator_is_refused_with_a_sentence(self):
        result = fetch("http://127.0.0.1:1/",
                       env=environment(ACIO_BACKEND="sim"))
        self.assertEqual(result.status, 2)
        self.assertIn("simulated", result.line_about("ACIO_BACKEND=sim"))

    def test_an_empty_list_is_all_well(self):
        result = fetch_json("-i", "-", stdin="# nothing\n")
        self.assertEqual(result.status, 0)
        self.assertEqual(result.summary["ok"], 0)


class Output(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Hostile())

    def urls(self, path, count):
        return [self.server.url(f"{path}?{i}") for i in range(count)]

    def test_json_is_the_only_thing_on_standard_output(self):
        result = fetch_json(*self.urls("/bytes/100", 20))
        summary = result.summary
        self.assertEqual(result.status, 0)
        self.assertEqual(result.err, "")
        self.assertEqual(summary["ok"], 20)
        self.assertEqual(summary["failed"], 0)
        self.assertEqual(summary["failures"], {})
        self.assertEqual(summary["bytes"], 2000)
        self.assertEqual(summary["backend"], BACKEND)
        self.assertLessEqual(summary["p50_s"], summary["p99_s"])
        self.assertLessEqual(summary["p99_s"], summary["elapsed_s"])
        self.assertGreaterEqual(summary["sequential_s"], summary["p50_s"])

    def test_the_summary_says_what_happened(self):
        result = fetch(*self.urls("/bytes/1024", 4), *self.urls("/status/404", 2))
        self.assertIn("4 ok, 2 failed (HTTP 404: 2), 4.0 KiB", result.out)
        self.assertIn("Together they took", result.out)

    def test_quiet_is_quiet_about_all_but_failures(self):
        result = fetch("-q", *self.urls("/ok", 2), *self.urls("/cut", 1))
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.lines), 1)

    def test_concurrency_is_a_limit(self):
        fetch_json("-c", "3", *self.urls("/ok", 30))
        self.assertLessEqual(self.server.connections, 3)

    def test_lines_of_progress_where_there_is_no_terminal(self):
        result = fetch("-t", "2.5", *self.urls("/ok", 3),
                       *self.urls("/never", 1))
        self.assertIn("3 of 4 done, 0 failed", result.out)
        self.assertNotIn("\r", result.out + result.err)
        self.assertNotIn("\033", result.out + result.err)

    def on_terminal(self, *arguments, **env):
        """What appears on a terminal that is both outputs."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [FETCH, *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
            env=environment(TERM="xterm", **env))
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        process.wait()
        return seen.decode()

    def test_a_bar_with_rate_and_eta_and_colours_on_a_terminal(self):
        seen = self.on_terminal("-t", "1", *self.urls("/ok", 3),
                                *self.urls("/never", 1))
        self.assertRegex(seen, r"\r\033\[K\[.*=+> *.*\] 3/4 .*/s.*ETA \d+ s")
        self.assertIn("\033[31m", seen)
        self.assertIn("\033[32m", seen)
        self.assertTrue(seen.endswith("\n"))

    def test_no_colours_where_they_are_not_wanted(self):
        seen = self.on_terminal("-t", "1", *self.urls("/never", 1),
                                NO_COLOR="1")
        self.assertIn("ETA", self.on_terminal(
            "-t", "1", *self.urls("/ok", 1), *self.urls("/never", 1),
            NO_COLOR="1"))
        self.assertNotIn("\033[3", seen)

    def test_more_at_once_than_files_may_be_open_is_said_and_works(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        result = fetch_json("-c", "1000", *self.urls("/ok", 200),
                            preexec_fn=limit)
        self.assertEqual(result.status, 0, result.err)
        self.assertEqual(result.summary["ok"], 200)
        result.line_about("only 100 are allowed")


class Demonstration(unittest.TestCase):
    def test_a_thousand_seconds_take_a_second_or_two(self):
        result = fetch()
        self.assertEqual(result.status, 0, result.err)
        self.assertIn("1,000 ok", result.out)
        self.assertRegex(result.out, r"^No URL given: fetching 1,000 ")
        self.assertRegex(result.out, r"Together they took \d\.\d\d s\. One by one "
                                    r"their times add up to 1,\d\d\d s")

    def test_its_figures(self):
        best = min(self.demo_seconds() for _ in range(2))
        self.assertLess(best, DEMO_SECONDS)

    def demo_seconds(self):
        result = fetch_json()
        summary = result.summary
        self.assertEqual(summary["ok"], 1000, result.err)
        self.assertGreaterEqual(summary["p50_s"], 1.0)
        self.assertGreaterEqual(summary["sequential_s"], 1000)
        self.assertGreaterEqual(summary["elapsed_s"], 1.0)
        return summary["elapsed_s"]


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
