/*
 * shape: whether the tables of the schema skein are what schema_create has made: nothing is
 * missing, and there is nothing beside it that changes what is written to them or read from them:
 * triggers, rules, policies, constraints, columns.
 */
#ifndef COMMON_POSTGRES_SHAPE_H
#define COMMON_POSTGRES_SHAPE_H

#include "common/postgres/connection.h"

/* One statement, which reads the catalog alone: the parts of the tables, for shape_judge. */
extern const char shape_query[];

/* False with E-HIST-SHAPE: what is extra or missing in that answer, and what to do. */
bool shape_judge(const struct connection *connection, size_t answer, struct error *error);

#endif
