#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the traces of acio with those of asyncio.

    compare.py PROGRAM [--python PYTHON] [--only NAME ...] [--root TREE]

PROGRAM writes the traces of acio, traces.py, under the newest Python found,
those of asyncio. Each pair of equal traces has passed. Two that differ have
passed as well if `different` names the scenario and so does the page of the
documentation that says why; an entry there whose traces are equal has failed.
The line before the last is "N scenarios, M equal, ...".
"""

import argparse
import difflib
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = pathlib.Path("docs/differences-from-asyncio.md")
OLDEST = (3, 11)
NEWEST = (3, 20)


def versions():
    return [f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]


def works(program, version):
    """Some that are in the path only say that they are not installed."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-c", code], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.strip() == version


def newest_python():
    """asyncio's order has been mended here and there: the newest counts."""
    for version in versions():
        found = [shutil.which(f"python{version}")]
        kept = pathlib.Path.home() / ".pyenv" / "versions"
        found += kept.glob(f"{version}.*/bin/python{version}")
        for program in filter(None, found):
            if works(str(program), version):
                return str(program)
    return sys.executable


def run(command):
    done = subprocess.run(command, text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode or done.stderr:
        print(f"{command[0]} returned {done.returncode}\n{done.stderr}")
    return done.stdout, done.returncode


def parse(text):
    """{name: (since, [lines])}"""
    traces = {}
    for line in text.splitlines():
        head = re.match(r"== (\w+)(?: since (.*))?$", line)
        if head:
            lines = []
            traces[head.group(1)] = head.group(2), lines
        else:
            lines.append(line)
    return traces


def listed(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


class Comparison:
    def __init__(self, ours, theirs, exceptions, document):
        self.ours, self.theirs = ours, theirs
        self.exceptions, self.document = exceptions, document
        self.equal = self.different = self.skipped = 0
        self.complaints = {}

    def diff(self, name):
        return "\n".join(difflib.unified_diff(
            self.theirs[name][1], self.ours[name][1], "asyncio", "acio",
            lineterm="", n=100))

    def judge(self, name):
        """None, or what is wrong with the scenario."""
        if name not in self.ours or name not in self.theirs:
            return "has no twin"
        if self.theirs[name][0]:
            self.skipped += 1
            return None
        if self.ours[name][1] == self.theirs[name][1]:
            self.equal += 1
            excused = name in self.exceptions
            return "is listed as different, and is equal" if excused else None
        self.different += 1
        if name not in self.exceptions:
            return "differs:\n" + self.diff(name)
        if f"`{name}`" not in self.document:
            return f"differs, and {DOCUMENT} does not name it"
        return None

    def judge_all(self):
        names = list(self.ours) + [n for n in self.theirs
                                   if n not in self.ours]
        for name in names:
            complaint = self.judge(name)
            if complaint:
                self.complaints[name] = complaint
        for name in self.exceptions - set(names):
            self.complaints[name] = "is listed as different, and unknown"
        return names


def report(comparison, names, status, show):
    for name in names if show else []:
        if name in comparison.exceptions and name in comparison.ours:
            print(f"{name} differs, as it should:\n{comparison.diff(name)}\n")
    for name, complaint in comparison.complaints.items():
        print(f"{name} {complaint}\n")
    failed = len(comparison.complaints) + (1 if status else 0)
    skipped = comparison.skipped
    print(f"{len(names)} scenarios, {comparison.equal} equal, "
          f"{comparison.different} different")
    line = f"{len(names) - skipped - len(comparison.complaints)} passed, "
    line += f"{failed} failed"
    print(line + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--python", default=None)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parents[1])
    parser.add_argument("--show", action="store_true",
                        help="also show what differs as it should")
    options = parser.parse_args()
    python = options.python or newest_python()
    ours, our_status = run([options.program, *options.only])
    theirs, their_status = run([python, str(HERE / "traces.py"),
                                *options.only])
    exceptions = listed(options.root / "tests" / "traces" / "different")
    if options.only:
        exceptions &= set(options.only)
    document = (options.root / DOCUMENT).read_text()
    comparison = Comparison(parse(ours), parse(theirs), exceptions, document)
    names = comparison.judge_all()
    print(f"with {python}")
    return report(comparison, names, our_status or their_status, options.show)


if __name__ == "__main__":
    sys.exit(main())
