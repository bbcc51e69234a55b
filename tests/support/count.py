#!/usr/bin/env python3
"""count: how many single tests passed, failed and were skipped in a verbose ctest log.

A cmocka program counts as its test functions, any other program as one test.
"""
import re
import sys

CMOCKA = re.compile(r"^\d+: \[\s+(OK|FAILED|SKIPPED|ERROR)\s+\] (?!\d+ test)")
ENDED = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): \S+ \.*\s*(\*\*\*)?\s*(Passed|Skipped|\S.*?)\s+[\d.]+ sec")


def main():
    inner = {}
    passed = failed = skipped = 0
    for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
        number = line.split(":", 1)[0]
        if match := CMOCKA.match(line):
            inner.setdefault(number, []).append(match[1])
        elif match := ENDED.match(line):
            results = inner.get(match[1], [])
            ok = results.count("OK")
            left_out = results.count("SKIPPED")
            bad = len(results) - ok - left_out
            if match[3] == "Skipped" and not results:
                left_out = 1
            elif match[3] not in ("Passed", "Skipped") and bad == 0:
                bad = 1
            elif not results:
                ok = 1
            passed += ok
            failed += bad
            skipped += left_out
    print(passed, failed, skipped)


main()
