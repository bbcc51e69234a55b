#!/usr/bin/env python3
"""adopt: databases that other tools have really migrated go on with Skein, and back to their tools.

    tests/system/adopt.py [TOOL…]

For each tool that can be had here: it applies half of its migrations; Skein refuses to work unadopted,
adopts, applies the rest; the tool has nothing left to do; Skein takes one back, and the tool sees it
pending and applies it again. What cannot be had (no npm, no network) is skipped and counted.
"""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import BIN, PG_BIN, Lab, as_owner, until

KEPT = BIN.parent / "tools"  # what was fetched once
COUNT = 6


class Skip(Exception):
    pass


def must(condition, what):
    if not condition:
        raise AssertionError(what)


class Server(Lab):
    """A PostgreSQL that can be reached by TCP too: not every tool knows sockets."""

    def postgres(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.pg_port = probe.getsockname()[1]
        home = self.dir / "pg"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, "nobody")
        subprocess.run(as_owner([str(PG_BIN / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust",
                                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]), check=True, capture_output=True)
        self.environment.update(PGPORT=str(self.pg_port))
        self.start("postgres", as_owner([str(PG_BIN / "postgres"), "-D", str(home / "data"), "-k", str(home),
                                         "-c", "listen_addresses=127.0.0.1", "-p", str(self.pg_port),
                                         "-c", "fsync=off"]))
        until(lambda: self.run(PG_BIN / "pg_isready", "-q", check=False).returncode == 0, 30, "PostgreSQL's start")

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.pg_port}/{database}?sslmode=disable"


def fetch(name, is_there, *commands):
    """Make what a tool needs in a folder of its own, once."""
    folder = KEPT / name
    if not is_there(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for command in commands:
            if not shutil.which(command[0]):
                raise Skip(f"no {command[0]}")
            with open(folder / "fetch.log", "ab") as log:
                if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  timeout=600).returncode != 0:
                    raise Skip(f"{' '.join(command[:3])} … failed")
    if not is_there(folder):
        raise Skip("it could not be fetched")
    return folder


def npm(name, *packages):
    return fetch(name, lambda folder: (folder / "node_modules" / packages[0]).is_dir(),
                 ["npm", "init", "-y"], ["npm", "install", "--no-audit", "--no-fund", "--silent", *packages])


