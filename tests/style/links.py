#!/usr/bin/env python3
"""links: relative links of the manual that lead nowhere, one a line."""
import pathlib
import re
import subprocess

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def main():
    names = subprocess.run(["git", "ls-files", "*.md"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        page = pathlib.Path(name)
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for target in LINK.findall(line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not (page.parent / target).exists():
                    print(f"{name}:{number}: {target}")


main()
