/*
 * goose: a row per migration with a number of its own; the newest one of a version decides, for old
 * goose wrote is_applied = false where new ones delete. Row 0 is the table's birth.
 */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version_id::text, NULL::text, 'applied', NULL::text FROM (SELECT"
                     " DISTINCT ON (version_id) version_id, is_applied FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE version_id > 0 ORDER BY version_id, id DESC) AS newest"
                     " WHERE is_applied ORDER BY version_id");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "version_id", "version", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (version_id, is_applied) VALUES (");
    history_key(step, "version", sql);
    text_append(sql, ", true);");
    return 1;
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    (void)place;
    text_append(sql, "4097083626");
}

const struct history_tool history_goose = {
    .name = "goose",
    .layout = "goose",
    .table = "goose_db_version",
    .fields = {{"id", "integer|bigint"},
               {"version_id", "bigint"},
               {"is_applied", "boolean"},
               {"tstamp", "timestamp without time zone|timestamp with time zone"}},
    .key = "version",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
