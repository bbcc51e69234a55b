/*
 * sizes: what is said about how large the tables of databases are. Part of proto/message.h, which
 * has the table of all messages.
 */
#ifndef PROTO_SIZES_H
#define PROTO_SIZES_H

#include "common/migration/outcome.h"
#include "proto/basics.h"

#define MEASURED_TABLES_MAX 200                /* of one target, the largest */
#define SIZES_TABLES_MAX 1000                  /* of a service, the largest */
#define MEASURED_BYTES_MIN ((uint64_t)1 << 20) /* smaller ones are not told */

/* Coordinator to agent: how large are the target's tables? → MEASURED. */
struct measure {
    struct id session;
    struct id measure_id;
    struct id target_id;
};

struct table_measure {
    const char *schema, *name;
    int64_t rows;             /* as PostgreSQL guesses; below 0: never looked */
    uint64_t bytes;           /* with indexes, TOAST and partitions */
    uint64_t writes_per_hour; /* rows, on average since the server's statistics began */
};

struct measured {
    struct id session;
    struct id measure_id;
    struct id target_id;
    bool succeeded;
    struct fault fault;
    uint64_t server_version;
    uint64_t replicas; /* that stream from its server */
    uint64_t below;    /* what is not in the list has fewer bytes */
    struct table_measure *tables;
    size_t table_count;
};

/*
 * Operator: "how large are the tables of this service's targets?" → SIZES_VIEW, at least every
 * second until it is ready. What was found out is good for everybody for a minute.
 */
struct sizes {
    struct id request;
    const char *service;
    const char *select;
    uint64_t large_bytes; /* which tables are to be counted */
};

/* One table on all targets that have it. */
struct size_row {
    const char *schema, *name;
    const char *target; /* where it is largest; so are the rows and bytes */
    int64_t rows;
    uint64_t bytes;
    uint64_t writes_per_hour; /* where most is written */
    uint64_t target_count, large_count;
};

struct sizes_view {
    struct id request;
    bool is_ready;
    uint64_t target_count, answered_count, measured_count; /* those that failed have answered too */
    uint64_t server_version;                               /* the oldest; 0: none was measured */
    uint64_t replicas;                                     /* of all targets' servers together */
    uint64_t below;          /* what is not in the list has fewer bytes everywhere */
    struct fault fault;      /* of the first that was not measured */
    struct size_row *tables; /* when it is ready; the largest first */
    size_t table_count;
};

#endif
