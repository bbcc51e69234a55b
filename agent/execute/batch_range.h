/*
 * batch_range: the SQL of one batch: where it ends, which rows are in it, and the statement with
 * that put in.
 */
#ifndef AGENT_EXECUTE_BATCH_RANGE_H
#define AGENT_EXECUTE_BATCH_RANGE_H

#include "agent/execute/batch_run.h"

/* Rows behind `from` (none: from the first on), up to and with `to`. */
struct batch_range {
    const struct batch_leaf *leaf;
    bool is_by_ctid;
    struct batch_point from, to;
};

/* Append a query for the last key of a leaf, as text; for ctid the number of its blocks. */
void batch_range_ask_end(const struct batch_leaf *leaf, bool is_by_ctid, struct text *sql);

/* Append a query for the key that is `size` rows behind; no row when there are not so many. */
void batch_range_ask_next(struct connection *connection, const struct batch_range *range,
                          uint64_t size, struct text *sql);

/* A query's row as a point, its texts into the arena. False when there is no row. */
bool batch_range_read(const struct connection *connection, size_t answer, struct arena *arena,
                      struct batch_point *point);

bool batch_point_equal(const struct batch_point *a, const struct batch_point *b);

/* How a statement is put together for a range. */
struct batch_text {
    struct text sql;
    struct text range, returning;
    struct seam_filling filling;
    bool is_checked; /* it answers with the rows changed, and those that would be changed again */
};

void batch_text_compose(struct batch_run *run, const struct batch_range *range,
                        struct batch_text *text);
void batch_text_release(struct batch_text *text);

/* The character of the statement, from 1, that a position in the composed text stands for. */
uint64_t batch_text_origin(const struct batch_run *run, const struct batch_text *text,
                           uint64_t position);

/* Append a count of the rows that the condition still finds; nothing when it cannot tell. */
bool batch_range_ask_left(const struct batch_run *run, struct text *sql);

#endif
