/*
 * message: everything that coordinator, agents and operators say to each other, as plain structs.
 * One frame is one message; README.md beside this file is the grammar, printed from the same
 * tables (proto/shapes.c) that the codec follows. What a message means, and what may be said when,
 * is docs/protocol.md.
 *
 * Texts and lists in a message belong to whoever filled it: a decoder's arena, or the sender.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "proto/adopt.h"
#include "proto/basics.h"
#include "proto/operate.h"
#include "proto/sizes.h"

/* ---- agent → coordinator ------------------------------------------------------------------- */

/* "Here I am." Opens a session; the answer is WELCOME, WAIT or REJECT. */
struct hello {
    uint64_t version_min, version_max; /* of this protocol */
    const char *software;              /* "0.1.0" */
    struct id boot_id;                 /* drawn at process start */
    struct token token_seen;           /* the largest the agent was ever given */
};

/* One target the agent serves: after WELCOME, and again whenever something of it has changed. */
struct target_report {
    struct id session;
    struct id target_id; /* none when the database could not be asked yet (TARGET_BROKEN) */
    const char *name;    /* unique within the fleet: "auth-eu-1" */
    const char *service;
    struct label *labels;
    size_t label_count;
    enum target_state state;
    struct fault fault;         /* TARGET_BROKEN: why */
    uint64_t server_version;    /* 150018 */
    uint64_t system_identifier; /* of the cluster (pg_control_system) */
    uint64_t database_oid;
    uint64_t timeline;
    bool in_recovery;
    uint64_t applied_count;
    const char *applied_version; /* the last one; null when none */
    uint64_t journal_count;
    uint8_t journal_head[CHECKSUM_SIZE];
    struct window window; /* in which alone steps may be done there */
};

struct progress {
    struct id step_id;
    uint64_t statement; /* which one is running, from 1 */
    uint64_t elapsed_ms;
    const char *note; /* what it does or waits for, in words; null: nothing to say */
};

/* "I live." A PONG with the same sequence renews the lease from the moment this was sent. */
struct ping {
    struct id session;
    uint64_t sequence;
    struct progress *running;
    size_t running_count;
};

/* "Give me this bundle from here." Answered by CHUNK, or REJECT E-BUNDLE-UNKNOWN. */
struct fetch {
    struct id session;
    struct digest digest;
    uint64_t offset;
};

enum step_report {
    STEP_REPORT_ACCEPTED,    /* queued behind the target's earlier steps */
    STEP_REPORT_RUNNING,     /* begun */
    STEP_REPORT_NOT_STARTED, /* the journal knows nothing of it, nothing of it runs, and this
                                agent will not begin it unless it is assigned again */
    STEP_REPORT_STOPPING,    /* a cancel has reached the running step; a RESULT follows */
    STEP_REPORT_REFUSED,     /* cannot be begun here; the fault says why */
    STEP_REPORT_COUNT
};

/* Where a step is. Not an outcome: that is a RESULT. */
struct state {
    struct id session;
    struct id step_id;
    uint64_t attempt;
    enum step_report report;
    struct fault fault; /* REFUSED */
};

/* What became of a step; sent again until RESULT_ACK. */
struct result {
    struct id session;
    struct id step_id;
    struct id target_id;
    uint64_t attempt;
    struct outcome outcome;
};

struct applied {
    const char *version;
    uint8_t checksum[CHECKSUM_SIZE];
};

/* Answer to SURVEY, fresh from the database. The versions are in the order they were applied. */
struct surveyed {
    struct id session;
    struct id survey_id;
    struct id target_id;
    bool succeeded;
    struct fault fault; /* when not */
    struct applied *applied;
    size_t applied_count;
    struct batch_verdict *verdicts; /* on its probes, in their order */
    size_t verdict_count;
    struct obstacle *obstacles; /* what a preflight would find now, the gravest first */
    size_t obstacle_count;
};

/* ---- coordinator → agent ------------------------------------------------------------------- */

struct welcome {
    uint64_t version;
    struct id session;
    struct token token;
    uint64_t heartbeat_ms; /* PING this often, ± 20 % */
    uint64_t lease_ms;
};

/* "Not now": say HELLO again after this long. */
struct wait {
    uint64_t retry_after_ms;
};

struct pong {
    struct id session;
    uint64_t sequence;
};

struct chunk {
    struct digest digest;
    uint64_t offset, total;
    struct bytes bytes; /* at most CHUNK_SIZE_MAX */
};

