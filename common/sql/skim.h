/*
 * skim: a script without the statements that change rows, rights and comments alone: for whoever
 * only asks what the history has made. Parsing a thousand rows takes as long as parsing a hundred
 * tables.
 */
#ifndef COMMON_SQL_SKIM_H
#define COMMON_SQL_SKIM_H

#include <stddef.h>

#include "common/base/arena.h"

/*
 * The text with blanks in the place of such statements, in the arena; the text itself when there is
 * none of them or it cannot be told where they end. `size` bytes of UTF-8 without NUL.
 */
const char *sql_skim(const char *text, size_t size, struct arena *arena);

#endif
