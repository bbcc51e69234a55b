#!/usr/bin/env python3
"""count: how many single tests passed, failed and were skipped in a verbose ctest log.

A cmocka program counts as its test functions: what it announced and what is neither ok nor skipped
has failed, so a crash counts every test that it kept from running. A program that ends with its own
line `N passed, N failed, N skipped` counts as that, any other one as one test. A program that says
all is well but does not end well (a leak that a sanitizer finds, a signal) is one failure more.
"""
import re
import sys

LINE = re.compile(r"^(\d+): (.*)")
ANNOUNCED = re.compile(r"\[={10}\] (?:.*: )?Running (\d+) test\(s\)")
FAILED = re.compile(r"\[  FAILED  \] ")
PASSED = re.compile(r"\[       OK \] ")
SKIPPED = re.compile(r"\[  SKIPPED \] (?!\d+ test)")
ALL_RUN = re.compile(r"\[={10}\] (?:.*: )?\d+ test\(s\) run")
OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
ENDED = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): \S+ \.*\s*(?:[^*]*\*\*\*)?\s*(\S.*?)\s+[\d.]+ sec")


class Program:
    """What one program has said so far."""

    def __init__(self):
        self.announced = self.passed = self.skipped = 0
        self.is_running = self.has_failed = False
        self.own = None

    def hear(self, text):
        if match := ANNOUNCED.search(text):
            self.announced += int(match[1])
            self.is_running = True
        elif ALL_RUN.search(text):
            self.is_running = False  # what follows lists the same tests once more
        elif self.is_running:
            self.passed += len(PASSED.findall(text))
            self.skipped += len(SKIPPED.findall(text))
            self.has_failed |= bool(FAILED.search(text))
        elif match := OWN_LINE.match(text):
            self.own = [int(number or 0) for number in match.groups()]

    def count(self, status):
        is_well = status in ("Passed", "Skipped")
        if self.announced and status == "Skipped" and not self.has_failed:
            counts = [self.passed, 0, self.announced - self.passed]
        elif self.announced:
            counts = [self.passed, self.announced - self.passed - self.skipped, self.skipped]
        elif self.own:
            counts = self.own
        elif status == "Skipped":
            return [0, 0, 1]
        else:
            return [1, 0, 0] if is_well else [0, 1, 0]
        if not is_well and counts[1] == 0:
            counts[1] = 1
        return counts


def main():
    programs = {}
    total = [0, 0, 0]
    for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
        if match := LINE.match(line):
            programs.setdefault(match[1], Program()).hear(match[2])
        elif match := ENDED.match(line):
            counts = programs.pop(match[1], Program()).count(match[2])
            total = [a + b for a, b in zip(total, counts)]
    print(*total)


main()
