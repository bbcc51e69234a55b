/* node-pg-migrate: a row per migration, with its file's name without the extension. */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT name::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY run_on, id");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "name", "name", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (name, run_on) VALUES (");
    history_key(step, "name", sql);
    text_append(sql, ", clock_timestamp());");
    return 1;
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    (void)place;
    text_append(sql, "7241865325823964");
}

const struct history_tool history_node_pg_migrate = {
    .name = "node-pg-migrate",
    .layout = "node-pg-migrate",
    .table = "pgmigrations",
    .fields = {{"id", "integer|bigint"},
               {"name", "character varying"},
               {"run_on", "timestamp without time zone|timestamp with time zone"}},
    .key = "name",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
