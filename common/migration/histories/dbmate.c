/* dbmate: a row per applied migration, with the digits that its file's name begins with. */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY version");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    bool is_up = step->direction == DIRECTION_UP;

    text_append(sql, is_up ? "INSERT INTO " : "DELETE FROM ");
    history_table(step->place, sql);
    text_append(sql, is_up ? " (version) VALUES (" : " WHERE version = (");
    history_key(step, "version", sql);
    text_append(sql, ");");
    return 1;
}

const struct history_tool history_dbmate = {
    .name = "dbmate",
    .layout = "dbmate",
    .table = "schema_migrations",
    .fields = {{"version", "character varying|text"}},
    .key = "version",
    .append_rows = append_rows,
    .append_write = append_write,
};
