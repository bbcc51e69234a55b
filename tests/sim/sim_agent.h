/*
 * sim_agent: one agent's host: the real core of the agent in a simulated process with a clock, a
 * connection, a cache of bundles that survives the process, and a worker for each of its targets.
 */
#ifndef TESTS_SIM_SIM_AGENT_H
#define TESTS_SIM_SIM_AGENT_H

#include "agent/core/core.h"
#include "tests/sim/check.h"
#include "tests/sim/database.h"
#include "tests/sim/network.h"
#include "tests/sim/repository.h"
#include "tests/sim/watch.h"
#include "tests/sim/worker.h"

#define AGENT_TARGETS_MAX 4
#define CACHE_MAX (SERVICE_COUNT_MAX * EDITIONS_MAX)

struct sim_agent {
    struct world *world;
    const struct faults *faults;
    struct check *check;
    const struct repository *repository;
    char name[24];
    struct peer peer;
    struct worker workers[AGENT_TARGETS_MAX];
    const char *names[AGENT_TARGETS_MAX], *services[AGENT_TARGETS_MAX];
    size_t target_count;
    struct cached {
        struct digest digest;
        uint64_t have;
        bool is_bad; /* this one can never be had here */
    } cache[CACHE_MAX];
    size_t cache_count;

    bool is_up;
    uint64_t life;    /* which process it is */
    int64_t clock_ms; /* how far the host's clock is from the world's */
    struct agent_core *core;
    struct agent_actions actions;
    struct watch watch;
    struct sim_adoption {
        uint64_t life; /* of the process that waits for it */
        struct digest digest;
        struct id target_id;
        size_t count;
    } adoptions[AGENT_TARGETS_MAX];
    int64_t tick_ms; /* of the earliest tick that is planned */
    int64_t last_ms;
    unsigned ticks_in_a_row; /* without time passing */
};

void sim_agent_init(struct sim_agent *agent, struct world *world, const struct faults *faults,
                    struct check *check, const struct repository *repository,
                    struct network *network, const char *name, const struct key *key);
void sim_agent_release(struct sim_agent *agent);

/* Serve this database too; before the first start. */
void sim_agent_serve(struct sim_agent *agent, struct database *database);

void sim_agent_start(struct sim_agent *agent);

/* kill -9, and the process's workers die with it. */
void sim_agent_kill(struct sim_agent *agent);

/* Ask it to end; it takes its time. */
void sim_agent_leave(struct sim_agent *agent);

/* SIGSTOP, and SIGCONT after a while. */
void sim_agent_pause(struct sim_agent *agent, int64_t for_us);

/* Whether nothing runs, waits or is held. */
bool sim_agent_is_idle(const struct sim_agent *agent);

#endif
