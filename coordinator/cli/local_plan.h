/*
 * local_plan: which migrations one database takes, from what is applied there and what the files
 * say: the plan of `skein up` and `skein down`. It is the coordinator's own forecast, so one
 * database and a fleet are treated alike. Pure.
 */
#ifndef COORDINATOR_CLI_LOCAL_PLAN_H
#define COORDINATOR_CLI_LOCAL_PLAN_H

#include "common/migration/bundle.h"
#include "agent/execute/execute.h"

struct local_plan {
    enum direction direction;
    const struct migration **steps; /* in the order in which they are carried out */
    size_t step_count;
    const char *note;                  /* what a person should know; null: nothing */
    const struct migration *depending; /* the first that depends on another service; or null */
};

struct local_wish {
    enum direction direction;
    const char *to_version; /* null: the newest, or: only the last one back; "0": all of them */
    bool out_of_order;
};

/*
 * The plan lives in the arena and points into the bundle. False with what forecast_up and
 * forecast_down say, and E-MIG-MISSING when there is no migration to_version.
 */
bool local_plan_make(const struct bundle *bundle, const struct applied_migration *applied,
                     size_t applied_count, const struct local_wish *wish, struct arena *arena,
                     struct local_plan *plan, struct error *error);

#endif
