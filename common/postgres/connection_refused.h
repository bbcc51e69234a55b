/*
 * connection_refused: why a connection could not be made, as an error with one of our codes. Only
 * connection.c uses it.
 */
#ifndef COMMON_POSTGRES_CONNECTION_REFUSED_H
#define COMMON_POSTGRES_CONNECTION_REFUSED_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

#include "common/base/error.h"

/* Fill the error from a PGconn that failed while connecting; always false. */
bool connection_refused(PGconn *pg, struct error *error);

/* "role@host:port/database" into out; returns out. */
const char *connection_place_of(const PGconn *pg, char *out, size_t size);

#endif
