/*
 * block: what stands in the body of a DO statement, which the grammar of SQL takes for a string.
 */
#ifndef COMMON_SQL_BLOCK_H
#define COMMON_SQL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a DO statement in PL/pgSQL commits or rolls back by itself, which it can do outside a
 * transaction only. On a deep stack only.
 */
bool block_ends_transaction(const char *text, size_t size);

#endif
