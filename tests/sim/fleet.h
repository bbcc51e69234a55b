/*
 * fleet: a whole simulated installation: one coordinator, its operators, agents with their hosts,
 * databases, and between them the network. Made to measure by a scenario, or by the seed.
 */
#ifndef TESTS_SIM_FLEET_H
#define TESTS_SIM_FLEET_H

#include "tests/sim/operator.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_coordinator.h"

#define AGENTS_MAX 8
#define TWINS_MAX 4
#define DATABASES_MAX 24
#define OPERATORS_MAX 3

struct fleet_size {
    size_t agents, targets_per_agent;
    struct repository_size repository;
};

struct fleet {
    struct world world;
    struct faults faults;
    struct repository repository;
    struct network network;
    struct sim_coordinator coordinator;
    struct database databases[DATABASES_MAX];
    size_t database_count;
    struct sim_agent agents[AGENTS_MAX + TWINS_MAX]; /* the twins behind the others */
    size_t agent_count, twin_count;
    struct sim_operator operators[OPERATORS_MAX]; /* an admin, an operator, a viewer */
    uint64_t swept;                               /* databases are looked at in turn */
};

/* Everything is there and enrolled; nothing has been started. */
void fleet_init(struct fleet *fleet, uint64_t seed, struct trace listener);
void fleet_build(struct fleet *fleet, const struct fleet_size *size);
void fleet_release(struct fleet *fleet);

/* Coordinator and agents start. */
void fleet_start(struct fleet *fleet);

/* A second process that serves the same targets, with a key of its own or with the same. */
struct sim_agent *fleet_add_twin(struct fleet *fleet, const struct sim_agent *agent, bool same_key);

/* Kill and start all processes at once. */
void fleet_restart_all(struct fleet *fleet);

bool fleet_has_open_runs(const struct fleet *fleet);

/* Look at every database. */
void fleet_check(struct fleet *fleet);

/* Run until every open run has ended, or this much time has passed; true when they have. */
bool fleet_settle(struct fleet *fleet, int64_t for_us);

/* All that databases and store hold, line by line. */
void fleet_print(const struct fleet *fleet, struct text *out);

#endif
