/*
 * bare: the same exchange as a fleet's with nothing but libzmq, so that a slow machine is not taken
 * for a slow program.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <stddef.h>

struct bare {
    double join_s, round_trips_per_s, heartbeat_percent;
};

/*
 * Connect `count` peers to a child, keep one 200-byte message of each in flight for a while, then
 * send only heartbeats for idle_s seconds.
 */
void bare_measure(size_t count, double idle_s, struct bare *bare);

#endif
