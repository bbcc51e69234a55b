/*
 * load: how much a step has to go through on one target: bytes of tables, by the kind of work.
 */
#ifndef COORDINATOR_CORE_LOAD_H
#define COORDINATOR_CORE_LOAD_H

#include "proto/message.h"
#include "coordinator/core/known_bundle.h"
#include "coordinator/core/record.h"

struct load {
    uint64_t bytes[WORK_KIND_COUNT];
    uint64_t partial_bytes; /* of those written: in tables of which perhaps only some rows are */
    uint64_t rows;
    bool goes_on;       /* in batches: what is stopped goes on later */
    bool is_unmeasured; /* it goes through tables, and how large they are is not known */
};

/*
 * Of a migration in this direction, where the tables are as measured; null: nobody could tell. What
 * was too small to be told of counts for nothing.
 */
struct load load_of(const struct known_migration *migration, enum direction direction,
                    const struct measured *measured);

/* What is left of it when only this share (0 to 1) of what is perhaps written is. */
struct load load_shared(const struct load *load, double share);

/* As it is kept, without saying of which step; and taken back. */
struct load_record load_record_of(const struct load *load);
struct load load_of_record(const struct load_record *record);

bool load_is_nothing(const struct load *load);

#endif
