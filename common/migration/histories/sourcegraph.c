/*
 * Sourcegraph: a row per attempt, in either direction; the newest one that was no backfill decides.
 * One that has not ended, or not well, blocks the tool. Several schemas may share the table: the
 * one that was worked on last is ours.
 */
#include "common/migration/history.h"

/* The schema as the tool calls it: schema_migrations, codeintel_schema_migrations … */
static void
append_schema(const struct history_place *place, struct text *sql)
{
    text_append(sql, "(SELECT schema FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY id DESC LIMIT 1)");
}

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, CASE WHEN success THEN 'applied'"
                     " ELSE 'failed' END, NULL::text FROM (SELECT DISTINCT ON (version) version,"
                     " up, success FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE schema = ");
    append_schema(place, sql);
    text_append(sql, " ORDER BY version, backfilled, started_at DESC) AS newest"
                     " WHERE up OR success IS NOT TRUE ORDER BY version");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (migration_logs_schema_version, schema, version, up, started_at,"
                     " finished_at, success) VALUES (2, coalesce(");
    append_schema(step->place, sql);
    text_append(sql, ", 'schema_migrations'), ");
    history_key(step, "version", sql);
    text_append(sql, step->direction == DIRECTION_UP ? ", true" : ", false");
    text_append(sql, ", clock_timestamp(), clock_timestamp(), true);");
    return 1;
}

const struct history_tool history_sourcegraph = {
    .name = "sourcegraph",
    .layout = "sourcegraph",
    .table = "migration_logs",
    .again = "repair the database, then: migrator add-log",
    .fields = {{"id", "integer|bigint"},
               {"migration_logs_schema_version", "integer"},
               {"schema", "text"},
               {"version", "integer"},
               {"up", "boolean"},
               {"started_at", "timestamp with time zone"},
               {"finished_at", "timestamp with time zone"},
               {"success", "boolean"},
               {"error_message", "text"},
               {"backfilled", "boolean"}},
    .key = "version",
    .append_rows = append_rows,
    .append_write = append_write,
};
