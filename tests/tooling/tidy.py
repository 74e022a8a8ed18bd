#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every rule of tools/tidy fires on what it forbids, and on nothing else."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import closing

TIDY = os.environ["TIDY"]
SPDX = "/* SPDX-License-Identifier: MIT */\n"

EFFECTS = """\
/* Does it.
 *
 *   returns   0
 *   suspends  no
 *   cancel    -
 *   owner     nothing is kept
 *   thread    any
 *   python    -
 */
"""


def findings(files, *arguments, allow=""):
    """The lines that tools/tidy prints on a tree of these files."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "tools").mkdir()
        (root / "tools" / "tidy.allow").write_text(allow)
        done = subprocess.run(
            [sys.executable, TIDY, "--root", name, *arguments],
            stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode != 0) == (len(lines) > 1), done
    return lines[:-1]


class Tidy(unittest.TestCase):
    def expect(self, rule, text, path="src/base/x.c", line=2):
        found = findings({path: SPDX + text})
        self.assertEqual([f.split(": ")[:2] for f in found],
                         [[f"{path}:{line}", rule]])

    def expect_clean(self, text, path="src/base/x.c"):
        self.assertEqual(findings({path: SPDX + text}), [])

    def expect_layers(self, files, *wanted):
        files = {path: SPDX + text for path, text in files.items()}
        found = findings(files, "--layers")
        self.assertEqual([f.split(":")[0] for f in found], list(wanted))

    def test_columns(self):
        self.expect("columns", "/* " + "x" * 80 + " */\n")
        self.expect_clean("/* " + "x" * 74 + " */\n")

    def test_tab(self):
        self.expect("tab", "int acio_x(\tint y);\n")

    def test_trailing_space(self):
        self.expect("trailing-space", "int acio_x(int y); \n")

    def test_final_newline(self):
        self.expect("final-newline", "int acio_x(int y);")

    def test_leftover_words(self):
        for word in ("TO" "DO", "FIX" "ME", "HA" "CK", "X" "XX",
                     "for" " now", "stu" "b", "not" " implemented"):
            self.expect("leftover", f"/* {word} */\n")
        self.expect_clean('/* stubborn, "/tmp/XXXXXX" */\n')

    def test_file_length(self):
        self.expect("file-length", "\n" * 1000, line=1)
        self.expect_clean("\n" * 999)

    def test_spdx(self):
        found = findings({"src/base/x.c": "int acio_x(int y);\n"})
        self.assertEqual(len(found), 1)
        self.assertIn("src/base/x.c:1: spdx", found[0])

    def test_function_length(self):
        def function(lines):
            return ("static int\nx(int y)\n{\n" + "    y++;\n" * lines
                    + "}\n")
        self.expect("function-length", function(68), line=3)
        self.expect_clean(function(67))

    def test_a_signature_of_two_lines_belongs_to_its_function(self):
        self.expect("function-length", "static int\nx(int y,\n    int z)\n{\n"
                    + "    y++;\n" * 67 + "}\n", line=3)

    def test_parameters(self):
        many = ", ".join(f"int a{i}" for i in range(6))
        self.expect("parameters", f"int acio_x({many});\n")
        self.expect("parameters", f"static int\nx({many})\n{{\n}}\n")
        self.expect_clean("int acio_x(int a, int (*b)(int, int, int, int));\n")

    def test_banned_calls(self):
        for call in ("malloc(1)", "free(y)", "strcpy(y, y)", "sleep (1)"):
            self.expect("banned", f"static void\nx(char *y)\n{{\n    {call};\n"
                        "}\n", line=5)
        self.expect_clean("static void\nx(char *y)\n{\n    acio_sleep(1);\n"
                          "    y->free(y);\n    /* malloc(1) */\n}\n")

    def test_banned_calls_are_free_in_tests(self):
        self.expect_clean("static void\nx(char *y)\n{\n    free(y);\n}\n",
                          path="tests/x.c")

    def test_mutable_statics(self):
        for text in ("static int x;\n", "static int x = 1;\n",
                     "static const char *x;\n", "int acioi_x;\n",
                     "static _Atomic(int) x[4];\n",
                     "static struct y x = { 1 };\n",
                     "static _Thread_local int x;\n"):
            self.expect("mutable-static", text)
        self.expect("mutable-static",
                    "static void\nx(void)\n{\n    static int y;\n}\n", line=5)

    def test_constants_are_no_statics(self):
        self.expect_clean("static const int x = 1;\n"
                          "static const char *const y[] = { \"y\" };\n"
                          "extern const struct z acioi_z;\n"
                          "struct z {\n    int x;\n};\n"
                          "typedef int zz;\n"
                          "static void (*const f)(void) = 0;\n"
                          "static inline int\nw(int y)\n{\n    return y;\n}\n")

    def test_exceptions_are_allowed_by_name(self):
        files = {"src/base/x.c": SPDX + "static int x, y;\nstatic int z;\n"}
        found = findings(files, allow="mutable-static src/base/x.c z\n")
        self.assertEqual(len(found), 1)
        self.assertEqual(findings(files, allow="mutable-static src/base/x.c\n"),
                         [])

    def test_unprefixed_functions(self):
        self.expect("prefix", "int\nx(int y)\n{\n    return y;\n}\n")
        self.expect_clean("int\nacio_x(int y)\n{\n    return y;\n}\n"
                          "int\nacioi_x(int y)\n{\n    return y;\n}\n"
                          "static int\nx(int y)\n{\n    return y;\n}\n")

    def test_unprefixed_macros_in_public(self):
        self.expect("prefix", "#define X 1\n", path="include/acio/x.h")
        self.expect_clean("#define ACIO_X 1\n", path="include/acio/x.h")

    def test_unprefixed_exports(self):
        found = findings({"include/acio/x.h":
                          SPDX + EFFECTS + "ACIO_EXPORT int x(int y);\n"})
        self.assertEqual(len(found), 1)
        self.assertIn("prefix: x lacks acio_", found[0])

    def test_directives(self):
        for text in ("#if X\n", "#ifdef X\n", "#ifndef X\n"):
            self.expect("directive", text + "#endif\n")
            self.expect_clean(text + "#endif\n", path="src/coro/x.c")
        guard = "#ifndef X\n#define ACIO_X\n#ifdef __cplusplus\n#endif\n"
        self.expect_clean(guard + "#endif\n", path="src/base/x.h")
        self.expect("directive", guard + "#ifdef Y\n#endif\n#endif\n",
                    path="src/base/x.h", line=6)

    def test_effect_blocks(self):
        path = "include/acio/x.h"
        function = "ACIO_EXPORT int acio_x(int y);\n"
        self.expect_clean(EFFECTS + function, path=path)
        for word in ("returns", "suspends", "cancel", "owner", "thread",
                     "python"):
            lines = EFFECTS.splitlines(keepends=True)
            kept = [x for x in lines if not x.startswith(f" *   {word}")]
            self.expect("effects", "".join(kept) + function, path=path,
                        line=10)

    def test_effect_values(self):
        path = "include/acio/x.h"
        function = "ACIO_EXPORT int acio_x(int y);\n"
        for good, bad in (("suspends  no", "suspends  sometimes"),
                          ("cancel    -", "cancel    whatever")):
            self.expect("effects", EFFECTS.replace(good, bad) + function,
                        path=path, line=11)

    def test_a_function_without_a_comment(self):
        found = findings({"include/acio/x.h":
                          SPDX + "ACIO_EXPORT int acio_x(int y);\n"})
        self.assertEqual(len(found), 6)

    def test_format(self):
        if not shutil.which("clang-format-14"):
            self.skipTest("no clang-format 14")
        style = {".clang-format": "BasedOnStyle: LLVM\n"}
        bad = findings(style | {"src/base/x.c": SPDX + "int  acio_x(int y);\n"})
        self.assertEqual(len(bad), 1)
        self.assertIn("src/base/x.c:2: format", bad[0])
        good = {"src/base/x.c": SPDX + "int acio_x(int y);\n"}
        self.assertEqual(findings(style | good), [])

    def test_layers_upwards(self):
        for upper, lower in (("base", "engine"), ("engine", "coro"),
                             ("coro", "engine"), ("engine", "task"),
                             ("task", "sync"), ("sync", "net"),
                             ("net", "os"), ("os", "net"),
                             ("os", "inspect"), ("inspect", "adapters")):
            self.expect_layers(
                {f"src/{upper}/x.c": f'#include "../{lower}/y.h"\n'},
                f"src/{upper}/x.c")
            self.expect_layers(
                {f"src/{upper}/x.c": f'#include "{lower}/y.h"\n'},
                f"src/{upper}/x.c")

    def test_layers_downwards(self):
        for upper, lower in (("engine", "base"), ("coro", "base"),
                             ("task", "engine"), ("task", "coro"),
                             ("net", "sync"), ("os", "task"),
                             ("inspect", "net"), ("adapters", "os")):
            self.expect_layers(
                {f"src/{upper}/x.c": f'#include "../{lower}/y.h"\n'
                 f'#include "x.h"\n#include <stdio.h>\n'})

    def test_layers_of_public_headers(self):
        files = {"src/task/task.c": "", "include/acio/task.h": "",
                 "src/engine/x.c": "#include <acio/task.h>\n",
                 "src/sync/x.c": "#include <acio/task.h>\n"}
        self.expect_layers(files, "src/engine/x.c")

    def test_layers_of_public_headers_among_themselves(self):
        self.expect_layers({"include/acio.h": '#include "acio/x.h"\n',
                            "include/acio/y.h": '#include "x.h"\n'})
        self.expect_layers(
            {"include/acio/y.h": '#include "../../src/base/x.h"\n'},
            "include/acio/y.h")

    def test_layers_of_examples(self):
        self.expect_layers({"examples/x.c": '#include "../src/base/y.h"\n'},
                           "examples/x.c")
        self.expect_layers({"examples/x.c": "#include <acio.h>\n"})

    def test_layers_of_adapters(self):
        self.expect_layers({"src/adapters/x.c": '#include "y.h"\n'},
                           "src/adapters/x.c")
        self.expect_layers({"src/adapters/x.c": '#include "x.h"\n'})

    def test_the_umbrella_is_for_users(self):
        self.expect_layers({"src/net/x.c": "#include <acio.h>\n"},
                           "src/net/x.c")


if __name__ == "__main__":
    closing.main()
