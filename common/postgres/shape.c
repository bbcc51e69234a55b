#include "common/postgres/shape.h"

#include <string.h>

#include "common/base/mem.h"

#define PARTS_SHOWN 4

/* What schema.c makes, in the words of the query below. */
static const char *const parts[] = {
    "table identity",
    "table fence",
    "table migration",
    "table journal",
    "column identity.is_one boolean not null",
    "column identity.schema_version integer not null",
    "column identity.target_id uuid not null",
    "column identity.cluster_id uuid",
    "column identity.system_identifier bigint not null",
    "column identity.database_oid oid not null",
    "column identity.created_at timestamp with time zone not null",
    "column fence.is_one boolean not null",
    "column fence.epoch bigint not null",
    "column fence.instance uuid not null",
    "column migration.version text not null",
    "column migration.name text not null",
    "column migration.checksum bytea not null",
    "column migration.applied_at timestamp with time zone not null",
    "column migration.step_id uuid not null",
    "column migration.journal_number bigint not null",
    "column journal.number bigint not null",
    "column journal.step_id uuid not null",
    "column journal.attempt bigint not null",
    "column journal.version text not null",
    "column journal.name text not null",
    "column journal.checksum bytea not null",
    "column journal.direction text not null",
    "column journal.state text not null",
    "column journal.statement integer not null",
    "column journal.statement_count integer not null",
    "column journal.cursor text",
    "column journal.duration_us bigint not null",
    "column journal.error text",
    "column journal.outcome bytea",
    "column journal.recorded_at timestamp with time zone not null",
    "column journal.previous_hash bytea not null",
    "column journal.hash bytea not null",
    "constraint identity.identity_is_one_check",
    "constraint fence.fence_is_one_check",
    "constraint journal.journal_direction_check",
    "constraint journal.journal_state_check",
    "unique index identity.identity_pkey",
    "unique index fence.fence_pkey",
    "unique index migration.migration_pkey",
    "unique index journal.journal_pkey",
    "unique index journal.journal_verdict",
};
#define PART_COUNT (sizeof parts / sizeof *parts)

/* The glance: parts only, from the three catalogs that every backend has at hand. */
const char shape_glance[] =
    "WITH t AS MATERIALIZED (SELECT oid, relname AS name, relkind = 'r' AND relpersistence = 'p'"
    " AND NOT (relhastriggers OR relhasrules OR relrowsecurity OR relhassubclass) AND relchecks ="
    " CASE relname WHEN 'journal' THEN 2 WHEN 'migration' THEN 0 ELSE 1 END AS is_plain"
    " FROM pg_class WHERE relnamespace = to_regnamespace('skein')"
    " AND relname IN ('identity', 'fence', 'migration', 'journal'))"
    " SELECT CASE WHEN is_plain THEN 'table ' ELSE 'no plain table ' END || name FROM t"
    " UNION ALL SELECT 'column ' || t.name || '.' || a.attname || CASE a.atttypid"
    " WHEN 16 THEN ' boolean' WHEN 17 THEN ' bytea' WHEN 20 THEN ' bigint' WHEN 23 THEN ' integer'"
    " WHEN 25 THEN ' text' WHEN 26 THEN ' oid' WHEN 1184 THEN ' timestamp with time zone'"
    " WHEN 2950 THEN ' uuid' ELSE ' another' END || CASE WHEN a.attnotnull THEN ' not null'"
    " ELSE '' END FROM t JOIN pg_attribute a ON a.attrelid = t.oid"
    " WHERE a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL SELECT 'unique index ' || t.name || '.' || x.relname FROM t JOIN pg_index i"
    " ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid"
    " WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid;";

/*
 * A part, and the statement that takes it away. A foreign key that points here shows as the
 * trigger that it has here. An index that is not unique changes nothing but the time it takes.
 */
