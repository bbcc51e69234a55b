/*
 * graphile-migrate: a row per committed migration, each with the hash of the one before it, so the
 * hash is what a migration is called; it is of the text, too.
 */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT hash, hash, 'applied', filename || ' ' || hash FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY filename");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "hash", "hash", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (hash, previous_hash, filename) VALUES (");
    history_key(step, "hash", sql);
    text_append(sql, ", ");
    history_key(step, "previous_hash", sql);
    text_append(sql, ", ");
    history_key(step, "file", sql);
    text_append(sql, ");");
    return 1;
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    (void)place;
    text_append(sql, "4727445306447283");
}

const struct history_tool history_graphile_migrate = {
    .name = "graphile-migrate",
    .layout = "graphile-migrate",
    .schema = "graphile_migrate",
    .table = "migrations",
    .fields = {{"hash", "text"},
               {"previous_hash", "text"},
               {"filename", "text"},
               {"date", "timestamp with time zone"}},
    .key = "hash",
    .checksum = "checksum",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
