#include "agent/execute/batch_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define TID_RANGE_VERSION                                                                          \
    140000 /* before, PostgreSQL reads the whole table for a range of ctid                         \
            */

/* What is asked, in this order, behind BEGIN and the settings. */
enum answer {
    ANSWER_TABLE = 2,
    ANSWER_LEAVES,
    ANSWER_KEYS,
    ANSWER_CALLS,
    ANSWER_MOVES,
    ANSWER_GENERATED
};

enum table_column { TABLE_OID, TABLE_KIND, TABLE_HAS_RULES };
enum leaf_column {
    LEAF_OID,
    LEAF_SCHEMA,
    LEAF_NAME,
    LEAF_KIND,
    LEAF_ROWS,
    LEAF_BLOCKS,
    LEAF_MOVES,
    LEAF_HAS_TRIGGER_BEHIND,
    LEAF_CHANGES_ITSELF
};
enum key_column {
    KEY_TABLE,
    KEY_INDEX,
    KEY_IS_PRIMARY,
    KEY_NAME,
    KEY_QUOTED,
    KEY_TYPE,
    KEY_IS_GENERATED,
    KEY_IS_USABLE
};

/* ---- asking ---------------------------------------------------------------------------------- */

/* The table's name as an expression: the session's search_path finds it. */
static void
append_table(struct sitting *sitting, const char *schema, const char *table, struct text *sql)
{
    CLEANUP(text_release) struct text name = {0};

    connection_relation(sitting->connection, &name, schema, table);
    text_append(sql, "to_regclass(");
    connection_literal(sitting->connection, sql, text_of(&name));
    text_append(sql, ")");
}

static void
append_name(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    append_table(sitting, subject->schema, subject->table, sql);
}

static void
append_tree(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    text_append(sql, "WITH RECURSIVE tree AS (SELECT c.oid FROM pg_class c WHERE c.oid = ");
    append_name(sitting, subject, sql);
    text_format(sql,
                " UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid"
                " WHERE %s) ",
                subject->is_only ? "false" : "true");
}

/* Those of UPDATE that fire when a row was changed: foreign keys', too. */
#define TRIGGERS_BEHIND                                                                            \
    " FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = c.oid"                \
    " AND g.tgenabled <> 'D' AND g.tgtype::int & 82 = 16"

static void
append_leaves(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    append_tree(sitting, subject, sql);
    text_append(sql,
                "SELECT c.oid::bigint, n.nspname, c.relname, c.relkind,"
                " greatest(c.reltuples, 0)::bigint, CASE WHEN c.relkind = 'r' THEN"
                " pg_relation_size(c.oid) / current_setting('block_size')::bigint ELSE 0 END,"
                " EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal"
                " AND g.tgenabled <> 'D' AND g.tgtype::int & 19 = 19)" /* BEFORE UPDATE, rows */
                ", EXISTS (SELECT" TRIGGERS_BEHIND "), EXISTS (SELECT" TRIGGERS_BEHIND
                " AND p.prosrc ~* '\\mupdate\\M' AND strpos(lower(p.prosrc), c.relname) > 0)"
                " FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n"
                " ON n.oid = c.relnamespace WHERE c.relkind <> 'p'"
                " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\";");
}

/*
 * Unique indexes as ORDER BY and row comparison can use them: all columns in one direction, none
 * null, in the order of their types.
 */
static void
append_keys(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    append_tree(sitting, subject, sql);
    text_append(sql, "SELECT i.indrelid::bigint, i.indexrelid::bigint, i.indisprimary, a.attname,"
                     " quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),"
                     " a.attgenerated <> '', a.attnotnull AND o.opcdefault AND"
                     " i.indcollation[k.n] = a.attcollation AND"
                     " i.indoption[k.n] & 1 = i.indoption[0] & 1"
                     " FROM tree t JOIN pg_index i ON i.indrelid = t.oid"
                     " JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam"
                     " CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) k(n)"
                     " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n]"
                     " JOIN pg_opclass o ON o.oid = i.indclass[k.n]"
                     " WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL"
                     " AND i.indexprs IS NULL AND m.amname = 'btree'"
                     " ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid, k.n;");
}

