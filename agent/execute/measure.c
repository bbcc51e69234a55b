#include "agent/execute/execute.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/execute/sitting.h"

enum measure_column { MEASURE_SCHEMA, MEASURE_NAME, MEASURE_ROWS, MEASURE_BYTES };

/*
 * Of a partitioned table all of its partitions together. pg_total_relation_size takes the weakest
 * lock, and would wait behind whoever holds the strongest.
 */
static const char query[] =
    "SET LOCAL lock_timeout = '2s';"
    "SELECT schema, name, rows, bytes FROM (SELECT n.nspname AS schema, c.relname AS name,"
    " CASE c.relkind WHEN 'p' THEN"
    "  (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint FROM pg_partition_tree(c.oid) t"
    "   JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)"
    " ELSE c.reltuples::bigint END AS rows,"
    " coalesce(CASE c.relkind WHEN 'p' THEN"
    "  (SELECT sum(pg_total_relation_size(t.relid))::bigint FROM pg_partition_tree(c.oid) t)"
    " ELSE pg_total_relation_size(c.oid) END, 0) AS bytes, c.relispartition"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'skein')"
    ") sized WHERE bytes >= %llu ORDER BY relispartition, bytes DESC";

bool
sitting_measure(struct sitting *sitting, uint64_t bytes_min, struct arena *arena,
                uint64_t *server_version, struct measured_table **tables, size_t *table_count,
                struct error *error)
{
    struct patience patience = sitting_patience();
    char sql[sizeof query + 32];

    if (!sitting_look(sitting, false, error)) {
        return false;
    }
    snprintf(sql, sizeof sql, query, (unsigned long long)bytes_min);
    if (!connection_run(sitting->connection, sql, &patience)) {
        return sitting_query_failed(sitting, "cannot read the sizes of the tables", error);
    }
    const struct connection *connection = sitting->connection;
    *server_version = (uint64_t)connection_server_version(connection);
    *table_count = connection_row_count(connection, 1);
    *tables = arena_alloc(arena, (*table_count + 1) * sizeof **tables);
    for (size_t i = 0; i < *table_count; i++) {
        (*tables)[i] = (struct measured_table){
            .schema = arena_text(arena, connection_cell(connection, 1, i, MEASURE_SCHEMA)),
            .name = arena_text(arena, connection_cell(connection, 1, i, MEASURE_NAME)),
            .rows = strtoll(connection_cell(connection, 1, i, MEASURE_ROWS), NULL, 10),
            .bytes = strtoull(connection_cell(connection, 1, i, MEASURE_BYTES), NULL, 10)};
    }
    return true;
}
