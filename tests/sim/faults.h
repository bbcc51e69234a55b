/*
 * faults: how bad the world is. Every seed draws its own, so that some stories are about a bad
 * network and some about dying processes, and none drowns in everything at once. All zero: a
 * world in which everything works.
 */
#ifndef TESTS_SIM_FAULTS_H
#define TESTS_SIM_FAULTS_H

#include "tests/sim/world.h"

struct faults {
    /* Of a thousand messages so many are … */
    unsigned lost, doubled, delayed, overtaken;
    unsigned ghosts; /* delivered long after, over whatever connection there is then */

    /* Of a thousand occasions so many … */
    unsigned dies_before_save, dies_after_save, dies_while_sending; /* coordinator, per turn */
    unsigned dies_at_phase;                                         /* agent, per database answer */
    unsigned answer_lost;                                           /* per database request */
    unsigned request_lost;                                          /* the same, before it acts */
    unsigned connection_cut;      /* the same: it acts, and has nobody to answer to */
    unsigned statement_fails;     /* retryably, per statement */
    unsigned statement_is_slow;   /* takes up to half a minute */
    unsigned migration_is_broken; /* fails for good, per migration and target */
    unsigned chunk_is_bad;        /* per bundle and agent */

    /* Mean seconds between two strikes; 0: never. */
    unsigned agent_crash_s, agent_pause_s;
    unsigned coordinator_crash_s, coordinator_pause_s;
    unsigned link_break_s, partition_s;
    unsigned database_restart_s, database_standby_s, backend_kill_s;
    unsigned database_replace_s;
    unsigned twin_s, revoke_s, hostile_s, removal_s;
};

/* A random selection of faults. */
struct faults faults_drawn(struct world *world);

#endif
