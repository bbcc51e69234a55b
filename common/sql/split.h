/*
 * split: a script cut into its statements by PostgreSQL's own grammar (libpg_query), with the place
 * of each and the facts about it. What libpg_query knows is the syntax of PostgreSQL 15. Nothing is
 * executed, changed or put together anew: statements are stretches of the text as it is.
 */
#ifndef COMMON_SQL_SPLIT_H
#define COMMON_SQL_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/sql/facts.h"
#include "common/sql/place.h"

struct sql_statement {
    struct stretch stretch; /* without what stands before it and the ';' behind it */
    struct sql_facts facts;
    const struct PgQuery__Node *tree; /* for the files of this folder; lives in the arena */
    size_t skipped; /* bytes of the text in front of what the tree's locations count from */
};

/* Everything lives in the arena that sql_split was given; the stretches are in the text's order. */
struct sql_script {
    struct sql_statement *statements;
    size_t statement_count;
    struct stretch *comments; /* "-- …" with the mark in them, without the line's end */
    size_t comment_count;
    struct stretch *long_names; /* identifiers that PostgreSQL would cut off silently */
    size_t long_name_count;
};

/* Identifiers are at most this many bytes long (NAMEDATALEN - 1). */
#define SQL_NAME_SIZE_MAX 63

/*
 * Split text, size bytes of UTF-8 without NUL. A byte order mark may stand in front; it is no
 * column. Comments are kept that hold `mark`, in upper or lower case. False with the place and one
 * of E-MIG-LEX      an unterminated string, quoted identifier or comment E-MIG-PSQL     what only
 * psql understands: meta-commands, variables, rows of COPY FROM STDIN E-MIG-SYNTAX   anything else
 * that PostgreSQL's grammar refuses E-MIG-COMPLEX  a statement nested too deeply to be looked at
 */
bool sql_split(const char *text, size_t size, const char *mark, struct arena *arena,
               struct sql_script *script, struct place *place, struct error *error);

#endif
