/*
 * recollection: what the store answers when the coordinator's core asks for a run with all that
 * belongs to it, or for one step: the records on disk with the changes of the turn so far.
 */
#ifndef TESTS_SIM_RECOLLECTION_H
#define TESTS_SIM_RECOLLECTION_H

#include "tests/sim/disk.h"

struct recollection {
    struct id run_id, step_id; /* one of them is none */
    struct record *items;      /* the run, its legs, its steps; they belong to others */
    size_t count, capacity;
};

/* What answers ACTION_NEED_RUN, ACTION_NEED_STEP; the caller releases it. */
struct recollection recollection_of(const struct disk *disk, const struct actions *turn,
                                    const struct action *question);
void recollection_release(struct recollection *recollection);

#endif
