#!/usr/bin/env python3
"""bad_input: what a real fleet says to everything that is wrong, and that it changes nothing by it.

    tests/system/bad_input.py [--show] [--only PART]

Every scene gives one thing wrongly to the real programs and looks at the exit status, the code, the
place and what is allowed; then at every database and at the list of runs, which must be as before.
With --show everything that was said is printed, to be read as a user would read it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import BIN, PG_BIN, Lab, as_owner, until

DATABASES = ["shop-0", "shop-1", "shop-2"]
SECRET = "hunter2"
STATE = """
SELECT relname, relkind FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE nspname IN ('public', 'skein') ORDER BY 1;
SELECT * FROM skein.migration ORDER BY 1; SELECT * FROM skein.journal ORDER BY 1;
"""

scenes = []


class Wrong(Exception):
    pass


def scene(function):
    scenes.append(function)
    return function


class Fleet(Lab):
    """Three databases of one service, two agents; and what people say to them."""

    def __init__(self, shows):
        super().__init__(port=17861)
        self.shows = shows
        self.folder = self.dir / "shop" / "migrations"

    def build(self):
        self.folder.mkdir(parents=True)
        self.migration("0001_items", "CREATE TABLE items (id integer);", "DROP TABLE items;")
        self.migration("0003_price", "ALTER TABLE items ADD COLUMN price integer;",
                       "ALTER TABLE items DROP COLUMN price;")
        self.postgres()
        self.databases(DATABASES)
        self.coordinator()
        for number, mine in enumerate((DATABASES[:2], DATABASES[2:])):
            self.agent(f"agent-{number}", [(name, "shop", name, {"env": "test"}) for name in mine])
        self.wait_for_targets(len(DATABASES))
        self.skein("apply", "shop", "--migrations", self.folder, "--yes", "--watch")
        if "E-AUTH" in (self.dir / "coordinator.log").read_text():
            raise SystemExit("the coordinator warns of strangers, and there are none")

    def migration(self, name, up, down=None):
        for direction, text in (("up", up), ("down", down)):
            if text is not None:
                (self.folder / f"{name}.{direction}.sql").write_text(text + "\n")

    def forget(self, name):
        for path in self.folder.glob(f"{name}.*"):
            path.unlink()

    @contextlib.contextmanager
    def extra(self, name, up, down=None):
        """A migration that is there for one scene."""
        self.migration(name, up, down)
        try:
            yield
        finally:
            self.forget(name)

    # ---- saying and hearing ----

    def hears(self, command, status, *pieces, without=()):
        """What a command says: its exit status, all these pieces, none of those; never the secret."""
        shown = " ".join(str(word) for word in command)
        result = self.run(*command, check=False, stdin=subprocess.DEVNULL, timeout=120)
        said = result.stdout + result.stderr
        if self.shows:
            print(f"$ {shown}\n{said}[{result.returncode}]\n", flush=True)
        missing = [piece for piece in pieces if piece not in said]
        surplus = [piece for piece in (*without, SECRET) if piece in said]
        if result.returncode != status or missing or surplus:
            raise Wrong(f"{shown}: status {result.returncode}, wanted {status}; missing {missing}, "
                        f"surplus {surplus} in:\n{said}")
        return said

    def says(self, *arguments, **more):
        """says(arguments of skein…, status, [pieces…])"""
        *words, status, pieces = arguments
        return self.hears([BIN / "skein", *words], status, *pieces, **more)

    def shop(self, command, *words):
        """plan or apply of the service in the folder"""
        selection = [] if "--select" in words else ["--select", "env=test"]
        return [command, "shop", "--migrations", self.folder, *selection, *words]

    def context(self, name, **changes):
        """One more context, of a new key unless one is given."""
        path = self.dir / "contexts.yaml"
        if "key" not in changes and not (self.dir / f"{name}.key").exists():
            self.skein("keys", "new", name, "--dir", self.dir)
        entry = {"endpoint": f"tcp://127.0.0.1:{self.port + 1}", "server": self.public("coordinator"),
                 "key": self.dir / f"{name}.key", **changes}
        with path.open("a") as file:
            file.write(f"  {name}:\n" + "".join(f"    {key}: {value}\n" for key, value in entry.items()))

    # ---- what there is ----

    def fingerprint(self):
        runs = json.loads(self.skein("runs", "--json").stdout)
        people = self.skein("operators", "--json").stdout
        return runs, people, [self.sql(STATE, name) for name in DATABASES]

    @contextlib.contextmanager
    def unchanged(self):
        before = self.fingerprint()
        yield
        if self.fingerprint() != before:
            raise Wrong("something has changed")

    def target(self, name):
        return next((row for row in self.targets() if row["target"] == name), None)

    @contextlib.contextmanager
    def odd_target(self, name, database, code, service="odd"):
        """A target that is not fit, for one scene: an agent of its own serves it."""
        agent = f"agent-{name}"
        self.agent(agent, [(name, service, database, {"env": "odd"})])
        try:
            until(lambda: (self.target(name) or {}).get("error"), 30, f"word of {name}")
            error = self.target(name)["error"]
            if self.shows:
                print(f"{name}: {json.dumps(error, indent=1)}\n", flush=True)
            if error["code"] != code or SECRET in json.dumps(error):
                raise Wrong(f"{name}: wanted {code}, got {error}")
            yield error
        finally:
            self.stop(agent)
            self.skein("agent", "remove", agent)


def holds(fault, *pieces):
    text = json.dumps(fault, ensure_ascii=False)
    missing = [piece for piece in pieces if piece not in text]
    if missing:
        raise Wrong(f"{missing} missing in {text}")


# ---- the command line, with a fleet behind it ----


@scene
def numbers_out_of_range(fleet):
    with fleet.unchanged():
        for value in ("0", "-1", "1e9", "4x", "1001", ""):
            fleet.says(*fleet.shop("apply", "--yes", "--parallel", value), 2, ["E-CLI-RANGE", "1..1000", "--parallel"])


@scene
def selections_of_nothing_and_of_too_much(fleet):
    with fleet.unchanged():
        fleet.says(*fleet.shop("apply", "--yes", "--select", "env=moon"), 3, ["E-SEL-EMPTY"])
        fleet.says(*fleet.shop("apply", "--yes", "--max-targets", "2"), 3, ["E-SEL-TOO-MANY", "3", "--yes-all"])
        fleet.says(*fleet.shop("apply", "--yes", "--select", "env"), 3, ["E-SEL-SYNTAX"])


@scene
def secrets_on_the_command_line(fleet):
    with fleet.unchanged():
        for words in (["--database", f"postgresql://app:{SECRET}@localhost/shop"],
                      ["--database", f"dbname=shop-0 password={SECRET}"],
                      [f"--password={SECRET}"], ["--password", SECRET]):
            fleet.says("up", *words, 2, ["E-SECRET-ARGV", "passfile"])


@scene
def what_has_ended_cannot_be_steered(fleet):
    with fleet.unchanged():
        fleet.says("cancel", "1", 5, ["E-STEP-STATE", "run 1 is done"])
        fleet.says("retry", "1", 5, ["E-STEP-STATE", "nothing of run 1 has failed"])
        for word in ("pause", "resume"):
            fleet.says(word, "1", 5, ["E-RUN-FINISHED", "done"])
        for word in ("cancel", "retry", "pause", "resume", "status", "log", "rollback"):
            fleet.says(word, "99", *(["--yes"] if word == "rollback" else []), 5, ["E-RUN-UNKNOWN"])


@scene
def plans_that_are_gone(fleet):
    with fleet.unchanged():
        fleet.says("apply", "--plan", "0" * 7 + "1-0000-7000-8000-000000000000", "--yes", 5, ["E-PLAN-UNKNOWN"])
        fleet.says("apply", "--plan", "rubbish", "--yes", 2, ["E-CLI-RANGE", "--plan"])


# ---- keys and roles ----


@scene
def a_viewer_may_look_and_no_more(fleet):
    fleet.context("viewer")
    fleet.skein("operator", "add", "viewer", "--key", fleet.dir / "viewer.pub", "--role", "viewer")
    with fleet.unchanged():
        fleet.says("targets", "--context", "viewer", 0, DATABASES)
        fleet.says(*fleet.shop("apply", "--yes", "--context", "viewer"), 4, ["E-AUTH-ROLE", "operator"])
        known = fleet.says("cancel", "1", "--context", "viewer", 4, ["E-AUTH-ROLE"])
        unknown = fleet.says("cancel", "99", "--context", "viewer", 4, ["E-AUTH-ROLE"])
        if known != unknown.replace("99", "1"):
            raise Wrong("the answer tells which runs there are")
        fleet.says("agent", "remove", "agent-0", "--context", "viewer", 4, ["E-AUTH-ROLE", "admin"])


@scene
def a_revoked_operator_is_out_at_once(fleet):
    fleet.context("gone")
    fleet.skein("operator", "add", "gone", "--key", fleet.dir / "gone.pub", "--role", "operator")
    with fleet.extra("0004_slow", "SELECT pg_sleep(20);"):
        fleet.skein(*fleet.shop("apply", "--yes", "--select", "target=shop-0"))
        watch = subprocess.Popen([str(BIN / "skein"), "status", "last", "--watch", "--context", "gone"],
                                 env=fleet.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until(lambda: "RUNNING" in fleet.skein("status", "last", "--json").stdout.upper(), 20, "the step's beginning")
        fleet.skein("operator", "remove", "gone")
        began = time.monotonic()
        said, _ = watch.communicate(timeout=15)
        took = time.monotonic() - began
        if fleet.shows:
            print(f"watching: {said}[{watch.returncode}] after {took:.1f} s\n")
        if watch.returncode != 4 or "E-AUTH-REVOKED" not in said or took > 5:
            raise Wrong(f"the watching went on for {took:.1f} s, ended with {watch.returncode}: {said}")
        fleet.says("targets", "--context", "gone", 4, ["E-AUTH-REVOKED"], without=DATABASES)
        fleet.says("cancel", "last", "--context", "gone", 4, ["E-AUTH-REVOKED"])
        fleet.skein("cancel", "last")
        until(lambda: json.loads(fleet.skein("runs", "--json").stdout)["runs"][0]["state"] not in ("running", "cancelling"),
              20, "the run's end")


@scene
def a_revoked_agent_is_out_at_once_and_back_when_it_is_enrolled(fleet):
    with fleet.unchanged(), fleet.extra("0004_more", "ALTER TABLE items ADD COLUMN more integer;"):
        fleet.skein("agent", "remove", "agent-1")
        until(lambda: not fleet.target("shop-2")["reachable"], 5, "the end of agent-1's session")
        fleet.says(*fleet.shop("apply", "--yes", "--select", "target=shop-2"), 6, ["shop-2", "E-TARGET-UNREACHABLE"])
        until(lambda: "E-AUTH-KEY" in (fleet.dir / "agent-1.log").read_text(), 20, "agent-1's complaint")
        if fleet.shows:
            print((fleet.dir / "agent-1.log").read_text())
        fleet.skein("agent", "add", "agent-1", "--key", fleet.dir / "agent-1.pub")
        fleet.wait_for_targets(len(DATABASES), 90)


@scene
def keys_that_are_not_the_ones(fleet):
    fleet.context("stranger")
    fleet.context("mismatch", server=fleet.public("stranger"), key=fleet.dir / "you.key")
    with fleet.unchanged():
        fleet.says("targets", "--context", "stranger", 4, ["E-AUTH-REVOKED"])
        fleet.says("targets", "--context", "mismatch", 6, ["E-KEY-SERVER-MISMATCH"])
        fleet.says("pause", "--all", "--context", "mismatch", 6, ["E-KEY-SERVER-MISMATCH", "nothing can have been stored"])


@scene
def key_files_that_are_broken(fleet):
    whole = (fleet.dir / "you.key").read_text()
    other = (fleet.dir / "coordinator.key").read_text()
    broken = {
        "truncated": (whole[:-20], 0o600, "E-KEY-FORMAT"),
        "odd": (whole.replace("secret: ", "secret: zz"), 0o600, "E-KEY-FORMAT"),
        "pair": (whole.splitlines()[0] + "\n" + other.splitlines()[1] + "\n", 0o600, "E-KEY-PAIR"),
        "zero": (f"public: {'0' * 64}\nsecret: {'0' * 64}\n", 0o600, "E-KEY-FORMAT"),
        "empty": ("", 0o600, "E-KEY-FORMAT"),
        "open": (whole, 0o644, "E-CFG-PERM"),
    }
    secret = re.search(r"secret: (\w+)", whole)[1]
    with fleet.unchanged():
        for name, (text, mode, code) in broken.items():
            path = fleet.dir / f"broken-{name}.key"
            path.write_text(text)
            path.chmod(mode)
            fleet.context(f"broken-{name}", key=path)
            fleet.says("targets", "--context", f"broken-{name}", 3, [code, path.name], without=[secret, secret[:40]])
        link = fleet.dir / "broken-link.key"
        link.symlink_to(fleet.dir / "you.key")
        fleet.context("broken-link", key=link)
        fleet.says("targets", "--context", "broken-link", 3, ["E-CFG-PERM", "broken-link.key"])


# ---- a coordinator that is not there ----


@scene
def a_coordinator_that_is_down(fleet):
    before = fleet.fingerprint()
    fleet.stop("coordinator")
    fleet.says("pause", "--all", "--timeout", "1s", 6, ["E-NET-UNREACHABLE", "nothing can have been stored"])
    fleet.says(*fleet.shop("apply", "--yes", "--timeout", "1s"), 6, ["E-NET-UNREACHABLE", "nothing can have been stored"])
    fleet.start("coordinator")
    until(lambda: fleet.skein("agents", check=False).returncode == 0, 20, "the coordinator's answer")
    fleet.wait_for_targets(len(DATABASES))
    if fleet.fingerprint() != before:
        raise Wrong("something has changed")


@scene
def a_coordinator_that_does_not_answer(fleet):
    with fleet.extra("0004_more", "ALTER TABLE items ADD COLUMN more integer;", "ALTER TABLE items DROP COLUMN more;"):
        plan_id = json.loads(fleet.skein(*fleet.shop("plan", "--json")).stdout)["plan_id"]
        coordinator = fleet.processes["coordinator"]
        coordinator.send_signal(signal.SIGSTOP)
        try:
            fleet.says("apply", "--plan", plan_id, "--yes", "--timeout", "1s", 6, ["E-NET-UNREACHABLE"])
        finally:
            coordinator.send_signal(signal.SIGCONT)
        fleet.says("apply", "--plan", plan_id, "--yes", "--watch", 0, [])
        fleet.skein("rollback", "last", "--yes", "--watch")


@scene
def a_plan_that_a_restart_has_forgotten(fleet):
    with fleet.unchanged(), fleet.extra("0004_more", "ALTER TABLE items ADD COLUMN more integer;"):
        plan_id = json.loads(fleet.skein(*fleet.shop("plan", "--json")).stdout)["plan_id"]
        fleet.stop("coordinator")
        fleet.start("coordinator")
        until(lambda: fleet.skein("agents", check=False).returncode == 0, 20, "the coordinator's answer")
        fleet.wait_for_targets(len(DATABASES))
        fleet.says("apply", "--plan", plan_id, "--yes", 5, ["E-PLAN-UNKNOWN", "make the plan again"])


class DeafLine:
    """A way to the coordinator on which questions arrive and answers, but for the handshake, do not."""

    def __init__(self, port):
        self.port = port
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with contextlib.suppress(OSError):
                client, _ = self.server.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                threading.Thread(target=self.carry, args=(client, there), daemon=True).start()
                threading.Thread(target=self.answer, args=(there, client), daemon=True).start()

    @staticmethod
    def carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    @staticmethod
    def answer(source, sink):
        """ZMTP's greeting and the two commands of CURVE, WELCOME and READY; the rest is lost."""
        with contextlib.suppress(OSError):
            file = source.makefile("rb", buffering=0)
            greeting = 0
            while greeting < 64:
                data = file.read(64 - greeting)
                sink.sendall(data)
                greeting += len(data)
            file = source.makefile("rb")
            for _ in range(2):
                head = file.read(2)
                sink.sendall(head + file.read(head[1]))
            while file.read(1):
                pass


