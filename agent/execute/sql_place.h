/*
 * sql_place: where in its file a statement went wrong, and a piece of it that may be shown: on one
 * line, cut short, with what stands between quotes left out.
 */
#ifndef AGENT_EXECUTE_SQL_PLACE_H
#define AGENT_EXECUTE_SQL_PLACE_H

#include "common/migration/bundle.h"

#define SQL_EXCERPT_SIZE 256

/*
 * The line and column of the character at `position` (from 1, as PostgreSQL counts) of a
 * statement's text; of its first when position is 0.
 */
void sql_place_find(const struct statement *statement, const char *text, uint64_t position,
                    uint64_t *line, uint64_t *column);

/* The first 80 characters, literals masked; returns out. */
const char *sql_place_excerpt(const char *text, size_t size, char out[SQL_EXCERPT_SIZE]);

/* The values that PostgreSQL quotes in a detail, "Key (a)=(secret) already exists", masked. */
void sql_place_mask_detail(char *detail);

#endif