const char shape_query[] =
    "WITH t AS MATERIALIZED (SELECT oid, relname AS name, relkind, relpersistence, relrowsecurity,"
    " relhassubclass FROM pg_class WHERE relnamespace = to_regnamespace('skein')"
    " AND relname IN ('identity', 'fence', 'migration', 'journal'))"
    " SELECT CASE relkind WHEN 'r' THEN 'table ' ELSE 'no ordinary table ' END || name, NULL FROM t"
    " UNION ALL SELECT 'column ' || t.name || '.' || a.attname || ' '"
    " || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE ''"
    " END, format('ALTER TABLE skein.%I DROP COLUMN %I', t.name, a.attname)"
    " FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL SELECT 'constraint ' || t.name || '.' || c.conname,"
    " format('ALTER TABLE skein.%I DROP CONSTRAINT %I', t.name, c.conname)"
    " FROM t JOIN pg_constraint c ON c.conrelid = t.oid WHERE c.contype IN ('c', 'f', 'x')"
    " UNION ALL SELECT 'unique index ' || t.name || '.' || x.relname, CASE WHEN EXISTS (SELECT"
    " FROM pg_constraint k WHERE k.conrelid = t.oid AND k.conindid = i.indexrelid)"
    " THEN format('ALTER TABLE skein.%I DROP CONSTRAINT %I', t.name, x.relname)"
    " ELSE format('DROP INDEX skein.%I', x.relname) END"
    " FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid"
    " WHERE i.indisunique AND i.indisvalid"
    " UNION ALL SELECT DISTINCT CASE WHEN g.tgisinternal THEN 'foreign key to ' ELSE 'trigger ' END"
    " || t.name || '.' || coalesce(c.conname, g.tgname), CASE WHEN g.tgisinternal"
    " THEN format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)"
    " ELSE format('DROP TRIGGER %I ON skein.%I', g.tgname, t.name) END"
    " FROM t JOIN pg_trigger g ON g.tgrelid = t.oid LEFT JOIN pg_constraint c"
    " ON c.oid = g.tgconstraint AND g.tgisinternal"
    " WHERE NOT g.tgisinternal OR c.conrelid <> t.oid"
    " UNION ALL SELECT 'rule ' || t.name || '.' || r.rulename,"
    " format('DROP RULE %I ON skein.%I', r.rulename, t.name)"
    " FROM t JOIN pg_rewrite r ON r.ev_class = t.oid"
    " UNION ALL SELECT 'policy ' || t.name || '.' || p.polname,"
    " format('DROP POLICY %I ON skein.%I', p.polname, t.name)"
    " FROM t JOIN pg_policy p ON p.polrelid = t.oid"
    " UNION ALL SELECT 'row level security of ' || name,"
    " format('ALTER TABLE skein.%I DISABLE ROW LEVEL SECURITY', name) FROM t WHERE relrowsecurity"
    " UNION ALL SELECT 'heir of ' || t.name || ' ' || h.inhrelid::regclass,"
    " format('ALTER TABLE %s NO INHERIT skein.%I', h.inhrelid::regclass, t.name)"
    " FROM t JOIN pg_inherits h ON h.inhparent = t.oid WHERE relhassubclass"
    " UNION ALL SELECT 'not logged: ' || name, format('ALTER TABLE skein.%I SET LOGGED', name)"
    " FROM t WHERE relpersistence <> 'p'";

/* What differs, so far. */
struct difference {
    struct text found, remedy;
    size_t count;
    bool is_torn; /* a part is missing, or is another than it was: nothing of ours mends that */
};

static void
difference_release(struct difference *difference)
{
    text_release(&difference->found);
    text_release(&difference->remedy);
}

static void
add(struct difference *difference, const char *what, const char *part)
{
    if (difference->count++ < PARTS_SHOWN) {
        text_format(&difference->found, "%s%s %s", difference->found.size ? "; " : "", what, part);
    }
}

/* "column journal.error" of "column journal.error text": what a changed part shares. */
static size_t
name_size(const char *part)
{
    size_t kind = strcspn(part, " ");

    return text_starts_with(part, "column ") ? kind + 1 + strcspn(part + kind + 1, " ")
                                             : strlen(part);
}

static bool
is_part(const char *part)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (text_equal(parts[i], part)) {
            return true;
        }
    }
    return false;
}

static bool
is_changed_part(const char *part)
{
    size_t size = name_size(part);

    for (size_t i = 0; i < PART_COUNT; i++) {
        if (name_size(parts[i]) == size && strncmp(parts[i], part, size) == 0) {
            return true;
        }
    }
    return false;
}

/* What is there and should not be. */
static void
find_extra(const struct connection *connection, size_t answer, struct difference *difference)
{
    for (size_t i = 0; i < connection_row_count(connection, answer); i++) {
        const char *part = connection_cell(connection, answer, i, 0);
        const char *remedy = connection_cell(connection, answer, i, 1);
        if (is_part(part)) {
            continue;
        }
        if (!remedy || is_changed_part(part)) {
            difference->is_torn = true;
            add(difference, "changed:", part);
            continue;
        }
        add(difference, "extra:", part);
        text_format(&difference->remedy, "%s%s", difference->remedy.size ? "; " : "", remedy);
    }
}

static void
find_missing(const struct connection *connection, size_t answer, struct difference *difference)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        bool is_there = false;
        for (size_t row = 0; row < connection_row_count(connection, answer) && !is_there; row++) {
            const char *part = connection_cell(connection, answer, row, 0);
            size_t size = name_size(part);
            is_there = size == name_size(parts[i]) && strncmp(parts[i], part, size) == 0;
        }
        if (!is_there) {
            difference->is_torn = true;
            add(difference, "missing:", parts[i]);
        }
    }
}

bool
shape_is_plain(const struct connection *connection, size_t answer)
{
    size_t row_count = connection_row_count(connection, answer), wanted = 0;

    for (size_t i = 0; i < PART_COUNT; i++) {
        wanted += !text_starts_with(parts[i], "constraint "); /* they are counted with the table */
    }
    for (size_t i = 0; i < row_count; i++) {
        if (!is_part(connection_cell(connection, answer, i, 0))) {
            return false;
        }
    }
    return row_count == wanted;
}

bool
shape_judge(const struct connection *connection, size_t answer, struct error *error)
{
    CLEANUP(difference_release) struct difference difference = {0};

    find_extra(connection, answer, &difference);
    find_missing(connection, answer, &difference);
    if (difference.count == 0) {
        return true;
    }
    error_set(error, "E-HIST-SHAPE",
              "somebody has changed the tables of the schema skein: nothing is written to them");
    error_where(error, "%s", connection_place(connection));
    if (difference.count > PARTS_SHOWN) {
        error_found(error, "%s; and %zu more", text_of(&difference.found),
                    difference.count - PARTS_SHOWN);
    } else {
        error_found(error, "%s", text_of(&difference.found));
    }
    return difference.is_torn
               ? error_hint(error, "put them back as they were, from a backup of the schema skein")
               : error_hint(error, "%s", text_of(&difference.remedy));
}
