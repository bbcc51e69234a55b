#include "agent/execute/histories.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define COLUMNS_MAX 64
#define STAYS_MS 10000

/* ---- finding --------------------------------------------------------------------------------- */

enum find_column {
    FIND_SCHEMA,
    FIND_TABLE,
    FIND_DATABASE,
    FIND_RANK,
    FIND_CAN_READ,
    FIND_CAN_WRITE,
    FIND_NAME,
    FIND_TYPE,
    FIND_IS_OPTIONAL
};

/* What the owner calls the table: [schema.]name. */
struct named {
    char *schema, *table; /* schema null: any */
};

static struct named
name_of(const char *text, struct arena *arena)
{
    struct named named = {.table = arena_text(arena, text)};
    char *dot = named.table ? strchr(named.table, '.') : NULL;

    if (dot) {
        *dot = '\0';
        named.schema = named.table;
        named.table = dot + 1;
    }
    return named;
}

/* Several tools call theirs the same. */
static bool
is_first_of_name(size_t tool)
{
    for (size_t i = 0; i < tool; i++) {
        if (strcmp(history_tools[i]->table, history_tools[tool]->table) == 0) {
            return false;
        }
    }
    return true;
}

static void
append_names(const struct named *named, struct text *sql)
{
    if (named->table) {
        history_literal(sql, named->table);
        return;
    }
    for (size_t i = 0; history_tools[i]; i++) {
        if (is_first_of_name(i)) {
            text_append(sql, i ? ", " : "");
            history_literal(sql, history_tools[i]->table);
        }
    }
}

/* Migrations run with the target's search_path, when it has one of its own. */
static void
append_path(const struct sitting *sitting, struct text *sql)
{
    if (!sitting->config.search_path) {
        text_append(sql, "current_schemas(false)");
        return;
    }
    text_append(sql, "regexp_split_to_array(replace(");
    history_literal(sql, sitting->config.search_path);
    text_append(sql, ", '\"', ''), '[[:space:]]*,[[:space:]]*')::name[]");
}

