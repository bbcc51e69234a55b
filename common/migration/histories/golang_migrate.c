/*
 * golang-migrate: one row says how far the database is, and whether the last migration was left
 * half done. The tool empties the table and writes the row anew; going back writes the version
 * before, or no row at the beginning.
 */
#include <inttypes.h>
#include <string.h>

#include "common/migration/history.h"

#define LOCK_SALT 1486364155u

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text,"
                     " CASE WHEN dirty THEN 'failed' ELSE 'applied' END, NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE version >= 0");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    const char *version = step->newest ? migration_key(step->newest, "version") : NULL;

    text_append(sql, "DELETE FROM ");
    history_table(step->place, sql);
    text_append(sql, ";");
    if (!version) {
        return 1;
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (version, dirty) VALUES (");
    history_literal(sql, version);
    text_append(sql, ", false);");
    return 2;
}

/* crc32(schema, table and database with a zero byte between) times a constant, modulo 2^32. */
static void
append_lock(const struct history_place *place, struct text *sql)
{
    uint32_t crc = history_crc32(0, place->schema, strlen(place->schema) + 1);

    crc = history_crc32(crc, place->table, strlen(place->table) + 1);
    crc = history_crc32(crc, place->database, strlen(place->database));
    text_format(sql, "%" PRIu32, (uint32_t)(crc * LOCK_SALT));
}

const struct history_tool history_golang_migrate = {
    .name = "golang-migrate",
    .layout = "pairs",
    .table = "schema_migrations",
    .again = "repair the database, then: migrate force VERSION",
    .fields = {{"version", "bigint"}, {"dirty", "boolean"}},
    .key = "version",
    .is_mark = true,
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
