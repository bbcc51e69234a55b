/*
 * psql: the commands of psql that stand in files which are run through it. What only says how psql
 * shows things, or what we do anyway (ON_ERROR_STOP), is passed over; everything else is for the
 * caller to refuse.
 */
#ifndef COMMON_SQL_PSQL_H
#define COMMON_SQL_PSQL_H

#include <stddef.h>

#include "common/base/arena.h"

/*
 * The text with blanks in the place of every harmless command, so that nothing in it moves:
 * \set and \unset of ON_ERROR_STOP, QUIET, ECHO, ECHO_HIDDEN, VERBOSITY and SHOW_CONTEXT; \pset,
 * \timing, \x, \a, \t, \echo, \qecho, \warn, \conninfo; \encoding UTF8; \restrict and \unrestrict
 * of pg_dump. Null when there is none. What stands in strings and comments is no command; one with
 * a backquote in it runs a program, and one that another follows on its line is left alone.
 */
const char *psql_pass_over(const char *text, size_t size, struct arena *arena);

/* The names of those, for people. */
#define PSQL_PASSED_OVER "\\set ON_ERROR_STOP on, \\echo, \\pset, \\timing and their like"

#endif