@scene
def an_answer_that_is_lost(fleet):
    line = DeafLine(fleet.port + 1)
    fleet.context("deaf", endpoint=f"tcp://127.0.0.1:{line.server.getsockname()[1]}", key=fleet.dir / "you.key")
    with fleet.extra("0004_more", "ALTER TABLE items ADD COLUMN more integer;", "ALTER TABLE items DROP COLUMN more;"):
        count = len(json.loads(fleet.skein("runs", "--json").stdout)["runs"])
        fleet.says("pause", "--all", "--context", "deaf", "--timeout", "2s", 6, ["E-NET-UNREACHABLE", "may have been stored"])
        fleet.says(*fleet.shop("apply", "--yes", "--context", "deaf", "--timeout", "2s"), 6, ["E-NET-UNREACHABLE"])
        if len(json.loads(fleet.skein("runs", "--json").stdout)["runs"]) != count:
            raise Wrong("there is a run that nobody has said yes to")


# ---- agents that get in each other's way ----


@scene
def two_agents_with_two_keys_for_one_target(fleet):
    with fleet.unchanged():
        fleet.agent("rival", [("shop-0", "shop", "shop-0", {"env": "test"})])
        log = fleet.dir / "rival.log"
        until(lambda: "E-DB-DUP-IDENTITY" in log.read_text(), 20, "the rival's refusal")
        if fleet.shows:
            print(log.read_text())
        row = fleet.target("shop-0")
        if row["agent"] != "agent-0" or not row["reachable"]:
            raise Wrong(f"the rival has got shop-0: {row}")
        fleet.stop("rival")
        fleet.skein("agent", "remove", "rival")


