/*
 * probe: what a plan wants looked up in a target's own catalog: whether a statement that is to go
 * in batches can, there. The question holds all that decides, so whoever is asked needs no bundle.
 */
#ifndef COMMON_MIGRATION_PROBE_H
#define COMMON_MIGRATION_PROBE_H

#include "common/migration/batch.h"
#include "common/migration/outcome.h"

#define PROBES_MAX 32  /* in one question: a bundle's last ones */
#define VERDICTS_MAX 4 /* in one answer: the first ones */

/* One batched statement: where it stands, and what a catalog decides on. */
struct batch_probe {
    const char *version, *path;
    bool is_down; /* of the way back */
    uint64_t line, column;
    struct batch_subject subject;
};

/* What a target's catalog says against one. Those that it says nothing against are not told. */
struct batch_verdict {
    const char *version;
    bool is_warning; /* it goes, and each of its batches is looked at */
    struct fault fault;
};

extern const struct pack_shape batch_probe_shape;
extern const struct pack_shape batch_verdict_shape;

#endif
