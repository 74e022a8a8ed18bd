#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public headers: each stands alone, in C and in C++; they give no name
away that is not the library's; what they declare is what is exported."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import closing

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
HEADERS = sorted(INCLUDE.rglob("*.h"))
WARNINGS = ["-Wall", "-Wextra", "-Wpointer-arith", "-Werror"]
C_ONLY = ["-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes"]
# Strict C11 lacks siginfo_t without a word to the C library, and like C++17
# it has -Wpedantic complain of __VA_OPT__.
DIALECTS = [
    ("c", ["gcc", "clang"], ["-std=gnu11", "-Wpedantic", *C_ONLY]),
    ("c", ["gcc", "clang"], ["-std=c11", "-D_DEFAULT_SOURCE", *C_ONLY]),
    ("c++", ["g++", "clang++"], ["-std=c++17"]),
    ("c++", ["g++", "clang++"], ["-std=c++20", "-Wpedantic"]),
]
SYSTEM = {"addrinfo", "statx"}  # forward declarations of what the system has


def compiler_command():
    return shlex.split(os.environ.get("CC", "cc"))


def has_curl():
    done = subprocess.run(
        compiler_command() + ["-x", "c", "-E", "-"], input="#include "
        "<curl/curl.h>", text=True, check=False, capture_output=True)
    return done.returncode == 0


def preprocess(header, folder):
    """(macros, code) of what `header` and those that it includes add, as far
    as they lie in `folder`."""
    done = subprocess.run(
        compiler_command() + ["-E", "-dD", "-x", "c", str(header)], text=True,
        check=True, stdout=subprocess.PIPE)
    inside, macros, code = False, [], []
    for line in done.stdout.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        macro = re.match(r"#define (\w+)", line)
        if marker:
            inside = marker.group(1).startswith(str(folder))
        elif inside and macro:
            macros.append(macro.group(1))
        elif inside and not line.startswith("#"):
            code.append(line)
    return macros, "\n".join(code)


def without_bodies(code):
    """The code with what stands in braces taken out, and what that was."""
    inner = []

    def take(match):
        inner.append((match.group(1), match.group(2)))
        return match.group(1) + " ;" if ")" in match.group(1) else match.group(1)

    code = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", code)
    count = 1
    while count:  # innermost first
        code, count = re.subn(r"([^;{}]*)\{([^{}]*)\}", take, code)
    return code, inner


def declared(code):
    """Every name that `code` declares outside of functions and structs."""
    outside, inner = without_bodies(code)
    names = set()
    for head, body in inner:
        names |= set(re.findall(r"\b(?:struct|union|enum)\s+(\w+)\s*$", head))
        if re.search(r"\benum\b[^();]*$", head):
            names |= set(re.findall(r"(?:^|,)\s*(\w+)", body))
    for statement in outside.split(";"):
        words = " ".join(statement.split())
        tag = re.fullmatch(r"(?:struct|union|enum) (\w+)", words)
        call = re.match(r"[^(]*(?:\(\*|\b)(\w+) ?[()]", words)
        last = re.match(r"[^(]*\s\**(\w+)(\[[^]]*\])*$", words)
        found = tag or ("(" in words and call) or last
        if found:
            names.add(found.group(1))
    return names


def unprefixed(names):
    return sorted(name for name in names if name not in SYSTEM
                  and not re.match(r"(ACIO|acio|ACIOI|acioi)_", name))


def functions(header):
    """The exported functions, and the macros that look like functions."""
    text = header.read_text()
    return (set(re.findall(r"^ACIO_EXPORT\b[^;]*?\b(\w+)\(", text, re.M)),
            set(re.findall(r"^#define (acio_\w+)\(", text, re.M)))


class Headers(unittest.TestCase):
    headers = [h for h in HEADERS if h.stem != "curl" or has_curl()]

    def test_stand_alone(self):
        for language, compilers, options in DIALECTS:
            for compiler in filter(shutil.which, compilers):
                for header in self.headers:
                    with self.subTest(header.name, compiler=compiler,
                                      standard=options[0]):
                        self.compile(language, [compiler, *options], header)

    def compile(self, language, command, header):
        done = subprocess.run(
            command + WARNINGS + [f"-I{INCLUDE}", "-fsyntax-only", "-x",
                                  language, "-"],
            input=f'#include "{header}"\n#include "{header}"\n'
            "typedef int not_empty;\n",
            text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_give_no_name_away(self):
        for header in self.headers:
            with self.subTest(header.name):
                macros, code = preprocess(header, INCLUDE)
                macros = [m for m in macros if m != "ACIO_H"]
                self.assertEqual(unprefixed(macros), [])
                self.assertEqual(unprefixed(declared(code)), [])

    def test_are_all_in_the_umbrella_but_those_with_a_library(self):
        text = (INCLUDE / "acio.h").read_text()
        for header in HEADERS:
            if header.stem in ("acio", "curl", "export", "filter", "tls",
                               "types"):
                continue
            with self.subTest(header.name):
                self.assertIn(f'#include "acio/{header.name}"', text)

    def test_declare_what_is_exported(self):
        symbols = set((ROOT / "abi" / "acio.symbols").read_text().split())
        found = set()
        for header in HEADERS:
            if header.stem not in ("curl", "tls"):
                found |= functions(header)[0]
        self.assertEqual(sorted(symbols), sorted(found))

    def test_say_the_effects_of_macros_that_look_like_functions(self):
        for header in HEADERS:
            text = header.read_text()
            for name in functions(header)[1]:
                before = text[:text.index(f"#define {name}(")].rstrip()
                comment = before[before.rfind("/*"):]
                with self.subTest(name):
                    self.assertTrue(before.endswith("*/"))
                    for word in ("returns", "suspends", "cancel", "owner",
                                 "thread", "python"):
                        self.assertIn(f"\n *   {word} ", comment)


class Rules(unittest.TestCase):
    def names(self, text):
        with tempfile.TemporaryDirectory() as folder:
            header = pathlib.Path(folder) / "x.h"
            header.write_text("#include <stdio.h>\n" + text)
            macros, code = preprocess(header, folder)
        return sorted(unprefixed(macros)), unprefixed(declared(code))

    def test_find_macros(self):
        self.assertEqual(self.names("#define ACIO_X 1\n#define X(y) y\n"),
                         (["X"], []))

    def test_find_declarations(self):
        for text, name in (
                ("struct x { int a; enum { ACIO_B } b; };", "x"),
                ("struct x;", "x"), ("union x { int a; int b; };", "x"),
                ("enum acio_e { ACIO_A = 1, X };", "X"), ("enum { X };", "X"),
                ("struct acio_s { enum { X } a; };", "X"),
                ("typedef int x;", "x"), ("typedef int (*x)(int a);", "x"),
                ("typedef void x(int a, int (*b)(int c));", "x"),
                ("typedef struct acio_s { int a; } x;", "x"),
                ("int x(int a, struct acio_s *b);", "x"),
                ("__attribute__((visibility(\"default\"))) int *x(void);", "x"),
                ("static inline int\nx(int a)\n{\n    { a++; }\n"
                 "    return a;\n}\nint acio_y;", "x"),
                ("extern const int x[2];", "x"), ("extern int *x;", "x")):
            with self.subTest(text):
                self.assertEqual(self.names(text), ([], [name]))
                clean = re.sub(r"\bx\b", "acio_x", text)
                clean = re.sub(r"\bX\b", "ACIO_X", clean)
                self.assertEqual(self.names(clean), ([], []))


if __name__ == "__main__":
    closing.main()
