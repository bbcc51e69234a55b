/*
 * mishap: what libpg_query says against a script, as an error that helps: where it is, and what
 * probably happened (a psql meta-command, rows of a COPY, a template that nobody filled in).
 */
#ifndef COMMON_SQL_MISHAP_H
#define COMMON_SQL_MISHAP_H

#include <pg_query.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/sql/place.h"

/*
 * Fill place and error from what the parser says about text (size bytes, NUL-terminated). Strings
 * of the script do not appear in the error: they may be secrets. On a deep stack only.
 */
void sql_mishap(const char *text, size_t size, const PgQueryError *said, struct place *place,
                struct error *error);

#endif
