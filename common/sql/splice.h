/*
 * splice: how an ordinary UPDATE, DELETE or INSERT … SELECT is cut into batches over ranges of a
 * key: where in its own text the range goes (never by putting its tree into words again), which
 * table's rows it goes through, and what about it cannot be done in batches with the same effect.
 */
#ifndef COMMON_SQL_SPLICE_H
#define COMMON_SQL_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/sql/seam.h"

/* What is wished, by who writes the annotation. */
struct splice_wish {
    const char *from;     /* INSERT: the alias of the table to go through; null: the first one */
    const char *key;      /* columns, one a line; null: the primary key; "ctid": by place */
    bool may_read_itself; /* a statement that reads the rows it changes is meant so */
};

/* Texts live in the arena; names are plain, lists of names stand one a line. */
struct sql_splice {
    struct seam seam;
    const char *schema; /* of the table gone through; null when not written */
    const char *table;
    bool is_only; /* ONLY was written: its children are left alone */
    bool is_insert;
    bool is_alone; /* no other table in FROM or USING, no WITH: the condition can be asked alone */
    const char *changed;  /* UPDATE: the columns that get new values; else null */
    const char *written;  /* columns that get values of the statement's own, not their DEFAULT */
    size_t first_written; /* INSERT without a list of columns: so many of the first; 0: not known */
    const char *into_schema, *into; /* INSERT: its table; else null */
    bool overrides;                 /* INSERT … OVERRIDING: an identity may get values */
    const char *predicate; /* functions called in the condition and the joins, as written; null */
    const char *outputs;   /* INSERT: functions called in the SELECT's list; null */
    enum exclusion excludes;
};

/*
 * Look at one statement, `size` bytes without what stands around it. False with E-BATCH-… and
 * *place, the byte of the statement that it is about:
 *   -KIND       no UPDATE, DELETE or INSERT … SELECT
 *   -RETURNING, -ORDER, -GROUP, -CTE (one that changes rows), -LOCKING
 *   -LIMIT      one of its own, or one without ORDER BY in what decides which rows are meant
 *   -VOLATILE   the condition calls what gives another answer each time
 *   -SOURCE     nothing to go through: no table in FROM, an unknown `from`
 *   -JOIN       an outer join whose rows are not those of the table gone through
 *   -SELF       it reads what it changes, so later batches would see what earlier ones did
 *   -KEY-CHANGED, -CTID  the key that was named is changed; ctid without a condition
 *   -COMPLEX    the place was not found beyond doubt
 */
bool sql_splice(const char *statement, size_t size, const struct splice_wish *wish,
                struct arena *arena, struct sql_splice *splice, size_t *place, struct error *error);

#endif