@scene
def two_agents_with_one_key(fleet):
    config = (fleet.dir / "agent-0.yaml").read_text()
    twin = fleet.dir / "twin.yaml"
    twin.write_text(config)
    twin.chmod(0o600)
    with fleet.unchanged():
        fleet.hears([BIN / "skein-agent", "--config", twin], 5, "E-CACHE-LOCKED", "cache-agent-0")
        twin.write_text(config.replace("cache-agent-0", "cache-twin"))
        fleet.start("twin", [str(BIN / "skein-agent"), "--config", str(twin)])
        until(lambda: "E-AGENT-TWIN" in fleet.skein("agents").stdout, 60, "a word of the twin")
        if fleet.shows:
            print(fleet.skein("agents").stdout)
        fleet.stop("twin")
        fleet.wait_for_targets(len(DATABASES), 120)


# ---- databases ----


@scene
def a_copy_of_a_database(fleet):
    fleet.skein("agents")
    with fleet.unchanged():
        fleet.stop("agent-1")
        fleet.sql('CREATE DATABASE "copy" TEMPLATE "shop-2";')
        fleet.start("agent-1")
        fleet.wait_for_targets(len(DATABASES))
        with fleet.odd_target("copy", "copy", "E-DB-FOREIGN-HISTORY", service="shop") as error:
            holds(error, "copy")
            fleet.says(*fleet.shop("apply", "--yes", "--select", "env=odd"), 5, ["E-DB-FOREIGN-HISTORY", "copy"])
            fleet.says("up", "--database", f"host={fleet.dir}/pg user=postgres dbname=copy", "--migrations",
                       fleet.folder, 5, ["E-DB-FOREIGN-HISTORY"])
        fleet.sql('DROP DATABASE "copy";')


