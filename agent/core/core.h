/*
 * core: the agent's decisions: its session with the coordinator, its lease, and for each target
 * the queue of steps. It remembers nothing that the databases do not know too. No clock, no
 * socket, no database, no chance but the seed.
 *
 * What the two cores have agreed on, beyond docs/protocol.md:
 *  - One connection carries at most one unanswered HELLO, and nothing of a connection is delivered
 *    after its LINK_DOWN or RECONNECT. A WELCOME is taken only as the answer to a HELLO, and a
 *    session that was ever offered is never taken a second time.
 *  - The end of a session (link, lease, BYE) drops every queued step without a word. In the next
 *    session the coordinator asks for its open steps (QUERY) and assigns again what is left.
 *    What runs goes on, and its result is kept until RESULT_ACK.
 *  - In a session a target is reported first (TARGET), then the results kept for it (RESULT). The
 *    report is said again, ever more seldom: nobody says whether it has arrived.
 *  - A step begins when its position is within `done_count` of its ASSIGN, or the step before it in
 *    the same run has ended here as done. So a lost ASSIGN is waited for.
 *  - The answer to ASSIGN is STATE refused when it cannot be begun here; else, half a second later,
 *    accepted when it waits and running when it runs; or the RESULT when it is over by then. Said
 *    again it is answered at once. Refusals that are worth another try later are
 *    is_retryable. Every assignment of a step has a higher attempt than those before: an attempt
 *    that was answered not_started, refused or by a RESULT is over, and a higher one says that the
 *    coordinator knows.
 *  - When a step ends otherwise than done, or is cancelled, the steps of its run behind it are
 *    dropped, and each is answered STATE not_started.
 *  - A step that an agent stopped by itself, because its process leaves, is no result: it is
 *    answered STATE not_started, to be assigned again.
 *  - QUERY and CANCEL that find the database silent stay unanswered; they are said again.
 */
#ifndef AGENT_CORE_CORE_H
#define AGENT_CORE_CORE_H

#include "common/base/machine.h"
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
    uint64_t queue_max; /* steps of one target that may wait; 0: 16 */
    bool wants_notes;   /* AGENT_NOTE */
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

/* Whether nothing runs or waits, and every result is acknowledged. */
bool agent_core_is_idle(const struct agent_core *core);

/* The tables behind it, for `skein debug machines` and the manual. */
extern const struct machine agent_session_machine;
extern const struct machine agent_step_machine;

#endif
