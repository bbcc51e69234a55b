/*
 * target: one database and the agent that serves it; which agent that may be is in target_claim.h.
 * A target is claimed when its agent has reported it in the present session, and reachable when it
 * is also ready.
 */
#ifndef COORDINATOR_CORE_TARGET_H
#define COORDINATOR_CORE_TARGET_H

#include "coordinator/core/state.h"

/* Null when there is none. */
struct target *target_with_id(struct core *core, const struct id *target_id);
struct target *target_named(struct core *core, const char *name);

void target_load(struct core *core, const struct target_record *record);

/* A TARGET message of a live session. */
void target_report(struct core *core, struct agent *agent, const struct target_report *report);

/*
 * FORGET of an operator: it is history from now on, until an agent reports it again; the text says
 * whether one will. Refused while a run has it.
 */
bool target_forget(struct core *core, const struct person *person, const struct forget *forget,
                   const char **text, struct error *error);

/* Its agent's session is over. */
void target_lost(struct core *core, struct target *target);

/* False for null: a target that is gone. */
bool target_is_claimed(const struct target *target);
bool target_is_reachable(const struct target *target);

/* How long its agent has not been heard of; 0: it is there. */
uint64_t target_unreachable_ms(const struct core *core, const struct target *target);

/*
 * A step was done whose journal row is number journal_count: `version` (null: none) is the newest
 * that is applied now, and so many more than before are. Changes nothing when a report knew it.
 */
void target_advance(struct target *target, const char *version, int change, uint64_t journal_count);

void target_save(struct core *core, const struct target *target);

/* All targets, by name. */
struct target *targets_sorted(struct core *core);

void targets_release(struct core *core);

#endif
