/*
 * inventory: the tables of a database, how large they are and how much is written to them, as its
 * catalog and its statistics say.
 */
#ifndef COMMON_POSTGRES_INVENTORY_H
#define COMMON_POSTGRES_INVENTORY_H

#include "common/base/arena.h"
#include "common/postgres/connection.h"

struct inventory_table {
    const char *schema, *name;
    int64_t rows;             /* as guessed; below 0: never looked */
    uint64_t bytes;           /* with indexes, TOAST and partitions */
    uint64_t writes_per_hour; /* rows, on average since the statistics began */
};

struct inventory {
    struct inventory_table *tables; /* partitions last, the largest first */
    size_t table_count;
    uint64_t replicas; /* that stream from this server, as far as the role may see */
    uint64_t server_version;
};

/*
 * The tables of at least so many bytes; everything lives in the arena. It reads the catalog alone,
 * and waits for no lock longer than a moment. False when it could not be asked: connection_error.
 */
bool inventory_read(struct connection *connection, uint64_t bytes_min,
                    const struct patience *patience, struct arena *arena,
                    struct inventory *inventory);

#endif
