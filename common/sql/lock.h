/*
 * lock: the table locks that a statement asks for by name, from its parse tree alone: what can be
 * known without any history. What the database adds to it (partitions, foreign keys, views that go
 * with a table) is looked up there. Weak locks, which no application waits for, are left out.
 */
#ifndef COMMON_SQL_LOCK_H
#define COMMON_SQL_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/sql/effect.h"

#define SQL_LOCKS_MAX 64 /* of one statement; what is beyond them is not told */
#define SQL_LOCK_NAME_SIZE_MAX 512

struct sql_lock {
    const char *relation; /* as it can be written into SQL, with its schema when that was written */
    enum lock_mode mode;  /* LOCK_SHARE_UPDATE_EXCLUSIVE and stronger */
};

struct sql_locks {
    struct sql_lock *locks; /* each relation once, with its strongest */
    size_t count;
};

struct PgQuery__Node;
void sql_locks_read(const struct PgQuery__Node *tree, struct arena *arena, struct sql_locks *locks);

#endif
