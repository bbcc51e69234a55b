/*
 * sqlx: a row per migration with the SHA-384 of its up file; one whose success is false was left
 * half done. The time is in nanoseconds.
 */
#include <inttypes.h>
#include <string.h>

#include "common/migration/history.h"

#define LOCK_FACTOR INT64_C(0x3d32ad9e)

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, encode(checksum, 'hex'),"
                     " CASE WHEN success THEN 'applied' ELSE 'failed' END,"
                     " version::text || ' ' || description FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY version");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "version", "version", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (version, description, success, checksum, execution_time) VALUES (");
    history_key(step, "version", sql);
    text_append(sql, ", ");
    history_key(step, "description", sql);
    text_append(sql, ", true, decode(");
    history_key(step, "checksum", sql);
    text_format(sql, ", 'hex'), %" PRIu64 ");", step->duration_us * 1000);
    return 1;
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    uint32_t crc = history_crc32(0, place->database, strlen(place->database));

    text_format(sql, "%" PRId64, LOCK_FACTOR * (int64_t)crc);
}

const struct history_tool history_sqlx = {
    .name = "sqlx",
    .layout = "sqlx",
    .table = "_sqlx_migrations",
    .again = "repair the database, then delete the row whose success is false",
    .fields = {{"version", "bigint"},
               {"description", "text"},
               {"installed_on", "timestamp with time zone"},
               {"success", "boolean"},
               {"checksum", "bytea"},
               {"execution_time", "bigint"}},
    .key = "version",
    .checksum = "checksum",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
