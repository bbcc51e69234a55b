/*
 * fragment: a piece of SQL that is to be put into a statement: whether it is one expression, one
 * type, … and nothing more, so that nothing can be added to the statement by it. A name as it is
 * written into SQL.
 */
#ifndef COMMON_SQL_FRAGMENT_H
#define COMMON_SQL_FRAGMENT_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/error.h"

enum sql_fragment {
    SQL_FRAGMENT_EXPRESSION,  /* lower(email) || 'x' */
    SQL_FRAGMENT_CONSTANT,    /* 0, 'new', false, '{}'::text[], now(): the same for every row */
    SQL_FRAGMENT_TYPE,        /* numeric(10, 2) */
    SQL_FRAGMENT_ASSIGNMENTS, /* a = 1, b = lower(c) */
    SQL_FRAGMENT_ELEMENTS     /* of an index: email, lower(name) DESC */
};

/*
 * Whether the text is just that. False with the code E-PATTERN-VALUE and PostgreSQL's own words, or
 * what is too much.
 */
bool sql_fragment_check(enum sql_fragment fragment, const char *text, struct error *error);

/* A name as it can be written into SQL: quoted when it must be. Lives in the arena. */
const char *sql_fragment_name(const char *name, struct arena *arena);

#endif
