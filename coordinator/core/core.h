/*
 * core: the coordinator's decisions. It knows the fleet and the open runs, is told what happens
 * and when, and answers with what to do. No clock, no socket, no file, no chance but the seed.
 */
#ifndef COORDINATOR_CORE_CORE_H
#define COORDINATOR_CORE_CORE_H

#include "common/base/trace.h"
#include "coordinator/core/action.h"
#include "coordinator/core/event.h"
#include "coordinator/core/record.h"

struct core;

struct core_config {
    struct id cluster_id;
    struct token token;        /* of this start: larger epoch than any before */
    uint64_t seed;             /* for ids and jitter */
    uint64_t next_number;      /* of the next run */
    uint64_t window;           /* steps of one target assigned ahead; 8 */
    uint64_t attempts_max;     /* of a step that fails retryably; 3 */
    uint64_t heartbeat_min_ms; /* 5,000; grows with the number of agents */
    uint64_t resend_ms; /* how long an unanswered message about a step is waited for; 2,000 */
    struct trace trace;
};

/* What a production coordinator uses, apart from identity and seed. */
struct core_config core_config_default(void);

/* The caller owns the result. */
struct core *core_new(const struct core_config *config);
void core_destroy(struct core **core_p);

/*
 * Take a record back that was saved before this start; agents, operators and targets first, then
 * the runs that have not ended, all their legs, all their steps. Before EVENT_LOADED only.
 */
void core_load(struct core *core, const struct record *record);

/* Take one event; the answers are added to `actions`. */
void core_step(struct core *core, const struct event *event, struct actions *actions);

/* When the core wants an EVENT_TICK at the latest; INT64_MAX: never. */
int64_t core_wake_ms(const struct core *core);

#endif
