/*
 * draft: new migrations on their way into a service's folder: which versions they get, what their
 * files are called, and writing them, all or none. Nothing that is there is ever overwritten.
 */
#ifndef COMMON_PATTERNS_DRAFT_H
#define COMMON_PATTERNS_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/patterns/fill.h"

struct draft_folder {
    const char *path;
    const char *newest; /* the highest version in it; null when it is empty */
    bool is_counted;    /* versions are 1, 2, 3 … without gaps; otherwise times */
};

struct draft {
    const char **paths; /* what was written, in the order of the versions */
    size_t path_count;
};

/*
 * Look at a folder, which need not be there yet. `layout` is the name of one, or "auto". False with
 * E-PATTERN-LAYOUT when its migrations are not in pairs, E-MIG-OPEN ….
 */
bool draft_open(const char *path, const char *layout, bool is_counted, struct arena *arena,
                struct draft_folder *folder, struct error *error);

/*
 * The version behind the newest, which it becomes: the time (UTC) as YYYYMMDDHHMMSS, or the next
 * number when the newest is not in the past or the folder is counted. Lives in the arena.
 */
const char *draft_version(struct draft_folder *folder, int64_t wall_ms, struct arena *arena);

/*
 * Write migrations as VERSION_NAME_MIGRATION.up.sql, .down.sql, .verify.sql (VERSION_NAME.… when
 * the migration has no name of its own). When one cannot be written none is kept: E-OUTPUT,
 * E-PATTERN-EXISTS.
 */
bool draft_write(struct draft_folder *folder, const char *name, const struct filled *filled,
                 int64_t wall_ms, struct arena *arena, struct draft *draft, struct error *error);

#endif
