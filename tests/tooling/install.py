#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed can be found, compiled against, linked and run."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import closing

BUILD = os.environ["BUILD"]
PREFIX = os.environ["PREFIX"].lstrip("/")
LIBDIR = os.environ["LIBDIR"]
COMPILER = shlex.split(os.environ["CC"])
CONSUMER = pathlib.Path(__file__).resolve().parents[1] / "install"

TLS_PROGRAM = """
#include <acio.h>
#include <acio/tls.h>

int
main(void)
{
    acio_tls_context *tls;
    int err = acio_tls_client_context(&tls, NULL);
    acio_tls_context_free(tls);
    return err < 0;
}
"""


def run(arguments, **options):
    done = subprocess.run(
        [str(argument) for argument in arguments], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name)
        meson = shlex.split(os.environ.get("MESON", "meson"))
        run(meson + ["install", "-C", BUILD, "--no-rebuild", "--quiet",
                     "--destdir", cls.root])
        cls.prefix = cls.root / PREFIX
        cls.libraries = cls.prefix / LIBDIR

    def pkg_config(self, *arguments):
        environment = dict(
            os.environ,
            PKG_CONFIG_PATH=str(self.libraries / "pkgconfig"),
            PKG_CONFIG_SYSROOT_DIR=str(self.root))
        return run(["pkg-config", *arguments], env=environment).split()

    def run_program(self, program):
        environment = dict(os.environ, LD_LIBRARY_PATH=str(self.libraries))
        self.assertIn("acio 0.", run([program], env=environment))

    def test_every_public_header_is_there(self):
        source = CONSUMER.parents[1] / "include"
        for header in source.rglob("*.h"):
            if header.stem not in ("curl", "tls"):
                installed = (self.prefix / "include"
                             / header.relative_to(source))
                self.assertTrue(installed.exists(), installed)

    def test_every_header_compiles_alone_in_c_and_as_c11(self):
        flags = self.pkg_config("--cflags", "acio")
        for header in (self.prefix / "include").rglob("*.h"):
            if header.stem in ("curl", "tls"):
                continue
            program = self.root / "header.c"
            program.write_text(f'#include "{header}"\n')
            run(COMPILER + ["-std=gnu11", "-Wall", "-Wextra", "-Wshadow",
                            "-Werror", "-fsyntax-only", *flags, program])

    def test_every_header_compiles_in_cxx(self):
        compiler = shutil.which("g++") or shutil.which("clang++")
        if not compiler:
            self.skipTest("no C++ compiler")
        flags = self.pkg_config("--cflags", "acio")
        for header in (self.prefix / "include").rglob("*.h"):
            if header.stem in ("curl", "tls"):
                continue
            program = self.root / "header.cc"
            program.write_text(f'#include "{header}"\n')
            run([compiler, "-std=c++20", "-fsyntax-only", *flags, program])

    def test_the_library_has_a_versioned_name(self):
        dynamic = run(["readelf", "-d", self.libraries / "libacio.so"])
        self.assertRegex(dynamic, r"SONAME.*\[libacio\.so\.0\]")

    def test_the_stack_is_not_executable(self):
        headers = run(["readelf", "-lW", self.libraries / "libacio.so"])
        self.assertRegex(headers, r"GNU_STACK.* RW +0x")

    def test_pkg_config_builds_a_program(self):
        program = self.root / "consumer"
        run(COMPILER + [CONSUMER / "consumer.c", "-o", program,
                        *self.pkg_config("--cflags", "--libs", "acio")])
        self.run_program(program)

    def test_pkg_config_builds_a_program_with_tls(self):
        if not (self.libraries / "libacio-tls.so").exists():
            self.skipTest("built without OpenSSL")
        source, program = self.root / "tls.c", self.root / "tls"
        source.write_text(TLS_PROGRAM)
        run(COMPILER + [source, "-o", program, *self.pkg_config(
            "--cflags", "--libs", "acio-tls")])
        run([program], env=dict(os.environ,
                                LD_LIBRARY_PATH=str(self.libraries)))

    def test_pkg_config_builds_a_static_program(self):
        program = self.root / "consumer-static"
        flags = self.pkg_config("--static", "--cflags", "--libs", "acio")
        flags = [flag for flag in flags if flag != "-lacio"]
        run(COMPILER + [CONSUMER / "consumer.c", "-o", program,
                        self.libraries / "libacio.a", *flags])
        self.run_program(program)

    def test_cmake_builds_a_program(self):
        if not shutil.which("cmake"):
            self.skipTest("no cmake")
        build = self.root / "cmake-build"
        run(["cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja",
             f"-DCMAKE_C_COMPILER={COMPILER[-1]}",
             f"-DCMAKE_PREFIX_PATH={self.prefix}"])
        run(["cmake", "--build", build])
        self.run_program(build / "with_shared")
        self.run_program(build / "with_static")

    def test_cmake_builds_a_program_with_tls(self):
        if not shutil.which("cmake"):
            self.skipTest("no cmake")
        if not (self.libraries / "libacio-tls.so").exists():
            self.skipTest("built without OpenSSL")
        project = self.root / "cmake-tls"
        project.mkdir()
        (project / "tls.c").write_text(TLS_PROGRAM)
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(tls C)\n"
            "find_package(acio 0.1 REQUIRED)\nadd_executable(tls tls.c)\n"
            "target_link_libraries(tls PRIVATE acio::tls)\n")
        build = project / "build"
        run(["cmake", "-S", project, "-B", build, "-G", "Ninja",
             f"-DCMAKE_C_COMPILER={COMPILER[-1]}",
             f"-DCMAKE_PREFIX_PATH={self.prefix}"])
        run(["cmake", "--build", build])
        run([build / "tls"], env=dict(os.environ,
                                      LD_LIBRARY_PATH=str(self.libraries)))

    def test_cmake_refuses_another_version(self):
        if not shutil.which("cmake"):
            self.skipTest("no cmake")
        project = self.root / "newer"
        project.mkdir()
        text = (CONSUMER / "CMakeLists.txt").read_text()
        (project / "CMakeLists.txt").write_text(
            text.replace("acio 0.1", "acio 9.0"))
        with self.assertRaisesRegex(AssertionError, "requested version"):
            run(["cmake", "-S", project, "-B", project / "build",
                 f"-DCMAKE_PREFIX_PATH={self.prefix}"])


if __name__ == "__main__":
    closing.main()
