#!/usr/bin/env python3
"""window: a run outside of its window waits and says until when; what runs when it closes is stopped and rolled
back, and is not begun again. A target has a window of its own, in its own time zone.

    tests/system/window.py
"""
import pathlib
import sys
import time
import zoneinfo
from datetime import datetime, timedelta

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import Lab, until


ZONE = "Asia/Kathmandu"  # 5:45 ahead


def clock(minutes, zone="UTC"):
    return (datetime.now(zoneinfo.ZoneInfo(zone)) + timedelta(minutes=minutes)).strftime("%H:%M")


class Fleet(Lab):
    def __init__(self):
        super().__init__(port=18461)
        self.folder = self.dir / "shop" / "migrations"

    def build(self):
        self.folder.mkdir(parents=True)
        self.postgres()
        self.databases(["shop"])
        self.coordinator()
        self.agent("agent", [("shop", "shop", "shop", {"env": "test"})])
        self.wait_for_targets(1)

    def apply(self, window=None):
        words = ["--window", window] if window else []
        self.skein("apply", "shop", "--migrations", self.folder, "--yes", *words)

    def tables(self):
        return self.sql("SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relname LIKE 't_%'"
                        " AND relkind = 'r'", "shop").strip()

    def sleepers(self):
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%'"
                            " AND state = 'active' AND pid <> pg_backend_pid()"))


def waits(fleet):
    (fleet.folder / "001_a.up.sql").write_text("CREATE TABLE t_a (id int);\n")
    window = f"{clock(120)}-{clock(180)}"
    plan = fleet.skein("plan", "shop", "--migrations", fleet.folder, "--window", window).stdout
    assert f"only within {window} UTC" in plan, plan
    fleet.apply(window)
    until(lambda: "waits for its window" in fleet.skein("status").stdout, 20, "a word of the window")
    print(next(line for line in fleet.skein("status").stdout.splitlines() if "window" in line).strip())
    assert fleet.tables() == "", fleet.tables()
    fleet.skein("cancel", "last")
    until(lambda: "cancelled" in fleet.skein("runs").stdout, 20, "the end of the run")


def is_stopped(fleet):
    (fleet.folder / "002_b.up.sql").write_text("CREATE TABLE t_b (id int);\nSELECT pg_sleep(600);\n")
    fleet.apply(f"{clock(-1)}-{clock(1 if time.time() % 60 < 40 else 2)}")
    until(lambda: fleet.sleepers() == 1, 30, "the step's begin")
    assert fleet.tables() == "t_a", fleet.tables()
    until(lambda: "waits for its window" in fleet.skein("status").stdout, 120, "the end of the window")
    until(lambda: fleet.sleepers() == 0, 10, "the statement's end")
    assert fleet.tables() == "t_a", fleet.tables()
    assert "running" in fleet.skein("runs").stdout.splitlines()[1]
    fleet.skein("cancel", "last")
    until(lambda: fleet.skein("runs").stdout.count("cancelled") == 2, 20, "the end of the run")


def refuses(fleet):
    for window in ("22:00", "25:00-26:00", "02:00-05:00 Europe/Bern"):
        result = fleet.skein("plan", "shop", "--migrations", fleet.folder, "--window", window, check=False)
        assert result.returncode == 3 and "E-PLAN-RANGE" in result.stderr, (window, result.stderr)


def has_its_own(fleet):
    """By what its agent's configuration says, for a run without a window, in the zone's time."""
    (fleet.folder / "002_b.up.sql").write_text("CREATE TABLE t_b (id int);\n")
    fleet.stop("agent")
    window = f"{clock(120, ZONE)}-{clock(180, ZONE)} {ZONE}"
    fleet.agent("agent", [("shop", "shop", "shop", {"env": "test"})], more=[f'window: "{window}"'])
    fleet.wait_for_targets(1)
    fleet.apply()
    until(lambda: f"waits for its window ({window})" in fleet.skein("status").stdout, 20, "a word of its window")
    print(next(line for line in fleet.skein("status").stdout.splitlines() if "window" in line).strip())
    assert fleet.tables() == "t_a", fleet.tables()
    fleet.stop("agent")
    window = f"{clock(-60, ZONE)}-{clock(60, ZONE)} {ZONE}"
    fleet.agent("agent", [("shop", "shop", "shop", {"env": "test"})], more=[f'window: "{window}"'])
    until(lambda: fleet.tables() == "t_a t_b", 30, "the step in an open window")
    until(lambda: "done" in fleet.skein("runs").stdout, 20, "the end of the run")


def main():
    with Fleet() as fleet:
        fleet.build()
        waits(fleet)
        is_stopped(fleet)
        refuses(fleet)
        has_its_own(fleet)
        print("nothing was begun outside of its window, and nothing was left of what it cut off")


main()