@scene
def a_role_without_rights(fleet):
    fleet.sql('CREATE ROLE limited LOGIN; CREATE DATABASE "narrow"; REVOKE ALL ON DATABASE "narrow" FROM limited, PUBLIC;'
              'GRANT CONNECT ON DATABASE "narrow" TO limited;')
    with fleet.unchanged():
        with fleet.odd_target("narrow", "narrow user=limited", "E-DB-PRIV") as error:
            holds(error, "GRANT CREATE ON DATABASE", "limited")
        fleet.says("up", "--database", f"host={fleet.dir}/pg user=limited dbname=narrow", "--migrations", fleet.folder,
                   4, ["E-DB-PRIV", 'GRANT CREATE ON DATABASE "narrow" TO "limited"'])
    fleet.sql('GRANT CREATE ON DATABASE "narrow" TO limited;')
    fleet.says("up", "--database", f"host={fleet.dir}/pg user=limited dbname=narrow", "--migrations", fleet.folder,
               7, ["E-SQL-PRIV", "42501", "0001_items.up.sql:1:14", "schema public",
                "GRANT USAGE, CREATE ON SCHEMA public TO limited"])
    fleet.sql('DROP DATABASE "narrow"; DROP ROLE limited;')


@scene
def a_standby(fleet):
    home = fleet.dir / "standby"
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
    fleet.run(*as_owner([str(PG_BIN / "pg_basebackup"), "-h", str(fleet.dir / "pg"), "-U", "postgres", "-D",
                         str(home / "data"), "-R", "-c", "fast", "--no-sync"]))
    fleet.start("standby", as_owner([str(PG_BIN / "postgres"), "-D", str(home / "data"), "-k", str(home),
                                     "-c", "listen_addresses=", "-c", "shared_buffers=16MB",
                                     "-c", f"max_connections={fleet.connections}"]))
    try:
        until(lambda: fleet.run(PG_BIN / "pg_isready", "-q", "-h", home, check=False).returncode == 0, 30, "the standby")
        with fleet.unchanged():
            fleet.says("up", "--database", f"host={home} user=postgres dbname=shop-0", "--migrations", fleet.folder,
                       5, ["E-DB-STANDBY", str(home)])
            fleet.sql('CREATE DATABASE "lonely";')
            until(lambda: fleet.run("psql", "-qXAt", "-h", home, "-d", "lonely", "-c", "", check=False).returncode == 0,
                  20, "the copy of lonely")
            with fleet.odd_target("lonely", f"lonely host={home}", "E-DB-STANDBY"):
                pass
    finally:
        process = fleet.processes.pop("standby")
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        fleet.sql('DROP DATABASE IF EXISTS "lonely";')


