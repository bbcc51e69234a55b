/*
 * bench: an agent's core on the test bench: a clock that the test sets, a coordinator and workers
 * that say what the test lets them say, and the actions of the last turn to look at.
 */
#ifndef TESTS_UNIT_AGENT_BENCH_H
#define TESTS_UNIT_AGENT_BENCH_H

#include "agent/core/core.h"

#define BENCH_TARGETS_MAX 200
#define BENCH_HEARTBEAT_MS 5000
#define BENCH_LEASE_MS 15000

struct bench {
    struct agent_core *core;
    struct agent_actions actions; /* since bench_forget, or the last event that clears them */
    int64_t now_ms;
    struct id session, cluster_id;
    struct token token;
    char *names[BENCH_TARGETS_MAX];
    char *services[BENCH_TARGETS_MAX];
    size_t target_count;
    bool answers_pings; /* while time passes */
    char *trace;        /* all lines */
};

/* A core with so many targets "t0", "t1" …; nothing has happened yet. */
struct bench *bench_new(size_t target_count);
void bench_destroy(struct bench **bench_p);

/* An id with this number in it. */
struct id bench_id(unsigned number);
struct digest bench_digest(unsigned number);

/* The id of target number `target`. */
struct id bench_target_id(size_t target);

/* Give the event to the core; its actions replace those before. */
void bench_event(struct bench *bench, struct agent_event event);

/* The coordinator says this; cluster and, where they are none, session are filled in. */
void bench_hear(struct bench *bench, struct message message);

/* Ticks, whenever the core wants one, until then; the actions add up. */
void bench_pass(struct bench *bench, int64_t duration_ms);

/* The same until a message of this type is said; fails the test when it never is. */
void bench_pass_until(struct bench *bench, enum message_type type);

/* WELCOME with session `number`. */
void bench_welcome(struct bench *bench, unsigned number);

/* Connected, welcomed, every target examined and ready; nothing to look at. */
void bench_live(struct bench *bench);

/* The worker has examined a target: ready, or broken with this code. */
void bench_examined(struct bench *bench, size_t target, const char *broken_code);

/* ASSIGN of step `number` of run 1 at position `position` on a target, with bundle 1. */
struct message bench_assign(const struct bench *bench, size_t target, unsigned number,
                            uint64_t position);

/* Say it, all positions before the first of them known to be done. */
void bench_hear_assign(struct bench *bench, size_t target, unsigned number, uint64_t position);

/* The bundle's state, as the cache answers. */
void bench_bundle(struct bench *bench, unsigned number, enum bundle_state state, uint64_t offset);

/* The worker has ended step `number`. */
void bench_ended(struct bench *bench, size_t target, unsigned number, enum outcome_kind kind);

/* Keep a core that is live alive: answer the last PING said. */
void bench_pong(struct bench *bench);

/* How many actions of this kind, messages of this type, there are. */
size_t bench_count(const struct bench *bench, enum agent_action_kind kind);
size_t bench_count_said(const struct bench *bench, enum message_type type);

/* The last of them; fails the test when there is none. */
const struct agent_action *bench_action(const struct bench *bench, enum agent_action_kind kind);
const struct message *bench_said(const struct bench *bench, enum message_type type);

/* Whether STATE of the step was said like this. */
bool bench_said_state(const struct bench *bench, unsigned number, enum step_report report);

/* Whether any trace line holds this. */
bool bench_traced(const struct bench *bench, const char *piece);

/* Clear the actions. */
void bench_forget(struct bench *bench);

#endif
