/*
 * maragu.dev/migrate: one row has the version that the database is at, the empty text at the
 * beginning.
 */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE version <> ''");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    const char *version = step->newest ? migration_key(step->newest, "version") : NULL;

    text_append(sql, "UPDATE ");
    history_table(step->place, sql);
    text_append(sql, " SET version = ");
    history_literal(sql, version ? version : "");
    text_append(sql, ";");
    return 1;
}

const struct history_tool history_maragu = {
    .name = "maragu.dev/migrate",
    .layout = "maragu",
    .table = "migrations",
    .again = "put the table's version right",
    .fields = {{"version", "text"}},
    .key = "version",
    .is_mark = true,
    .append_rows = append_rows,
    .append_write = append_write,
};
