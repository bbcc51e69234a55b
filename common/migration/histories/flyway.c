/*
 * Flyway: a row per migration with the CRC-32 of its lines. A baseline stands for all versions up
 * to its own; repeatables have no version, and their newest row says which text of them is in
 * force.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/migration/history.h"

#define LOCK_MAGIC INT64_C(0x466c79776179) /* "Flyway" */

/* An undo, or a row that repair has marked, takes the version back. */
static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT coalesce(version::text, 'R ' || description), checksum::text, CASE"
                     " WHEN NOT success THEN 'failed' WHEN type LIKE '%BASELINE' THEN 'below'"
                     " WHEN version IS NULL THEN 'repeatable' ELSE 'applied' END, script::text"
                     " FROM (SELECT DISTINCT ON (version, CASE WHEN version IS NULL THEN"
                     " description END) * FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE type NOT IN ('SCHEMA', 'TABLE') ORDER BY version, CASE WHEN version"
                     " IS NULL THEN description END, installed_rank DESC) AS newest"
                     " WHERE type NOT LIKE 'UNDO%' AND type <> 'DELETE' ORDER BY installed_rank");
}

static void
append_insert(const struct history_step *step, struct text *sql)
{
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (installed_rank, version, description, type, script, checksum, installed_by,"
                     " execution_time, success) SELECT coalesce(max(installed_rank), 0) + 1, ");
    history_key(step, "version", sql);
    text_append(sql, ", ");
    history_key(step, "description", sql);
    text_append(sql, ", 'SQL', ");
    history_key(step, "script", sql);
    text_append(sql, ", ");
    history_key(step, "checksum", sql);
    text_format(sql, "::integer, current_user, %" PRIu64 ", true FROM ", step->duration_us / 1000);
    history_table(step->place, sql);
    text_append(sql, ";");
}

/* Without the row the tool takes the version for pending. */
static void
append_delete(const struct history_step *step, struct text *sql)
{
    text_append(sql, "DELETE FROM ");
    history_table(step->place, sql);
    if (migration_key(step->migration, "version")) {
        text_append(sql, " WHERE version = ");
        history_key(step, "version", sql);
    } else {
        text_append(sql, " WHERE version IS NULL AND description = ");
        history_key(step, "description", sql);
    }
    text_append(sql, ";");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_UP) {
        append_insert(step, sql);
    } else {
        append_delete(step, sql);
    }
    return 1;
}

/* What Java's String.hashCode makes of "schema"."table", added to the word. */
static void
append_lock(const struct history_place *place, struct text *sql)
{
    CLEANUP(text_release) struct text name = {0};
    uint32_t hash = 0;

    history_table(place, &name);
    for (const char *byte = text_of(&name); *byte; byte++) {
        hash = 31 * hash + (unsigned char)*byte;
    }
    text_format(sql, "%" PRId64, LOCK_MAGIC + (int64_t)(int32_t)hash);
}

const struct history_tool history_flyway = {
    .name = "Flyway",
    .layout = "flyway",
    .table = "flyway_schema_history",
    .again = "repair the database, then: flyway repair",
    .fields = {{"installed_rank", "integer"},
               {"version", "character varying"},
               {"description", "character varying"},
               {"type", "character varying"},
               {"script", "character varying"},
               {"checksum", "integer"},
               {"installed_by", "character varying"},
               {"installed_on", "timestamp without time zone"},
               {"execution_time", "integer"},
               {"success", "boolean"}},
    .key = "key",
    .checksum = "checksum",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
