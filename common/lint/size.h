/*
 * size: what real databases say about the tables that findings are about: how large they are, how
 * much is written to them. How grave a finding is follows that, where its rule says so.
 */
#ifndef COMMON_LINT_SIZE_H
#define COMMON_LINT_SIZE_H

#include <stdint.h>

#include "common/base/arena.h"
#include "common/lint/finding.h"

#define SIZE_SMALL ((uint64_t)10 << 20) /* below it every lock is over at once */
#define SIZE_LARGE ((uint64_t)1 << 30)  /* above it nothing is */
#define SIZE_BUSY ((uint64_t)360000)    /* rows written an hour: somebody always waits for a lock */

/* One table on one database. */
struct table_size {
    const char *schema, *name;
    const char *target;                 /* which database; "" when there is only one */
    int64_t rows;                       /* as PostgreSQL guesses; below 0: never looked */
    uint64_t bytes;                     /* with indexes, TOAST and partitions */
    uint64_t writes_per_hour;           /* rows, as far as counted; 0: none, or not known */
    uint64_t target_count, large_count; /* of a whole fleet: how many have it, and a large one;
                                           0: it is of this target alone */
};

struct size_list {
    struct table_size *items;
    size_t count, capacity;
    size_t target_count; /* databases that have answered */
    size_t silent_count; /* others that should have, and have not */
    uint64_t below;      /* tables smaller than this may be missing; 0: none is */
    uint64_t replicas;   /* of all of them */
    struct arena arena;
};

/* A fresh one at the end; texts go into the arena. */
struct table_size *size_list_add(struct size_list *sizes);
void size_list_release(struct size_list *sizes);

/*
 * Write the numbers into the findings, and make those whose rule follows the size graver or less
 * so: a note when all tables of that name are known to be small and quiet, or not to be there, an
 * error when one is large.
 */
void sizes_apply(const struct size_list *sizes, struct finding_list *findings);

#endif
