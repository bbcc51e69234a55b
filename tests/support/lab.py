"""lab: a throw-away fleet to measure and to kill: one PostgreSQL cluster with default durability, N
databases, one coordinator and some agents, all on this machine and gone afterwards.
"""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SKEIN_BIN", ROOT / "build" / "bin"))
PG_BIN = pathlib.Path(subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip())


def as_owner(command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    group = pwd.getpwnam("nobody").pw_gid
    return ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", *command]


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"lab: {what} has not happened within {seconds} s")
        time.sleep(0.02)


class Lab:
    def __init__(self, connections=200, port=17461):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="skein-lab-"))
        self.dir.chmod(0o755)
        self.port = port
        self.connections = connections
        self.address = "127.0.0.1"  # where the agents find the coordinator
        self.agents_in = self.coordinator_in = []  # what a command is started with: a network namespace
        self.processes = {}
        self.commands = {}
        self.environment = dict(os.environ, PGHOST=str(self.dir / "pg"), PGUSER="postgres",
                                PGDATABASE="postgres", SKEIN_CONTEXTS=str(self.dir / "contexts.yaml"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- processes ----

    def start(self, name, command=None, **environment):
        """Start a program, or one that was started before again; its output goes into NAME.log."""
        self.commands[name] = command = command or self.commands[name]
        with open(self.dir / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                    env=dict(self.environment, **environment))
        return self.processes[name]

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGINT if name == "postgres" else how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return
        process.kill()
        process.wait()

    def run(self, *command, check=True, **more):
        return subprocess.run([str(part) for part in command], env=self.environment, check=check,
                              capture_output=True, text=True, **more)

    def skein(self, *arguments, check=True, **more):
        result = self.run(*self.coordinator_in, BIN / "skein", *arguments, check=False, **more)
        if check and result.returncode != 0:
            raise SystemExit(f"lab: skein {' '.join(map(str, arguments))} ended with {result.returncode}:\n"
                             f"{result.stdout}{result.stderr}")
        return result

    # ---- PostgreSQL ----

    def postgres(self, *settings):
        home = self.dir / "pg"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, "nobody")
        subprocess.run(as_owner([str(PG_BIN / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust",
                                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]), check=True, capture_output=True)
        self.start("postgres", as_owner([str(PG_BIN / "postgres"), "-D", str(home / "data"), "-k", str(home),
                                         "-c", "listen_addresses=", "-c", f"max_connections={self.connections}",
                                         "-c", "shared_buffers=256MB",
                                         *(part for setting in settings for part in ("-c", setting))]))
        until(lambda: self.run(PG_BIN / "pg_isready", "-q", check=False).returncode == 0, 30, "PostgreSQL's start")

    def sql(self, text, database="postgres"):
        return self.run("psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-", input=text).stdout

    def databases(self, names):
        self.sql("".join(f'CREATE DATABASE "{name}" STRATEGY wal_log;\n' for name in names))

    def drop(self, names):
        self.sql("".join(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);\n' for name in names))

    # ---- Skein ----

    def public(self, name):
        text = (self.dir / f"{name}.pub").read_text()
        return text.split("public:")[1].split()[0]

    def coordinator(self):
        for name in ("coordinator", "you"):
            self.skein("keys", "new", name, "--dir", self.dir)
        config = self.dir / "coordinator.yaml"
        config.write_text(
            f"listen:\n  agents: tcp://{self.address}:{self.port}\n  operators: tcp://127.0.0.1:{self.port + 1}\n"
            f"key: {self.dir}/coordinator.key\nstore: {self.dir}/coordinator.db\n"
            f"operators:\n  - name: you\n    role: admin\n    key: {self.public('you')}\n")
        config.chmod(0o600)
        contexts = self.dir / "contexts.yaml"
        contexts.write_text(
            f"current: lab\ncontexts:\n  lab:\n    endpoint: tcp://127.0.0.1:{self.port + 1}\n"
            f"    server: {self.public('coordinator')}\n    key: {self.dir}/you.key\n")
        contexts.chmod(0o600)
        self.start("coordinator", [*self.coordinator_in, str(BIN / "skein-coordinator"), "--config", str(config)])
        until(lambda: self.skein("agents", check=False).returncode == 0, 20, "the coordinator's first answer")

    def agent(self, name, targets, more=()):
        """targets: (name, service, database, labels); more: settings of each of them, a line each"""
        if not (self.dir / f"{name}.key").exists():
            self.skein("keys", "new", name, "--dir", self.dir)
            self.skein("agent", "add", name, "--key", self.dir / f"{name}.pub")
        lines = [f"agent: {name}", "coordinator:", f"  endpoint: tcp://{self.address}:{self.port}",
                 f"  key: {self.public('coordinator')}", f"key: {self.dir}/{name}.key",
                 f"cache: {self.dir}/cache-{name}", "targets:"]
        for target, service, database, labels in targets:
            pairs = ", ".join(f"{key}: {value}" for key, value in labels.items())
            lines += [f"  - name: {target}", f"    service: {service}",
                      f'    database: "host={self.dir}/pg user=postgres dbname={database}"', f"    labels: {{ {pairs} }}",
                      *(f"    {line}" for line in more)]
        config = self.dir / f"{name}.yaml"
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        return self.start(name, [*self.agents_in, str(BIN / "skein-agent"), "--config", str(config)])

    def targets(self):
        return json.loads(self.skein("targets", "--json").stdout)["targets"]

    def wait_for_targets(self, count, seconds=60):
        until(lambda: sum(row["state"] == "ready" and row["reachable"] for row in self.targets()) == count, seconds, f"{count} ready targets")