@scene
def a_pooler(fleet):
    pooler = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not os.access(pooler, os.X_OK):
        return "pgbouncer is not installed"
    home = fleet.dir / "pooler"
    home.mkdir()
    (home / "users.txt").write_text('"postgres" ""\n')
    (home / "pooler.ini").write_text(
        f"[databases]\n* = host={fleet.dir}/pg user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {home}\n"
        f"listen_port = 6432\nauth_type = any\npool_mode = transaction\nlogfile =\npidfile =\n")
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
    fleet.start("pooler", as_owner([pooler, "-q", str(home / "pooler.ini")]))
    try:
        until(lambda: (home / ".s.PGSQL.6432").exists(), 20, "the pooler's socket")
        with fleet.unchanged():
            fleet.says("up", "--database", f"host={home} port=6432 user=postgres dbname=shop-0", "--migrations",
                       fleet.folder, 5, ["E-DB-POOLER", str(home)])
            with fleet.odd_target("pooled", f"shop-0 host={home} port=6432", "E-DB-POOLER"):
                pass
    finally:
        fleet.stop("pooler")


@scene
def a_passfile_that_others_can_read(fleet):
    home = fleet.dir / "pg"
    rules = home / "data" / "pg_hba.conf"
    whole = rules.read_text()
    fleet.sql(f"CREATE ROLE closed LOGIN PASSWORD '{SECRET}x';")
    rules.write_text("local all closed scram-sha-256\n" + whole)
    fleet.sql("SELECT pg_reload_conf();")
    passfile = fleet.dir / "passfile"
    passfile.write_text(f"*:*:*:closed:{SECRET}\n")
    conninfo = f"host={home} user=closed dbname=shop-0 passfile={passfile}"
    try:
        with fleet.unchanged():
            passfile.chmod(0o644)
            fleet.says("history", "--database", conninfo, 4, ["E-DB-PASSFILE", str(passfile), "0600"])
            passfile.chmod(0o600)
            fleet.says("history", "--database", conninfo, 4, ["E-DB-AUTH", "closed", str(home)])
    finally:
        rules.write_text(whole)
        fleet.sql("SELECT pg_reload_conf(); DROP ROLE closed;")


