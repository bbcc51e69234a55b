/*
 * desk: a coordinator's core with a desk around it: a clock that the test sets, a store that keeps
 * what is saved and answers what is asked, bundles, operators, and agents that say what the test
 * lets them say, or that are honest and do their work by themselves on databases that are lists of
 * versions.
 */
#ifndef TESTS_UNIT_COORDINATOR_DESK_H
#define TESTS_UNIT_COORDINATOR_DESK_H

#include "coordinator/core/core.h"

#define DESK_AGENTS_MAX 64
#define DESK_TARGETS_MAX 256
#define DESK_BUNDLES_MAX 8
#define DESK_APPLIED_MAX 64

enum desk_operator { DESK_VIEWER, DESK_OPERATOR, DESK_ADMIN, DESK_STRANGER };

/* A database and what a test wants of it. */
struct desk_target {
    struct id id;
    size_t agent;
    const char *service, *region;
    struct applied applied[DESK_APPLIED_MAX];
    size_t applied_count;
    struct id done[DESK_APPLIED_MAX * 4]; /* its journal: the steps that were done there */
    size_t done_count;
    uint64_t journal_count; /* its rows, failures included */
    const char *fails_at;   /* a version that fails here; null: none */
    bool fails_retryably;   /* and how */
    uint64_t fails_times;   /* so often; 0: always */
    bool is_broken;         /* its database is down */
    bool is_silent;         /* its agent does nothing about its steps */
    size_t effect_count;    /* effects on it, up and down */
    struct window window;   /* its own */
    uint64_t table_bytes;   /* of its table public.orders; 0: it does not tell */
    uint64_t takes_us, wal; /* of each step; 0: next to nothing */
    uint64_t updated_rows;  /* by the one UPDATE of each step; 0: it has none */
};

struct desk_agent {
    struct id session;
    uint64_t route;
    bool is_up;
};

struct desk_bundle {
    struct digest digest;
    struct manifest manifest;
};

/* What the core has said, and to whom. */
struct desk_said {
    bool is_to_operator;
    uint64_t route;
    struct message message;
};

struct desk {
    struct core *core;
    struct core_config config;
    struct actions actions;
    int64_t now_ms, wall_ms;
    struct arena arena; /* all that follows */

    struct record *records; /* the store: the newest of each, in the order they were first saved */
    size_t record_count, record_capacity;
    size_t save_count, audit_count;

    struct desk_said *said;
    size_t said_count, said_capacity, said_taken;
    struct action *others; /* ADMIT, EXPEL, RECALL, SEND_CHUNK */
    size_t other_count, other_capacity;
    struct text trace;

    struct desk_agent agents[DESK_AGENTS_MAX];
    size_t agent_count;
    struct desk_target targets[DESK_TARGETS_MAX];
    size_t target_count;
    struct desk_bundle bundles[DESK_BUNDLES_MAX];
    size_t bundle_count;
    unsigned requests;
    bool forgets_bundles; /* NEED_BUNDLE finds none */
};

/* A core with a viewer, an operator and an admin, and this many enrolled agents "a0", "a1" … */
struct desk *desk_new(size_t agent_count);
void desk_destroy(struct desk **desk_p);

/* The coordinator dies and starts again from its store; nobody is connected. */
void desk_restart(struct desk *desk);

struct id desk_id(unsigned number);
struct key desk_key(unsigned number);

/* An id that no request has had. */
struct id desk_request(struct desk *desk);
struct key desk_agent_key(size_t agent);

/* Add a target "t0", "t1" … of this service to an agent's configuration. */
size_t desk_add_target(struct desk *desk, size_t agent, const char *service);

/* A bundle with `count` migrations "1", "2" … each with a way back. */
struct digest desk_add_bundle(struct desk *desk, const char *service, size_t count);

/* ---- what happens -------------------------------------------------------------------------- */

/* Give the core an event and do what it answers; time does not pass. */
void desk_event(struct desk *desk, struct event event);

/* An agent says this; its session and the cluster are filled in. */
void desk_hear(struct desk *desk, size_t agent, struct message message);

/* An operator asks this; returns the answer, the last thing said to operators, or null. */
const struct message *desk_ask(struct desk *desk, enum desk_operator who, struct message message);

/* Connect and say HELLO; report all its targets. */
void desk_hello(struct desk *desk, size_t agent);
void desk_report(struct desk *desk, size_t target);
void desk_connect(struct desk *desk, size_t agent);
void desk_connect_all(struct desk *desk);

/* The agent's connection is gone. */
void desk_disconnect(struct desk *desk, size_t agent);

/* Let the honest agents answer all that was said to them, until nothing more is said. */
void desk_work(struct desk *desk);

/* What was said so far and not answered never arrives. */
void desk_lose(struct desk *desk);

/* Time passes, in ticks as the core wants them; connected agents say PING. */
void desk_pass(struct desk *desk, int64_t duration_ms);

/* The same, the agents working. */
void desk_work_for(struct desk *desk, int64_t duration_ms);

/* ---- asking for things --------------------------------------------------------------------- */

/* A spec: up to the newest of this bundle, one wave, 100 at a time, no failures allowed. */
struct run_spec desk_spec(struct desk *desk, const char *service, const struct digest *digest);

/* PLAN and wait until it is ready; the id of the plan. Fails the test when it is refused. */
struct id desk_plan(struct desk *desk, const struct run_spec *spec);

/* PLAN that is refused: the code. */
const char *desk_plan_refused(struct desk *desk, const struct run_spec *spec);

/* APPLY; the number of the run. */
uint64_t desk_apply(struct desk *desk, const struct id *plan_id);
const struct message *desk_try_apply(struct desk *desk, const struct id *plan_id);

/* Both. */
uint64_t desk_run(struct desk *desk, const struct run_spec *spec);

/* STEER; the code it is refused with, null when it was done. */
const char *desk_steer(struct desk *desk, const char *run, enum steer_verb verb);

/* ---- looking ------------------------------------------------------------------------------- */

const struct message *desk_status(struct desk *desk, const char *run);

/* What was said since the last desk_forget. Null: nothing of this type. */
const struct message *desk_last(const struct desk *desk, enum message_type type);
size_t desk_count(const struct desk *desk, enum message_type type);
void desk_forget(struct desk *desk);

/* The stored record; null when there is none. */
const struct run_record *desk_stored_run(const struct desk *desk, uint64_t number);
const struct leg_record *desk_stored_leg(const struct desk *desk, uint64_t run, size_t target);
const struct step_record *desk_stored_step(const struct desk *desk, uint64_t run, size_t target,
                                           uint64_t position);
const struct target_record *desk_stored_target(const struct desk *desk, size_t target);
bool desk_has_audit(const struct desk *desk, const char *verb, const char *subject);
size_t desk_stored_steps(const struct desk *desk, uint64_t run, enum step_state state);

bool desk_has_trace(const struct desk *desk, const char *piece);

#endif
