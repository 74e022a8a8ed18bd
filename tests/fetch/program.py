# SPDX-License-Identifier: MIT
"""Running fetch, and reading what it prints."""

import json
import os
import subprocess
import sys

FETCH = os.environ["FETCH"]
BACKEND = os.environ.get("ACIO_BACKEND", "")
KEYS = {"ok", "failed", "failures", "bytes", "elapsed_s", "sequential_s",
        "p50_s", "p99_s", "backend"}


def environment(**more):
    env = {name: value for name, value in os.environ.items()
           if not name.lower().endswith("_proxy")}
    return dict(env, **more)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.lines = err.splitlines()

    @property
    def summary(self):
        found = json.loads(self.out)
        if set(found) != KEYS:
            raise AssertionError(f"keys are {sorted(found)}")
        return found

    def line_about(self, word):
        found = [line for line in self.lines if word in line]
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} lines about {word!r}, not one:\n{self.err}")
        return found[0]


def fetch(*arguments, stdin="", env=None, timeout=60, **options):
    done = subprocess.run(
        [FETCH, *map(str, arguments)], input=stdin, text=True, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        env=env or environment(), **options)
    return Result(done.returncode, done.stdout, done.stderr)


def fetch_json(*arguments, **options):
    return fetch("--json", *arguments, **options)


def skip_without_backend():
    """Where io_uring is forbidden there is nothing to be tested."""
    tried = fetch("-q", "http://127.0.0.1:1/")
    if "refused" not in tried.err:
        print(f"{BACKEND}: {tried.err.strip()}")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(77)
