/*
 * watch: what one agent process may do, worked out from what it hears and says alone: whether its
 * session stands, how long its lease lasts, which results it must not forget. The agent's core
 * keeps the same books its own way; where the two differ, a promise is broken.
 */
#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include "agent/core/action.h"
#include "tests/sim/world.h"

#define WATCH_PINGS 16
#define WATCH_OFFERS 16

struct watch_entry;

struct watch {
    struct world *world;
    const char *name;
    bool awaits_welcome, has_session, is_leaving;
    struct id session;
    struct id offered[WATCH_OFFERS];
    size_t offer_count;
    int64_t hello_ms, lease_ms, lease_until_ms;
    struct {
        uint64_t sequence;
        int64_t sent_ms;
    } pings[WATCH_PINGS];
    struct watch_entry *entries; /* steps assigned to it, results it holds */
    uint64_t unacked_count;
};

void watch_init(struct watch *watch, struct world *world, const char *name);
void watch_release(struct watch *watch);

/* The connection is down, or is about to be made anew. */
void watch_cut(struct watch *watch);

void watch_hears(struct watch *watch, const struct message *message, int64_t now_ms);
void watch_says(struct watch *watch, const struct message *message, int64_t now_ms);

/* The process is about to carry a step out; to look one up. */
void watch_executes(struct watch *watch, const struct assign *assign, int64_t now_ms);
void watch_resolves(struct watch *watch, const struct id *step_id, uint64_t attempt);

/* The process has carried a step out and learns what became of it. */
void watch_learns(struct watch *watch, const struct id *step_id, uint64_t attempt,
                  const struct outcome *outcome);

/* After everything: a process that holds results is not idle. */
void watch_is_idle(struct watch *watch, bool is_idle);

#endif
