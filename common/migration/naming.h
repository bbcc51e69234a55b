/*
 * naming: what Flyway calls its files, where somebody has configured it: skein.yaml lists what
 * differs under the names of Flyway's own settings. Nothing is guessed from the files.
 */
#ifndef COMMON_MIGRATION_NAMING_H
#define COMMON_MIGRATION_NAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/io/config.h"

struct naming {
    const char *versioned, *undo, *repeatable; /* prefixes; one of them may be empty */
    const char *separator;
    const char *const *suffixes; /* of what is read; ".sql" */
    size_t suffix_count;
};

/* Flyway's own: V1__a.sql, U1__a.sql, R__a.sql. */
extern const struct naming naming_flyway;

/*
 * What a service says under `flyway`; null when it says nothing. Texts live in the arena. False
 * with E-CFG-TYPE, E-CFG-RANGE.
 */
bool naming_read(const struct config_node *service, struct arena *arena,
                 const struct naming **naming_p, struct error *error);

#endif
