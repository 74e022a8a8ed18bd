#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every rule of tools/docs-check fires on what is not so, and on nothing
else."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import closing

CHECK = os.environ["DOCS_CHECK"]
BUILD = pathlib.Path(os.environ["BUILD"])
INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"

PROGRAM = """\
```c run
#include <acio.h>
#include <stdio.h>

int
main(void)
{
    puts(acio_strerror(%s));
    return 0;
}
```

```
success
```
"""


class Docs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "tree"
        self.build = pathlib.Path(folder.name) / "build"
        (self.root / "docs").mkdir(parents=True)
        (self.root / "include").symlink_to(INCLUDE)
        self.build.mkdir()
        (self.build / "src").symlink_to(BUILD / "src")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def program(self, name, script):
        path = self.build / name
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def findings(self, text, path="docs/x.md"):
        """What is found in a page of this text: (line, rule, what)."""
        self.write(path, text)
        done = subprocess.run(
            [sys.executable, CHECK, self.build, "--root", self.root],
            stdout=subprocess.PIPE, text=True, check=False)
        *lines, last = done.stdout.splitlines()
        self.assertEqual(done.returncode != 0, " 0 failed" not in last
                         or last.startswith("0 passed"), done)
        return [tuple(line.split(":", 1)[1].split(": ", 2)) for line in lines]

    def expect(self, rule, text, line=1, what=""):
        found = self.findings(text)
        self.assertEqual([f[:2] for f in found], [(str(line), rule)], found)
        self.assertIn(what, found[0][2])

    def expect_clean(self, text):
        self.assertEqual(self.findings(text), [])

    def test_programs_run_and_print_what_is_shown(self):
        self.expect_clean(PROGRAM % "0")
        self.expect("block", PROGRAM % "1", what="not 'success")

    def test_programs_compile_without_warnings(self):
        self.expect("block", PROGRAM % '"x"', what="docs/x.md:8:")

    def test_programs_end_well(self):
        text = (PROGRAM % "0").replace("return 0", "return 3")
        self.expect("block", text, what="ends with 3")

    def test_what_has_a_language_is_no_output(self):
        self.expect_clean((PROGRAM % "1").replace("```\nsucc", "```sh\nsucc"))

    def test_fragments_compile_with_what_is_declared_for_them(self):
        fragment = "```c\nint err = acio_group_wait(&group);\n```\n"
        declared = "<!-- c\nacio_group group;\n-->\n"
        self.expect_clean(declared + fragment)
        self.expect("block", fragment, what="docs/x.md:2:")
        self.expect("block", declared + "Text.\n\n" + fragment, line=6)
        self.expect("block", declared + fragment + fragment, line=7)

    def test_other_languages_are_left_alone(self):
        self.expect_clean(PROGRAM % "0" + "```python\nimport nothing\n```\n")

    def test_links(self):
        self.expect("link", "[x](y.md)\n", what="y.md is not there")
        self.expect("link", "[x](#y)\n", what="no such heading")
        self.write("docs/y.md", "# The model, `x` and y\n")
        self.expect_clean("[x](y.md), [x](https://example.org/y)\n")
        self.expect_clean("[x](y.md#the-model-x-and-y)\n")
        self.expect("link", "[x](y.md#model)\n")

    def test_commands_of_make(self):
        self.write("Makefile", "all:\nrun-all: all\n")
        self.expect_clean("    make run-all\n\n`make A=1 all`, make none\n")
        self.expect("command", "    make none\n", what="no target none")
        self.expect("command", "It is `make none`.\n")

    def test_programs_that_are_built(self):
        self.program("examples/x/y", "")
        self.expect_clean("    $ build/examples/x/y -a\n")
        self.expect("command", "    build/examples/x/z -a\n")

    def test_paths(self):
        self.expect_clean("`docs/x.md`, `docs/`, `src/<layer>/`, `acio/op.h`\n")
        self.expect("path", "`docs/y.md`\n")
        self.expect("path", "`acio/none.h`\n")

    def test_names(self):
        self.expect_clean("`acio_run`, ACIO_NOWHERE, `acio_*`, `acio_`\n")
        self.expect("name", "\n`acio_walk(x)`\n", line=2, what="acio_walk")
        self.expect("name", "    acio_run(x); ACIO_WALK(y);\n")

    def test_examples_print_what_their_comment_says(self):
        self.write("examples/x/x.c", "/* SPDX */\n/* Some x:\n"
                   " * build/examples/x/x\n *\n *     one\n *     two\n *\n"
                   " * More.\n */\n")
        self.program("examples/x/x", "echo one; echo two\n")
        self.expect_clean("`docs/x.md`\n")
        (self.build / "examples/x/x").write_text("#!/bin/sh\necho one\n")
        self.expect("example", "`docs/x.md`\n", line=2,
                    what=r"'one\n', not 'one\ntwo\n'")

    def test_a_tree_without_documentation_fails(self):
        self.assertEqual(self.findings(""), [])


if __name__ == "__main__":
    closing.main()