/* Functions among those called of which there is one like this. */
static void
append_calls(struct sitting *sitting, const char *names, const char *which, struct text *sql)
{
    text_append(sql, "SELECT p.oid::regprocedure, p.prokind IN ('a', 'w')"
                     " FROM unnest(string_to_array(");
    connection_literal(sitting->connection, sql, names ? names : "");
    text_format(sql,
                ", chr(10))) f(name) CROSS JOIN LATERAL (SELECT parse_ident(f.name) AS parts) i"
                " JOIN pg_proc p ON p.proname = i.parts[array_length(i.parts, 1)]"
                " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE %s AND"
                " CASE WHEN array_length(i.parts, 1) = 1 THEN pg_function_is_visible(p.oid)"
                " ELSE n.nspname = i.parts[1] END",
                which);
}

/* Columns that decide which partition a row is in, and are changed. */
static void
append_moves(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    append_tree(sitting, subject, sql);
    text_append(sql, "SELECT a.attname FROM tree t JOIN pg_partitioned_table p"
                     " ON p.partrelid = t.oid CROSS JOIN LATERAL unnest(p.partattrs::int2[]) k(n)"
                     " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n"
                     " WHERE a.attname = ANY (string_to_array(");
    connection_literal(sitting->connection, sql, subject->changed ? subject->changed : "");
    text_append(sql, ", chr(10)));");
}

/* Columns that only the server gives values, and that the statement gives some. */
static void
append_generated(struct sitting *sitting, const struct batch_subject *subject, struct text *sql)
{
    text_append(sql, "SELECT a.attname FROM (SELECT *, row_number() OVER (ORDER BY attnum) AS place"
                     " FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = ");
    append_table(sitting, subject->into ? subject->into_schema : subject->schema,
                 subject->into ? subject->into : subject->table, sql);
    text_format(sql,
                ") a WHERE (a.attgenerated <> ''%s) AND (a.place <= %" PRIu64
                " OR a.attname = ANY (string_to_array(",
                subject->overrides ? "" : " OR a.attidentity = 'a'", subject->first_written);
    connection_literal(sitting->connection, sql, subject->written ? subject->written : "");
    text_append(sql, ", chr(10)))) ORDER BY a.place LIMIT 1;");
}

static bool
ask(struct step_try *try, const struct batch_subject *subject, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct sitting *sitting = try->sitting;
    struct patience patience = sitting_patience();

    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1");
    try_append_settings(try, true, &sql);
    text_append(&sql, "; SELECT c.oid::bigint, c.relkind, c.relhasrules FROM pg_class c"
                      " WHERE c.oid = ");
    append_name(sitting, subject, &sql);
    text_append(&sql, ";");
    append_leaves(sitting, subject, &sql);
    append_keys(sitting, subject, &sql);
    append_calls(sitting, subject->predicate, "p.provolatile = 'v'", &sql);
    text_append(&sql, " UNION ALL ");
    append_calls(sitting, subject->outputs, "p.prokind IN ('a', 'w')", &sql);
    text_append(&sql, ";");
    append_moves(sitting, subject, &sql);
    append_generated(sitting, subject, &sql);
    text_append(&sql, "COMMIT");
    return connection_run(sitting->connection, text_of(&sql), &patience) ||
           sitting_query_failed(sitting, "cannot look at the table", error);
}

/* ---- the table ------------------------------------------------------------------------------- */

struct looking {
    const struct connection *connection;
    const struct batch_subject *subject;
    struct arena *arena;
    struct batch_table *table;
    struct error *error;
};

static bool
refuse(struct looking *looking, const char *code, const char *text, const char *hint)
{
    const struct batch_subject *subject = looking->subject;

    error_set(looking->error, code, "%s", text);
    error_found(looking->error, "%s%s%s", subject->schema ? subject->schema : "",
                subject->schema ? "." : "", subject->table);
    return error_hint(looking->error, "%s", hint);
}

static const char *
cell(const struct looking *looking, size_t answer, size_t row, size_t column)
{
    return connection_cell(looking->connection, answer, row, column);
}

static bool
is_true(const struct looking *looking, size_t answer, size_t row, size_t column)
{
    return cell(looking, answer, row, column)[0] == 't';
}

