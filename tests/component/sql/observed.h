/*
 * observed: what a statement did to the relations of a database, as the server tells it: the locks
 * that its session held or waited for (pg_locks), which relations got another file
 * (pg_relation_filenode), which were read from one end to the other (pg_stat_get_…numscans).
 */
#ifndef TESTS_COMPONENT_SQL_OBSERVED_H
#define TESTS_COMPONENT_SQL_OBSERVED_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/sql/effect.h"
#include "tests/component/sql/kinds.h"
#include "tests/support/cluster.h"

struct observed_relation {
    unsigned oid;
    char schema[64], name[64], kind; /* pg_class.relkind */
    long filenode, scans, tuples;    /* before */
    enum lock_mode lock;
    bool is_scanned; /* from its first row to its last */
    bool has_begun;  /* the same, perhaps without a row to be found */
    bool is_rewritten;
};

struct observed {
    struct observed_relation *relations; /* those that were there before */
    size_t count;
    char error[512]; /* what the server said against the statement; empty: nothing */
};

/* Run a kind's statement in a database that is as it wants it, and look. */
void observe(const struct cluster *cluster, const char *database, const struct kind *kind,
             struct observed *observed);
void observed_release(struct observed *observed);

/* Run SQL that must succeed. */
void observe_tell(const struct cluster *cluster, const char *database, const char *sql);

#endif
