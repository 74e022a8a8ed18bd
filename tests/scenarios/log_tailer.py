#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log tailer: files that grow, are rotated, cut, and not there yet."""

import os
import pathlib
import tempfile
import threading
import unittest

from program import Program, is_short, skip_without_backend
import closing


class LogTailer(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder)
        self.files = [self.folder / f"log{n}" for n in range(3)]
        for file in self.files:
            file.write_text("old\n")
        self.tail()

    def tail(self, *arguments):
        """What is there comes first: then the program has begun to follow."""
        self.tailer = self.enterContext(
            Program("log_tailer", *(arguments or self.files)))
        if not arguments:
            begin = sorted(self.tailer.line() for _ in self.files)
            self.assertEqual(begin, [f"{file}: old" for file in self.files])

    def append(self, file, text):
        with open(file, "a") as opened:
            opened.write(text)

    def expect(self, file, *lines):
        for line in lines:
            self.assertEqual(self.tailer.line(), f"{file}: {line}")

    def expect_message(self, text):
        line = self.tailer.line(self.tailer.child.stderr)
        self.assertEqual(line, f"log_tailer: {text}")

    def test_prints_each_line_that_is_appended_with_its_file(self):
        for number in range(20):
            file = self.files[number % 3]
            self.append(file, f"line {number}\n")
            self.expect(file, f"line {number}")

    def test_prints_half_a_line_when_it_is_whole(self):
        self.append(self.files[0], "ha")
        self.append(self.files[1], "whole\n")
        self.expect(self.files[1], "whole")
        self.append(self.files[0], "lf\n")
        self.expect(self.files[0], "half")

    def test_keeps_the_order_of_each_file_while_many_write(self):
        def write(file):
            with open(file, "a", buffering=1) as opened:
                for number in range(2000):
                    opened.write(f"{number}\n")

        writers = [threading.Thread(target=write, args=(file,))
                   for file in self.files]
        for writer in writers:
            writer.start()
        seen = {str(file): [] for file in self.files}
        for _ in range(6000):
            name, _, text = self.tailer.line().partition(": ")
            seen[name].append(int(text))
        for writer in writers:
            writer.join()
        for numbers in seen.values():
            self.assertEqual(numbers, list(range(2000)))

    def test_goes_on_in_the_file_that_takes_the_place(self):
        file = self.files[0]
        with open(file, "a") as old:
            os.rename(file, self.folder / "rotated")
            old.write("last of the old\n")
            old.flush()
            self.expect(file, "last of the old")
            file.write_text("first of the new\n")
            self.expect(file, "first of the new")
        self.append(file, "second\n")
        self.expect(file, "second")

    def test_goes_on_after_ten_rotations(self):
        file = self.files[0]
        for number in range(10):
            new = self.folder / "new"
            new.write_text(f"file {number}\n")
            os.rename(new, file)
            self.expect(file, f"file {number}")

    def test_begins_again_in_a_file_that_was_cut(self):
        file = self.files[1]
        self.append(file, "something long\n")
        self.expect(file, "something long")
        os.truncate(file, 0)
        self.expect_message(f"{file} was cut short")
        self.append(file, "new\n")
        self.expect(file, "new")

    def test_waits_for_a_file_that_is_not_there(self):
        late = self.folder / "late"
        self.tail(late, self.files[0])
        self.expect(self.files[0], "old")
        late.write_text("here\n")
        self.expect(late, "here")

    def test_follows_fifty_files(self):
        files = [self.folder / f"many{n}" for n in range(50)]
        self.tail(*files, self.files[0])
        self.expect(self.files[0], "old")
        for number, file in enumerate(files):
            self.append(file, f"{number}\n")
            self.expect(file, f"{number}")

    def test_prints_what_has_no_end_when_nothing_more_can_come(self):
        file = self.files[0]
        self.append(file, "last words")
        new = self.folder / "new"
        new.write_text("first\n")
        os.rename(new, file)
        self.expect(file, "last words", "first")

    def test_prints_long_lines_in_pieces(self):
        text = "x" * 40000
        self.append(self.files[0], text + "\nshort\n")
        seen = ""
        while len(seen) < len(text):
            seen += self.tailer.line().removeprefix(f"{self.files[0]}: ")
        self.assertEqual(seen, text)
        self.expect(self.files[0], "short")

    def test_one_that_cannot_be_read_ends_it(self):
        self.tail(self.files[0], self.folder)
        self.expect_message(f"{self.folder}: Is a directory")
        self.assertEqual(self.tailer.end()[0], 1)

    def test_a_ctrl_c_ends_it(self):
        self.assertEqual(self.tailer.interrupt(), (130, "", ""))


class Source(unittest.TestCase):
    def test_is_short_enough_to_read(self):
        is_short(self, "log_tailer")


if __name__ == "__main__":
    skip_without_backend()
    closing.main()
