#!/usr/bin/env python3
"""backfill: a backfill in a real fleet: refused in the plan where the target's catalog speaks against it;
then told how far it is, paused, resumed, its agent killed, cancelled and tried again: every row is
changed exactly once.

    tests/system/backfill.py [--kills N]
"""
import argparse
import pathlib
import random
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import Lab, until

ROWS = 60000


class Fleet(Lab):
    def __init__(self):
        super().__init__(port=18261)
        self.folder = self.dir / "shop" / "migrations"

    def build(self):
        self.folder.mkdir(parents=True)
        (self.folder / "001_items.up.sql").write_text(
            "CREATE TABLE items (id bigint PRIMARY KEY, price bigint NOT NULL);\n"
            f"INSERT INTO items SELECT i, 1 FROM generate_series(1, {ROWS}) i;\n")
        self.postgres()
        self.databases(["shop"])
        self.coordinator()
        self.agent("agent", [("shop", "shop", "shop", {"env": "test"})])
        self.wait_for_targets(1)
        self.skein("apply", "shop", "--migrations", self.folder, "--yes", "--watch")
        self.sql("ANALYZE items", "shop")

    def changed(self):
        return int(self.sql("SELECT count(*) FROM items WHERE price = 2", "shop"))

    def begin(self):
        (self.folder / "002_double.up.sql").write_text(
            "-- skein: batch max=100 pause=25ms\nUPDATE items SET price = price * 2;\n")
        self.skein("apply", "shop", "--migrations", self.folder, "--yes")
        until(lambda: self.changed() > 0, 30, "the first batch")

    def is_done(self):
        return self.sql("SELECT count(*) FROM skein.migration WHERE version = '002'", "shop").strip() == "1"

    def works(self):
        before = self.changed()
        until(lambda: self.changed() > before, 60, "another batch")


def plan(fleet):
    """What only the target's catalog knows is said by the plan, before anything runs."""
    fleet.sql("CREATE TABLE bare (i int, x int); CREATE VIEW shown AS SELECT * FROM items", "shop")
    bad = fleet.folder / "002_bad.up.sql"
    for statement, code in [("UPDATE bare SET x = 1", "E-BATCH-KEY"),
                            ("UPDATE shown SET price = 1", "E-BATCH-VIEW"),
                            ("UPDATE nosuch SET price = 1", "E-BATCH-TABLE")]:
        bad.write_text(f"-- skein: batch\n{statement};\n")
        answer = fleet.skein("plan", "shop", "--migrations", fleet.folder, check=False)
        said = answer.stdout + answer.stderr
        assert code in said and "002_bad.up.sql:2:1" in said, said
        assert "--skip-refused" in said or answer.returncode != 0, said
    (fleet.folder / "003_worse.up.sql").write_text("-- skein: batch\nUPDATE bare SET x = 1;\n")
    bad.write_text("ALTER TABLE bare ADD PRIMARY KEY (i);\n")
    said = fleet.skein("plan", "shop", "--migrations", fleet.folder).stdout
    assert "(E-BATCH-KEY), unless what comes before" in " ".join(said.split()), said
    bad.unlink()
    (fleet.folder / "003_worse.up.sql").unlink()
    print("refused in the plan: no key, a view, no table; a key that comes before is waited for")


def watch(fleet):
    def note():
        return "rows/s" in fleet.skein("status", check=False).stdout

    until(note, 60, "a note of how far it is")
    print(next(line for line in fleet.skein("status").stdout.splitlines() if "rows/s" in line).strip())


def pause(fleet):
    fleet.skein("pause", "2")
    seen = []

    def rests():
        """A batch comes every 30 ms, and each look takes longer: so many without one are no accident."""
        seen.append(fleet.changed())
        return len(seen) > 40 and len(set(seen[-40:])) == 1

    until(rests, 60, "rest while the run is paused")
    assert 0 < seen[-1] < ROWS, seen[-1]
    print(f"paused at {seen[-1]} rows")
    fleet.skein("resume", "2")
    fleet.works()


def kill(fleet, turns):
    dice = random.Random(5)
    for _ in range(turns):
        goal = fleet.changed() + dice.randrange(1, 1500)
        until(lambda: fleet.changed() >= goal, 120, "some batches")
        fleet.stop("agent", signal.SIGKILL)
        fleet.start("agent")
    fleet.works()


def cancel(fleet):
    fleet.skein("cancel", "2")
    until(lambda: "cancelled" in fleet.skein("runs").stdout, 60, "the end of the run")
    assert not fleet.is_done() and 0 < fleet.changed() < ROWS, fleet.changed()
    print(f"cancelled at {fleet.changed()} rows")
    fleet.skein("retry", "2")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=4)
    arguments = parser.parse_args()
    with Fleet() as fleet:
        fleet.build()
        plan(fleet)
        fleet.begin()
        watch(fleet)
        pause(fleet)
        kill(fleet, arguments.kills)
        cancel(fleet)
        until(fleet.is_done, 300, "the end of the backfill")
        assert fleet.changed() == ROWS, fleet.changed()
        print(f"{ROWS} rows, each changed once")


main()
