#!/usr/bin/env python3
"""preflight: a plan says what the preflight of its steps would find now, and what would be done about it: which
targets would be refused, which would wait, which are warned of. What is over is not said any more.

    tests/system/preflight.py
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import Lab, until

TARGETS = ["well", "half", "held", "left"]


class Fleet(Lab):
    def __init__(self):
        super().__init__(port=18561)
        self.folder = self.dir / "shop" / "migrations"

    def build(self):
        self.folder.mkdir(parents=True)
        self.migration("001_users", "CREATE TABLE users (id int PRIMARY KEY, name text);\n")
        self.postgres("max_prepared_transactions=4")
        self.databases(TARGETS)
        self.coordinator()
        self.agent("agent", [(name, "shop", name, {"env": "test"}) for name in TARGETS],
                   more=["preflight: { old_limit: 1s }"])
        self.wait_for_targets(len(TARGETS))
        self.apply()
        self.migration("002_email", "CREATE TABLE mails (id int);\nALTER TABLE users ADD COLUMN email text;\n")

    def migration(self, name, sql):
        (self.folder / f"{name}.up.sql").write_text(sql)

    def apply(self, *more, check=True):
        return self.skein("apply", "shop", "--migrations", self.folder, "--yes", "--watch", *more, check=check)

    def plan(self, *more):
        return self.skein("plan", "shop", "--migrations", self.folder, *more, check=False)

    def legs(self):
        return {leg["target"]: leg for leg in json.loads(self.plan("--json").stdout)["legs"]}

    def trouble(self):
        self.sql("CREATE INDEX users_name ON users (name);"
                 "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_name'::regclass", "half")
        self.sql("BEGIN; INSERT INTO users VALUES (1); PREPARE TRANSACTION 'forgotten'", "left")
        holder = subprocess.Popen(["psql", "-qXAt", "-d", "held"], env=dict(self.environment, PGAPPNAME="reports"),
                                  stdin=subprocess.PIPE, text=True)
        holder.stdin.write("BEGIN; SELECT * FROM users;\n")
        holder.stdin.flush()
        until(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reports'"
                               " AND now() - xact_start > '1 s'").strip() == "1", 30, "an old transaction")
        return holder


def all_well(fleet):
    result = fleet.plan()
    assert result.returncode == 0, result
    assert "preflight" not in result.stdout, result.stdout
    assert all(leg["preflight"] == [] for leg in fleet.legs().values()), fleet.legs()


def in_trouble(fleet):
    legs = fleet.legs()
    assert legs["well"]["preflight"] == [] and legs["well"]["error"] is None, legs["well"]
    found = {name: [(row["check"], row["policy"], row["migration"]) for row in legs[name]["preflight"]] for name in TARGETS}
    assert found["half"] == [("invalid_indexes", "warn", "002")], found
    assert found["held"] == [("old_transactions", "hold", "002")], found
    assert found["left"] == [("prepared", "refuse", "002")], found
    assert legs["left"]["error"]["code"] == "E-DB-PREFLIGHT", legs["left"]
    result = fleet.plan()
    assert result.returncode == 7, result
    print(result.stdout)
    assert "holds    held, migration 002: a transaction of " in result.stdout, result.stdout
    assert "warns    half, migration 002: INVALID indexes: users_name" in result.stdout, result.stdout
    assert "a prepared transaction holds users" in result.stdout, result.stdout
    refused = fleet.apply(check=False)
    assert refused.returncode == 7 and "E-DB-PREFLIGHT" in refused.stdout + refused.stderr, refused


def over(fleet, holder):
    fleet.sql("ROLLBACK PREPARED 'forgotten'", "left")
    holder.communicate("ROLLBACK;\n", timeout=20)
    fleet.sql("REINDEX INDEX users_name", "half")
    all_well(fleet)
    fleet.apply()
    assert all(leg["steps"] == 0 for leg in fleet.legs().values()), fleet.legs()


def main():
    with Fleet() as fleet:
        fleet.build()
        all_well(fleet)
        holder = fleet.trouble()
        in_trouble(fleet)
        over(fleet, holder)
        print("who reads a plan knows which targets would wait or be refused")


main()
