#!/usr/bin/env python3
"""codes: error codes of the sources that the table of errors does not explain, codes of the table that
no source has, and whether docs/errors.md has them all, one a line."""
import re
import subprocess

CODE = re.compile(r"\bE-[A-Z]+(?:-[A-Z0-9]+)*\b(?!-)")
TABLE = "coordinator/cli/error_table.c"
PAGE = "docs/errors.md"
NOT_SOURCES = {TABLE, "coordinator/cli/exit.c"}
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


def codes_of(name, everything):
    with open(name, encoding="utf-8") as file:
        text = file.read()
    return {code for literal in LITERAL.findall(text) for code in CODE.findall(literal)
            if everything or literal.startswith(f'"{code}')}


def main():
    names = subprocess.run(["git", "ls-files", "--", "agent/*.c", "common/*.c", "coordinator/*.c", "proto/*.c"],
                           capture_output=True, text=True, check=True).stdout.split()
    explained = codes_of(TABLE, False)
    used = {}
    for name in names:
        if name not in NOT_SOURCES:
            for code in codes_of(name, False):
                used.setdefault(code, name)
    for code in sorted(used.keys() - explained):
        print(f"{used[code]}: {code} is not explained in {TABLE}")
    for code in sorted(explained - used.keys()):
        print(f"{TABLE}: no source has {code}")
    with open(PAGE, encoding="utf-8") as file:
        shown = set(re.findall(r"^\| (E-\S+) \|", file.read(), re.M))
    for code in sorted(shown ^ explained):
        print(f"{PAGE}: {code} is only {'here' if code in shown else 'in ' + TABLE}")


main()
