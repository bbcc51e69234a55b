/*
 * record: what the coordinator remembers, row by row. The core hands records out to be saved, and
 * is given all that are still open when the program starts; the store keeps them. A record
 * replaces the one with the same identity. Audit rows are only ever added.
 */
#ifndef COORDINATOR_CORE_RECORD_H
#define COORDINATOR_CORE_RECORD_H

#include "proto/message.h"

struct agent_record {
    const char *name; /* identity */
    struct key key;
    bool is_active;
    uint64_t since_wall_ms;
};

struct operator_record {
    const char *name; /* identity */
    struct key key;
    enum role role;
    bool is_active;
    uint64_t since_wall_ms;
};

/* A target as it was last reported. */
struct target_record {
    struct id target_id; /* identity */
    const char *name, *service, *agent;
    struct label *labels;
    size_t label_count;
    uint64_t system_identifier, database_oid, server_version;
    enum target_state state;
    struct fault fault;
    uint64_t applied_count;
    const char *applied_version;
    bool is_gone; /* removed, or its name taken by another; kept for the record of its runs */
};

struct run_record {
    struct id run_id; /* identity */
    uint64_t number;
    struct run_spec spec;
    const char *operator_name;
    enum run_state state;
    const char *why;
    uint64_t leg_count, done_count, failed_count;
    uint64_t started_wall_ms, ended_wall_ms;
    uint64_t rollback_number; /* the run that undoes this one; 0: none */
};

struct leg_step {
    const char *version, *name;
    struct digest digest; /* the bundle it is in */
};

/* One target's part of a run: the migrations it takes, in order. */
struct leg_record {
    struct id run_id, target_id; /* identity */
    uint64_t ordinal;            /* within the run */
    uint64_t wave;               /* from 1 */
    enum leg_state state;
    const char *from_version, *to_version;
    struct leg_step *steps;
    size_t step_count;
    uint64_t done_count;
    struct fault fault;
};

/* What is still to be said to the agent about a step: the outbox is this column. */
enum step_owed { OWED_NOTHING, OWED_ASSIGN, OWED_QUERY, OWED_CANCEL, OWED_COUNT };

struct step_record {
    struct id step_id; /* identity */
    struct id run_id, target_id;
    uint64_t position; /* within the leg, from 0 */
    const char *version, *name;
    enum direction direction;
    enum step_state state;
    enum step_owed owed;
    uint64_t attempt;
    uint64_t ended_wall_ms;
    struct outcome outcome; /* once it is known */
};

/* What a step goes through, as the plan has found it: see coordinator/core/load.h. */
struct load_record {
    struct id run_id;           /* identity, with the next two */
    uint64_t ordinal, position; /* of the leg within the run; within the leg */
    uint64_t scan_bytes, index_bytes, write_bytes, rewrite_bytes, partial_bytes, rows;
    bool goes_on, is_unmeasured;
};

/* How fast a kind of work goes: see coordinator/core/pace.h. */
struct pace_record {
    struct id target_id; /* identity, with the next; none: all targets together */
    enum work_kind kind;
    uint64_t samples, rate, spread, wal;
};

/* Who did what, or what was decided and why; append-only, in the order of saving. */
struct audit_record {
    uint64_t wall_ms;
    const char *actor;   /* operator's or agent's name, "coordinator" */
    const char *verb;    /* "apply", "halt", "step done" */
    const char *subject; /* "run 12", "auth-eu-1 20250810120000" */
    const char *detail;
};

/* Identity, member, struct. */
#define RECORD_TABLE(X)                                                                            \
    X(AGENT, agent, struct agent_record)                                                           \
    X(OPERATOR, operator, struct operator_record)                                                  \
    X(TARGET, target, struct target_record)                                                        \
    X(RUN, run, struct run_record)                                                                 \
    X(LEG, leg, struct leg_record)                                                                 \
    X(STEP, step, struct step_record)                                                              \
    X(LOAD, load, struct load_record)                                                              \
    X(PACE, pace, struct pace_record)                                                              \
    X(AUDIT, audit, struct audit_record)

#define RECORD_NAME(NAME, member, type) RECORD_##NAME,
enum record_kind { RECORD_TABLE(RECORD_NAME) RECORD_KIND_COUNT };
#undef RECORD_NAME

#define RECORD_MEMBER(NAME, member, type) type member;
struct record {
    enum record_kind kind;
    union {
        RECORD_TABLE(RECORD_MEMBER)
    };
};
#undef RECORD_MEMBER

/* The run that it is of; null: of none. */
const struct id *record_run_id(const struct record *record);

const char *record_name(enum record_kind kind);
const struct pack_shape *record_shape(enum record_kind kind);
void record_copy(const struct record *record, struct arena *arena, struct record *copy);

#endif