static uint64_t
number(const struct looking *looking, size_t answer, size_t row, size_t column)
{
    return strtoull(cell(looking, answer, row, column), NULL, 10);
}

static bool
judge_table(struct looking *looking)
{
    if (connection_row_count(looking->connection, ANSWER_TABLE) == 0) {
        return refuse(looking, "E-BATCH-TABLE", "there is no such table",
                      "look at its name, and at the target's search_path");
    }
    char kind = cell(looking, ANSWER_TABLE, 0, TABLE_KIND)[0];
    if (kind == 'v' || kind == 'm') {
        return refuse(looking, "E-BATCH-VIEW", "this is a view: it has no key to go along",
                      "name the table behind it");
    }
    if (kind == 'f') {
        return refuse(looking, "E-BATCH-FOREIGN", "this is a foreign table",
                      "migrate the database that it is in");
    }
    if (kind != 'r' && kind != 'p') {
        return refuse(looking, "E-BATCH-TABLE", "this is no table", "name a table");
    }
    return !is_true(looking, ANSWER_TABLE, 0, TABLE_HAS_RULES) || looking->subject->is_insert ||
           refuse(looking, "E-BATCH-RULE", "a rule of the table changes what the statement does",
                  "drop the rule, or let the statement run as a whole");
}

static bool
judge_calls(struct looking *looking)
{
    if (connection_row_count(looking->connection, ANSWER_CALLS) == 0) {
        return true;
    }
    bool is_aggregate = is_true(looking, ANSWER_CALLS, 0, 1);
    refuse(looking, is_aggregate ? "E-BATCH-GROUP" : "E-BATCH-VOLATILE",
           is_aggregate ? "an aggregate looks at more rows than those of one batch"
                        : "the condition calls a function that answers differently each time",
           "decide first which rows are meant, in a column or a table of their own");
    error_found(looking->error, "%s", cell(looking, ANSWER_CALLS, 0, 0));
    return false;
}

static bool
judge_moves(struct looking *looking)
{
    if (connection_row_count(looking->connection, ANSWER_MOVES) == 0) {
        return true;
    }
    refuse(looking, "E-BATCH-PARTITION", "the statement moves rows from one partition to another",
           "insert them anew and delete the old ones, or let the statement run as a whole");
    error_found(looking->error, "%s", cell(looking, ANSWER_MOVES, 0, 0));
    return false;
}

