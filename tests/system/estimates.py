#!/usr/bin/env python3
"""estimates: what a plan says of a large table before anything was measured, and after: nearer to the truth,
on the target that it was measured on, on one that is three times as large, after a restart of the coordinator,
and what is taught by a step that the coordinator died over.

    tests/system/estimates.py
"""
import json
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import Lab, until

ROWS = 300000


class Fleet(Lab):
    def __init__(self):
        super().__init__(port=18361)
        self.folder = self.dir / "shop" / "migrations"

    def build(self):
        self.folder.mkdir(parents=True)
        self.migration("001_items", "CREATE TABLE items (id bigint PRIMARY KEY, a bigint, b bigint, c bigint);\n")
        self.postgres()
        self.databases(["small", "large"])
        self.coordinator()
        self.agent("agent", [("small", "shop", "small", {"env": "test"}), ("large", "shop", "large", {"env": "prod"})])
        self.wait_for_targets(2)
        self.apply()
        for database, rows in (("small", ROWS), ("large", 3 * ROWS)):
            self.sql(f"INSERT INTO items SELECT i, i % 7919, i % 104729, i FROM generate_series(1, {rows}) i;"
                     "ANALYZE items", database)

    def migration(self, name, sql):
        (self.folder / f"{name}.up.sql").write_text(sql)

    def apply(self, *more):
        self.skein("apply", "shop", "--migrations", self.folder, "--yes", "--watch", *more)

    def plan(self, *more):
        return json.loads(self.skein("plan", "shop", "--migrations", self.folder, "--json", *more).stdout)

    def took_ms(self, target, version):
        return float(self.sql("SELECT duration_us / 1000.0 FROM skein.journal WHERE state = 'done'"
                              f" AND version = '{version}'", target))


def leg(plan, target):
    return next(row["estimate"] for row in plan["legs"] if row["target"] == target)


def off(estimate, took):
    """How many times too long or too short."""
    return max(estimate["expected_ms"] / took, took / estimate["expected_ms"])


def show(what, estimate, took):
    print(f"{what}: {estimate['basis']}, {estimate['expected_ms']} ms ({estimate['low_ms']} to {estimate['high_ms']}), "
          f"WAL {estimate['wal_bytes'] >> 20} MiB; took {took:.0f} ms: {off(estimate, took):.2f} times off")


def first(fleet):
    fleet.migration("002_a", "CREATE INDEX items_a ON items (a);\n")
    plan = fleet.plan()
    assert plan["estimate"]["basis"] == "guess", plan["estimate"]
    assert leg(plan, "large")["expected_ms"] > 2 * leg(plan, "small")["expected_ms"], plan["legs"]
    assert 3 * ROWS == leg(plan, "large")["rows"], plan["legs"]
    assert plan["migrations"][0]["slowest"] == "large", plan["migrations"]
    text = fleet.skein("plan", "shop", "--migrations", fleet.folder).stdout
    assert "no experience yet" in text and "rewrites nothing" in text, text
    print(text)
    fleet.apply("--select", "env=test")
    show("small, the first index", leg(plan, "small"), fleet.took_ms("small", "002"))
    return off(leg(plan, "small"), fleet.took_ms("small", "002"))


def second(fleet, before):
    fleet.stop("coordinator")
    fleet.start("coordinator")
    fleet.wait_for_targets(2)
    plan = fleet.plan()
    assert leg(plan, "large")["basis"] == "fleet", plan["legs"]
    fleet.apply("--select", "env=prod")
    show("large, by what small took", leg(plan, "large"), fleet.took_ms("large", "002"))
    fleet.migration("003_b", "CREATE INDEX items_b ON items (b);\n")
    plan = fleet.plan()
    assert leg(plan, "small")["basis"] == "own", plan["legs"]
    print(fleet.skein("plan", "shop", "--migrations", fleet.folder).stdout)
    fleet.apply()
    for target in ("small", "large"):
        took = fleet.took_ms(target, "003")
        show(f"{target}, the second index", leg(plan, target), took)
        assert off(leg(plan, target), took) < max(3, before), (leg(plan, target), took)


def rewrite(fleet):
    fleet.migration("004_c", "ALTER TABLE items ALTER c TYPE numeric;\n")
    fleet.migration("005_new", "CREATE TABLE more (id int); CREATE INDEX ON more (id);\n")
    plan = fleet.plan()
    assert [row["version"] for row in plan["migrations"]] == ["004"], plan["migrations"]
    assert plan["migrations"][0]["estimate"]["rewrite_bytes"] > 50 << 20, plan["migrations"]
    assert "; rewrites " in fleet.skein("plan", "shop", "--migrations", fleet.folder).stdout


def taken_over(fleet):
    """No rewrite was done so far: the first one is waiting for a lock when the coordinator is killed."""
    holder = subprocess.Popen(["psql", "-qXAt", "-d", "small"], env=fleet.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True)
    holder.stdin.write("BEGIN; SELECT count(*) FROM items;\n")
    holder.stdin.flush()
    until(lambda: fleet.sql("SELECT count(*) FROM pg_locks WHERE relation = 'items'::regclass", "small").strip() == "1",
          30, "somebody else's lock")
    fleet.skein("apply", "shop", "--migrations", fleet.folder, "--yes", "--select", "env=test")
    until(lambda: "waits, without queueing" in fleet.skein("status").stdout, 60, "a step that waits")
    fleet.stop("coordinator", how=signal.SIGKILL)
    fleet.start("coordinator")
    fleet.wait_for_targets(2)
    holder.communicate("ROLLBACK;\n", timeout=20)
    until(lambda: "done" in fleet.skein("runs").stdout.splitlines()[1], 120, "the end of the run")
    fleet.migration("006_d", "ALTER TABLE items ALTER b TYPE numeric;\n")
    estimate = leg(fleet.plan("--select", "env=test"), "small")
    assert estimate["basis"] == "own", estimate
    print(f"small, another rewrite: {estimate['basis']}, {estimate['expected_ms']} ms; "
          f"the first took {fleet.took_ms('small', '004'):.0f} ms")


def main():
    with Fleet() as fleet:
        fleet.build()
        before = first(fleet)
        second(fleet, before)
        rewrite(fleet)
        taken_over(fleet)
        print("what was measured is what the next plan says")


main()
