#!/usr/bin/env python3
"""fleet: N databases in one cluster, ten small migrations each, through a coordinator and ten
agents (`skein apply --yes --watch` from its start to its end), against the same statements and
journal rows sent straight over libpq at the same parallelism, and against other tools. Everything
runs in turn, several rounds, in one cluster with default durability.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import rivals
from lab import BIN, ROOT, Lab, until

LIMITS = {"fleet-apply-ratio": 1.5, "fleet-check-ratio": 1.5}


def timed(lab, names, command):
    begun = time.monotonic()
    result = subprocess.run(["bash", "-c", command], input="\n".join(names) + "\n", text=True,
                            capture_output=True, env=lab.environment)
    took = time.monotonic() - begun
    if result.returncode != 0:
        raise SystemExit(f"fleet: '{command}' ended with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return took


def versions_applied(lab, names, query):
    return sum(int(lab.sql(query, name)) for name in (names[0], names[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", type=int, default=100)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="40 databases, 3 rounds, no rivals")
    parser.add_argument("--rivals", default=str(ROOT / "build/bench"), help="folder with npm's node_modules")
    options = parser.parse_args()
    if options.quick:
        options.databases, options.rounds = 40, 3

    figures = {}

    def keep(row, kind, seconds):
        figures.setdefault(row, {}).setdefault(kind, []).append(seconds)

    with Lab() as lab:
        lab.rivals_home = options.rivals
        lab.postgres()
        folder = lab.dir / "service" / "migrations"
        rivals.write_pairs(folder)
        raw = BIN / "skein-bench-raw"
        names = [f"db{number}" for number in range(options.databases)]
        lab.coordinator()

        others = [] if options.quick else [rival(lab) for rival in rivals.ALL]
        for rival in list(others):
            if rival.is_there():
                rival.prepare(names)
            else:
                print(f"not installed, left out: {rival.name}")
                others.remove(rival)

        for turn in range(options.rounds):
            # Skein. The targets belong to the fleet before the run; so do the raw program's tables.
            lab.databases(names)
            share = -(-options.databases // options.agents)
            agents = []
            for number in range(options.agents):
                mine = names[number * share:(number + 1) * share]
                lab.agent(f"agent-{number}", [(name, "bench", name, {"env": "bench"}) for name in mine])
                agents.append(f"agent-{number}")
            lab.wait_for_targets(options.databases)
            apply = (f"{BIN}/skein apply bench --migrations {folder} --waves 100% --parallel {options.parallel} --yes --watch")
            keep("skein", "apply", timed(lab, names, apply))
            assert versions_applied(lab, names, "SELECT count(*) FROM skein.migration") == 20
            # The agents let go of their connections when they are idle; the check makes new ones, as
            # the raw one does.
            until(lambda: lab.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein %'") == "0\n",
                  60, "the agents' rest")
            keep("skein", "check", timed(lab, names, apply))
            for agent in agents:
                lab.stop(agent)
            lab.drop(names)

            # The same straight over libpq.
            lab.databases(names)
            timed(lab, names, f"{raw} --prepare --parallel {options.parallel} --host {lab.dir}/pg --migrations {folder}")
            keep("raw libpq", "apply", timed(lab, names, f"{raw} --apply --parallel {options.parallel} --host {lab.dir}/pg --migrations {folder}"))
            assert versions_applied(lab, names, "SELECT count(*) FROM skein.migration") == 20
            keep("raw libpq", "check", timed(lab, names, f"{raw} --check --parallel {options.parallel} --host {lab.dir}/pg --migrations {folder}"))
            lab.drop(names)

            # The rivals' times are far apart; twice is enough to see it, and sqitch takes minutes.
            for rival in others if turn < 2 else []:
                lab.databases(names)
                given, command = rival.command(names)
                keep(rival.name, "apply", timed(lab, given, command))
                if rival.can_check:
                    keep(rival.name, "check", timed(lab, given, command))
                lab.drop(names)
            print(f"round {turn + 1} of {options.rounds}", flush=True)

    print(f"\n{options.databases} databases × {len(rivals.MIGRATIONS)} migrations, {options.agents} agents, "
          f"{options.parallel} at a time; seconds")
    print(f"{'':24} {'apply':>8} {'min':>7} {'max':>7} {'already':>9} {'min':>7} {'max':>7}")
    for row, kinds in figures.items():
        line = f"{row:24}"
        for kind in ("apply", "check"):
            values = kinds.get(kind)
            line += (f" {statistics.median(values):8.2f} {min(values):7.2f} {max(values):7.2f}" if values else f" {'–':>8} {'':7} {'':7}")
        print(line)

    short = False

    def bar(name, value, limit, is_ok):
        nonlocal short
        short = short or not is_ok
        print(f"bar {name} {value:.2f} {'<=' if 'ratio' in name else '<'} {limit:.2f} {'ok' if is_ok else 'short'}")

    for kind in ("apply", "check"):
        # Pair by pair, so that a drift of the machine's speed cancels out.
        ratio = statistics.median(a / b for a, b in zip(figures["skein"][kind], figures["raw libpq"][kind]))
        bar(f"fleet-{kind}-ratio", ratio, LIMITS[f"fleet-{kind}-ratio"], ratio <= LIMITS[f"fleet-{kind}-ratio"])
    ours = statistics.median(figures["skein"]["apply"])
    for rival in others:
        theirs = statistics.median(figures[rival.name]["apply"])
        bar(f"fleet-apply-seconds-vs-{rival.name.split(',')[0].lower()}", ours, theirs, ours < theirs)
    sys.exit(1 if short else 0)


main()
