/*
 * local_plan: which migrations one database takes, from what is applied there and what the files
 * say: the plan of `skein up` and `skein down`. Pure.
 *
 * Errors: E-MIG-CHECKSUM, E-MIG-MISSING (applied, and no file), E-MIG-ORDER, E-MIG-UNKNOWN (--to),
 * E-MIG-NODOWN.
 */
#ifndef COORDINATOR_CLI_LOCAL_PLAN_H
#define COORDINATOR_CLI_LOCAL_PLAN_H

#include "common/migration/manifest.h"
#include "agent/execute/execute.h"

struct local_plan {
    enum direction direction;
    const struct migration **steps; /* in the order in which they are carried out */
    size_t step_count;
};

struct local_wish {
    const char *to_version; /* null: the newest, or: only the last one back; "0": all of them */
    bool out_of_order;
};

/* The plan lives in the arena and points into the manifest. */
bool local_plan_up(const struct manifest *manifest, const struct applied_migration *applied,
                   size_t applied_count, const struct local_wish *wish, struct arena *arena,
                   struct local_plan *plan, struct error *error);

bool local_plan_down(const struct manifest *manifest, const struct applied_migration *applied,
                     size_t applied_count, const struct local_wish *wish, struct arena *arena,
                     struct local_plan *plan, struct error *error);

#endif
