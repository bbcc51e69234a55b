/*
 * planning: a plan that was asked for. The selected targets are asked what is applied there now;
 * when all have answered, or have had time to, the plan says target by target what would happen.
 * It is kept for a while, so that APPLY does what was shown. It changes nothing and is in no
 * record.
 */
#ifndef COORDINATOR_CORE_PLANNING_H
#define COORDINATOR_CORE_PLANNING_H

#include "coordinator/core/forecast.h"
#include "coordinator/core/load.h"
#include "coordinator/core/state.h"

/* What targets with the same history and the same wish have in common. */
struct prospect {
    const void *key[3];          /* history, bundle, the steps to undo */
    struct itinerary *itinerary; /* null: refused */
    bool needs_sizes;            /* of tables that its steps go through */
    struct fault *fault;
    char *note;
    UT_hash_handle hh;
};

enum entry_state {
    ENTRY_WAITING,
    ENTRY_ASKED,
    ENTRY_MEASURING, /* its history is known; how large its tables are is being asked */
    ENTRY_READY
};

/* One target in a plan. */
struct entry {
    struct id target_id;
    const char *name, *service;
    enum entry_state state;
    bool is_witness; /* only asked what is applied there: others depend on it */
    int64_t asked_ms;
    struct known_bundle *bundle; /* null: undoing */
    struct itinerary *undoing;   /* what is to be undone, forwards */
    const struct prospect *prospect;
    const struct history *history; /* while the plan is being made; null: not known */
    struct fault *fault;           /* of its own: unreachable, busy … */
    const char *note;              /* likewise: what its catalog says; in the planning's arena */
    uint64_t wave;                 /* from 1; 0: no part in the run */
    struct load *loads;            /* what each of its steps goes through; null: nothing */
    struct estimate estimate;
    struct obstacle *obstacles; /* what stands against its steps now; in the planning's arena */
    size_t obstacle_count;
    UT_hash_handle hh;
};

struct planning {
    struct id plan_id; /* drawn for it alone: an old APPLY never means a new plan */
    struct id request; /* of the operator: a PLAN said again is this one */
    struct id survey_id;
    struct key operator_key;
    struct route route;
    struct arena arena; /* spec and names */
    struct run_spec spec;
    struct entry *entries, *by_target;
    size_t entry_count, entry_capacity, ready_count;
    struct entry *witnesses; /* targets that the plan's depend on; also in by_target */
    size_t witness_count, witness_capacity, witness_ready_count;
    struct history *histories; /* while it is being made */
    struct prospect *prospects;
    struct known_bundle **bundles; /* held */
    size_t bundle_count, bundle_capacity;
    bool is_ready;
    int64_t started_ms, deadline_ms, used_ms;
    size_t leg_count, refused_count, wave_count;
    uint64_t step_count;
    struct estimate estimate; /* of all of it */
    struct plan_migration *migrations;
    size_t migration_count, migration_total;
    uint64_t run_number; /* the run it was applied as; 0: none */
    struct timer timer;
    UT_hash_handle hh;
};

/* What its steps are carried out as. */
enum direction planning_direction(const struct planning *planning);

/* Null when there is none. */
struct planning *planning_with_id(struct core *core, const struct id *plan_id);

/* PLAN, PLAN_PAGE of an operator. */
void planning_ask(struct core *core, const struct person *person, const struct event *event);
void planning_page(struct core *core, const struct event *event);

/* A target was reported; one has answered a SURVEY. */
void planning_target_reported(struct core *core, struct target *target);
void planning_surveyed(struct core *core, struct agent *agent, const struct surveyed *surveyed);

/* The same of a MEASURE; false: it was no plan's. */
bool planning_measured(struct core *core, struct agent *agent, const struct measured *measured);

/* Its timer is due: tell how far it is, ask again, come to an end, be forgotten. */
void planning_tick(struct core *core, struct planning *planning);

/* Why a target has no part: null when it has, or when nothing is to be done there. */
const struct fault *entry_fault(const struct entry *entry);

void plannings_release(struct core *core);

#endif