/*
 * "Carry this step out." Said again it changes nothing and is answered with the present STATE.
 * After a STATE not_started or a RESULT the step is only ever assigned again under a higher
 * attempt; so an ASSIGN whose attempt was answered that way in this session is a late double: it
 * begins nothing and gets the same answer. And a STATE of an earlier attempt says nothing to the
 * coordinator.
 */
struct assign {
    struct id session;
    struct token token;
    struct id step_id;
    struct id run_id;
    struct id target_id;
    struct digest digest;
    const char *version;
    enum direction direction;
    uint64_t attempt;
    uint64_t position; /* within the target's leg of the run: steps are carried out in this order */
    uint64_t done_count; /* so many of the leg's first steps are known to be done. The agent begins
                            a step when all before it are: by this word, or by its own results; so
                            an ASSIGN that got lost is waited for, never passed over */
    uint64_t journal_count; /* the journal row of the last of those, as its result told it; 0: none
                               has one. Where it is not there, commits were lost, and nothing is
                               begun behind them */
    uint8_t journal_head[CHECKSUM_SIZE];
    uint64_t lock_timeout_ms, timeout_ms; /* 0: the file's own, or the agent's default */
};

struct result_ack {
    struct id step_id;
    uint64_t attempt;
};

/*
 * "What became of this step?" Answered from memory (STATE accepted, running), or, under the
 * target's lock, from its journal: RESULT, or STATE not_started.
 */
struct query {
    struct id session;
    struct id step_id;
    struct id target_id;
    uint64_t attempt;
};

/*
 * "Do not begin it; stop it if it runs, unless that is to be spared." Answered by STATE
 * not_started, stopping, or (spared) running, or by RESULT. Like a QUERY, not_started is only said
 * of what the journal knows nothing of.
 */
struct cancel {
    struct id session;
    struct id step_id;
    struct id target_id;
    uint64_t attempt;
    bool spare_running; /* a pause or a halt lets what runs come to its end */
};

/* "Look what is applied there now, and what stands against these, as far as they are to come." */
struct survey {
    struct id session;
    struct id survey_id;
    struct id target_id;
    struct batch_probe *probes;
    size_t probe_count;
    struct outline *outlines;
    size_t outline_count;
};

/* This agent may not serve this target (claimed by another, a copy …): it starts nothing there. */
struct target_refused {
    struct id session;
    const char *name;
    struct fault fault;
};

/* ---- both ways ----------------------------------------------------------------------------- */

/* The session is over: the agent leaves, or the coordinator does not know it (say HELLO). */
struct bye {
    struct id session;
    const char *reason;
};

/* A frame was refused; nothing has changed. */
struct reject {
    struct fault fault;
};

/* ---- the frame ----------------------------------------------------------------------------- */

/*
 * Every message once: NAME, member of the union, its struct, who may send it. The numbers are the
 * wire's: append, never reorder. FROM_ANY means agent and coordinator.
 */
