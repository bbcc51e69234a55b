/*
 * backfill_work: the table of a backfill, and the UPDATE of all its rows: cut by hand into batches
 * of one size, or by Skein. Whatever fails ends the program.
 */
#ifndef TESTS_BENCH_BACKFILL_WORK_H
#define TESTS_BENCH_BACKFILL_WORK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/execute/execute.h"

/* What stands behind `batch` in the migration. */
extern const char *work_words;

struct measure {
    double rows_s, wal_bytes;
};

/* The answer's first cell. */
double work_number(PGconn *pg, const char *sql);

/* A table t of its own, freshly made; afterwards, whether every row was changed once. */
void work_make_table(PGconn *pg, int64_t rows);
void work_check_table(PGconn *pg, int64_t rows);

/* The rows behind `from` up to `to`, in batches of this size. */
void work_update_range(PGconn *pg, int64_t from, int64_t to, int64_t size);

/* A table made, changed and checked. */
struct measure work_by_hand(PGconn *pg, int64_t rows, int64_t size);
struct measure work_by_skein(PGconn *pg, const char *conninfo, int64_t rows);

/* One migration on its way, from slice to slice. */
struct work {
    struct target_config config;
    struct arena arena;
    struct sitting *sitting;
    struct bundle *bundle;
    struct step_order order;
};

void work_begin(struct work *work, const char *conninfo);
void work_end(struct work *work);

/* Go on for so long (0: to the end). Whether that was the end; the seconds that it took. */
bool work_slice(struct work *work, double limit_s, double *took_s);

#endif
