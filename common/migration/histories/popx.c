/*
 * popx: a row per migration. A version of 14 digits is of an older kind: it stands for all of those
 * whose longer versions begin with it.
 */
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

const struct history_tool history_popx = {
    .name = "popx",
    .layout = "popx",
    .table = "schema_migration",
    .fields = {{"version", "character varying"}, {"version_self", "integer"}},
    .key = "version",
    .prefix_size = 14,
    .append_rows = append_rows,
    .append_write = append_write,
};
