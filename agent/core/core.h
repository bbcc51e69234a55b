/*
 * core: the agent's decisions: its session with the coordinator, its lease, and for each target
 * the queue of steps. It remembers nothing that the databases do not know too. No clock, no
 * socket, no database, no chance but the seed.
 */
#ifndef AGENT_CORE_CORE_H
#define AGENT_CORE_CORE_H

#include "common/base/trace.h"
#include "agent/core/action.h"
#include "agent/core/event.h"

struct agent_core;

struct agent_core_config {
    struct id boot_id;
    uint64_t seed; /* jitter */
    size_t target_count;
    const char *const *target_names; /* kept by the caller */
    const char *const *target_services;
    uint64_t queue_max; /* steps of one target that may wait; 16 */
    struct trace trace;
};

/* The caller owns the result. */
struct agent_core *agent_core_new(const struct agent_core_config *config);
void agent_core_destroy(struct agent_core **core_p);

/* Take one event; the answers are added to `actions`. */
void agent_core_step(struct agent_core *core, const struct agent_event *event,
                     struct agent_actions *actions);

/* When the core wants an AGENT_EVENT_TICK at the latest; INT64_MAX: never. */
int64_t agent_core_wake_ms(const struct agent_core *core);

/* Whether anything runs or waits, or a result is not acknowledged yet (a clean stop waits). */
bool agent_core_is_idle(const struct agent_core *core);

#endif