@scene
def databases_that_are_not_there(fleet):
    with fleet.unchanged():
        fleet.says("history", "--database", f"host={fleet.dir}/pg user=postgres dbname=nothing", 5, ["E-DB-WRONG", "nothing"])
        fleet.says("history", "--database", "host=127.0.0.1 port=1 user=postgres dbname=x sslmode=require", 6,
                   ["E-DB-UNREACHABLE", "127.0.0.1"])
        fleet.says("history", "--database", f"host=a {SECRET[:-1]}", 2, ["--database", "connection string"])


class OtherServer:
    """What a PostgreSQL of another version says to whoever connects, and then no more."""

    def __init__(self, version):
        self.version = version.encode()
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with contextlib.suppress(OSError):
                client, _ = self.server.accept()
                client.recv(4096)
                words = b"server_version\0" + self.version + b"\0"
                client.sendall(b"R" + struct.pack("!ii", 8, 0) + b"S" + struct.pack("!i", 4 + len(words)) + words
                               + b"K" + struct.pack("!iii", 12, 1, 1) + b"Z" + struct.pack("!i", 5) + b"I")
                client.recv(4096)
                client.close()


@scene
def a_server_that_is_too_old_or_newer_than_is_known(fleet):
    for version, status, pieces in (
            ("11.22", 5, ["E-DB-VERSION", "PostgreSQL 11", "PostgreSQL 12 or newer"]),
            ("20.1", 6, ["PostgreSQL 20 is newer than this program knows", "E-DB-LOST"])):
        port = OtherServer(version).server.getsockname()[1]
        fleet.says("up", "--migrations", fleet.folder, "--database",
                   f"host=127.0.0.1 port={port} user=postgres dbname=old sslmode=disable gssencmode=disable", status,
                   [*pieces, f"127.0.0.1:{port}"])


@contextlib.contextmanager
def database_alone(fleet, name):
    """A database that no agent serves, with everything applied."""
    fleet.databases([name])
    conninfo = f"host={fleet.dir}/pg user=postgres dbname={name}"
    fleet.says("up", "--database", conninfo, "--migrations", fleet.folder, 0, [])
    try:
        yield conninfo
    finally:
        fleet.drop([name])


@scene
def a_journal_that_was_altered(fleet):
    with database_alone(fleet, "bent") as conninfo, fleet.extra("0004_more", "CREATE TABLE more (id integer);"):
        for harm in ("ALTER TABLE skein.migration DROP COLUMN checksum CASCADE", "DELETE FROM skein.identity",
                     "DROP TABLE skein.migration CASCADE"):
            fleet.sql(f"{harm};", "bent")
            fleet.says("up", "--database", conninfo, "--migrations", fleet.folder, 5, ["E-HIST-SHAPE", "bent", "hint:"])
        if fleet.sql("SELECT to_regclass('more');", "bent").strip():
            raise Wrong("it was carried out without a journal")


