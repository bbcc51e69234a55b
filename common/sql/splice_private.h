/*
 * splice_private: the inside of splice, shared by its files: one statement with its tree and
 * tokens, and what is being found out about it.
 */
#ifndef COMMON_SQL_SPLICE_PRIVATE_H
#define COMMON_SQL_SPLICE_PRIVATE_H

#include <pg_query/pg_query.pb-c.h>

#include "common/sql/splice.h"

struct splicing {
    const char *text; /* with an end */
    size_t size;
    const struct splice_wish *wish;
    struct arena *arena;
    struct sql_splice *splice;
    size_t *place;
    struct error *error;
    bool succeeded;

    PgQuery__ScanToken **tokens; /* without comments */
    size_t token_count;

    const PgQuery__Node *tree;
    const PgQuery__UpdateStmt *update;
    const PgQuery__DeleteStmt *delete;
    const PgQuery__InsertStmt *insert;
    const PgQuery__SelectStmt *select; /* INSERT's */
    const PgQuery__RangeVar *relation; /* what is gone through */
    PgQuery__Node *where;              /* null: all rows */
    PgQuery__Node **from;              /* FROM or USING */
    size_t from_count;
    const PgQuery__WithClause *with[2]; /* null where there is none */
};

/* Refuse; `location` as in trees, negative when not known. Always false. */
bool splice_refuse(struct splicing *splicing, int location, const char *code, const char *text,
                   const char *hint);

/* What kind of statement it is, which table it goes through, and its condition. */
bool splice_understand(struct splicing *splicing);

/* What a table's columns are called by. */
const char *splice_name_of(const PgQuery__RangeVar *table);

/* Add a line to a list, as far as there is room. */
void splice_add_line(struct splicing *splicing, const char **list, const char *line);

/* Which columns it changes, and whether it leaves a row alone that it has changed. */
void splice_note_changes(struct splicing *splicing);

/* What about it cannot be done in batches with the same effect. */
bool splice_judge(struct splicing *splicing);

#endif
