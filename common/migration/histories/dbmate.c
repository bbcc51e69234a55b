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
    return history_insert_or_delete(step, "version", "version", sql);
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
