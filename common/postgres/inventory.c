#include "common/postgres/inventory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

enum inventory_answer { ANSWER_SETTING, ANSWER_TABLES, ANSWER_REPLICAS };
enum table_column { TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS, TABLE_BYTES, TABLE_WRITES };

#define WRITTEN(oid)                                                                               \
    "pg_stat_get_tuples_inserted(" oid ") + pg_stat_get_tuples_updated(" oid ")"                   \
    " + pg_stat_get_tuples_deleted(" oid ")"

/*
 * Of a partitioned table all of its partitions together. pg_total_relation_size takes the weakest
 * lock, and would wait behind whoever holds the strongest.
 */
static const char query[] =
    "SET LOCAL lock_timeout = '2s';"
    "SELECT schema, name, rows, bytes, (written * 3600 / greatest(1, extract(epoch FROM now() -"
    " coalesce((SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),"
    " pg_postmaster_start_time()))))::bigint FROM (SELECT n.nspname AS schema, c.relname AS name,"
    " CASE c.relkind WHEN 'p' THEN"
    "  (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint FROM pg_partition_tree(c.oid) t"
    "   JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)"
    " ELSE c.reltuples::bigint END AS rows,"
    " coalesce(CASE c.relkind WHEN 'p' THEN"
    "  (SELECT sum(pg_total_relation_size(t.relid))::bigint FROM pg_partition_tree(c.oid) t)"
    " ELSE pg_total_relation_size(c.oid) END, 0) AS bytes,"
    " CASE c.relkind WHEN 'p' THEN (SELECT coalesce(sum(" WRITTEN(
        "t.relid") "), 0)"
                   "  FROM pg_partition_tree(c.oid) t WHERE t.isleaf)"
                   " ELSE " WRITTEN(
                       "c.oid") " END AS written, c.relispartition"
                                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                                " WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'"
                                " AND n.nspname NOT IN ('pg_catalog', 'information_schema', "
                                "'pg_toast', 'skein')"
                                ") sized WHERE bytes >= %" PRIu64
                                " ORDER BY relispartition, bytes DESC;"
                                "SELECT count(*) FROM pg_stat_get_wal_senders() WHERE state = "
                                "'streaming'";

bool
inventory_read(struct connection *connection, uint64_t bytes_min, const struct patience *patience,
               struct arena *arena, struct inventory *inventory)
{
    CLEANUP(text_release) struct text sql = {0};

    text_format(&sql, query, bytes_min);
    if (!connection_run(connection, text_of(&sql), patience)) {
        return false;
    }
    size_t count = connection_row_count(connection, ANSWER_TABLES);
    *inventory = (struct inventory){
        .tables = arena_alloc(arena, (count + 1) * sizeof *inventory->tables),
        .table_count = count,
        .replicas = connection_number(connection, ANSWER_REPLICAS, 0, 0),
        .server_version = (uint64_t)connection_server_version(connection),
    };
    for (size_t i = 0; i < count; i++) {
        const char *rows = connection_cell(connection, ANSWER_TABLES, i, TABLE_ROWS);
        inventory->tables[i] = (struct inventory_table){
            .schema =
                arena_text(arena, connection_cell(connection, ANSWER_TABLES, i, TABLE_SCHEMA)),
            .name = arena_text(arena, connection_cell(connection, ANSWER_TABLES, i, TABLE_NAME)),
            .rows = rows ? strtoll(rows, NULL, 10) : -1,
            .bytes = connection_number(connection, ANSWER_TABLES, i, TABLE_BYTES),
            .writes_per_hour = connection_number(connection, ANSWER_TABLES, i, TABLE_WRITES),
        };
    }
    return true;
}
