#!/usr/bin/env python3
"""agent: what an idle agent costs: memory as the kernel counts it, and processor time, with two
targets, a session and nothing to do.
"""
import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab import Lab, until


def memory_kib(pid):
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        found[name] = int(value.split()[0])
    return found


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=3, help="proportional memory depends on who shares")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    options = parser.parse_args()
    seconds = 20 if options.quick else options.seconds
    with Lab(port=17961) as lab:
        lab.postgres()
        names = [f"db{number}" for number in range(2 * options.agents)]
        lab.databases(names)
        lab.coordinator()
        processes = [lab.agent(f"agent-{number}", [(name, "idle", name, {}) for name in names[2 * number:2 * number + 2]])
                     for number in range(options.agents)]
        lab.wait_for_targets(len(names))
        until(lambda: lab.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein %'") == "0\n",
              60, "the agents' rest")
        before = [cpu_seconds(process.pid) for process in processes]
        time.sleep(seconds)
        used = [cpu_seconds(process.pid) - start for process, start in zip(processes, before)]
        memory = [memory_kib(process.pid) for process in processes]
    print(f"{options.agents} idle agents of two targets, {seconds} s")
    print(f"{'':8} {'resident':>10} {'proportional':>13} {'private':>9} {'of a core':>10}")
    for number, (kib, seconds_used) in enumerate(zip(memory, used)):
        private = kib["Private_Dirty"] + kib["Private_Clean"]
        print(f"agent-{number:<2} {kib['Rss']:6} KiB {kib['Pss']:9} KiB {private:5} KiB {100 * seconds_used / seconds:8.2f} %")
    bars = [("agent-resident-mib", max(kib["Rss"] for kib in memory) / 1024, 10),
            ("agent-proportional-mib", max(kib["Pss"] for kib in memory) / 1024, 3),
            ("agent-idle-percent", 100 * max(used) / seconds, 0.2)]
    for name, value, limit in bars:
        print(f"bar {name} {value:.2f} <= {limit:.2f} {'ok' if value <= limit else 'short'}")
    sys.exit(0 if all(value <= limit for _, value, limit in bars) else 1)


main()
