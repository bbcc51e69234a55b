#include "agent/execute/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define DROP_MS 120000
#define STOPPED_DROP_MS 15000

enum look_column { LOOK_NAME, LOOK_EXISTS, LOOK_VALID, LOOK_FITS, LOOK_BUILDING };

static const char facts_of_index[] =
    "i.indexrelid IS NOT NULL, i.indisvalid AND i.indisready AND i.indislive, ";

static const char is_building[] =
    ", EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)";

/* An index is always made in its table's schema, under a name without one. */
static void
append_made(struct connection *connection, const struct statement *statement, struct text *sql)
{
    text_append(sql, "SELECT format('%I.%I', n.nspname, w.name), ");
    text_append(sql, facts_of_index);
    text_format(sql, "i.indrelid = t.oid AND i.indisunique = %s",
                statement->is_unique ? "true" : "false");
    text_append(sql, is_building);
    text_append(sql, " FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
                     " CROSS JOIN (SELECT p[array_upper(p, 1)] AS name FROM parse_ident(");
    connection_literal(connection, sql, statement->object);
    text_append(sql, ") p) w LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name"
                     " LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE t.oid = to_regclass(");
    connection_literal(connection, sql, statement->table);
    text_append(sql, ")");
}

static void
append_named(struct connection *connection, const char *name, struct text *sql)
{
    text_append(sql, "SELECT format('%I.%I', n.nspname, c.relname), ");
    text_append(sql, facts_of_index);
    text_append(sql, "true");
    text_append(sql, is_building);
    text_append(sql, " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                     " JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = to_regclass(");
    connection_literal(connection, sql, name);
    text_append(sql, ")");
}

static bool
ask(struct sitting *sitting, const struct text *sql, struct index_look *look, struct error *error)
{
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();

    *look = (struct index_look){0};
    patience.heeds_interrupt = false;
    if (!connection_run(connection, text_of(sql), &patience)) {
        return sitting_query_failed(sitting, "cannot look at the index", error);
    }
    if (connection_row_count(connection, 0) == 1) {
        snprintf(look->name, sizeof look->name, "%s", connection_cell(connection, 0, 0, LOOK_NAME));
        look->exists = connection_is_true(connection, 0, 0, LOOK_EXISTS);
        look->is_valid = connection_is_true(connection, 0, 0, LOOK_VALID);
        look->is_fitting = connection_is_true(connection, 0, 0, LOOK_FITS);
        look->is_building = connection_is_true(connection, 0, 0, LOOK_BUILDING);
    }
    return true;
}

bool
index_look_at(struct sitting *sitting, const struct statement *statement, struct index_look *look,
              struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};

    if (statement->kind == STATEMENT_CREATE_INDEX_CONCURRENTLY) {
        append_made(sitting->connection, statement, &sql);
    } else {
        append_named(sitting->connection, statement->object, &sql);
    }
    return ask(sitting, &sql, look, error);
}

bool
index_look_up(struct sitting *sitting, const char *name, struct index_look *look,
              struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};

    append_named(sitting->connection, name, &sql);
    return ask(sitting, &sql, look, error);
}

bool
index_drop(struct sitting *sitting, const char *name, struct error *error)
{
    int64_t wait_ms = interrupt_is_raised(sitting->interrupt) ? STOPPED_DROP_MS : DROP_MS;
    CLEANUP(mem_free)
    char *limit = mem_format("SELECT set_config('lock_timeout', '%" PRId64 "', false)", wait_ms);
    CLEANUP(mem_free) char *drop = mem_format("DROP INDEX CONCURRENTLY IF EXISTS %s", name);
    struct patience patience = {.deadline_ms = clock_now_ms() + wait_ms + 5000};
    struct command_end end;

    return (connection_run(sitting->connection, limit, &patience) &&
            connection_command(sitting->connection, drop, &patience, &end)) ||
           sitting_query_failed(sitting, "cannot drop the half-made index", error);
}
