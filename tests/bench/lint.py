#!/usr/bin/env python3
"""lint: 10,000 files on one core, beside what libpg_query alone needs to parse them and beside squawk (npm), the
memory that takes, and one changed file in a history of 1,000. Each run is a fresh process on one core, and what counts
is the time that it had of it, with that of the git it asks: the machine is never quiet. Files are made up here, in the
sizes and kinds that real folders have; --folder measures a real one as well.
"""
import argparse
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab import BIN

ROUNDS = 5
COLUMNS = ["name text NOT NULL", "email text", "age integer DEFAULT 0", "created_at timestamptz NOT NULL DEFAULT now()",
           "settings jsonb NOT NULL DEFAULT '{}'::jsonb", "price numeric(12, 2) CHECK (price >= 0)", "active boolean"]


def up_and_down(number, chance):
    """A migration as people write them: mostly small, now and then a large one."""
    table, other = f"table_{number}", f"table_{max(1, number - chance.randint(1, 50))}"
    kind = chance.random()
    if number == 1 or kind < 0.35:
        columns = ",\n    ".join(chance.sample(COLUMNS, chance.randint(2, len(COLUMNS))))
        up = f"-- a table\nCREATE TABLE IF NOT EXISTS {table} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    {columns},\n" \
             f"    owner_id bigint REFERENCES {other} (id) ON DELETE CASCADE\n);\nCREATE INDEX {table}_owner ON {table} (owner_id);\n" \
             f"COMMENT ON TABLE {table} IS 'what migration {number} is about';\n"
        return up, f"DROP TABLE IF EXISTS {table};\n"
    if kind < 0.75:
        return (f"ALTER TABLE table_1 ADD COLUMN extra_{number} text;\nALTER TABLE {other} ADD COLUMN note_{number} integer DEFAULT 0;\n",
                f"ALTER TABLE table_1 DROP COLUMN extra_{number};\nALTER TABLE {other} DROP COLUMN note_{number};\n")
    if kind < 0.9:
        return f"CREATE INDEX CONCURRENTLY index_{number} ON table_1 (id);\n", f"DROP INDEX CONCURRENTLY index_{number};\n"
    rows = ",\n    ".join(f"({i}, 'row {i} of {number}', now())" for i in range(chance.randint(5, 120)))
    return (f"CREATE OR REPLACE FUNCTION count_{number}(since timestamptz) RETURNS bigint LANGUAGE sql AS $$\n"
            f"    SELECT count(*) FROM table_1 t JOIN {other} o ON o.id = t.id WHERE t.id > 5\n$$;\n"
            f"INSERT INTO table_1 (id, name, at) VALUES\n    {rows};\nUPDATE {other} SET id = id WHERE id = {number};\n",
            f"DROP FUNCTION count_{number};\nDELETE FROM table_1 WHERE id < 120;\n")


def make_folder(path, migrations, seed):
    chance = random.Random(seed)
    path.mkdir(parents=True)
    for number in range(1, migrations + 1):
        up, down = up_and_down(number, chance)
        (path / f"{number:05}_change_{number}.up.sql").write_text(up)
        (path / f"{number:05}_change_{number}.down.sql").write_text(down)
    return path


def on_one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def timed(words, **more):
    """Seconds of the core and peak memory (MiB) of a fresh process and what it starts."""
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=on_one_core, **more)
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{words[0]} {words[1]}: {complaint.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def parse_alone(folders):
    words = subprocess.run([str(BIN / "skein-bench-parse"), *map(str, folders)], capture_output=True, text=True, check=True,
                           preexec_fn=on_one_core).stdout.split()
    return int(words[0]), int(words[1]), float(words[3]) / 1e3, float(words[4]) / 1e3


def row(name, seconds, files, memory=None):
    print(f"{name:34} {statistics.median(seconds) * 1e3:9.0f} {min(seconds) * 1e3:9.0f} {max(seconds) * 1e3:9.0f} "
          f"{files / statistics.median(seconds):11,.0f} {'' if memory is None else f'{memory:8.0f}'}")


def measure(title, folders, rounds, squawk):
    lint, parse, tree, rival, memory = [], [], [], [], 0.0
    for _ in range(rounds):
        files, size, parse_s, tree_s = parse_alone(folders)
        parse.append(parse_s)
        tree.append(tree_s)
        spent, peak = timed([BIN / "skein", "lint", "--format", "json", *folders])
        lint.append(spent)
        memory = max(memory, peak)
    print(f"\n{title}: {files:,} files, {size / 1e6:.1f} MB\n{'':34} {'median ms':>9} {'min':>9} {'max':>9} {'files/s':>11} {'MiB':>8}")
    row("libpg_query: parse", parse, files)
    row("libpg_query: parse, unpack", tree, files)
    row("skein lint, all of the process", lint, files, memory)
    if squawk:
        names = sorted(str(path) for folder in folders for path in pathlib.Path(folder).glob("*.sql"))
        rival = [timed([squawk, "--reporter", "gcc", *names])[0] for _ in range(max(1, rounds // 2))]
        row("squawk (npm), all of the process", rival, files)
    return statistics.median(lint), statistics.median(parse), statistics.median(tree), memory, statistics.median(rival) if rival else None


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.org", *words], check=True,
                   stdout=subprocess.DEVNULL)


def measure_change(folder, rounds):
    """One new file in a history of 1,000 migrations, as in a pull request."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "history")
    (folder / "01000_change_1000.up.sql").write_text("CREATE INDEX one_more ON table_1 (id);\n")
    spent = [timed([BIN / "skein", "lint", "--changed-since", "main", folder])[0] for _ in range(rounds)]
    print(f"\none changed file in a history of 1,000 migrations: median {statistics.median(spent) * 1e3:.0f} ms, "
          f"min {min(spent) * 1e3:.0f}, max {max(spent) * 1e3:.0f}")
    return statistics.median(spent)


def bar(name, value, limit, form="{:.2f}"):
    is_met = value <= limit
    print(f"bar {name} {form.format(value)} <= {form.format(limit)} {'ok' if is_met else 'short'}")
    return is_met


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 files, two rounds")
    parser.add_argument("--folder", action="append", default=[], help="a real folder of migrations, measured as well")
    options = parser.parse_args()
    rounds = 2 if options.quick else ROUNDS
    found = pathlib.Path("build/bench/node_modules/.bin/squawk")
    squawk = str(found.resolve()) if found.exists() else shutil.which("squawk")
    room = pathlib.Path(tempfile.mkdtemp(prefix="skein-bench-"))
    try:
        folders = [make_folder(room / f"service{i}", 1000, i) for i in range(1 if options.quick else 5)]
        lint, parse, tree, memory, rival = measure("made-up folders", folders, rounds, squawk)
        change = measure_change(folders[0], rounds)
        for folder in options.folder:
            measure(folder, [pathlib.Path(folder)], rounds, squawk)
    finally:
        shutil.rmtree(room)
    print()
    met = [bar("lint-to-parse-ratio", lint / tree, 2.0), bar("lint-memory-mib", memory, 200, "{:.0f}"),
           bar("lint-one-change-ms", change * 1e3, 300, "{:.0f}")]
    if rival:
        met.append(bar("lint-to-squawk-ratio", lint / rival, 1.0))
    else:
        print("squawk is not there (npm could not install it): not compared")
    sys.exit(0 if all(met) else 1)


main()