#define MESSAGE_TABLE(X)                                                                           \
    X(HELLO, hello, struct hello, FROM_AGENT)                                                      \
    X(TARGET, target, struct target_report, FROM_AGENT)                                            \
    X(PING, ping, struct ping, FROM_AGENT)                                                         \
    X(FETCH, fetch, struct fetch, FROM_AGENT)                                                      \
    X(STATE, state, struct state, FROM_AGENT)                                                      \
    X(RESULT, result, struct result, FROM_AGENT)                                                   \
    X(SURVEYED, surveyed, struct surveyed, FROM_AGENT)                                             \
    X(WELCOME, welcome, struct welcome, FROM_COORDINATOR)                                          \
    X(WAIT, wait, struct wait, FROM_COORDINATOR)                                                   \
    X(PONG, pong, struct pong, FROM_COORDINATOR)                                                   \
    X(CHUNK, chunk, struct chunk, FROM_COORDINATOR)                                                \
    X(ASSIGN, assign, struct assign, FROM_COORDINATOR)                                             \
    X(RESULT_ACK, result_ack, struct result_ack, FROM_COORDINATOR)                                 \
    X(QUERY, query, struct query, FROM_COORDINATOR)                                                \
    X(CANCEL, cancel, struct cancel, FROM_COORDINATOR)                                             \
    X(SURVEY, survey, struct survey, FROM_COORDINATOR)                                             \
    X(TARGET_REFUSED, target_refused, struct target_refused, FROM_COORDINATOR)                     \
    X(BYE, bye, struct bye, FROM_ANY)                                                              \
    X(REJECT, reject, struct reject, FROM_COORDINATOR)                                             \
    X(OFFER, offer, struct offer, FROM_OPERATOR)                                                   \
    X(PUT, put, struct put, FROM_OPERATOR)                                                         \
    X(PLAN, plan, struct plan, FROM_OPERATOR)                                                      \
    X(PLAN_PAGE, plan_page, struct plan_page, FROM_OPERATOR)                                       \
    X(APPLY, apply, struct apply, FROM_OPERATOR)                                                   \
    X(STEER, steer, struct steer, FROM_OPERATOR)                                                   \
    X(STATUS, status, struct status, FROM_OPERATOR)                                                \
    X(RUNS, runs, struct runs, FROM_OPERATOR)                                                      \
    X(LOG, log, struct log_request, FROM_OPERATOR)                                                 \
    X(TARGETS, targets, struct targets, FROM_OPERATOR)                                             \
    X(AGENTS, agents, struct agents, FROM_OPERATOR)                                                \
    X(OPERATORS, operators, struct operators, FROM_OPERATOR)                                       \
    X(ENROL, enrol, struct enrol, FROM_OPERATOR)                                                   \
    X(EXPEL, expel, struct expel, FROM_OPERATOR)                                                   \
    X(REFUSED, refused, struct refused, FROM_COORDINATOR)                                          \
    X(DONE, done, struct done, FROM_COORDINATOR)                                                   \
    X(OFFERED, offered, struct offered, FROM_COORDINATOR)                                          \
    X(STARTED, started, struct started, FROM_COORDINATOR)                                          \
    X(PLANNED, planned, struct planned, FROM_COORDINATOR)                                          \
    X(RUN_VIEW, run_view, struct run_view, FROM_COORDINATOR)                                       \
    X(RUNS_VIEW, runs_view, struct runs_view, FROM_COORDINATOR)                                    \
    X(LOG_VIEW, log_view, struct log_view, FROM_COORDINATOR)                                       \
    X(TARGETS_VIEW, targets_view, struct targets_view, FROM_COORDINATOR)                           \
    X(AGENTS_VIEW, agents_view, struct agents_view, FROM_COORDINATOR)                              \
    X(OPERATORS_VIEW, operators_view, struct operators_view, FROM_COORDINATOR)                     \
    X(FORGET, forget, struct forget, FROM_OPERATOR)                                                \
    X(ADOPT, adopt, struct adopt, FROM_COORDINATOR)                                                \
    X(ADOPTED, adopted, struct adopted, FROM_AGENT)                                                \
    X(ADOPTION, adoption, struct adoption_ask, FROM_OPERATOR)                                      \
    X(ADOPTION_VIEW, adoption_view, struct adoption_view, FROM_COORDINATOR)                        \
    X(MEASURE, measure, struct measure, FROM_COORDINATOR)                                          \
    X(MEASURED, measured, struct measured, FROM_AGENT)                                             \
    X(SIZES, sizes, struct sizes, FROM_OPERATOR)                                                   \
    X(SIZES_VIEW, sizes_view, struct sizes_view, FROM_COORDINATOR)

enum message_sender { FROM_AGENT, FROM_COORDINATOR, FROM_OPERATOR, FROM_ANY };

#define MESSAGE_NAME(NAME, member, type, sender) MESSAGE_##NAME,
enum message_type { MESSAGE_NONE, MESSAGE_TABLE(MESSAGE_NAME) MESSAGE_TYPE_COUNT };
#undef MESSAGE_NAME

#define MESSAGE_MEMBER(NAME, member, type, sender) type member;
struct message {
    enum message_type type;
    struct id cluster_id; /* none: not known yet (HELLO of an agent, first words of an operator) */
    union {
        MESSAGE_TABLE(MESSAGE_MEMBER)
    };
};
#undef MESSAGE_MEMBER

/* "ASSIGN"; "NONE" for anything that is no type. */
const char *message_name(enum message_type type);

/* The shape of the type's struct. */
const struct pack_shape *message_shape(enum message_type type);

/* Whether this sender may send this type. */
bool message_may_come_from(enum message_type type, enum message_sender sender);

/* A deep copy in the arena's memory. */
void message_copy(const struct message *message, struct arena *arena, struct message *copy);

#endif
