/* sql-migrate: a row per migration, with its file's name. */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT id::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY applied_at, id");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "id", "file", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (id, applied_at) VALUES (");
    history_key(step, "file", sql);
    text_append(sql, ", now());");
    return 1;
}

const struct history_tool history_sql_migrate = {
    .name = "sql-migrate",
    .layout = "sql-migrate",
    .table = "gorp_migrations",
    .fields = {{"id", "text|character varying"}, {"applied_at", "timestamp with time zone"}},
    .key = "file",
    .append_rows = append_rows,
    .append_write = append_write,
};
