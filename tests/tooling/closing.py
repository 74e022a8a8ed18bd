# SPDX-License-Identifier: MIT
"""unittest with the closing line that tools/check adds up."""

import sys
import unittest


def main():
    program = unittest.main(module="__main__", exit=False, verbosity=1)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    passed = result.testsRun - failed - skipped
    line = f"{passed} passed, {failed} failed"
    print(line + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed else 77 if skipped and not passed else 0)
