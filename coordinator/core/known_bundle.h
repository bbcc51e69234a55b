/*
 * known_bundle: what the core needs to know of a bundle to plan with it: its migrations' versions,
 * names, checksums, and whether there is a way back. Kept by digest while a plan holds it, and a
 * few more as a cache.
 */
#ifndef COORDINATOR_CORE_KNOWN_BUNDLE_H
#define COORDINATOR_CORE_KNOWN_BUNDLE_H

#include <uthash.h>

#include "common/base/arena.h"
#include "common/migration/bundle.h"
#include "common/migration/outline.h"
#include "common/migration/probe.h"

#define KNOWN_WORKS_MAX 256 /* of one script */

/* What a script does to the content of one table, and how often. */
struct known_work {
    const char *schema, *table;
    enum work_kind kind;
    bool is_partial;     /* perhaps not all rows are written */
    const char *made_by; /* the migration that makes the table; null: not known */
    uint64_t times;
};

struct known_migration {
    const char *version, *name;
    const char *path;         /* of the up script, for people */
    const char *depends;      /* "auth@42 policy@7"; null: on nothing */
    const char *irreversible; /* why there is no way back; null when there may be one */
    bool has_up, has_down, is_repeatable;
    struct known_work *works[2]; /* by direction */
    size_t work_counts[2];
    bool has_batches[2];
    bool is_data[2]; /* changes rows and nothing else: what a catalog says stays as it is */
    struct outline outlines[2]; /* likewise: what a preflight goes by */
    uint8_t checksum[CHECKSUM_SIZE];
    size_t index;
    UT_hash_handle hh;
};

struct known_bundle {
    struct digest digest;
    const char *service;
    struct known_migration *migrations; /* in their order */
    size_t migration_count;
    bool has_depends;
    struct batch_probe *probes[2]; /* by direction, of what is to go in batches: the last ones */
    size_t probe_counts[2];
    struct known_migration *by_version;
    size_t uses;
    struct arena arena;
    UT_hash_handle hh;
};

/* Learn a bundle; the same digest again changes nothing. Nobody uses it yet. */
struct known_bundle *known_bundle_learn(struct known_bundle **table, const struct digest *digest,
                                        const struct manifest *manifest);

/* Null when it is not known. */
struct known_bundle *known_bundle_find(struct known_bundle *table, const struct digest *digest);

/* Null when it has no such migration. */
const struct known_migration *known_bundle_migration(const struct known_bundle *bundle,
                                                     const char *version);

/* The same by the bundle's digest. */
const struct known_migration *known_bundles_migration(struct known_bundle *table,
                                                      const struct digest *digest,
                                                      const char *version);

/* Hold it; let go of it, and clear the pointer. */
struct known_bundle *known_bundle_hold(struct known_bundle *bundle);
void known_bundle_release(struct known_bundle **bundle_p);

/* Forget those that nobody holds, the oldest first, until at most `kept` of them are left. */
void known_bundles_sweep(struct known_bundle **table, size_t kept);

#endif
