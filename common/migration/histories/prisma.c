/*
 * Prisma: a row per attempt at a migration. One that neither finished nor was rolled back blocks
 * the tool; one that was rolled back does not count.
 */
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT migration_name::text, checksum::text,"
                     " CASE WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END,"
                     " NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE rolled_back_at IS NULL ORDER BY started_at");
}

/* A random id in the form of a UUID, on servers before gen_random_uuid, too. */
static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "migration_name", "name", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (id, checksum, migration_name, started_at, finished_at, applied_steps_count)"
                     " VALUES (md5(random()::text || clock_timestamp()::text)::uuid::text, ");
    history_key(step, "checksum", sql);
    text_append(sql, ", ");
    history_key(step, "name", sql);
    text_append(sql, ", now(), clock_timestamp(), 1);");
    return 1;
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    (void)place;
    text_append(sql, "72707369");
}

const struct history_tool history_prisma = {
    .name = "Prisma",
    .layout = "prisma",
    .table = "_prisma_migrations",
    .again = "repair the database, then: prisma migrate resolve --applied NAME, or --rolled-back",
    .fields = {{"id", "character varying"},
               {"checksum", "character varying"},
               {"finished_at", "timestamp with time zone"},
               {"migration_name", "character varying"},
               {"logs", "text"},
               {"rolled_back_at", "timestamp with time zone"},
               {"started_at", "timestamp with time zone"},
               {"applied_steps_count", "integer"}},
    .key = "name",
    .checksum = "checksum",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
