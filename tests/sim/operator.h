/*
 * operator: people and pipelines that ask the coordinator for things: one request at a time, said
 * again until it is answered, exactly as the command line does. Left alone, an operator makes up
 * his mind by the seed; a scenario tells him what to do.
 */
#ifndef TESTS_SIM_OPERATOR_H
#define TESTS_SIM_OPERATOR_H

#include "proto/message.h"
#include "tests/sim/disk.h"
#include "tests/sim/network.h"
#include "tests/sim/repository.h"

#define WAVE_COUNT_MAX 4

struct sim_operator {
    struct world *world;
    const struct repository *repository;
    const struct disk *disk; /* he looks at it only to pick a run to talk about */
    char name[16];
    enum role role;
    struct peer peer;

    struct message message; /* what he asks for */
    bool waits;             /* for its answer */
    uint64_t ticket;
    unsigned tries, tries_max;
    bool wants_apply; /* of the plan he asked for */
    struct service_bundle services[SERVICE_COUNT_MAX];
    struct share waves[WAVE_COUNT_MAX];
    char run[16], party_name[32];

    enum message_type answer; /* the last; NONE: he gave up */
    char code[32];            /* of the last refusal */
    uint64_t run_number;      /* of the last STARTED */
    uint64_t refused_count;   /* of the last ADOPTION_VIEW */
    uint64_t answered_count;
};

void sim_operator_init(struct sim_operator *person, struct world *world,
                       const struct repository *repository, const struct disk *disk,
                       struct network *network, const char *name, enum role role,
                       const struct key *key);

/* What an operator can ask for; each takes the place of what he is waiting for. */
void sim_operator_plan(struct sim_operator *person, const struct run_spec *spec);
void sim_operator_apply(struct sim_operator *person, const struct run_spec *spec);
void sim_operator_steer(struct sim_operator *person, uint64_t number, enum steer_verb verb);
void sim_operator_enrol(struct sim_operator *person, enum party party, const char *name,
                        const struct key *key);
void sim_operator_expel(struct sim_operator *person, enum party party, const char *name);
void sim_operator_adopt(struct sim_operator *person);
void sim_operator_forget(struct sim_operator *person, const char *target);

/* The newest editions of all services to all targets, one wave. */
struct run_spec sim_operator_spec(struct sim_operator *person);

/* Ask for something, whatever comes to mind. */
void sim_operator_think(struct sim_operator *person);

/*
 * Help a run to its end: the first one that waits for a person; without patience any open one is
 * cancelled. False when there is none.
 */
bool sim_operator_tidy_up(struct sim_operator *person, bool is_patient);

#endif
