#!/usr/bin/env python3
"""The patterns, proved: each makes its migrations, which are applied one after the other to a table with rows
in it while old code, and then new code, write all the time; and taken back the same way.

Every writing transaction also notes in a ledger what it has written. After each migration, in both directions,
the table must say what the ledger says, in its old form and in its new one; at the end the schema must be what
it was at the beginning. No writer may meet an error.

    tests/system/patterns/run.py [CASE…]
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cases import CASES  # noqa: E402
from lab import BIN, PG_BIN, Lab, until  # noqa: E402

# Everything of the schema but the order of columns.
SCHEMA = """
SELECT 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
       pg_get_expr(adbin, adrelid), attidentity
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v') AND relnamespace IN (SELECT * FROM ours)
UNION ALL SELECT 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, '', ''
  FROM pg_constraint WHERE connamespace IN (SELECT * FROM ours)
UNION ALL SELECT 'index', indrelid::regclass, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid, '', ''
  FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace IN (SELECT * FROM ours)
UNION ALL SELECT 'trigger', tgrelid::regclass, tgname, pg_get_triggerdef(oid), true, '', ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', 0, oid::regprocedure::text, prosrc, true, '', ''
  FROM pg_proc WHERE pronamespace IN (SELECT * FROM ours)
UNION ALL SELECT 'enum', 0, enumtypid::regtype::text, string_agg(enumlabel, ',' ORDER BY enumsortorder), true, '', ''
  FROM pg_enum GROUP BY enumtypid
UNION ALL SELECT 'relation', oid::regclass, relkind::text, relispartition::text, true, pg_get_expr(relpartbound, oid), ''
  FROM pg_class WHERE relnamespace IN (SELECT * FROM ours)
