#!/usr/bin/env python3
"""chaos: a real fleet, real work, real kills; and at the end everything must be as if nothing had
happened. Migrations write into a table without a unique key, so an effect that came twice is seen.

    tests/system/chaos.py [--kills N] [--seed S] [--failpoints] [--keep]

After every round all runs must have ended without anyone's help, and then for every database:
effects = journal = what is applied; every index valid; the journal an unbroken chain; and every step
that the journal calls done is done in the coordinator's log, and no other.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import BIN, Lab, until

AGENTS = 4
DATABASES_EACH = 2
VERSIONS = 12
IS_INDEX = [version % 4 == 0 for version in range(VERSIONS + 1)]  # built concurrently
CALM_SECONDS = 90  # how long the rest of a run may take when the faults have stopped


class Violation(Exception):
    pass


def write_migrations(folder):
    folder.mkdir(parents=True)
    for version in range(1, VERSIONS + 1):
        if IS_INDEX[version]:
            up = f"CREATE INDEX CONCURRENTLY data_{version} ON data (id, filler);\n"
            down = f"DROP INDEX CONCURRENTLY data_{version};\n"
        else:
            up = (f"INSERT INTO probe (version, direction) VALUES ('{version}', 'up');\n"
                  f"ALTER TABLE data ADD COLUMN c{version} integer;\n"
                  f"SELECT pg_sleep(0.1);\n"
                  f"UPDATE data SET c{version} = id WHERE id % 20 = 0;\n")
            down = (f"INSERT INTO probe (version, direction) VALUES ('{version}', 'down');\n"
                    f"ALTER TABLE data DROP COLUMN c{version};\n"
                    f"SELECT pg_sleep(0.1);\n")
        (folder / f"{version}_change.up.sql").write_text(up)
        (folder / f"{version}_change.down.sql").write_text(down)


class Network:
    """Coordinator and agents on two hosts of our own: network namespaces with a cable between."""

    def __init__(self):
        self.names = [f"skein-{os.getpid()}-{host}" for host in ("c", "a")]
        self.is_there = False
        try:
            for name in self.names:
                self.ip("netns", "add", name)
            self.is_there = True
        except (OSError, subprocess.CalledProcessError):
            return
        self.ip("-n", self.names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.names[1])
        for name, address in zip(self.names, ("10.77.0.1/30", "10.77.0.2/30")):
            self.ip("-n", name, "address", "add", address, "dev", "cable")
            self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", name, "link", "set", "cable", "up")

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def inside(self, index):
        return ["ip", "netns", "exec", self.names[index]]

    def cable(self, state):
        self.ip("-n", self.names[1], "link", "set", "cable", state)

    def remove(self):
        if self.is_there:
            for name in self.names:
                subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Chaos:
    def __init__(self, lab, network, seed):
        self.lab = lab
        self.network = network
        self.random = random.Random(seed)
        self.kills = self.faults = 0
        self.calm = threading.Event()
        self.stopping = False
        self.frozen = set()
        self.next_environment = {}
        self.fired = set()
        self.lock = threading.Lock()
        self.databases = [f"db{number}" for number in range(AGENTS * DATABASES_EACH)]
        self.folder = lab.dir / "service" / "migrations"

    # ---- the fleet, kept alive ----

    def build(self):
        lab = self.lab
        lab.postgres()
        write_migrations(self.folder)
        lab.databases(self.databases)
        for name in self.databases:
            lab.sql("CREATE TABLE probe (version text, direction text, at timestamptz DEFAULT clock_timestamp());"
                    "CREATE TABLE data (id integer, filler text);"
                    "INSERT INTO data SELECT n, repeat('x', 50) FROM generate_series(1, 3000) AS n;", name)
        lab.coordinator()
        for number in range(AGENTS):
            mine = self.databases[number * DATABASES_EACH:(number + 1) * DATABASES_EACH]
            lab.agent(f"agent-{number}", [(name, "chaos", name, {"env": "test"}) for name in mine])
        lab.wait_for_targets(len(self.databases))
        threading.Thread(target=self.supervise, daemon=True).start()

    def supervise(self):
        """What has died is started again, as a service manager would."""
        while not self.stopping:
            for name, process in list(self.lab.processes.items()):
                status = process.poll()
                if status is None:
                    continue
                with self.lock:
                    planted = self.next_environment.pop(name, {})
                if status == -signal.SIGKILL and getattr(process, "failpoint", None):
                    self.fired.add(process.failpoint)
                    self.kills += 1
                started = self.lab.start(name, **planted)
                started.failpoint = planted.get("SKEIN_FAILPOINT", "").rpartition(":")[0]
            time.sleep(0.1)

    # ---- faults ----

    def kill(self, name):
        process = self.lab.processes[name]
        if process.poll() is None:
            process.failpoint = None
            process.kill()
            self.kills += 1

    def freeze(self, name, seconds):
        process = self.lab.processes[name]
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def agent(self):
        return f"agent-{self.random.randrange(AGENTS)}"

    def fault_kill_agent(self):
        self.kill(self.agent())

    def fault_kill_coordinator(self):
        self.kill("coordinator")

    def fault_kill_both(self):
        self.kill(self.agent())
        self.kill("coordinator")

    def fault_kill_backend(self):
        """kill -9 of one of our backends: the postmaster throws everybody out and recovers."""
        pids = self.our_backends()
        if pids:
            os.kill(self.random.choice(pids), signal.SIGKILL)
            self.kills += 1

    def fault_terminate_backend(self):
        for pid in self.our_backends()[:2]:
            self.quietly(lambda: self.lab.sql(f"SELECT pg_terminate_backend({pid})"))

    def fault_kill_postmaster(self):
        self.kill("postgres")

    def fault_freeze_agent(self):
        self.freeze(self.agent(), self.random.uniform(0.1, 2))

    def fault_freeze_coordinator(self):
        self.freeze("coordinator", self.random.uniform(0.1, 2))

    def fault_cut(self):
        if self.network.is_there:
            self.network.cable("down")
            time.sleep(self.random.uniform(0.1, 3))
            self.network.cable("up")

    def our_backends(self):
        try:
            rows = self.lab.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'skein %'")
        except subprocess.CalledProcessError:
            return []
        return [int(row) for row in rows.split()]

    @staticmethod
    def quietly(action):
        try:
            action()
        except subprocess.CalledProcessError:
            pass

    WEIGHTS = {"kill_agent": 8, "kill_coordinator": 5, "kill_both": 2, "kill_backend": 1, "terminate_backend": 2,
               "kill_postmaster": 1, "freeze_agent": 1, "freeze_coordinator": 1, "cut": 1}

    def storm(self, kills):
        """Faults at random moments until so many kills are done, or the round is over."""
        enough = self.kills + kills
        while self.kills < enough and not self.calm.is_set():
            time.sleep(self.random.uniform(0.02, 0.7))
            name = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            self.faults += 1
            if self.is_verbose:
                print(f"          {name}", flush=True)
            getattr(self, "fault_" + name)()

    # ---- work ----

    def skein(self, *arguments):
        begun = time.monotonic()
        result = self.lab.skein(*arguments, check=False, timeout=300)
        if self.is_verbose:
            last = (result.stderr or result.stdout).strip().splitlines()[-2:]
            print(f"  {time.monotonic() - begun:6.2f} s  {result.returncode}  skein {' '.join(map(str, arguments[:4]))}: {' / '.join(last)[:150]}",
                  flush=True)
        return result

    is_verbose = False

    def wish(self):
        """The next thing a person wants: another version for all, or back."""
        if self.version == 0 or (self.version < VERSIONS and self.random.random() < 0.6):
            to = self.random.randint(min(self.version + 4, VERSIONS), VERSIONS)
            return ["apply", "chaos", "--to", str(to), "--out-of-order"], to
        to = self.random.randint(0, max(0, self.version - 4))
        return ["rollback", "chaos", "--to", str(to)], to

    def fulfil(self, command, to):
        """Say it until it is so. Only what a shell script would do: look at the exit status."""
        deadline = time.monotonic() + CALM_SECONDS + 120
        while True:
            result = self.skein(*command, "--migrations", self.folder, "--waves", "1,50%,100%", "--parallel", "6",
                                "--yes", "--watch")
            if result.returncode == 0:
                self.version = to
                return
            if result.returncode == 7:
                raise Violation(f"a run has failed although nothing is wrong with its migrations:\n"
                                f"{result.stdout[-3000:]}{result.stderr}")
            if result.returncode not in (3, 5, 6):
                raise Violation(f"skein ended with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr}")
            if time.monotonic() > deadline:
                raise Violation(f"not done in time; the last answer:\n{result.stdout[-2000:]}{result.stderr}")
            time.sleep(0.2)
            self.wait_for_runs(deadline)

    def open_runs(self):
        result = self.skein("runs", "--json")
        if result.returncode != 0:
            return None
        return [row for row in json.loads(result.stdout)["runs"] if row["state"] not in ("done", "failed", "cancelled")]

    def wait_for_runs(self, deadline):
        while (runs := self.open_runs()) is None or runs:
            for row in runs or []:
                if row["state"] == "halted":
                    raise Violation(f"run {row['number']} has halted:\n{self.skein('status', row['number']).stdout}")
            if time.monotonic() > deadline:
                raise Violation(f"runs do not end: {runs}\n{self.skein('status').stdout}")
            time.sleep(0.1)

    version = 0

    def round(self, kills):
        command, to = self.wish()
        self.calm.clear()
        storm = threading.Thread(target=self.storm, args=(kills,))
        storm.start()
        try:
            self.fulfil(command, to)
        finally:
            self.calm.set()
            storm.join()
        self.check()

    # ---- what must hold ----

    # Everything the check looks at in one database, in one go: what, and up to three values.
    LOOK = """
        SELECT 'applied', version, '', '' FROM skein.migration
        UNION ALL SELECT 'effect', version, direction, count(*)::text FROM probe GROUP BY 2, 3
        UNION ALL SELECT 'done', version, direction, count(*)::text FROM skein.journal WHERE state = 'done' GROUP BY 2, 3
        UNION ALL SELECT 'step', step_id::text, '', '' FROM skein.journal WHERE state = 'done'
        UNION ALL SELECT 'column', attname, '', '' FROM pg_attribute
            WHERE attrelid = 'data'::regclass AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'index', relname, indisvalid::text, '' FROM pg_index JOIN pg_class ON oid = indexrelid
            WHERE indrelid = 'data'::regclass
        UNION ALL SELECT 'broken', number::text, '', '' FROM (SELECT number, previous_hash,
            lag(hash) OVER (ORDER BY number) AS before, lag(number) OVER (ORDER BY number) AS last FROM skein.journal) AS chain
            WHERE last IS NOT NULL AND (previous_hash <> before OR number <> last + 1)"""

    def look(self, database):
        """The server may just be recovering."""
        deadline = time.monotonic() + 60
        while True:
            try:
                found = {}
                for line in self.lab.sql(self.LOOK, database).splitlines():
                    what, *values = line.split("|")
                    found.setdefault(what, []).append(values)
                return found
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def logged(self):
        """Every step the coordinator calls done, by id."""
        done = set()
        for row in json.loads(self.wait_for(lambda: self.skein("runs", "--json")).stdout)["runs"]:
            if row["number"] <= self.logged_until:
                continue
            log = json.loads(self.wait_for(lambda: self.skein("log", row["number"], "--json")).stdout)
            done.update(step["step_id"] for step in log["steps"] if step["state"] == "done" and step["outcome"] == "done")
        return done

    logged_until = 0

    def wait_for(self, ask):
        deadline = time.monotonic() + 30
        while (result := ask()).returncode != 0:
            if time.monotonic() > deadline:
                raise Violation(f"no answer: {result.stderr}")
            time.sleep(0.1)
        return result

    def check_database(self, database, found):
        def wrong(what):
            rows = self.lab.sql("SELECT number, version, direction, state, attempt, step_id, recorded_at"
                                " FROM skein.journal ORDER BY number", database)
            raise Violation(f"{database}: {what}\n" + "\n".join(rows.splitlines()[-25:]))

        applied = {int(row[0]) for row in found.get("applied", [])}
        effects = {(int(version), direction): int(count) for version, direction, count in found.get("effect", [])}
        done = {(int(version), direction): int(count) for version, direction, count in found.get("done", [])}
        columns = {row[0] for row in found["column"]}
        indexes = {row[0]: row[1] for row in found.get("index", [])}
        if applied != set(range(1, self.version + 1)):
            wrong(f"applied is {sorted(applied)}, wanted is everything up to {self.version}")
        for version in range(1, VERSIONS + 1):
            is_applied = version in applied
            for direction in ("up", "down"):
                said, seen = done.get((version, direction), 0), effects.get((version, direction), 0)
                if seen != (0 if IS_INDEX[version] else said):
                    wrong(f"{version} {direction}: the journal says {said} times, the effects {seen} times")
            if done.get((version, "up"), 0) - done.get((version, "down"), 0) != is_applied:
                wrong(f"{version}: its ups and downs do not add up to what is applied")
            if IS_INDEX[version] and indexes.get(f"data_{version}") != ("true" if is_applied else None):
                wrong(f"index data_{version} is valid: {indexes.get(f'data_{version}')}")
            if not IS_INDEX[version] and (f"c{version}" in columns) != is_applied:
                wrong(f"column c{version} is {'' if f'c{version}' in columns else 'not '}there")
        if "broken" in found:
            wrong(f"the journal's chain is broken at {found['broken']}")

    def check(self):
        logged = self.logged()
        journaled = set()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for database, found in zip(self.databases, pool.map(self.look, self.databases)):
                self.check_database(database, found)
                journaled.update(row[0] for row in found.get("step", []))
        new = journaled - self.known
        if lost := new - logged:
            raise Violation(f"{len(lost)} results are lost: {sorted(lost)[:5]}")
        if invented := logged - journaled:
            raise Violation(f"{len(invented)} steps are done in the log, and not in any journal: {sorted(invented)[:5]}")
        self.known = journaled
        self.logged_until = max((row["number"] for row in json.loads(self.skein("runs", "--json").stdout)["runs"]), default=0)

    known = frozenset()

    # ---- every failpoint ----

    def failpoints(self):
        found = {}
        for path in [*ROOT.glob("agent/**/*.c"), *ROOT.glob("common/**/*.c")]:
            for name in re.findall(r'"((?:agent|execute)\.[a-z-]+)"', path.read_text()):
                found[name] = "agent"
        for name in re.findall(r'FAILPOINT\("([^"]+)"\)', "".join(path.read_text() for path in ROOT.glob("coordinator/shell/*.c"))):
            found[name] = "coordinator"
        return found

    def plant(self, name, failpoint, turn):
        with self.lock:
            self.next_environment[name] = {"SKEIN_FAILPOINT": f"{failpoint}:{turn}"}
        self.kill(name)

    def every_failpoint(self):
        rest = self.failpoints()
        total = len(rest)
        for attempt in range(4):
            for failpoint, where in list(rest.items()):
                victims = ["coordinator"] if where == "coordinator" else [f"agent-{number}" for number in range(AGENTS)]
                for victim in victims:
                    self.plant(victim, failpoint, 1 + attempt % 2)
                self.calm.clear()
                to = VERSIONS if self.version < VERSIONS else self.random.choice([0, 3, 7])
                command = ["apply", "chaos"] if to > self.version else ["rollback", "chaos", "--to", str(to)]
                self.fulfil(command, to)
                self.check()
                if any(name == failpoint for name in self.fired):
                    del rest[failpoint]
            print(f"failpoints: {total - len(rest)} of {total} have struck, {self.kills} kills", flush=True)
            if not rest:
                break
        return rest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failpoints", action="store_true", help="every failpoint once, before the storm")
    parser.add_argument("--verbose", action="store_true", help="show what skein answers")
    parser.add_argument("--keep", action="store_true", help="leave the folder when something was wrong")
    options = parser.parse_args()

    network = Network()
    if not network.is_there:
        print("no network namespaces here: connections are not cut")
    failed = passed = skipped = 0
    with Lab(port=17561) as lab:
        if network.is_there:
            lab.address = "10.77.0.1"
            lab.coordinator_in, lab.agents_in = network.inside(0), network.inside(1)
        chaos = Chaos(lab, network, options.seed)
        chaos.is_verbose = options.verbose
        try:
            chaos.build()
            begun = time.monotonic()
            if options.failpoints:
                missed = chaos.every_failpoint()
                passed += len(chaos.fired)
                skipped += len(missed)
                for name in missed:
                    print(f"never passed: {name}")
            rounds = 0
            goal = chaos.kills + options.kills
            while chaos.kills < goal:
                chaos.round(min(15, goal - chaos.kills))
                rounds += 1
                passed += 1
                print(f"round {rounds}: {chaos.kills} kills, {chaos.faults} faults, at version {chaos.version},"
                      f" {time.monotonic() - begun:.0f} s", flush=True)
        except Violation as violation:
            failed = 1
            print(f"VIOLATION (seed {options.seed}, {chaos.kills} kills): {violation}")
            print(f"again: tests/system/chaos.py --kills {options.kills} --seed {options.seed}")
            if options.keep:
                print(f"the folder {lab.dir} is left; end this program when you have looked")
                signal.pause()
            else:
                for log in sorted(lab.dir.glob("*.log")):
                    print(f"---- {log.name}\n" + "".join(log.open(errors="replace").readlines()[-15:]))
        finally:
            chaos.stopping = True
            time.sleep(0.2)
            network.remove()
        print(f"{chaos.kills} kills, {chaos.faults} faults; 0 double effects, 0 lost results" if not failed else "see above")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
