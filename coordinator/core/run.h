/*
 * run: bringing a selection of targets to a version, or back. It opens its waves one after the
 * other, starts as many legs as it may, counts the failures against its budget, and ends when all
 * its legs have ended and no agent has anything of it any more.
 */
#ifndef COORDINATOR_CORE_RUN_H
#define COORDINATOR_CORE_RUN_H

#include "coordinator/core/state.h"

extern const struct machine run_machine;

struct run *run_with_id(struct core *core, const struct id *run_id);
struct run *run_numbered(struct core *core, uint64_t number);

/* What is meant by a number, an id, or "last" (null: the last): an id, or a number; 0: the last. */
bool run_is_named(struct core *core, const char *name, struct id *run_id, uint64_t *number);

/* A leg of a run that is being made. The itinerary's use is the run's from then on. */
struct leg_draft {
    struct target *target;
    struct itinerary *itinerary;
    const struct load *loads; /* of each of its steps; null: not known */
};

struct run_draft {
    struct id run_id;
    const struct run_spec *spec;
    const char *operator_name;
    const struct leg_draft *legs; /* in the order of their waves */
    size_t leg_count;
};

/* Make it, save it, begin it. */
struct run *run_create(struct core *core, const struct run_draft *draft);

/* Take a saved one back: the run, then all its legs, then all its steps and loads, then run_loaded.
 */
struct run *run_load(struct core *core, const struct run_record *record);
void run_load_leg(struct core *core, const struct leg_record *record);
void run_load_step(struct core *core, const struct step_record *record);
void run_load_load(struct core *core, const struct load_record *record);
void run_loaded(struct core *core, struct run *run);

bool run_has_ended(const struct run *run);

/* Whether it is on its way to an end before all is done. */
bool run_is_stopping(const struct run *run);

enum run_event {
    RUN_PAUSE,
    RUN_RESUME,
    RUN_SPEND,
    RUN_CANCEL,
    RUN_FINISH,
    RUN_FALL_SHORT,
    RUN_RETRY,
    RUN_EVENT_COUNT
};

/* Take the edge; say why, or, when that is null, what the edge says. False: there is none. */
bool run_move(struct core *core, struct run *run, enum run_event event, const char *actor,
              const char *why);

/* "running", "paused" … */
const char *run_state_name(enum run_state state);

/* Have all of its legs stop, each as soon as its agent has nothing of it. */
void run_stop_legs(struct core *core, struct run *run);

/* Start over from the first wave that has not ended. */
void run_rewind(struct core *core, struct run *run);

/* The targets are the run's, until it ends; false when another run has one, or one is gone. */
bool run_claim_targets(struct core *core, struct run *run, struct error *error);

/* A result contradicts what is stored: go no further until somebody has looked. */
void run_alarm(struct core *core, struct run *run);

/* Something of it has changed: have it settled before the event's answers go out. */
void run_touch(struct core *core, struct run *run);
void runs_settle(struct core *core);

/* Whether a leg may be started: list it, or take it off the list. */
void run_list_leg(struct core *core, struct leg *leg);

/* Room for a leg's steps. */
void run_make_steps(struct leg *leg);

/* The run that undoes it. */
void run_note_rollback(struct core *core, struct run *run, uint64_t number);

/* Its record; the texts belong to the run. */
struct run_record run_record_of(const struct run *run);
void run_save(struct core *core, struct run *run);

/* Save those whose counts have changed since they were saved. */
void runs_flush(struct core *core);

/* Its timer is due: it ended a while ago, and leaves memory. */
void run_tick(struct core *core, struct run *run);

void runs_release(struct core *core);

#endif
