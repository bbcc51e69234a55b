/*
 * drizzle: a row per migration, with the time that its journal has for it and the SHA-256 of its
 * file. The tool itself looks at the newest time only.
 */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT created_at::text, hash, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY created_at");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "created_at", "when", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (hash, created_at) VALUES (");
    history_key(step, "checksum", sql);
    text_append(sql, ", ");
    history_key(step, "when", sql);
    text_append(sql, ");");
    return 1;
}

const struct history_tool history_drizzle = {
    .name = "drizzle",
    .layout = "drizzle",
    .table = "__drizzle_migrations",
    .fields = {{"id", "integer|bigint"}, {"hash", "text"}, {"created_at", "bigint"}},
    .key = "when",
    .checksum = "checksum",
    .append_rows = append_rows,
    .append_write = append_write,
};