static void
compose(const struct sitting *sitting, const struct named *named, struct text *sql)
{
    text_append(sql, "SELECT n.nspname, c.relname, current_database(), array_position(");
    append_path(sitting, sql);
    text_append(sql,
                ", n.nspname),"
                " has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),"
                " has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE'),"
                " a.attname, format_type(a.atttypid, NULL),"
                " NOT a.attnotnull OR a.atthasdef OR a.attidentity <> ''"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relname IN (");
    append_names(named, sql);
    text_append(sql, ") AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
                     " AND n.nspname NOT IN ('information_schema', 'skein')"
                     " AND n.nspname !~ '^pg_'");
    if (named->schema) {
        text_append(sql, " AND n.nspname = ");
        history_literal(sql, named->schema);
    }
    text_append(sql, " ORDER BY 4, 1, 2, a.attnum");
}

/*
 * Mostly there is no table of any of those names: that is seen without planning the question, and
 * stays so for as long as it takes from a plan to its first step.
 */
static bool
is_without(struct sitting *sitting, const struct named *named, bool *is_none, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    bool is_fresh = sitting->no_history_ms && clock_now_ms() - sitting->no_history_ms < STAYS_MS;
    *is_none = is_fresh && !named->table;
    if (*is_none) {
        return true;
    }
    text_append(&sql, "SELECT FROM pg_class WHERE relname IN (");
    append_names(named, &sql);
    text_append(&sql, ") LIMIT 1");
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot look for other tools' tables", error);
    }
    *is_none = connection_row_count(sitting->connection, 0) == 0;
    if (*is_none && !named->table) {
        sitting->no_history_ms = clock_now_ms();
    }
    return true;
}

/* One table of the answer, and which tool's it is: null when it is nobody's. */
static const struct history_tool *
recognise(const struct connection *connection, size_t first, size_t next,
          const struct history_tool *only, const struct named *named)
{
    struct history_found columns[COLUMNS_MAX];
    size_t count = 0;

    for (size_t row = first; row < next && count < COLUMNS_MAX; row++) {
        columns[count++] = (struct history_found){
            .name = connection_cell(connection, 0, row, FIND_NAME),
            .type = connection_cell(connection, 0, row, FIND_TYPE),
            .is_optional = connection_is_true(connection, 0, row, FIND_IS_OPTIONAL),
        };
    }
    const char *schema = connection_cell(connection, 0, first, FIND_SCHEMA);
    const char *table = connection_cell(connection, 0, first, FIND_TABLE);
    for (size_t i = 0; history_tools[i]; i++) {
        if ((!only || only == history_tools[i]) &&
            history_fits(history_tools[i], schema, named->table ? NULL : table, columns, count)) {
            return history_tools[i];
        }
    }
    return NULL;
}

static bool
is_same_table(const struct connection *connection, size_t a, size_t b)
{
    return strcmp(connection_cell(connection, 0, a, FIND_SCHEMA),
                  connection_cell(connection, 0, b, FIND_SCHEMA)) == 0 &&
           strcmp(connection_cell(connection, 0, a, FIND_TABLE),
                  connection_cell(connection, 0, b, FIND_TABLE)) == 0;
}

static struct found_history
keep(const struct connection *connection, size_t row, const struct history_tool *tool,
     struct arena *arena)
{
    return (struct found_history){
        .place = {.tool = tool,
                  .schema = arena_text(arena, connection_cell(connection, 0, row, FIND_SCHEMA)),
                  .table = arena_text(arena, connection_cell(connection, 0, row, FIND_TABLE)),
                  .database =
                      arena_text(arena, connection_cell(connection, 0, row, FIND_DATABASE))},
        .can_read = connection_is_true(connection, 0, row, FIND_CAN_READ),
        .can_write = connection_is_true(connection, 0, row, FIND_CAN_WRITE),
        .is_in_path = connection_cell(connection, 0, row, FIND_RANK) != NULL,
    };
}

bool
histories_find(struct sitting *sitting, const struct history_tool *tool, const char *named_text,
               struct arena *arena, struct found_history **found, size_t *count,
               struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();
    struct connection *connection = sitting->connection;
    struct named named = name_of(named_text, arena);

    bool is_none;

    *count = 0;
    *found = NULL;
    if (!is_without(sitting, &named, &is_none, error)) {
        return false;
    }
    if (is_none) {
        return true;
    }
    compose(sitting, &named, &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot look for other tools' tables", error);
    }
    size_t rows = connection_row_count(connection, 0);
    *found = arena_alloc(arena, (rows + 1) * sizeof **found);
    for (size_t first = 0, next = 0; first < rows; first = next) {
        while (next < rows && is_same_table(connection, first, next)) {
            next++;
        }
        const struct history_tool *whose = recognise(connection, first, next, tool, &named);
        if (whose) {
            (*found)[(*count)++] = keep(connection, first, whose, arena);
        }
    }
    return true;
}

const char *
histories_name(const struct history_place *place, struct arena *arena)
{
    return arena_format(arena, "%s.%s", place->schema, place->table);
}

static bool
refuse_ambiguous(const struct found_history *found, size_t count, struct arena *arena,
                 struct error *error)
{
    CLEANUP(text_release) struct text names = {0};

    for (size_t i = 0; i < count; i++) {
        text_format(&names, "%s%s", i ? ", " : "", histories_name(&found[i].place, arena));
    }
    error_set(error, "E-ADOPT-AMBIGUOUS", "there are %zu tables of %s", count,
              found->place.tool->name);
    error_found(error, "%s", text_of(&names));
    return error_hint(error, "say which is the service's, in skein.yaml: history_table: %s",
                      histories_name(&found[0].place, arena));
}

bool
histories_find_own(struct sitting *sitting, const struct manifest *manifest, struct arena *arena,
                   const struct found_history **found, struct error *error)
{
    const struct history_tool *tool = history_of_layout(manifest->layout);
    struct found_history *all = NULL;
    size_t count = 0, own = 0;

    *found = NULL;
    if (!tool) {
        return true;
    }
    if (!histories_find(sitting, tool, manifest->history_table, arena, &all, &count, error)) {
        return false;
    }
    while (own < count && all[own].is_in_path) {
        own++;
    }
    if (count > 1 && own == 0) {
        return refuse_ambiguous(all, count, arena, error);
    }
    if (count > 0 && tool->scope && manifest->migration_count > 0) {
        all[0].place.scope =
            arena_text(arena, migration_key(&manifest->migrations[0], tool->scope));
    }
    *found = count ? &all[0] : NULL;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool
refuse_unreadable(const struct sitting *sitting, const struct found_history *history,
                  struct arena *arena, struct error *error)
{
    const char *name = histories_name(&history->place, arena);
    const char *user = connection_user(sitting->connection);

    error_set(error, "E-ADOPT-PRIV", "the table of %s cannot be read", history->place.tool->name);
    error_where(error, "%s", name);
    return error_hint(error, "GRANT USAGE ON SCHEMA \"%s\" TO \"%s\"; GRANT SELECT ON %s TO \"%s\"",
                      history->place.schema, user, name, user);
}

bool
histories_read(struct sitting *sitting, const struct found_history *history, struct arena *arena,
               struct history_row **rows, size_t *count, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();
    struct connection *connection = sitting->connection;

    *count = 0;
    if (!history->can_read) {
        return refuse_unreadable(sitting, history, arena, error);
    }
    history->place.tool->append_rows(&history->place, &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot read another tool's table", error);
    }
    size_t row_count = connection_row_count(connection, 0);
    *rows = arena_alloc(arena, (row_count + 1) * sizeof **rows);
    for (; *count < row_count; ++*count) {
        const char *cells[HISTORY_ROW_COLUMN_COUNT];
        for (size_t i = 0; i < HISTORY_ROW_COLUMN_COUNT; i++) {
            cells[i] = arena_text(arena, connection_cell(connection, 0, *count, i));
        }
        (*rows)[*count] = (struct history_row){
            .key = cells[HISTORY_ROW_KEY] ? cells[HISTORY_ROW_KEY] : "",
            .checksum = cells[HISTORY_ROW_CHECKSUM],
            .label = cells[HISTORY_ROW_LABEL],
            .has_failed = text_equal(cells[HISTORY_ROW_STATE], "failed"),
            .is_below = text_equal(cells[HISTORY_ROW_STATE], "below"),
            .is_repeatable = text_equal(cells[HISTORY_ROW_STATE], "repeatable"),
        };
    }
    return true;
}

/* ---- is it adopted --------------------------------------------------------------------------- */

/* Whether Skein has ever done or adopted something here, or was told that there is nothing. */
static bool
has_begun(struct sitting *sitting, bool *answer, struct error *error)
{
    struct patience patience = sitting_patience();

    *answer = false;
    if (!sitting->has_schema) {
        return true;
    }
    if (!connection_run(sitting->connection,
                        "SELECT EXISTS (SELECT FROM skein.journal WHERE state = 'done')",
                        &patience)) {
        return sitting_query_failed(sitting, "cannot read the journal", error);
    }
    *answer = connection_is_true(sitting->connection, 0, 0, 0);
    return true;
}

bool
histories_is_unheeded(struct sitting *sitting, bool *is_unheeded, struct error *error)
{
    struct patience patience = sitting_patience();

    *is_unheeded = false;
    if (!sitting->has_schema) {
        return true;
    }
    if (!connection_run(sitting->connection,
                        "SELECT cursor FROM skein.journal WHERE version = '' AND state = 'done'"
                        " AND cursor LIKE 'adopted %' ORDER BY number DESC LIMIT 1",
                        &patience)) {
        return sitting_query_failed(sitting, "cannot read the journal", error);
    }
    *is_unheeded = connection_row_count(sitting->connection, 0) == 1 &&
                   text_equal(connection_cell(sitting->connection, 0, 0, 0), ADOPTED_NOTHING);
    return true;
}

bool
histories_find_namesakes(struct sitting *sitting, const char *table, struct text *names,
                         struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();
    struct connection *connection = sitting->connection;

    text_append(&sql, "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid ="
                      " c.relnamespace WHERE n.nspname NOT IN ('skein') AND n.nspname !~ '^pg_'"
                      " AND c.relname = ");
    history_literal(&sql, table);
    text_append(&sql, " ORDER BY 1 LIMIT 5");
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot look for other tools' tables", error);
    }
    for (size_t i = 0; i < connection_row_count(connection, 0); i++) {
        text_format(names, "%s%s.%s", i ? ", " : "", connection_cell(connection, 0, i, 0), table);
    }
    return true;
}

static bool
refuse_unadopted(const struct sitting *sitting, const struct found_history *history, size_t count,
                 const struct manifest *manifest, struct arena *arena, struct error *error)
{
    const struct history_tool *tool = history->place.tool;
    bool is_other = manifest && history_of_layout(manifest->layout) != tool;

    error_set(error, "E-ADOPT-NEEDED",
              "%s has migrated this database, and Skein's journal knows"
              " nothing of it: all of it would run again",
              tool->name);
    error_where(error, "%s, table %s", connection_place(sitting->connection),
                histories_name(&history->place, arena));
    error_found(error, "%zu row%s", count, count == 1 ? "" : "s");
    if (!tool->layout) {
        return error_hint(error, "its migrations cannot be adopted: see docs/adopting.md; if the"
                                 " table is not this service's: skein adopt --nothing");
    }
    if (is_other) {
        return error_hint(error,
                          "the files' layout is %s: say layout: %s in skein.yaml, then skein"
                          " adopt; if that table is not this service's: skein adopt --nothing",
                          manifest->layout, tool->layout);
    }
    return error_hint(error, "skein adopt --dry-run, then skein adopt: takes over what is applied"
                             " without running anything; if the table is not this service's: skein"
                             " adopt --nothing");
}

bool
histories_check_adopted(struct sitting *sitting, const struct manifest *manifest,
                        struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    const struct history_tool *own = manifest ? history_of_layout(manifest->layout) : NULL;
    const char *named = own ? manifest->history_table : NULL;
    struct found_history *found = NULL;
    size_t count = 0, row_count = 0;
    struct history_row *rows;
    bool is_begun = false;

    if (sitting->applied_count > 0) {
        return true;
    }
    if (!histories_find(sitting, named ? own : NULL, named, &arena, &found, &count, error) ||
        (count > 0 && !has_begun(sitting, &is_begun, error))) {
        return false;
    }
    for (size_t i = 0; i < count && !is_begun; i++) {
        if (!histories_read(sitting, &found[i], &arena, &rows, &row_count, error)) {
            return false;
        }
        if (row_count > 0) {
            return refuse_unadopted(sitting, &found[i], row_count, manifest, &arena, error);
        }
    }
    return true;
}
