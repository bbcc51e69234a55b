#!/usr/bin/env python3
"""recovery: how long work stands still when an agent or the coordinator is killed with -9 and, like
by a service manager, started again 0.2 s later: from the kill to the next journal row in a database
of the victim (of any, when it is the coordinator).
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab import BIN, Lab, until

LIMIT = 5.0
AGENTS, EACH = 4, 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each kind")
    parser.add_argument("--quick", action="store_true", help="4 kills of each kind")
    options = parser.parse_args()
    kills = 4 if options.quick else options.kills
    steps = 150 * kills
    stood_still = {"agent": [], "coordinator": []}
    with Lab(port=17861) as lab:
        lab.postgres()
        folder = lab.dir / "service"
        folder.mkdir()
        for version in range(1, min(steps, 1000) + 1):
            (folder / f"{version}_rest.up.sql").write_text("SELECT pg_sleep(0.05);\n")
        names = [f"db{number}" for number in range(AGENTS * EACH)]
        lab.databases(names)
        lab.coordinator()
        for number in range(AGENTS):
            lab.agent(f"agent-{number}", [(name, "rest", name, {}) for name in names[number * EACH:(number + 1) * EACH]])
        lab.wait_for_targets(len(names))
        run = subprocess.Popen([str(BIN / "skein"), "apply", "rest", "--migrations", str(folder), "--waves", "100%",
                                "--parallel", str(len(names)), "--yes"], env=lab.environment, stdout=subprocess.DEVNULL)
        run.wait(60)

        def rows(name):
            return int(lab.sql("SELECT count(*) FROM skein.journal WHERE state = 'done'", name))

        until(lambda: all(rows(name) > 0 for name in names), 30, "the run's begin")
        for turn in range(2 * kills):
            kind = ("agent", "coordinator")[turn % 2]
            victim = f"agent-{turn // 2 % AGENTS}" if kind == "agent" else "coordinator"
            watched = names[(turn // 2 % AGENTS) * EACH]
            process = lab.processes[victim]
            process.kill()
            process.wait()
            begun = time.monotonic()
            time.sleep(0.2)
            before = rows(watched)
            lab.start(victim)
            until(lambda: rows(watched) > before, 60, "work after a kill")
            stood_still[kind].append(time.monotonic() - begun)
            before = rows(watched)
            until(lambda: rows(watched) > before + 10, 60, "steady work")
        lab.skein("cancel", "last")
    short = False
    print(f"{'killed':12} {'kills':>5} {'median':>8} {'max':>8}   seconds without work, restart after 0.2 s")
    for kind, values in stood_still.items():
        print(f"{kind:12} {len(values):5} {statistics.median(values):8.2f} {max(values):8.2f}")
    for kind, values in stood_still.items():
        is_ok = max(values) <= LIMIT
        short = short or not is_ok
        print(f"bar recovery-{kind}-seconds {max(values):.2f} <= {LIMIT:.2f} {'ok' if is_ok else 'short'}")
    sys.exit(1 if short else 0)


main()
