/*
 * lint_sizes: the sizes of tables, asked of a database.
 */
#ifndef COORDINATOR_CLI_LINT_SIZES_H
#define COORDINATOR_CLI_LINT_SIZES_H

#include "common/base/error.h"
#include "common/lint/size.h"

/*
 * Ask a database (libpq's conninfo, without a password) for its tables; its major version goes into
 * *major. Reads catalogs and statistics alone. False with E-DB-….
 */
bool lint_sizes_read(const char *conninfo, struct size_list *sizes, unsigned *major,
                     struct error *error);

#endif
