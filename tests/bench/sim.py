#!/usr/bin/env python3
"""sim: how many events of a simulated fleet one core works off in a second, every invariant checked
after each of them.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab import BIN

LIMIT = 200_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="in each of five rounds")
    parser.add_argument("--quick", action="store_true", help="500 seeds")
    options = parser.parse_args()
    seeds = 500 if options.quick else options.seeds
    rates = []
    for turn in range(5):
        result = subprocess.run([BIN / "skein-sim", "--seeds", str(seeds), "--from", str(1 + turn * seeds)],
                                capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stdout + result.stderr)
        found = re.search(r"([\d,]+) events/s", result.stdout)
        rates.append(int(found[1].replace(",", "")))
    rate = statistics.median(rates)
    print(f"{5 * seeds} seeds, no violation; events/s: median {rate:,.0f}, min {min(rates):,}, max {max(rates):,}")
    print(f"bar sim-events-per-second {rate:.0f} >= {LIMIT} {'ok' if rate >= LIMIT else 'short'}")
    sys.exit(0 if rate >= LIMIT else 1)


main()
