/* sqitch_plan: sqitch.plan, read: the changes in their order, with their tags. */
#ifndef COMMON_MIGRATION_LAYOUTS_SQITCH_PLAN_H
#define COMMON_MIGRATION_LAYOUTS_SQITCH_PLAN_H

#include "common/migration/collection.h"
#include "common/migration/layouts/sqitch.h"

#define SQITCH_PLAN "sqitch.plan"

struct planned_change {
    struct sqitch_change change;
    size_t offset; /* of its line */
};

struct sqitch_plan {
    struct listed_file *file;
    struct planned_change *changes; /* in the arena of the sources */
    size_t count;
};

/* Read a loaded plan; what is wrong with it is added, with its place. False then. */
bool sqitch_plan_read(struct collection *collection, struct listed_file *file,
                      struct sqitch_plan *plan);

#endif
