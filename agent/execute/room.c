#include "agent/execute/room.h"

#include <inttypes.h>
#include <sys/statvfs.h>

#include "common/base/mem.h"
#include "agent/execute/sitting.h"

#define ROOM_QUERY_MAX 65536 /* of a file with very many statements the first ones tell */

enum room_column { ROOM_DATA, ROOM_WAL, ROOM_DIRECTORY, ROOM_SLOTS, ROOM_PLACE };

/* What a thousandth of the table's bytes is written, at most: new rows, indexes, storage. */
static const struct {
    unsigned data, wal;
} shares[WORK_KIND_COUNT] = {
    [WORK_INDEX] = {300, 300}, [WORK_WRITE] = {1000, 1500}, [WORK_REWRITE] = {1000, 1000}};

/*
 * The sizes take the weakest lock, and would wait behind whoever holds the strongest. The data
 * directory is told to members of pg_read_all_settings only; another host's would be of no use.
 */
static const char head[] =
    "SET LOCAL lock_timeout = '1s';"
    "SELECT coalesce(sum(s.bytes * v.data / 1000), 0)::bigint,"
    " coalesce(sum(s.bytes * v.wal / 1000), 0)::bigint,"
    " CASE WHEN inet_server_addr() IS NULL AND"
    " pg_has_role('pg_read_all_settings', 'MEMBER') THEN"
    " current_setting('data_directory') END,"
    " (SELECT greatest(0, pg_size_bytes(nullif(k.size, '-1')) -"
    " max(pg_current_wal_lsn() - l.restart_lsn))::bigint FROM"
    " current_setting('max_slot_wal_keep_size', true) k(size),"
    " pg_catalog.pg_get_replication_slots() l WHERE l.restart_lsn IS NOT NULL"
    " GROUP BY k.size),"
    " (array_agg(s.place ORDER BY s.bytes DESC))[1] FROM (VALUES ";

static const char tail[] =
    ") v(schema, name, data, wal), LATERAL (SELECT CASE c.relkind WHEN 'p' THEN"
    " (SELECT sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(c.oid) t)"
    " ELSE pg_total_relation_size(c.oid) END AS bytes,"
    " pg_tablespace_location(c.reltablespace) AS place FROM pg_catalog.pg_class c JOIN"
    " pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = v.name AND"
    " n.nspname = v.schema AND c.relkind IN ('r', 'p', 'm')) s";

#define LITTLE_BYTES (1 << 20)
#define LITTLE_WORKS 64 /* more than these are for the whole question */

static bool
writes(const struct statement_work *work)
{
    return shares[work->kind].data > 0;
}

bool
room_concerns(const struct step_try *try)
{
    for (size_t i = 0; i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        for (size_t work = 0; work < statement->work_count; work++) {
            if (writes(&statement->works[work])) {
                return true;
            }
        }
    }
    return false;
}

static void
append_size(struct connection *connection, const struct statement_work *work, struct text *sql)
{
    CLEANUP(text_release) struct text name = {0};

    connection_relation(connection, &name, work->schema, work->table);
    text_append(sql, "pg_total_relation_size(to_regclass(");
    connection_literal(connection, sql, text_of(&name));
    text_append(sql, "))");
}

static void
append_shared(struct connection *connection, const struct statement_work *work, struct text *sql)
{
    text_append(sql, "(");
    connection_literal(connection, sql, work->schema);
    text_append(sql, ", ");
    connection_literal(connection, sql, work->table);
    text_format(sql, ", %u, %u)", shares[work->kind].data, shares[work->kind].wal);
}

/* Returns how many. */
static size_t
append_works(const struct step_try *try,
             void (*append)(struct connection *, const struct statement_work *, struct text *),
             struct text *sql)
{
    size_t count = 0;

    for (size_t i = 0; i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        for (size_t at = 0; at < statement->work_count; at++) {
            const struct statement_work *work = &statement->works[at];
            if (!writes(work) || sql->size > ROOM_QUERY_MAX) {
                continue;
            }
            text_append(sql, count++ ? ", " : "");
            append(try->sitting->connection, work, sql);
        }
    }
    return count;
}

static uint64_t
free_bytes(const char *directory, uint64_t limit)
{
    uint64_t most = limit ? limit : UINT64_MAX;
    struct statvfs about;

    if (!directory || statvfs(directory, &about) < 0) {
        return most;
    }
    uint64_t seen = (uint64_t)about.f_bavail * about.f_frsize;
    return seen < most ? seen : most;
}

static size_t
count_works(const struct step_try *try)
{
    size_t count = 0;

    for (size_t i = 0; i < try->script->statement_count; i++) {
        count += try->script->statements[i].work_count;
    }
    return count;
}

/*
 * Mostly the tables are small, and to plan the whole question takes ten times as long as this. One
 * of no size at all may be partitioned, and is for the whole question; one that is not there, for
 * neither. False as well when the server could not be asked.
 */
static bool
is_little(struct step_try *try)
{
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    CLEANUP(text_release) struct text sql = {0};
    uint64_t sum = 0;

    if (count_works(try) > LITTLE_WORKS) {
        return false;
    }
    text_append(&sql, "SET LOCAL lock_timeout = '1s';SELECT ");
    size_t count = append_works(try, append_size, &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = connection_number(connection, 1, 0, i);
        if (connection_cell(connection, 1, 0, i) && !bytes) {
            return false;
        }
        sum += bytes;
    }
    return sum < LITTLE_BYTES;
}

bool
room_look(struct step_try *try, struct room *room)
{
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    CLEANUP(text_release) struct text sql = {0};

    *room = (struct room){.free_bytes = UINT64_MAX, .slot_bytes = UINT64_MAX};
    if (is_little(try)) {
        return true;
    }
    text_append(&sql, head);
    append_works(try, append_shared, &sql);
    text_append(&sql, tail);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return false;
    }
    const char *left = connection_cell(connection, 1, 0, ROOM_SLOTS);
    const char *place = connection_cell(connection, 1, 0, ROOM_PLACE);
    uint64_t data_bytes = connection_number(connection, 1, 0, ROOM_DATA);
    uint64_t wal_bytes = connection_number(connection, 1, 0, ROOM_WAL);
    bool is_elsewhere = place && place[0]; /* a tablespace; WAL goes to another disk then */
    const char *directory =
        is_elsewhere ? place : connection_cell(connection, 1, 0, ROOM_DIRECTORY);
    *room = (struct room){
        .needed_bytes = is_elsewhere ? data_bytes : data_bytes + wal_bytes,
        .wal_bytes = wal_bytes,
        .free_bytes = free_bytes(directory, try->sitting->config.preflight.room_bytes),
        .slot_bytes = left ? connection_number(connection, 1, 0, ROOM_SLOTS) : UINT64_MAX};
    return true;
}
