/*
 * sim_coordinator: the coordinator's host: the real core of the coordinator in a simulated process
 * that works as the shell does, turn by turn: take what has come in, collect the actions, save all
 * records in one transaction, and only then say anything. It may die between any two of these.
 */
#ifndef TESTS_SIM_SIM_COORDINATOR_H
#define TESTS_SIM_SIM_COORDINATOR_H

#include "coordinator/core/core.h"
#include "tests/sim/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/inbox.h"
#include "tests/sim/network.h"
#include "tests/sim/repository.h"

#define ADMITTED_MAX 64

struct sim_coordinator {
    struct world *world;
    const struct faults *faults;
    struct check *check;
    const struct repository *repository;
    struct network *network;
    struct disk disk;
    struct id cluster_id;

    bool is_up;
    uint64_t life; /* which process it is */
    int64_t clock_ms, wall_ms;
    int64_t paused_until_us;
    struct core *core;
    struct actions actions; /* of the turn under way */
    bool is_in_turn, is_turn_planned;
    struct inbox inbox;
    int64_t tick_ms; /* of the earliest tick that is planned */
    int64_t last_ms;
    unsigned ticks_in_a_row;
    struct admitted {
        struct key key;
        enum party party;
    } admitted[ADMITTED_MAX];
    size_t admitted_count;
};

void sim_coordinator_init(struct sim_coordinator *coordinator, struct world *world,
                          const struct faults *faults, const struct repository *repository,
                          struct network *network);
void sim_coordinator_release(struct sim_coordinator *coordinator);

void sim_coordinator_start(struct sim_coordinator *coordinator);

/* kill -9 */
void sim_coordinator_kill(struct sim_coordinator *coordinator);

/* SIGSTOP, and SIGCONT after a while. */
void sim_coordinator_pause(struct sim_coordinator *coordinator, int64_t for_us);

/* A frame of this peer that is no message. */
void sim_coordinator_hear_noise(struct sim_coordinator *coordinator, const struct peer *peer);

#endif
