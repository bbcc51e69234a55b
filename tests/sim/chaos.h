/*
 * chaos: what happens to a fleet from outside, at random: processes die, stop and go on,
 * connections break, networks part, servers restart, keys are taken away, a second agent claims
 * what is another's, somebody lies. How often is in the fleet's faults.
 */
#ifndef TESTS_SIM_CHAOS_H
#define TESTS_SIM_CHAOS_H

#include "tests/sim/fleet.h"

struct chaos {
    struct fleet *fleet;
    bool is_on;
};

/* From now on things happen. */
void chaos_begin(struct chaos *chaos, struct fleet *fleet);

/* Nothing bad happens any more, and what is broken is made good. */
void chaos_heal(struct chaos *chaos);

#endif