@scene
def a_history_that_somebody_has_changed(fleet):
    history = "SELECT * FROM skein.journal ORDER BY 1; SELECT * FROM skein.migration ORDER BY 1;"
    with database_alone(fleet, "bent") as conninfo, fleet.extra("0004_more", "CREATE TABLE more (id integer);"):
        fleet.says("history", "--database", conninfo, "--verify", 0, ["rows 1 to 2 of the journal are as they were written"])
        for harm, code, pieces in (
                ("CREATE RULE r AS ON INSERT TO skein.journal DO INSTEAD NOTHING", "E-HIST-SHAPE",
                 ["extra: rule journal.r", "DROP RULE r ON skein.journal"]),
                ("DROP RULE r ON skein.journal; DELETE FROM skein.migration WHERE version = '0003'", "E-HIST-TAMPERED",
                 ["migration 0003: it is not applied, and row 2 of the journal says that it is", "--accept REASON"])):
            fleet.sql(f"{harm};", "bent")
            before = fleet.sql(history, "bent")
            for words in (["up", "--migrations", fleet.folder], ["history", "--verify"]):
                fleet.says(*words, "--database", conninfo, 5, [code, "bent", *pieces])
            with fleet.odd_target(code[2:].lower(), "bent", code, service="shop") as error:
                holds(error, *pieces)
                fleet.says(*fleet.shop("apply", "--yes", "--select", "env=odd"), 5, [code, *pieces])
            if fleet.sql(history, "bent") != before or fleet.sql("SELECT to_regclass('more');", "bent").strip():
                raise Wrong("something was written")
        fleet.says("history", "--database", conninfo, "--accept", "it was undone by hand", 0, ["accepted: migration 0003"])
        with fleet.unchanged():
            fleet.says("history", "--database", conninfo, "--verify", 0, ["rows 3 to 4 of the journal"])


@scene
def what_servers_refuse_with(fleet):
    """What is tried again (locks, deadlocks) has tests of its own, component/execute/test_locks."""
    with database_alone(fleet, "moody") as conninfo:
        for sqlstate, status, code in (("53100", 7, "E-DB-FULL"), ("53200", 7, "E-DB-MEMORY"),
                                       ("53300", 6, "E-DB-CONNECTIONS"), ("57014", 7, "E-SQL-CANCELLED"),
                                       ("25006", 5, "E-DB-STANDBY"), ("57P01", 7, "E-SQL"),
                                       ("42501", 7, "E-SQL-PRIV"), ("22012", 7, "E-SQL")):
            text = f"CREATE TABLE moody (id integer);\nDO $$BEGIN RAISE 'no' USING ERRCODE = '{sqlstate}'; END$$;"
            with fleet.extra("0004_moody", text):
                fleet.says("up", "--database", conninfo, "--migrations", fleet.folder, status,
                           [code, sqlstate, "0004_moody.up.sql:2:1", "rolled back"])
        if fleet.sql("SELECT to_regclass('moody');", "moody").strip():
            raise Wrong("something of it is left")


# ---- migrations ----


@scene
def a_statement_that_fails(fleet):
    text = "CREATE TABLE größe (id integer);\nINSERT INTO größe (id)\n  VALUES ('ä', ünbekannt);"
    databases = [fleet.sql(STATE.replace("SELECT * FROM skein.journal ORDER BY 1;", ""), name) for name in DATABASES]
    with fleet.extra("0004_größe", text):
        fleet.says(*fleet.shop("apply", "--yes", "--watch", "--waves", "1,100%"), 7,
                   ["E-SQL", "42703", "0004_größe.up.sql:3:16", "rolled back"])
        fleet.says("log", "last", "--failing", 0, ["42703", "0004_größe.up.sql:3:16"])
        fleet.says("retry", "last", 0, ["3 targets"])
        fleet.says("status", "last", "--watch", 7, ["E-SQL", "0004_größe.up.sql:3:16"])
    if databases != [fleet.sql(STATE.replace("SELECT * FROM skein.journal ORDER BY 1;", ""), name) for name in DATABASES]:
        raise Wrong("something of it is left")


@scene
def a_file_that_was_changed_after_it_was_applied(fleet):
    path = fleet.folder / "0003_price.up.sql"
    whole = path.read_text()
    path.write_text(whole.replace("integer", "bigint"))
    try:
        with fleet.unchanged():
            fleet.says(*fleet.shop("plan"), 3, ["E-MIG-CHECKSUM", *DATABASES, "0003"])
            fleet.says(*fleet.shop("apply", "--yes"), 3, ["E-MIG-CHECKSUM", *DATABASES])
    finally:
        path.write_text(whole)


@scene
def a_version_below_the_newest(fleet):
    with fleet.extra("0002_between", "CREATE TABLE between_(id integer);"), fleet.unchanged():
        fleet.says(*fleet.shop("apply", "--yes"), 3, ["E-MIG-ORDER", "0002", "--out-of-order"])