"""
OURS = ("WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname <> 'skein' AND nspname <> 'information_schema' "
        "AND nspname NOT LIKE 'pg_%') ")


class Failure(Exception):
    pass


class Writers:
    """pgbench, writing as old or new code does, at a steady rate, until it is told to stop."""

    def __init__(self, lab, database):
        self.lab, self.database, self.running = lab, database, {}

    def start(self, kind, script):
        if not script or kind in self.running:
            return
        path = self.lab.dir / f"{self.database}-{kind}.sql"
        path.write_text(script)
        log = self.lab.dir / f"{self.database}-{kind}.log"
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [PG_BIN / "pgbench", "-n", "-c", "2", "-R", "150", "-T", "900", "--max-tries=0", "-f", path, self.database],
                stdout=out, stderr=out, env=self.lab.environment)
        self.running[kind] = (process, log)

    def check(self):
        for kind, (process, log) in self.running.items():
            text = log.read_text()
            if process.poll() is not None or "aborted" in text or "ERROR" in text:
                raise Failure(f"the {kind} code met an error:\n{text[-1500:]}")

    def have_ended(self):
        return any(process.poll() is not None for process, _ in self.running.values())

    def stop(self, kind):
        if kind in self.running:
            self.check()
            process, _ = self.running.pop(kind)
            process.terminate()
            process.wait(20)

    def stop_all(self):
        for kind in list(self.running):
            process, _ = self.running.pop(kind)
            process.terminate()
            process.wait(20)


class Trial:
    def __init__(self, lab, case):
        self.lab, self.case = lab, case
        self.database = "p_" + case.name.replace("-", "_")
        self.folder = lab.dir / self.database
        self.conninfo = f"host={lab.dir}/pg user=postgres dbname={self.database}"
        self.writers = Writers(lab, self.database)
        self.applied = 0
        self.is_going_back = False

    # ---- the migrations ----

    def write(self):
        self.folder.mkdir()
        (self.folder / "0001_base.up.sql").write_text(self.case.setup)
        (self.folder / "0001_base.down.sql").write_text("-- skein: noop\n")
        (self.folder / "0002_later.up.sql").write_text("CREATE TABLE later (id bigint PRIMARY KEY);\n")
        (self.folder / "0002_later.down.sql").write_text("DROP TABLE later;\n")
        words = [word for name, value in self.case.settings.items() for word in ("--set", f"{name}={value}")]
        self.lab.skein("new", "change", "--migrations", self.folder, "--pattern", self.case.pattern, *words)
        names = sorted(path.name for path in self.folder.glob("*_change_*.up.sql"))
        self.versions = [name.split("_")[0] for name in names]
        self.names = [name.split("_change_")[1].split(".")[0] for name in names]
        self.contract = next((i for i, name in enumerate(names)
                              if "stage=contract" in (self.folder / name).read_text()), len(names))

    def place(self, name):
        """How many migrations are applied when this one is."""
        return self.names.index(name) + 1 if name in self.names else len(self.names) + 1

    def lint(self):
        """Nothing is found in what the pattern has made, for a table that was there long before."""
        result = self.lab.skein("lint", self.folder, "--json", check=False)
        found = [finding for finding in json.loads(result.stdout)["findings"]
                 if "_change_" in finding["path"] and finding["rule"] not in self.case.meant]
        if found:
            raise Failure("lint has findings: " + json.dumps(found, indent=1)[:6000])

    # ---- what must be true ----

    def schema(self):
        return sorted(self.lab.sql(OURS + SCHEMA, self.database).splitlines())

    def ask(self, what, query):
        answer = self.lab.sql(query, self.database).strip()
        if answer != "0":
            raise Failure(f"{what} is not what the ledger says, in {answer} rows, with {self.applied} applied "
                          f"({', '.join(self.names[:self.applied])})")

    def check(self):
        self.writers.check()
        if self.case.old_is and self.applied < self.place(self.case.old_until):
            self.ask("the old form", self.case.old_is)
        if self.case.new_is and self.applied >= self.place(self.case.new_from):
            self.ask("the new form", self.case.new_is)

    # ---- the way up and the way back ----

    def set_writers(self, applied):
        """Who may write while so many migrations are applied, and the next one is on its way."""
        if not self.case.new or self.case.turns:
            kind = "new" if self.case.turns and not self.is_going_back else "old"
            self.writers.stop("old" if kind == "new" else "new")
            self.writers.start(kind, self.case.new if kind == "new" else self.case.old)
            return
        if applied < self.contract:
            self.writers.start("old", self.case.old)
        else:
            self.writers.stop("old")
        if applied >= self.place(self.case.new_from):
            self.writers.start("new", self.case.new)
        else:
            self.writers.stop("new")

    def let_write(self):
        """Until there was a good deal of writing."""
        before = self.writes()
        until(lambda: self.writes() >= before + 40 or self.writers.have_ended(), 60, "writing")
        self.writers.check()

    def writes(self):
        return int(self.lab.sql("SELECT last_value FROM writes", self.database))

    def go(self, verb, version, **more):
        return self.lab.skein(verb, "--database", self.conninfo, "--migrations", self.folder, "--to", version, **more)

    def before_step(self, i):
        self.set_writers(i + 1 if i >= self.contract else i)
        self.let_write()

    def up(self):
        for i, version in enumerate(self.versions):
            self.before_step(i)
            if self.names[i] == self.case.refuses:
                return self.expect_window(version)
            self.go("up", version)
            self.applied = i + 1
            self.check()
        return None

    def down(self):
        self.is_going_back = True
        for i in reversed(range(self.applied)):
            self.before_step(i)
            self.go("down", self.versions[i - 1] if i else "0002")
            self.applied = i
            self.check()
        self.set_writers(0)
        self.let_write()
        self.check()

    def expect_window(self, version):
        result = self.go("up", version, check=False)
        if result.returncode != 7 or "the window is open until" not in result.stdout + result.stderr:
            raise Failure(f"the window does not hold:\n{result.stdout}{result.stderr}")

    def end_window(self):
        """Up again, and the last one when the window is over; it has no way back, and says so."""
        self.go("up", self.versions[-2])
        self.lab.sql(f"UPDATE {self.case.since} SET since = since - interval '8 days'", self.database)
        self.go("up", self.versions[-1])
        result = self.go("down", "0002", check=False)
        if result.returncode == 0 or "E-MIG-NO-DOWN" not in result.stdout + result.stderr:
            raise Failure(f"there is a way back from what has none:\n{result.stdout}{result.stderr}")

    def run(self):
        self.lab.databases([self.database])
        self.write()
        self.lint()
        self.go("up", "0002")
        before = self.schema()
        try:
            self.up()
            self.down()
            after = self.schema()
            if self.case.refuses:
                self.writers.stop("old")
                self.end_window()
        finally:
            self.writers.stop_all()
        if before != after:
            raise Failure("the schema is not what it was:\n" + "\n".join(
                [f"- {line}" for line in before if line not in after] + [f"+ {line}" for line in after if line not in before]))


def attempt(lab, case):
    """What has gone wrong; null when nothing has."""
    trial = Trial(lab, case)
    try:
        trial.run()
    except (Failure, SystemExit, subprocess.CalledProcessError) as failure:
        trial.writers.stop_all()
        return f"{failure}\n{getattr(failure, 'stderr', '') or ''}"
    return None


def main():
    wanted = sys.argv[1:]
    cases = [case for case in CASES if not wanted or case.name in wanted]
    if len(cases) < len(wanted):
        raise SystemExit("cases: " + " ".join(case.name for case in CASES))
    failed = 0
    with Lab() as lab, concurrent.futures.ThreadPoolExecutor(4) as pool:
        lab.postgres()
        for case, wrong in zip(cases, pool.map(lambda case: attempt(lab, case), cases)):
            failed += wrong is not None
            print(f"FAILED  {case.name}: {wrong}" if wrong else f"ok      {case.name}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