static bool
judge_generated(struct looking *looking)
{
    if (connection_row_count(looking->connection, ANSWER_GENERATED) == 0) {
        return true;
    }
    refuse(looking, "E-BATCH-GENERATED", "only the server gives this column its values",
           looking->subject->is_insert
               ? "leave the column out; of an identity: OVERRIDING SYSTEM VALUE"
               : "leave the column out, or set it to DEFAULT");
    error_found(looking->error, "%s", cell(looking, ANSWER_GENERATED, 0, 0));
    return false;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static bool
read_leaves(struct looking *looking)
{
    struct batch_table *table = looking->table;
    size_t count = connection_row_count(looking->connection, ANSWER_LEAVES);

    table->leaves = arena_alloc(looking->arena, (count + 1) * sizeof *table->leaves);
    table->leaf_count = count;
    for (size_t i = 0; i < count; i++) {
        struct batch_leaf *leaf = &table->leaves[i];
        leaf->oid = number(looking, ANSWER_LEAVES, i, LEAF_OID);
        leaf->schema = arena_text(looking->arena, cell(looking, ANSWER_LEAVES, i, LEAF_SCHEMA));
        leaf->name = arena_text(looking->arena, cell(looking, ANSWER_LEAVES, i, LEAF_NAME));
        leaf->rows = number(looking, ANSWER_LEAVES, i, LEAF_ROWS);
        leaf->blocks = number(looking, ANSWER_LEAVES, i, LEAF_BLOCKS);
        leaf->may_move_key =
            looking->subject->changed && is_true(looking, ANSWER_LEAVES, i, LEAF_MOVES);
        bool may_change_more = looking->subject->changed && !looking->subject->may_read_itself;
        leaf->may_change_more =
            may_change_more && is_true(looking, ANSWER_LEAVES, i, LEAF_HAS_TRIGGER_BEHIND);
        leaf->will_change_more =
            may_change_more && is_true(looking, ANSWER_LEAVES, i, LEAF_CHANGES_ITSELF);
        table->rows += leaf->rows;
        table->blocks += leaf->blocks;
        if (cell(looking, ANSWER_LEAVES, i, LEAF_KIND)[0] != 'r') {
            refuse(looking, "E-BATCH-FOREIGN", "one of its partitions is no table of this database",
                   "name its other partitions one by one");
            error_found(looking->error, "%s.%s", leaf->schema, leaf->name);
            return false;
        }
    }
    table->is_divided =
        count != 1 || table->leaves[0].oid != number(looking, ANSWER_TABLE, 0, TABLE_OID);
    return true;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Whether a list has this line. */
static bool
has_line(const char *list, const char *line)
{
    size_t size = strlen(line);

    for (const char *at = list; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
        if (strcspn(at, "\n") == size && memcmp(at, line, size) == 0) {
            return true;
        }
    }
    return false;
}

/* The rows of one index among the answers: [begin, end). */
struct index_rows {
    size_t begin, end;
};

static struct index_rows
rows_of_index(const struct looking *looking, size_t begin)
{
    size_t count = connection_row_count(looking->connection, ANSWER_KEYS), end = begin;

    while (end < count && strcmp(cell(looking, ANSWER_KEYS, end, KEY_INDEX),
                                 cell(looking, ANSWER_KEYS, begin, KEY_INDEX)) == 0) {
        end++;
    }
    return (struct index_rows){begin, end};
}

/* Whether the index is the one that is wished: its columns, or the primary key. */
static bool
is_wished(const struct looking *looking, struct index_rows rows)
{
    const char *key = looking->subject->key;
    size_t count = key ? 1 : 0;

    if (!key) {
        return is_true(looking, ANSWER_KEYS, rows.begin, KEY_IS_PRIMARY);
    }
    for (const char *at = key; *at; at++) {
        count += *at == '\n';
    }
    if (count != rows.end - rows.begin) {
        return false;
    }
    for (size_t i = rows.begin; i < rows.end; i++) {
        const char *name = cell(looking, ANSWER_KEYS, i, KEY_NAME);
        size_t size = strcspn(key, "\n");
        if (strlen(name) != size || memcmp(name, key, size) != 0) {
            return false;
        }
        key += size + (key[size] == '\n');
    }
    return true;
}

static bool
is_usable(const struct looking *looking, struct index_rows rows)
{
    for (size_t i = rows.begin; i < rows.end; i++) {
        if (!is_true(looking, ANSWER_KEYS, i, KEY_IS_USABLE)) {
            return false;
        }
    }
    return rows.end - rows.begin <= BATCH_KEY_MAX;
}

static bool
take_key(struct looking *looking, struct index_rows rows, struct batch_leaf *leaf)
{
    leaf->key_count = rows.end - rows.begin;
    for (size_t i = 0; i < leaf->key_count; i++) {
        size_t row = rows.begin + i;
        const char *name = cell(looking, ANSWER_KEYS, row, KEY_NAME);
        leaf->columns[i] = arena_text(looking->arena, cell(looking, ANSWER_KEYS, row, KEY_QUOTED));
        leaf->types[i] = arena_text(looking->arena, cell(looking, ANSWER_KEYS, row, KEY_TYPE));
        leaf->may_move_key |=
            looking->subject->changed && is_true(looking, ANSWER_KEYS, row, KEY_IS_GENERATED);
        if (has_line(looking->subject->changed, name)) {
            refuse(looking, "E-BATCH-KEY-CHANGED",
                   "the statement changes the key that it is to go along",
                   "name another unique key: -- skein: batch key=column");
            error_found(looking->error, "%s", name);
            return false;
        }
    }
    return true;
}

static bool
refuse_key(struct looking *looking, const struct batch_leaf *leaf, bool is_there)
{
    const char *key = looking->subject->key;

    error_set(looking->error, "E-BATCH-KEY", "%s",
              is_there ? "the key cannot be used: a column may be null, or is not ordered as its "
                         "type is"
              : key    ? "there is no unique index over these columns in this order"
                       : "the table has no primary key");
    error_found(looking->error, "%s.%s", leaf->schema, leaf->name);
    return error_hint(looking->error,
                      "name a unique key whose columns are NOT NULL: -- skein: batch key=a,b; or "
                      "key=ctid, when the statement leaves rows alone that it has changed");
}

static bool
find_key(struct looking *looking, struct batch_leaf *leaf)
{
    size_t count = connection_row_count(looking->connection, ANSWER_KEYS);
    bool is_there = false;

    for (size_t at = 0; at < count;) {
        struct index_rows rows = rows_of_index(looking, at);
        at = rows.end;
        if (number(looking, ANSWER_KEYS, rows.begin, KEY_TABLE) != leaf->oid ||
            !is_wished(looking, rows)) {
            continue;
        }
        is_there = true;
        if (is_usable(looking, rows)) {
            return take_key(looking, rows, leaf);
        }
    }
    return refuse_key(looking, leaf, is_there);
}

static bool
find_keys(struct looking *looking)
{
    for (size_t i = 0; i < looking->table->leaf_count && !looking->table->is_by_ctid; i++) {
        if (!find_key(looking, &looking->table->leaves[i])) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
quote_leaves(struct looking *looking, struct connection *connection)
{
    for (size_t i = 0; i < looking->table->leaf_count; i++) {
        CLEANUP(text_release) struct text name = {0};
        struct batch_leaf *leaf = &looking->table->leaves[i];
        text_append(&name, "ONLY ");
        connection_relation(connection, &name, leaf->schema, leaf->name);
        leaf->quoted = arena_text(looking->arena, text_of(&name));
    }
}

/* "Seq Scan on t  (cost=0.00..1.23 rows=123 width=0)": what the planner makes of its pages. */
static bool
estimate_leaf(struct sitting *sitting, struct batch_leaf *leaf)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    text_format(&sql, "EXPLAIN SELECT FROM %s", leaf->quoted);
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        return false;
    }
    const char *plan = connection_cell(sitting->connection, 0, 0, 0);
    const char *rows = plan ? strstr(plan, " rows=") : NULL;
    leaf->rows = rows ? strtoull(rows + strlen(" rows="), NULL, 10) : 0;
    return true;
}

/* A table that nobody has analyzed yet. It only serves to say how far we are. */
static void
estimate_rows(struct looking *looking, struct sitting *sitting)
{
    struct batch_table *table = looking->table;

    for (size_t i = 0; i < table->leaf_count; i++) {
        struct batch_leaf *leaf = &table->leaves[i];
        if (leaf->rows || !leaf->blocks) {
            continue;
        }
        if (!estimate_leaf(sitting, leaf)) {
            return; /* without the right to read, perhaps: the first batch will say so */
        }
        table->rows += leaf->rows;
    }
}

static bool
judge_ctid(struct looking *looking)
{
    looking->table->is_by_ctid = text_equal(looking->subject->key, BATCH_KEY_CTID);
    return !looking->table->is_by_ctid ||
           connection_server_version(looking->connection) >= TID_RANGE_VERSION ||
           refuse(looking, "E-BATCH-CTID",
                  "before PostgreSQL 14 a range of ctid is found only by reading the whole table",
                  "name a unique key: -- skein: batch key=column");
}

bool
batch_table_look(struct step_try *try, const struct batch_subject *subject, struct arena *arena,
                 struct batch_table *table, struct error *error)
{
    struct looking looking = {.subject = subject, .arena = arena, .table = table, .error = error};

    *table = (struct batch_table){0};
    if (!ask(try, subject, error)) {
        return false;
    }
    looking.connection = try->sitting->connection;
    if (!judge_table(&looking) || !judge_ctid(&looking) || !read_leaves(&looking) ||
        !judge_calls(&looking) || !judge_moves(&looking) || !judge_generated(&looking) ||
        !find_keys(&looking)) {
        return false;
    }
    quote_leaves(&looking, try->sitting->connection);
    estimate_rows(&looking, try->sitting);
    return true;
}

size_t
batch_table_find(const struct batch_table *table, const char *schema, const char *name)
{
    for (size_t i = 0; i < table->leaf_count; i++) {
        int order = strcmp(table->leaves[i].schema, schema);
        if (order > 0 || (order == 0 && strcmp(table->leaves[i].name, name) >= 0)) {
            return i;
        }
    }
    return table->leaf_count;
}
