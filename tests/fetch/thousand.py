#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A thousand files of a real server, compared byte by byte; TLS; HTTP/2."""

import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tooling"))
import closing
from program import fetch_json, skip_without_backend
from web import Web, find

COUNT = 1000


def size_of(number, chance):
    """Mostly small, some large, some at the edges of what buffers hold."""
    edges = [0, 1, 16383, 16384, 16385, 65536, 262143, 262144, 262145]
    if number < len(edges):
        return edges[number]
    if number % 100 == 0:
        return chance.randrange(1 << 20, 3 << 20)
    return chance.randrange(0, 1 << (8 + number % 9))


def make_files(folder):
    chance = random.Random(1)
    for number in range(COUNT):
        size = size_of(number, chance)
        (folder / f"file{number}.bin").write_bytes(chance.randbytes(size))


class Thousand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not find("nginx"):
            raise unittest.SkipTest("there is no nginx")
        cls.web = cls.enterClassContext(Web())
        make_files(cls.web.files)

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder) / "out"

    def fetch_all(self, url_of, *options):
        urls = "\n".join(url_of(f"file{n}.bin") for n in range(COUNT))
        result = fetch_json("-i", "-", "-o", self.folder, *options, stdin=urls)
        self.assertEqual(result.status, 0, result.err[:2000])
        self.assertEqual(result.err, "")
        self.assertEqual(result.summary["ok"], COUNT)
        self.compare(result.summary["bytes"])
        return result.summary

    def compare(self, total):
        """Every byte is the same, and there is nothing else."""
        found = {file.name.rpartition("_")[2]: file
                 for file in self.folder.iterdir()}
        self.assertEqual(len(found), COUNT)
        wanted_total = 0
        for file in self.web.files.iterdir():
            wanted = file.read_bytes()
            wanted_total += len(wanted)
            if found[file.name].read_bytes() != wanted:
                self.fail(f"{file.name} differs")
        self.assertEqual(total, wanted_total)

    def test_over_http_a_hundred_at_once(self):
        summary = self.fetch_all(self.web.url)
        print(f"1,000 files, {summary['bytes']} bytes, 100 at once: "
              f"{summary['elapsed_s']:.3f} s", file=sys.stderr)

    def test_over_http_all_at_once(self):
        summary = self.fetch_all(self.web.url, "-c", COUNT)
        print(f"1,000 files, {summary['bytes']} bytes, 1000 at once: "
              f"{summary['elapsed_s']:.3f} s", file=sys.stderr)

    def need_tls(self):
        if not self.web.certificate:
            self.skipTest("there is no openssl to make a certificate with")

    def test_over_tls_and_http_2(self):
        self.need_tls()
        self.fetch_all(self.web.tls_url, "--cacert", self.web.certificate)

    def test_a_certificate_of_nobody_is_refused(self):
        self.need_tls()
        result = fetch_json(self.web.tls_url("file1.bin"))
        self.assertEqual(result.status, 1)
        self.assertEqual(result.summary["failures"], {"certificate": 1})

    def test_a_certificate_of_another_host_is_refused(self):
        self.need_tls()
        wrong = self.web.tls_url("file1.bin", "127.0.0.2").replace(
            "127.0.0.2", "localhost.localdomain")
        result = fetch_json("--cacert", self.web.certificate,
                            self.web.tls_url("file1.bin"), wrong)
        self.assertEqual(result.summary["ok"], 1)
        self.assertEqual(result.summary["failed"], 1)


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
