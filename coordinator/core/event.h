/*
 * event: what the coordinator's core is told, and when. Everything an event points to belongs to
 * the caller and is only looked at during core_step.
 */
#ifndef COORDINATOR_CORE_EVENT_H
#define COORDINATOR_CORE_EVENT_H

#include "coordinator/core/record.h"

/* Where an answer goes: the routing id of the connection a message came by, as a number. */
struct route {
    uint64_t number;
};

enum event_kind {
    EVENT_LOADED,    /* all open records were given to core_load; begin */
    EVENT_AGENT,     /* a message from an enrolled agent's key */
    EVENT_OPERATOR,  /* a message from an enrolled operator's key */
    EVENT_MALFORMED, /* a frame of an enrolled agent that was no message; error says why */
    EVENT_UNSENT,    /* the connection `route` to an agent is gone */
    EVENT_BUNDLE,    /* the answer to ACTION_NEED_BUNDLE */
    EVENT_RUN,  /* the answer to ACTION_NEED_RUN: the run, its legs, its steps, in that order */
    EVENT_STEP, /* the answer to ACTION_NEED_STEP: that one record */
    EVENT_TICK  /* core_wake_ms has come */
};

struct event {
    enum event_kind kind;
    int64_t now_ms;  /* CLOCK_BOOTTIME; never goes back */
    int64_t wall_ms; /* for people and the record only */
    struct key key;  /* AGENT, OPERATOR, MALFORMED: who speaks, as CURVE has proved */
    struct route route;
    const struct message *message;   /* AGENT, OPERATOR */
    const struct error *error;       /* MALFORMED */
    struct digest digest;            /* BUNDLE */
    const struct manifest *manifest; /* BUNDLE; null: there is no such bundle */
    struct id id;                    /* RUN, STEP: as they were asked for */
    uint64_t number;                 /* RUN: likewise */
    const struct record *records;    /* RUN, STEP */
    size_t record_count;             /* 0: there is no such run, no such step */
};

#endif
