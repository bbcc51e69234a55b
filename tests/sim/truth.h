/*
 * truth: what the checkers know of every run, leg and step: what the databases did, what agents
 * have said, what the store has. Private to check.c and check_store.c.
 */
#ifndef TESTS_SIM_TRUTH_H
#define TESTS_SIM_TRUTH_H

#include <uthash.h>

#include "tests/sim/check.h"

#define TRUTH_DATABASES_MAX 64

struct step_truth {
    struct id id;
    struct leg_truth *leg; /* null: the store has never heard of it */
    uint64_t position;
    size_t place; /* of its migration */
    enum step_state state;
    uint64_t attempt;
    bool took_effect, was_already;
    uint64_t effect_attempt;
    uint64_t assigned, failed, cancelled, not_started, refused; /* bit by attempt */
    UT_hash_handle hh;
};

struct leg_key {
    struct id run_id, target_id;
};

struct leg_truth {
    struct leg_key key;
    struct run_truth *run;
    struct leg_truth *next; /* of the run */
    uint64_t ordinal, wave;
    enum leg_state state;
    bool is_gone; /* its database was dropped */
    struct step_truth *steps[PLACES_MAX];
    size_t step_count;
    UT_hash_handle hh;
};

struct run_truth {
    struct id id, undone; /* undone: the run it takes back */
    uint64_t number;
    uint64_t leg_count, parallel, budget;
    enum on_failure on_failure;
    enum run_state state;
    struct leg_truth *legs;
    uint64_t running, failed;
    bool is_touched, has_new_work, has_run; /* in this turn */
    struct run_truth *next_touched;
    UT_hash_handle hh;
};

struct check {
    struct world *world;
    const struct disk *disk;
    struct step_truth *steps;
    struct leg_truth *legs;
    struct run_truth *runs, *touched;
    struct token largest[TRUTH_DATABASES_MAX]; /* that an effect has begun under */
    uint64_t effect_count;
    struct id gone[TRUTH_DATABASES_MAX]; /* databases that were dropped */
    size_t gone_count;
};

/* A step's truth, made when it is first heard of. */
struct step_truth *truth_of_step(struct check *check, const struct id *id);

/* Null when the store has never had it. */
struct leg_truth *truth_of_leg(struct check *check, const struct id *run_id,
                               const struct id *target_id);
struct run_truth *truth_of_run(struct check *check, const struct id *id);

/* Whether this was a database that is no more. */
bool truth_is_gone(const struct check *check, const struct id *target_id);

/* The bit of an attempt. */
uint64_t truth_bit(uint64_t attempt);

/* The last eight digits, as the agents' traces have them; good for four at a time. */
const char *truth_short_id(const struct id *id);

bool truth_is_ended(enum step_state state);

#endif
