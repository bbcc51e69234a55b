"""rivals: the same ten migrations as other tools want them, and how each is run over N databases.

Every rival is asked to do what its users do: one process per database, eight at a time, except
where it can do better in one process (TypeORM). One that is not installed is left out, and said.
"""
import pathlib
import shutil

# Ten small migrations, as statements; a statement is a line of its own.
MIGRATIONS = [
    ("create_accounts", ["CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL)"],
     ["DROP TABLE accounts"]),
    ("create_status", ["CREATE TYPE status AS ENUM ('new', 'open', 'closed')"], ["DROP TYPE status"]),
    ("create_tickets", ["CREATE TABLE tickets (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id bigint NOT NULL, state status NOT NULL DEFAULT 'new', title text)",
                        "INSERT INTO tickets (account_id, title) SELECT n, 'ticket ' || n FROM generate_series(1, 100) AS n"],
     ["DROP TABLE tickets"]),
    ("index_tickets", ["CREATE INDEX tickets_by_account ON tickets (account_id)"], ["DROP INDEX tickets_by_account"]),
    ("add_priority", ["ALTER TABLE tickets ADD COLUMN priority smallint NOT NULL DEFAULT 3"],
     ["ALTER TABLE tickets DROP COLUMN priority"]),
    ("check_priority", ["ALTER TABLE tickets ADD CONSTRAINT tickets_priority CHECK (priority BETWEEN 1 AND 5)"],
     ["ALTER TABLE tickets DROP CONSTRAINT tickets_priority"]),
    ("add_closed_at", ["ALTER TABLE tickets ADD COLUMN closed_at timestamptz",
                       "UPDATE tickets SET closed_at = now() WHERE id % 3 = 0"],
     ["ALTER TABLE tickets DROP COLUMN closed_at"]),
    ("create_comments", ["CREATE TABLE comments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ticket_id bigint NOT NULL REFERENCES tickets (id), body text NOT NULL)"],
     ["DROP TABLE comments"]),
    ("unique_email", ["CREATE UNIQUE INDEX accounts_email ON accounts (lower(email))"], ["DROP INDEX accounts_email"]),
    ("comment_tickets", ["COMMENT ON TABLE tickets IS 'what people ask for'"], ["COMMENT ON TABLE tickets IS NULL"]),
]


def body(statements):
    return "".join(f"{statement};\n" for statement in statements)


def write_pairs(folder):
    folder.mkdir(parents=True)
    for number, (name, up, down) in enumerate(MIGRATIONS, 1):
        (folder / f"{number:04d}_{name}.up.sql").write_text(body(up))
        (folder / f"{number:04d}_{name}.down.sql").write_text(body(down))


class Psql:
    """psql with xargs -P8, one process per database, one transaction and one history row per
    migration, no check of anything."""
    name = "psql, xargs -P8"
    can_check = False

    def __init__(self, lab):
        self.lab = lab
        self.script = lab.dir / "psql.sql"

    def is_there(self):
        return shutil.which("psql") is not None

    def prepare(self, databases):
        text = "CREATE TABLE history (version text PRIMARY KEY, applied_at timestamptz DEFAULT now());\n"
        for number, (_, up, _) in enumerate(MIGRATIONS, 1):
            text += f"BEGIN;\n{body(up)}INSERT INTO history (version) VALUES ('{number}');\nCOMMIT;\n"
        self.script.write_text(text)

    def command(self, databases):
        return (databases, f"xargs -P8 -I@ psql -qX -v ON_ERROR_STOP=1 -d @ -f {self.script}")


class Dbmate:
    name = "dbmate, xargs -P8"
    can_check = True

    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.dir / "dbmate"
        self.home = pathlib.Path(lab.rivals_home)
        self.binary = self.home / "node_modules/.bin/dbmate"

    def is_there(self):
        return self.binary.exists()

    def prepare(self, databases):
        self.folder.mkdir()
        for number, (name, up, down) in enumerate(MIGRATIONS, 1):
            (self.folder / f"{number:04d}_{name}.sql").write_text(
                f"-- migrate:up\n{body(up)}\n-- migrate:down\n{body(down)}")
        # npm puts a script in front of the program; run the program itself, which is faster.
        programs = [path for path in self.home.glob("node_modules/@dbmate/*/bin/dbmate")]
        self.program = programs[0] if programs else self.binary

    def command(self, databases):
        url = f"postgres://postgres@/@?host={self.lab.dir}/pg&sslmode=disable"
        return (databases, f"xargs -P8 -I@ {self.program} --no-dump-schema --migrations-dir {self.folder} --url '{url}' migrate")


class Sqitch:
    name = "sqitch, xargs -P8"
    can_check = True

    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.dir / "sqitch"

    def is_there(self):
        return shutil.which("sqitch") is not None

    def prepare(self, databases):
        plan = "%syntax-version=1.0.0\n%project=bench\n\n"
        for kind in ("deploy", "revert"):
            (self.folder / kind).mkdir(parents=True)
        for number, (name, up, down) in enumerate(MIGRATIONS, 1):
            plan += f"{name} 2026-01-{number:02d}T00:00:00Z bench <bench@example.com> # {name}\n"
            (self.folder / "deploy" / f"{name}.sql").write_text(f"BEGIN;\n{body(up)}COMMIT;\n")
            (self.folder / "revert" / f"{name}.sql").write_text(f"BEGIN;\n{body(down)}COMMIT;\n")
        (self.folder / "sqitch.plan").write_text(plan)
        (self.folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n[user]\n\tname = bench\n\temail = bench@example.com\n")

    def command(self, databases):
        return (databases, f"cd {self.folder} && xargs -P8 -I@ sqitch --quiet deploy --no-verify db:pg:@")


class TypeOrm:
    """All databases in one Node process, eight at a time: the best its users can do."""
    name = "TypeORM, one process"
    can_check = True

    def __init__(self, lab):
        self.lab = lab
        self.home = pathlib.Path(lab.rivals_home)
        self.script = lab.dir / "typeorm.js"

    def is_there(self):
        return (self.home / "node_modules/typeorm").exists() and shutil.which("node") is not None

    def prepare(self, databases):
        classes = ""
        for number, (name, up, down) in enumerate(MIGRATIONS, 1):
            ups = "".join(f"await q.query({statement!r});" for statement in up)
            downs = "".join(f"await q.query({statement!r});" for statement in down)
            classes += (f"class M{1700000000000 + number} {{ name = '{name}{1700000000000 + number}';"
                        f" async up(q) {{ {ups} }} async down(q) {{ {downs} }} }}\n")
        names = ", ".join(f"M{1700000000000 + number}" for number in range(1, len(MIGRATIONS) + 1))
        self.script.write_text(f"""
require('module').globalPaths.push('{self.home}/node_modules');
const {{ DataSource }} = require('{self.home}/node_modules/typeorm');
{classes}
const names = require('fs').readFileSync(0, 'utf8').trim().split('\\n');
async function one(database) {{
    const source = new DataSource({{ type: 'postgres', host: '{self.lab.dir}/pg', username: 'postgres', database,
        migrations: [{names}], migrationsTransactionMode: 'each', poolSize: 1 }});
    await source.initialize();
    await source.runMigrations();
    await source.destroy();
}}
async function worker() {{ for (let name; (name = names.pop());) await one(name); }}
Promise.all(Array.from({{ length: 8 }}, worker)).catch((error) => {{ console.error(error); process.exit(1); }});
""")

    def command(self, databases):
        return (databases, f"node {self.script}")


ALL = [Psql, Dbmate, Sqitch, TypeOrm]
