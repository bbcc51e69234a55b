/*
 * leg: one target's part of a run: its migrations in order. It hands them to the agent a few ahead,
 * one behind the other, and ends when they are done, when one has failed, or when the run wants no
 * more of it. A leg whose agent may still have a step holds its slot, whatever its state.
 */
#ifndef COORDINATOR_CORE_LEG_H
#define COORDINATOR_CORE_LEG_H

#include "coordinator/core/state.h"

extern const struct machine leg_machine;

bool leg_has_ended(const struct leg *leg);

/* A slot of the run is its own now: begin. */
void leg_start(struct core *core, struct leg *leg);

/* Something of it has changed: go on, or end. */
void leg_settle(struct core *core, struct leg *leg);

/* Have withdrawn what its agent has not begun (or has, when the run is being cancelled). */
void leg_withdraw(struct core *core, struct leg *leg);

/* The run is over for it: withdraw, and end as cancelled once nothing is in flight. */
void leg_stop(struct core *core, struct leg *leg);

/* An operator wants what failed, or was cancelled, again; false when it is neither. */
bool leg_retry(struct core *core, struct leg *leg);

/* The target's agent has reported it, for the first time in its session or again; or is gone. */
void leg_target_reported(struct core *core, struct leg *leg, bool is_first);
void leg_target_lost(struct core *core, struct leg *leg);

/* Another database has taken the target's name: only cancelling the run helps the leg now. */
void leg_target_replaced(struct core *core, struct leg *leg);

/* What became of a step of it. Failed: for good. Refused: it could not be begun; try later. */
void leg_step_done(struct core *core, struct leg *leg, const struct step *step);
void leg_step_failed(struct core *core, struct leg *leg, const struct step *step,
                     const struct fault *fault);
void leg_step_retryable(struct core *core, struct leg *leg, const struct fault *fault);
void leg_step_refused(struct core *core, struct leg *leg, const struct fault *fault);

/* Its timer is due: the back-off is over. */
void leg_tick(struct core *core, struct leg *leg);

/* Its record; the texts belong to the leg. */
struct leg_record leg_record_of(const struct leg *leg);
void leg_save(struct core *core, const struct leg *leg);

/* Give back all its memory. */
void leg_release(struct core *core, struct leg *leg);

#endif
