/*
 * shape: whether the tables of the schema skein are what schema_create has made: nothing is
 * missing, and there is nothing beside it that changes what is written to them or read from them:
 * triggers, rules, policies, constraints, columns.
 */
#ifndef COMMON_POSTGRES_SHAPE_H
#define COMMON_POSTGRES_SHAPE_H

#include "common/postgres/connection.h"

/*
 * A statement, with its semicolon, that is cheap enough for every greeting, and whether its answer
 * is that of tables as they should be. False calls for the other one, which may find nothing: the
 * catalog remembers for a while that there was a trigger or a rule, and for ever a column that is
 * gone. What has no effect is not seen, as a policy while row level security is off.
 */
extern const char shape_glance[];
bool shape_is_plain(const struct connection *connection, size_t answer);

/* A statement that asks for all the parts of the tables, for shape_judge. */
extern const char shape_query[];

/* False with E-HIST-SHAPE: what is extra or missing in that answer, and what to do. */
bool shape_judge(const struct connection *connection, size_t answer, struct error *error);

#endif
