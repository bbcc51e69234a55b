/*
 * schema: the tables that Skein keeps in every target, in the schema `skein`: who the target is
 * (identity), who may work on it (fence), what is applied now (migration) and what was ever done
 * (journal, append-only, each row with the hash of the one before it). This makes them; their rows
 * are written by agent/execute.
 */
#ifndef COMMON_POSTGRES_SCHEMA_H
#define COMMON_POSTGRES_SCHEMA_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/base/id.h"
#include "common/postgres/connection.h"

#define SCHEMA_VERSION 1

/*
 * The key of the advisory lock that whoever writes to a target's journal holds ("skein" in ASCII);
 * advisory locks are per database.
 */
#define SCHEMA_LOCK_KEY "495723047278"
#define SCHEMA_LOCK_CLASS "115" /* the key's upper and lower half, as pg_locks shows them */
#define SCHEMA_LOCK_OBJECT "1801808238"

/*
 * Make what is missing, with this identity, in one transaction. Several may do so at once: one
 * wins, and for the others it is there already, which is as good. False with E-DB-PRIV (hint: what
 * to grant), E-DB-LOST, E-DB-SCHEMA, E-STOPPED; then the connection is of no more use.
 */
bool schema_create(struct connection *connection, const struct id *target_id, struct error *error);

#endif