class Tool:
    """A tool at work in a folder of its own on a database of its own; migration i makes table t<i>."""

    layout = "auto"
    goes_back = True

    def __init__(self, lab):
        self.lab = lab
        self.database = f"by-{self.name}"
        self.home = lab.dir / self.name
        self.folder = self.home / "migrations"
        self.folder.mkdir(parents=True)
        self.written = []

    def up(self, i):
        return f"CREATE TABLE t{i} (id integer);\n"

    def down(self, i):
        return f"DROP TABLE t{i};\n"

    def call(self, *command, check=True, **more):
        environment = dict(self.lab.environment, DATABASE_URL=self.lab.url(self.database),
                           PGDATABASE=self.database, PGHOST="127.0.0.1")
        result = subprocess.run([str(word) for word in command], env=environment, cwd=self.home,
                                capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, **more)
        must(not check or result.returncode == 0, f"{command[0]} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def write(self, first, last):
        for i in range(first, last + 1):
            self.write_one(i)
            self.written.append(i)

    def tables(self):
        return [int(name[1:]) for name in self.lab.sql(
            "SELECT relname FROM pg_class WHERE relname ~ '^t[0-9]$' ORDER BY 1", self.database).split()]


class Dbmate(Tool):
    name = "dbmate"

    def prepare(self):
        self.program = npm("dbmate", "dbmate") / "node_modules" / ".bin" / "dbmate"

    def write_one(self, i):
        (self.folder / f"2024010100000{i}_t{i}.sql").write_text(
            f"-- migrate:up\n{self.up(i)}\n-- migrate:down\n{self.down(i)}")

    def dbmate(self, *words):
        return self.call(self.program, "--no-dump-schema", "-d", self.folder, *words)

    def apply(self):
        self.dbmate("up")

    def pending(self):
        return int(self.dbmate("status").split("Pending:")[1].split()[0])


class NodePgMigrate(Tool):
    name = layout = "node-pg-migrate"

    def prepare(self):
        self.program = npm("node-pg-migrate", "node-pg-migrate", "pg") / "node_modules" / ".bin" / "node-pg-migrate"

    def write_one(self, i):
        (self.folder / f"170000000000{i}_t{i}.sql").write_text(
            f"-- Up Migration\n{self.up(i)}\n-- Down Migration\n{self.down(i)}")

    def apply(self):
        return self.call(self.program, "up", "-m", self.folder)

    def pending(self):
        said = self.call(self.program, "up", "-m", self.folder, "--dry-run")
        return 0 if "No migrations to run" in said else said.split("Migrating files:")[1].count("\n> - ")


class GraphileMigrate(Tool):
    name = layout = "graphile-migrate"
    goes_back = False
    previous = None

    def prepare(self):
        self.program = npm("graphile-migrate", "graphile-migrate") / "node_modules" / ".bin" / "graphile-migrate"
        (self.home / ".gmrc").write_text(json.dumps({"connectionString": self.lab.url(self.database), "shadowConnectionString": self.lab.url("shadow")}))
        (self.folder / "committed").mkdir()
        (self.folder / "current.sql").write_text("-- nothing yet\n")

    def write_one(self, i):
        text = ((self.previous or "") + "\n" + self.up(i).strip()).strip() + "\n"
        hash = "sha1:" + hashlib.sha1(text.encode()).hexdigest()
        (self.folder / "committed" / f"00000{i}.sql").write_text(
            f"--! Previous: {self.previous or '-'}\n--! Hash: {hash}\n\n{self.up(i)}")
        self.previous = hash

    def apply(self):
        self.call(self.program, "migrate")

    def pending(self):
        said = self.call(self.program, "status", check=False)
        return said.count("0000")


class Drizzle(Tool):
    name = layout = "drizzle"
    goes_back = False

    def prepare(self):
        self.modules = npm("drizzle", "drizzle-orm", "pg") / "node_modules"
        (self.home / "node_modules").symlink_to(self.modules)
        (self.home / "migrate.cjs").write_text(
            "const { Pool } = require('pg');\n"
            "const { drizzle } = require('drizzle-orm/node-postgres');\n"
            "const { migrate } = require('drizzle-orm/node-postgres/migrator');\n"
            "const pool = new Pool({ connectionString: process.env.DATABASE_URL });\n"
            "migrate(drizzle(pool), { migrationsFolder: './migrations' }).then(() => pool.end(), (error) => {\n"
            "  console.error(error); process.exit(1); });\n")
        (self.folder / "meta").mkdir()

    def write_one(self, i):
        (self.folder / f"000{i}_t{i}.sql").write_text(f"CREATE TABLE t{i} (id integer);--> statement-breakpoint\n"
                                                      f"CREATE INDEX ON t{i} (id);")
        journal = self.folder / "meta" / "_journal.json"
        entries = json.loads(journal.read_text())["entries"] if journal.exists() else []
        entries.append({"idx": len(entries), "version": "7", "when": 1700000000000 + i, "tag": f"000{i}_t{i}",
                        "breakpoints": True})
        journal.write_text(json.dumps({"version": "7", "dialect": "postgresql", "entries": entries}))

    def apply(self):
        self.call("node", "migrate.cjs")

    def pending(self):
        newest = int(self.lab.sql("SELECT max(created_at) FROM drizzle.__drizzle_migrations", self.database))
        journal = json.loads((self.folder / "meta" / "_journal.json").read_text())
        return sum(entry["when"] > newest for entry in journal["entries"])


class Supabase(Tool):
    name = layout = "supabase"
    goes_back = False

    def prepare(self):
        self.program = npm("supabase", "supabase") / "node_modules" / ".bin" / "supabase"
        self.folder = self.home / "supabase" / "migrations"
        self.folder.mkdir(parents=True)
        (self.home / "supabase" / "config.toml").write_text('project_id = "shop"\n')

    def write_one(self, i):
        (self.folder / f"2024010100000{i}_t{i}.sql").write_text(self.up(i))

    def supabase(self, *words, **more):
        return self.call(self.program, "migration", *words, "--db-url", self.lab.url(self.database), **more)

    def apply(self):
        self.supabase("up", "--include-all", "--yes")

    def pending(self):
        listed = self.supabase("list")
        return sum(listed.count(f"2024010100000{i}") == 1 for i in self.written)


class Sqitch(Tool):
    name = layout = "sqitch"

    def prepare(self):
        if not shutil.which("sqitch"):
            raise Skip("no sqitch")
        (self.home / "sqitch.conf").write_text(
            "[core]\n\tengine = pg\n[user]\n\tname = Test\n\temail = test@example.com\n")
        (self.home / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=shop\n%uri=https://example.com/shop/\n\n")
        for name in ("deploy", "revert", "verify"):
            (self.home / name).mkdir()
        self.folder = self.home

    def write_one(self, i):
        needs = f" [t{i - 1}]" if i % 2 == 0 else ""
        line = f"t{i}{needs} 2024-01-0{i}T10:00:00Z Marge N. O’Vera <marge@example.com> # Makes t{i}.\n"
        if i in (2, 5):
            line += f"@v{i} 2024-01-0{i}T11:00:00Z Marge N. O’Vera <marge@example.com> # Version {i}.\n"
        with open(self.home / "sqitch.plan", "a") as plan:
            plan.write(line)
        (self.home / "deploy" / f"t{i}.sql").write_text(f"BEGIN;\n{self.up(i)}COMMIT;\n")
        (self.home / "revert" / f"t{i}.sql").write_text(f"BEGIN;\n{self.down(i)}COMMIT;\n")
        (self.home / "verify" / f"t{i}.sql").write_text(f"BEGIN;\nSELECT id FROM t{i} WHERE false;\nROLLBACK;\n")

    def sqitch(self, *words, **more):
        return self.call("sqitch", *words, f"db:pg://postgres@127.0.0.1:{self.lab.pg_port}/{self.database}", **more)

    def apply(self):
        self.sqitch("deploy", "--verify")

    def pending(self):
        said = self.sqitch("status", check=False)
        return 0 if "Nothing to deploy" in said else said.split("Undeployed change")[1].count("\n  * ")


class SqlMigrate(Tool):
    name = layout = "sql-migrate"

    def prepare(self):
        if not shutil.which("sql-migrate"):
            raise Skip("no sql-migrate")
        (self.home / "dbconfig.yml").write_text(
            f"development:\n  dialect: postgres\n  dir: migrations\n  datasource: {self.lab.url(self.database)}\n")

    def write_one(self, i):
        (self.folder / f"{i}-t{i}.sql").write_text(f"-- +migrate Up\n{self.up(i)}\n-- +migrate Down\n{self.down(i)}")

    def apply(self):
        self.call("sql-migrate", "up")

    def pending(self):
        return sum(line.rstrip(" |").endswith("no") for line in self.call("sql-migrate", "status").splitlines())


TOOLS = [SqlMigrate, Dbmate, NodePgMigrate, GraphileMigrate, Drizzle, Supabase, Sqitch]


def story(tool):
    """What is promised to who comes from another tool."""
    lab = tool.lab
    half = COUNT // 2

    tool.prepare()
    where = ("--migrations", tool.folder, "--database",
             f"host={lab.dir}/pg port={lab.pg_port} user=postgres dbname={tool.database}")
    lab.databases([tool.database])
    tool.write(1, half)
    tool.apply()
    must(tool.tables() == list(range(1, half + 1)), f"the tool itself has made {tool.tables()}")
    tool.write(half + 1, COUNT)
    must(tool.pending() == COUNT - half, f"the tool sees {tool.pending()} pending before")

    unadopted = lab.skein("up", *where, check=False)
    must(unadopted.returncode == 5 and "E-ADOPT-NEEDED" in unadopted.stderr, f"up without adopting: {unadopted.stderr}")
    must(tool.tables() == list(range(1, half + 1)), "up without adopting has changed something")
    adopted = json.loads(lab.skein("adopt", *where, "--json").stdout)
    must(len(adopted["adopted"]) == half and adopted["pending"] == COUNT - half, f"adopted: {adopted}")
    again = json.loads(lab.skein("adopt", *where, "--json").stdout)
    must(not again["adopted"] and again["agreed"] == half, f"adopted again: {again}")

    lab.skein("up", *where)
    must(tool.tables() == list(range(1, COUNT + 1)), f"after up: {tool.tables()}")
    must(tool.pending() == 0, f"the tool sees {tool.pending()} pending after Skein's up")
    tool.apply()
    must(tool.tables() == list(range(1, COUNT + 1)), f"the tool had something to do: {tool.tables()}")
    if tool.goes_back:
        lab.skein("down", *where)
        must(tool.tables() == list(range(1, COUNT)), f"after down: {tool.tables()}")
        must(tool.pending() == 1, f"the tool sees {tool.pending()} pending after Skein's down")
        tool.apply()
        must(tool.tables() == list(range(1, COUNT + 1)), f"the tool's own up after it: {tool.tables()}")
        changed = lab.skein("up", *where, check=False)
        must(changed.returncode == 5, f"the tool was used, and up said: {changed.stdout}{changed.stderr}")
        follows = json.loads(lab.skein("adopt", *where, "--json").stdout)
        must(len(follows["adopted"]) == 1, f"adopting what the tool did meanwhile: {follows}")


def fleet(lab):
    """Three databases that golang-migrate has migrated, behind an agent; in one of them its state is dirty."""
    names = ["shop-0", "shop-1", "shop-2"]
    folder = lab.dir / "shop" / "migrations"
    folder.mkdir(parents=True)
    (lab.dir / "shop" / "skein.yaml").write_text("services: { shop: { migrations: migrations } }\n")
    for i in range(1, COUNT + 1):
        (folder / f"000{i}_t{i}.up.sql").write_text(f"CREATE TABLE t{i} (id integer);\n")
        (folder / f"000{i}_t{i}.down.sql").write_text(f"DROP TABLE t{i};\n")

    def marks():
        return [lab.sql("SELECT version, dirty FROM schema_migrations", name).strip() for name in names]

    def skein(*words, **more):
        return lab.skein(*words, cwd=lab.dir / "shop", **more)

    lab.databases(names)
    for name, mark in zip(names, ["3, false", "2, false", "3, true"]):
        lab.sql("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);"
                f"INSERT INTO schema_migrations VALUES ({mark});"
                "CREATE TABLE t1 (id integer); CREATE TABLE t2 (id integer);"
                + ("CREATE TABLE t3 (id integer);" if mark[0] == "3" else ""), name)
    lab.coordinator()
    lab.agent("near", [(name, "shop", name, {"env": "test"}) for name in names])
    lab.wait_for_targets(len(names))

    plan = skein("plan", "shop", check=False)
    must(plan.returncode == 5 and "E-ADOPT-NEEDED" in plan.stdout + plan.stderr, f"plan without adopting: {plan.stdout}{plan.stderr}")
    dry = skein("adopt", "shop", "--dry-run", check=False)
    must(dry.returncode == 5 and "E-ADOPT-FAILED" in dry.stdout, f"dry run: {dry.stdout}{dry.stderr}")
    must(skein("plan", "shop", check=False).returncode == 5, "a dry run has adopted")
    adopted = json.loads(skein("adopt", "shop", "--json", check=False).stdout)
    rows = {row["target"]: row for row in adopted["rows"]}
    must([rows[name]["adopted"] for name in names] == [3, 2, 0] and adopted["refused"] == 1, f"adopted: {adopted}")
    lab.sql("UPDATE schema_migrations SET dirty = false", "shop-2")
    again = json.loads(skein("adopt", "shop", "--json").stdout)
    must([row["adopted"] for row in again["rows"]] == [0, 0, 3] and again["refused"] == 0, f"adopted again: {again}")

    skein("apply", "shop", "--yes", "--watch")
    must(marks() == ["6|f"] * 3, f"after apply: {marks()}")
    skein("rollback", "shop", "--to", "0005", "--yes", "--watch")
    must(marks() == ["5|f"] * 3, f"after rollback: {marks()}")
    lab.sql("UPDATE schema_migrations SET version = 6; CREATE TABLE t6 (id integer)", "shop-1")
    used = skein("apply", "shop", "--yes", "--watch", check=False)
    must(used.returncode != 0 and "E-ADOPT-" in used.stdout + used.stderr, f"the tool was used: {used.stdout}{used.stderr}")
    must(lab.sql("SELECT count(*) FROM pg_class WHERE relname = 't6'", "shop-1").strip() == "1", "t6")


def main():
    wanted = sys.argv[1:]
    passed = failed = skipped = 0

    with Server(port=18461) as lab:
        lab.postgres()
        for kind in TOOLS:
            if wanted and kind.name not in wanted:
                continue
            try:
                story(kind(lab))
                passed += 1
                print(f"ok       {kind.name}", flush=True)
            except Skip as reason:
                skipped += 1
                print(f"skipped  {kind.name}: {reason}", flush=True)
            except (AssertionError, SystemExit, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAILED   {kind.name}: {problem}", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED   {kind.name}:", flush=True)
                traceback.print_exc(file=sys.stdout)
        if not wanted or "fleet" in wanted:
            try:
                fleet(lab)
                passed += 1
                print("ok       fleet", flush=True)
            except (AssertionError, SystemExit, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAILED   fleet: {problem}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
