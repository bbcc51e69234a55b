/*
 * scenario: fixed stories with names: what happens to a small fleet, and what must come of it. The
 * decisions that are taken on the way are compared with the trace kept in scenarios/NAME.txt, so
 * that a change of behaviour is seen in review.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/fleet.h"

struct scene {
    struct fleet fleet;
    struct text trace; /* the decisions so far */
    const char *name;
    bool prints; /* every line of the trace, as it comes */
    bool has_failed;
};

struct scenario {
    const char *name;
    void (*play)(struct scene *scene);
};

/* The stories, in scenarios.c. */
extern const struct scenario scenarios[];
extern const size_t scenario_count;

enum scenario_mode {
    SCENARIO_COMPARE, /* the trace must be the one that is kept */
    SCENARIO_UPDATE,  /* keep the trace */
    SCENARIO_PROMISES /* only the promises count: in the mutation lane */
};

/* Run one scenario, or all (null); false when one fails. */
bool scenario_run_all(const char *name, bool prints, enum scenario_mode mode);

/* ---- for stories --------------------------------------------------------------------------- */

/* A fleet in which nothing goes wrong, started, with all its targets reported. */
void scene_open(struct scene *scene, size_t agents, size_t targets_per_agent, size_t migrations);

/* Go on, event by event, until it is so; fails the scene when that takes too long. */
void scene_until(struct scene *scene, bool (*is_so)(const struct scene *scene), const char *what);

/* Go on for a while. */
void scene_wait(struct scene *scene, int64_t for_us);

/* Go on until every run has ended. */
void scene_settle(struct scene *scene);

/* Ask for a run and wait until it has started; returns its record. */
const struct run_record *scene_apply(struct scene *scene, const struct run_spec *spec);

/* Steer the last run, and wait for the answer. */
void scene_steer(struct scene *scene, enum steer_verb verb);

/* The last run. */
const struct run_record *scene_run(const struct scene *scene);

/* How many migrations are applied on all targets together. */
uint64_t scene_applied(const struct scene *scene);

/* It must be so; `what` says what is not. */
void scene_expect(struct scene *scene, bool is_so, const char *what);

#endif
