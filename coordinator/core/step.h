/*
 * step: one migration on one target, from the moment it is assigned. Its id is drawn once and said
 * again unchanged; what is owed to the agent about it (assign, query, cancel) is said until it is
 * answered, and silence changes nothing but that.
 *
 * An assignment is named by (step, attempt): the attempt grows with every assignment, so that
 * whatever was said about an earlier one is known to be late.
 */
#ifndef COORDINATOR_CORE_STEP_H
#define COORDINATOR_CORE_STEP_H

#include "coordinator/core/state.h"

enum step_event {
    STEP_ASSIGN,
    STEP_BEGIN,
    STEP_UNKNOWN,
    STEP_SUCCEED,
    STEP_FAIL,
    STEP_TRY_AGAIN,
    STEP_STOP,
    STEP_CANCEL,
    STEP_ABANDON,
    STEP_RETRY,
    STEP_EVENT_COUNT
};

extern const struct machine step_machine;

/* Take the edge; what is not in flight is owed nothing. False: there is none. */
bool step_move(struct core *core, struct step *step, enum step_event event);

/* "waiting", "assigned" … */
const char *step_state_name(enum step_state state);

/* Null when it is of no run in memory. */
struct step *step_with_id(struct core *core, const struct id *step_id);

/* The row of the journal that its outcome tells of. */
void step_note_row(struct step *step, const struct outcome *outcome);

void step_load(struct core *core, struct leg *leg, const struct step_record *record);

/* Hand a waiting step to the target's agent, which must be there. */
void step_assign(struct core *core, struct step *step);

/* Ask what became of it; have it withdrawn. */
void step_query(struct core *core, struct step *step);
void step_cancel(struct core *core, struct step *step);

/* Nobody can be asked any more: its database was replaced, and its run is being cancelled. */
void step_abandon(struct core *core, struct step *step);

/* Whether an agent has it, or may have it; whether it is over. */
bool step_is_in_flight(const struct step *step);
bool step_is_final(const struct step *step);

/* Of its migration. */
const char *step_version(const struct step *step);

/* Save it; the outcome is null as long as there is none. */
void step_save(struct core *core, const struct step *step, const struct outcome *outcome);

/* Its agent has it: nothing is owed, but it is asked after when nothing is heard for long. */
void step_rest(struct core *core, struct step *step);

/* What agents say: STATE, RESULT, the progress in a PING. */
void step_report(struct core *core, struct agent *agent, const struct state *state);
void step_result(struct core *core, struct agent *agent, const struct event *event);
void step_progress(struct core *core, struct agent *agent, const struct progress *progress);

/* Its timer is due: say again what is owed, or ask how it goes. */
void step_tick(struct core *core, struct step *step);

/* Its agent is gone for now: nothing is owed until it is back. */
void step_target_lost(struct core *core, struct step *step);

/* An operator wants a failed one again. */
void step_retry(struct core *core, struct step *step);

/* Its leg has ended: what was assigned once and waits is cancelled. */
void step_give_up(struct core *core, struct step *step);

/* Forget it; its run leaves memory. */
void step_forget(struct core *core, struct step *step);

#endif
