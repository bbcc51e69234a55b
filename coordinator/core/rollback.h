/*
 * rollback: the run that undoes what another one did: on exactly its targets, exactly the steps it
 * did (not those it found done already), in reverse order.
 */
#ifndef COORDINATOR_CORE_ROLLBACK_H
#define COORDINATOR_CORE_ROLLBACK_H

#include "coordinator/core/run.h"

/* What is to be undone on one target; steps in the order in which they were done. */
struct undoing {
    struct id target_id;
    struct target *target;
    struct leg_step *steps;
    size_t step_count;
};

struct rollback {
    struct undoing *items;
    size_t count;
};

/* What a run in memory did, into the memory of the event. */
void rollback_of_run(struct core *core, const struct run *run, struct rollback *rollback);

/* The same of a run that the store has given back: run, legs, steps. */
void rollback_of_records(struct core *core, const struct record *records, size_t count,
                         struct rollback *rollback);

/* Undo a run that has halted, at once; its targets must be free. */
void rollback_begin(struct core *core, struct run *run, const struct rollback *rollback);

#endif
