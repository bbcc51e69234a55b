/*
 * lint_sizes: the sizes of tables, asked of a database.
 */
#ifndef COORDINATOR_CLI_LINT_SIZES_H
#define COORDINATOR_CLI_LINT_SIZES_H

#include "common/base/error.h"
#include "common/lint/size.h"
#include "coordinator/cli/call.h"

/*
 * Ask a database (libpq's conninfo, without a password) for its tables; *major becomes its major
 * version when that is lower, or 0 stood there. `target` is what it is called in findings. Reads
 * catalogs and statistics alone. False with E-DB-….
 */
bool lint_sizes_read(const char *conninfo, const char *target, struct size_list *sizes,
                     unsigned *major, struct error *error);

/*
 * The same for every database that a file lists: a line for each, its name and, behind a blank, its
 * conninfo; lines that are empty or begin with # are passed over. False with E-CLI-FILE and the
 * line, or as above.
 */
bool lint_sizes_read_list(const char *path, struct size_list *sizes, unsigned *major,
                          struct error *error);

/*
 * The same for all targets of a service, or those that --select means, by their coordinator and
 * agents. Those that do not answer are counted; false when none does, or as client_ask.
 */
bool lint_sizes_ask(const struct call *call, const char *service, struct size_list *sizes,
                    unsigned *major, struct error *error);

#endif