@scene
def a_rollback_without_a_way_back(fleet):
    with fleet.extra("0004_forward", "CREATE TABLE forward_only (id integer);"):
        fleet.skein(*fleet.shop("apply", "--yes", "--watch"))
        with fleet.unchanged():
            fleet.says("rollback", "last", "--yes", 3, ["E-MIG-NO-DOWN", "0004"])
            fleet.says(*fleet.shop("rollback", "--to", "0003", "--yes"), 3, ["E-MIG-NO-DOWN", "0004"])
    for name in DATABASES:
        fleet.sql("DROP TABLE forward_only;", name)
    fleet.migration("0004_forward", "CREATE TABLE forward_only (id integer);")


# ---- configuration and store ----


@scene
def a_store_that_is_in_use(fleet):
    with fleet.unchanged():
        pid = fleet.processes["coordinator"].pid
        fleet.hears([BIN / "skein-coordinator", "--config", fleet.dir / "coordinator.yaml"], 5, "E-STORE-LOCKED", str(pid))


@scene
def a_store_of_a_newer_program(fleet):
    before = fleet.fingerprint()
    fleet.stop("coordinator")
    store = fleet.dir / "coordinator.db"
    with contextlib.closing(sqlite3.connect(store)) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA user_version = {version + 1}")
    content = store.read_bytes()
    fleet.hears([BIN / "skein-coordinator", "--config", fleet.dir / "coordinator.yaml"], 3, "E-STORE-NEWER", str(store))
    if store.read_bytes() != content:
        raise Wrong("the store has changed")
    with contextlib.closing(sqlite3.connect(store)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    fleet.start("coordinator")
    until(lambda: fleet.skein("agents", check=False).returncode == 0, 20, "the coordinator's answer")
    fleet.wait_for_targets(len(DATABASES))
    if fleet.fingerprint() != before:
        raise Wrong("something has changed")


@scene
def configurations_with_mistakes(fleet):
    coordinator, agent = ((fleet.dir / f"{name}.yaml").read_text() for name in ("coordinator", "agent-0"))
    mistakes = [
        ("coordinator", coordinator.replace("store:", "stor:"), "E-CFG-MISSING", "'stor' in line 5"),
        ("coordinator", coordinator + "limts: {agents: 5}\n", "E-CFG-UNKNOWN", "10:1", "did you mean 'limits'?"),
        ("coordinator", coordinator + "store: x\n", "E-CFG-DUP", "10:1"),
        ("coordinator", coordinator + "limits: {agents: many}\n", "E-CFG-TYPE", "10:"),
        ("coordinator", coordinator + "times: {heartbeat: 200ms, resend: 2s}\n", "E-CFG-INCONSISTENT", "heartbeat", "resend"),
        ("coordinator", coordinator + "}\n", "E-CFG-SYNTAX", "10:1"),
        ("agent", agent.replace("    service:", "    servce:", 1), "E-CFG-MISSING", "'servce' in line 9"),
        ("agent", agent.replace("user=postgres", f"user=postgres password={SECRET}", 1), "E-CFG-SECRET", "10:"),
        ("agent", agent.replace("name: shop-1", "name: shop-0"), "E-CFG-DUP", "shop-0"),
        ("agent", agent.replace("name: shop-1", "name: -shop"), "E-NAME-SYNTAX", "12:11", "[A-Za-z0-9]"),
        ("agent", agent.replace("cache:", "log: loud\ncache:"), "E-CFG-RANGE", "loud", "debug info warn error"),
    ]
    with fleet.unchanged():
        for number, (program, text, *pieces) in enumerate(mistakes):
            path = fleet.dir / f"mistake-{number}.yaml"
            path.write_text(text)
            path.chmod(0o600)
            fleet.hears([BIN / f"skein-{program}", "--config", path], 3, path.name, *pieces)
            path.write_text(coordinator if program == "coordinator" else agent)
            path.chmod(0o666)
            fleet.hears([BIN / f"skein-{program}", "--config", path], 3, "E-CFG-PERM", "0666", path.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--show", action="store_true", help="print everything that is said")
    parser.add_argument("--only", default="", help="scenes with this in their name")
    options = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with Fleet(options.show) as fleet:
        fleet.build()
        for function in scenes:
            if options.only not in function.__name__:
                continue
            if options.show:
                print(f"==== {function.__name__}", flush=True)
            try:
                why = function(fleet)
                outcome = "skipped" if why else "passed"
            except (Wrong, SystemExit, subprocess.SubprocessError) as error:
                outcome, why = "failed", error
            counts[outcome] += 1
            print(f"{outcome}: {function.__name__}" + (f": {why}" if why else ""), flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
