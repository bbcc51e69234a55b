/*
 * database: the connection string behind --database.
 */
#ifndef COORDINATOR_CLI_DATABASE_H
#define COORDINATOR_CLI_DATABASE_H

#include <stdbool.h>

#include "common/base/error.h"

/*
 * Refuse what libpq would not take (E-CLI-RANGE), and a secret that is hidden better than in plain
 * words (E-SECRET-ARGV).
 */
bool database_check(const char *conninfo, struct error *error);

#endif
