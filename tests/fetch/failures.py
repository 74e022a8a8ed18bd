#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever goes wrong is one clear line, and the other URLs go on."""

import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tooling"))
import closing
from hostile import Hostile, pattern
from program import FETCH, environment, fetch, fetch_json, skip_without_backend
from web import free_port

GOOD = [f"/ok?{i}" for i in range(5)]


PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def give_up_privilege():
    """Root may write anywhere, without this capability no longer."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


class WithHostile(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Hostile())
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder) / "out"

    def among_good_ones(self, bad, *options):
        """The bad URL is fetched in the middle of good ones."""
        urls = [self.server.url(path) for path in GOOD]
        result = fetch_json("-o", self.folder, *options, *urls[:2], bad,
                            *urls[2:])
        self.assertEqual(result.status, 1, result.err)
        self.assertEqual(result.summary["ok"], len(GOOD), result.err)
        self.assertEqual(result.summary["failed"], 1, result.err)
        self.assertEqual(len(result.lines), 1, result.err)
        self.assertIn(bad, result.lines[0])
        self.assertEqual(len(list(self.folder.iterdir())), len(GOOD))
        return result

    def expect_reason(self, path, reason, *options):
        bad = path if path.startswith("http") else self.server.url(path)
        result = self.among_good_ones(bad, *options)
        self.assertEqual(result.summary["failures"], {reason: 1})
        self.assertIn(f": {reason}: ", result.lines[0])
        return result


class Failures(WithHostile):
    def test_no_such_host(self):
        self.expect_reason("http://no.such.host.invalid/", "no such host")

    def test_connection_refused(self):
        self.expect_reason(f"http://127.0.0.1:{free_port()}/", "refused")

    def test_connection_reset_half_way(self):
        self.expect_reason("/reset", "reset")

    def test_closed_without_an_answer(self):
        self.expect_reason("/close", "no answer")

    def test_no_answer_in_time(self):
        result = self.expect_reason("/never", "timeout", "-t", "1")
        self.assertGreaterEqual(result.summary["elapsed_s"], 1.0)
        self.assertIn("not done after 1 s", result.lines[0])

    def test_an_answer_that_never_ends(self):
        self.expect_reason("/trickle", "timeout", "-t", "1")

    def test_http_error(self):
        self.expect_reason("/status/404", "HTTP 404")

    def test_http_error_of_a_server(self):
        self.expect_reason("/status/500", "HTTP 500")

    def test_a_body_cut_short(self):
        self.expect_reason("/cut", "cut short")

    def test_a_chunked_body_cut_short(self):
        self.expect_reason("/cut-chunked", "cut short")

    def test_an_answer_that_is_no_http(self):
        self.expect_reason("/garbage", "protocol error")

    def test_redirects_without_end(self):
        self.expect_reason("/loop", "too many redirects")

    def test_failures_are_counted_by_reason(self):
        paths = ["/status/404?a", "/status/404?b", "/status/503", "/cut"]
        result = fetch_json(*[self.server.url(path) for path in paths])
        self.assertEqual(result.summary["failures"],
                         {"HTTP 404": 2, "HTTP 503": 1, "cut short": 1})

    def test_control_characters_stay_out_of_the_terminal(self):
        result = fetch_json("http://127.0.0.1:1/\x1b[31m")
        self.assertEqual(result.status, 1)
        self.assertNotIn("\x1b", result.err)


class Files(WithHostile):
    def test_a_bad_line_is_named_with_file_and_line(self):
        listed = self.folder.parent / "urls.txt"
        listed.write_text("\n".join([
            "# first", "", self.server.url("/ok?1"), "not a URL",
            self.server.url("/ok?2"), "ftp://127.0.0.1/x", "http://",
            "\x00\x01"]))
        result = fetch_json("-i", listed)
        self.assertEqual(result.status, 1)
        for number in (4, 6, 7, 8):
            self.assertIn("not a URL", result.line_about(f"{listed}:{number}:"))
        self.assertEqual(result.summary["ok"], 2)
        self.assertEqual(result.summary["failures"], {"bad URL": 4})

    def test_urls_come_from_standard_input(self):
        urls = "\r\n".join(self.server.url(path) for path in GOOD)
        result = fetch_json("-i", "-", stdin=urls + "\nnonsense")
        self.assertEqual(result.summary["ok"], len(GOOD))
        result.line_about("stdin:6:")

    def test_a_missing_list_is_wrong_usage(self):
        result = fetch("-i", self.folder / "missing")
        self.assertEqual(result.status, 2)
        self.assertIn("No such file", result.line_about("missing"))

    def test_a_folder_that_cannot_be_made(self):
        result = fetch_json("-o", "/proc/no/folder", self.server.url("/ok"),
                            self.server.url("/ok?2"))
        self.assertEqual(result.status, 1)
        self.assertEqual(len(result.lines), 1, result.err)
        self.assertIn("/proc/no/folder", result.lines[0])
        self.assertEqual(result.summary["failures"], {"not saved": 2})

    def test_a_folder_that_may_not_be_written_to(self):
        self.folder.mkdir(mode=0o500)
        result = fetch_json("-o", self.folder, self.server.url("/ok"),
                            preexec_fn=give_up_privilege)
        self.assertEqual(result.status, 1)
        result.line_about("Permission denied")

    def test_a_name_that_is_taken_by_a_folder(self):
        name = f"127.0.0.1_{self.server.port}_ok"
        (self.folder / name).mkdir(parents=True)
        result = fetch_json("-o", self.folder, self.server.url("/ok"),
                            self.server.url("/bytes/10"))
        self.assertEqual(result.summary["failures"], {"not saved": 1})
        self.assertEqual(result.summary["ok"], 1)
        self.assertIn(name, result.lines[0])
        self.assertEqual(len(list(self.folder.iterdir())), 2)

    def full_disk(self, **options):
        paths = ["/bytes/10", "/bytes/1000000", "/bytes/3000000", "/bytes/20"]
        # One at a time: while a file that is too large fills the disk, there
        # is rightly no room for a small one.
        result = fetch_json(
            "-c", "1", "-o", self.folder, *map(self.server.url, paths),
            **options)
        self.assertEqual(result.status, 1, result.err)
        self.assertEqual(result.summary["ok"], 2, result.err)
        self.assertEqual(result.summary["failures"], {"disk full": 2})
        self.assertEqual(len(result.lines), 2, result.err)
        names = {path.name.rpartition("_")[2] for path in self.folder.iterdir()}
        self.assertEqual(names, {"10", "20"})

    def test_a_full_disk(self):
        if os.getuid() != 0:
            self.skipTest("only root can mount")
        self.folder.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", self.folder],
            stderr=subprocess.DEVNULL, check=False)
        if mounted.returncode:
            self.skipTest("mounting is forbidden here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder])
        self.full_disk()

    def test_a_limit_on_the_size_of_files(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        self.full_disk(preexec_fn=limit)

    def test_bodies_larger_than_memory_for_them_are_written_as_they_come(self):
        result = fetch_json("-o", self.folder, self.server.url("/bytes/5000000"))
        self.assertEqual(result.status, 0, result.err)
        written = next(self.folder.iterdir()).read_bytes()
        self.assertTrue(written == pattern(5000000), "the file differs")

    def test_no_url_leaves_the_folder_and_none_shares_a_file(self):
        base = self.server.url("")
        urls = [f"{base}/ok?{tail}" for tail in (
            "a", "a", "../../b", "..%2f..%2fb", "a/b", "a_b", "a%5Fb",
            "x" * 300, "x" * 301)] + [f"{base}/ok/?.", f"{base}/ok?~2"]
        result = fetch_json("-o", self.folder, *urls)
        self.assertEqual(result.status, 0, result.err)
        files = list(self.folder.iterdir())
        self.assertEqual(len(files), len(urls))
        self.assertEqual(list(self.folder.parent.iterdir()), [self.folder])
        for file in files:
            self.assertRegex(file.name, r"^[A-Za-z0-9_][A-Za-z0-9._~-]*$")
            self.assertLessEqual(len(file.name), 255)

    def test_a_body_of_no_bytes_is_a_file_of_no_bytes(self):
        fetch_json("-o", self.folder, self.server.url("/bytes/0"))
        self.assertEqual([file.stat().st_size
                          for file in self.folder.iterdir()], [0])


class Retry(WithHostile):
    def test_a_busy_server_is_asked_again(self):
        result = fetch_json("--retry", "3", self.server.url("/busy/2"))
        self.assertEqual(result.status, 0, result.err)
        self.assertEqual(self.server.asked["/busy/2"], 3)
        self.assertEqual(result.err, "")

    def test_only_as_often_as_allowed(self):
        result = fetch_json("--retry", "1", self.server.url("/busy/2"))
        self.assertEqual(result.summary["failures"], {"HTTP 503": 1})
        self.assertEqual(self.server.asked["/busy/2"], 2)

    def test_not_at_all_without_being_asked_to(self):
        fetch_json(self.server.url("/busy/2"))
        self.assertEqual(self.server.asked["/busy/2"], 1)

    def test_a_page_that_is_not_there_is_asked_for_once(self):
        fetch_json("--retry", "5", self.server.url("/status/404"))
        self.assertEqual(self.server.asked["/status/404"], 1)

    def test_what_was_cut_short_is_fetched_again(self):
        result = fetch_json("--retry", "1", "-o", self.folder,
                            self.server.url("/cut"))
        self.assertEqual(self.server.asked["/cut"], 2)
        self.assertEqual(result.summary["failures"], {"cut short": 1})
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_the_pause_is_as_long_as_the_server_asks(self):
        result = fetch_json("--retry", "1", self.server.url("/busy-until/1"))
        self.assertEqual(result.status, 0, result.err)
        self.assertGreaterEqual(result.summary["elapsed_s"], 1.0)


class Redirects(WithHostile):
    def test_are_followed(self):
        result = fetch_json("-o", self.folder, self.server.url("/redirect/3"))
        self.assertEqual(result.status, 0, result.err)
        saved = next(self.folder.iterdir()).read_bytes()
        self.assertEqual(saved, b"ok /ok?redirected")


class Interrupt(WithHostile):
    def interrupt(self, signum, *arguments):
        """While 50 URLs wait for an answer and 50 more for their turn."""
        urls = [self.server.url(f"/trickle?{i}") for i in range(100)]
        process = subprocess.Popen(
            [FETCH, "-o", self.folder, "-c", "50", *arguments, *urls],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment())
        with contextlib.closing(process.stdout), \
                contextlib.closing(process.stderr):
            limit = time.monotonic() + 30
            while self.server.waiting < 50 and time.monotonic() < limit:
                time.sleep(0.01)
            process.send_signal(signum)
            out, err = process.communicate(timeout=30)
        self.assertEqual(self.server.waiting, 50)
        self.assertEqual(list(self.folder.iterdir()), [])
        return process.returncode, out, err

    def test_ctrl_c_ends_it_with_a_summary(self):
        status, out, err = self.interrupt(signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertIn("interrupted: 100", out)
        self.assertEqual(err, "")

    def test_ctrl_c_ends_it_with_json(self):
        status, out, _ = self.interrupt(signal.SIGINT, "--json")
        self.assertEqual(status, 130)
        self.assertIn('"interrupted": 100', out)

    def test_so_does_a_request_to_terminate(self):
        status, out, _ = self.interrupt(signal.SIGTERM)
        self.assertEqual(status, 143)
        self.assertIn("interrupted: 100", out)


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
