/*
 * seam: the places in a statement's own text where a batch puts the range of its key, and, for one
 * partition after the other, the table's name. They are found where there is a parser (splice);
 * here the text of one batch is put together from them, without one.
 */
#ifndef COMMON_SQL_SEAM_H
#define COMMON_SQL_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"

/* Whether a row that was changed is left alone when it is met again. */
enum exclusion {
    EXCLUDES_NO,
    EXCLUDES_MAYBE, /* when the new values are what they seem: only the database can tell */
    EXCLUDES_YES,
    EXCLUDES_COUNT
};

/* Offsets are bytes of the statement. */
struct seam {
    bool has_where;
    uint64_t open;  /* behind WHERE, when there is one */
    uint64_t close; /* behind the last token of the condition, or of what it would stand behind */
    uint64_t table_begin, table_end; /* the table as it is written, with ONLY and without alias */
    bool has_alias;
    const char *reference; /* what its columns are called by, quoted where it must be */
};

/* What one batch puts in; texts but the range may be null. */
struct seam_filling {
    const char *range;     /* a condition on the key */
    const char *table;     /* instead of the table as it is written */
    const char *returning; /* a RETURNING list */
    const char *before, *behind;
};

/*
 * Append the statement (size bytes) with the filling. `before` and `behind` stand around the whole;
 * the condition that was written comes first, in brackets.
 */
void seam_compose(const struct seam *seam, const char *statement, size_t size,
                  const struct seam_filling *filling, struct text *out);

/*
 * The byte of the statement that a byte of the composed text stands for; for what was put in, the
 * byte that follows it.
 */
size_t seam_origin(const struct seam *seam, size_t size, const struct seam_filling *filling,
                   size_t composed);

#endif
