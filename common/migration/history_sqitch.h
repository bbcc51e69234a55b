/*
 * history_sqitch: the keys of sqitch's changes, whose ids are computed along the plan, each with
 * the id of the one before it.
 */
#ifndef COMMON_MIGRATION_HISTORY_SQITCH_H
#define COMMON_MIGRATION_HISTORY_SQITCH_H

#include "common/migration/layout.h"
#include "common/migration/manifest.h"

/* The keys of all changes; they stand in the order of the plan. */
void history_sqitch_keys(const struct source_list *sources, struct manifest *manifest,
                         struct arena *arena);

#endif
