/*
 * event: what the agent's core is told, and when. Everything an event points to belongs to the
 * caller and is only looked at during agent_core_step. Targets are named by their index in the
 * agent's configuration.
 */
#ifndef AGENT_CORE_EVENT_H
#define AGENT_CORE_EVENT_H

#include "proto/message.h"

enum agent_event_kind {
    AGENT_EVENT_LINK_UP,   /* the connection stands, CURVE has shaken hands */
    AGENT_EVENT_LINK_DOWN, /* the connection is lost */
    AGENT_EVENT_MESSAGE,   /* the coordinator has said this */
    AGENT_EVENT_EXAMINED,  /* answer to AGENT_EXAMINE, or unasked when something has changed */
    AGENT_EVENT_PROGRESS,  /* the running step has reached `statement` */
    AGENT_EVENT_ENDED,     /* answer to AGENT_EXECUTE */
    AGENT_EVENT_RESOLVED,  /* answer to AGENT_RESOLVE: outcome, or null: nothing of it is left */
    AGENT_EVENT_SURVEYED,  /* answer to AGENT_SURVEY */
    AGENT_EVENT_MEASURED,  /* answer to AGENT_MEASURE */
    AGENT_EVENT_ADOPTED,   /* answer to AGENT_ADOPT */
    AGENT_EVENT_BUNDLE,    /* answer to AGENT_LOOK_UP and AGENT_KEEP_CHUNK */
    AGENT_EVENT_LEAVE,     /* the process was asked to stop; said again: faster */
    AGENT_EVENT_TICK       /* agent_core_wake_ms has come */
};

enum bundle_state {
    BUNDLE_PARTIAL, /* `offset` is where to go on */
    BUNDLE_THERE,   /* complete, its digest verified */
    BUNDLE_BAD      /* cannot be had: the fault says why */
};

struct agent_event {
    enum agent_event_kind kind;
    int64_t now_ms;                     /* CLOCK_BOOTTIME; never goes back */
    const struct message *message;      /* MESSAGE */
    size_t target;                      /* EXAMINED … ADOPTED: which target */
    const struct target_report *report; /* EXAMINED; session is filled in by the core */
    struct id step_id;                  /* PROGRESS, ENDED, RESOLVED */
    uint64_t attempt;                   /* ENDED, RESOLVED */
    uint64_t statement;                 /* PROGRESS */
    const char *note;                   /* PROGRESS: what it does or waits for; null: nothing */
    const struct outcome *outcome;      /* ENDED, or null: stopped before the truth could be found
                                           out; RESOLVED, or null */
    const struct fault *fault;          /* RESOLVED: the database could not be asked (ask again);
                                           BUNDLE_BAD; null otherwise */
    const struct surveyed *surveyed;    /* SURVEYED; session is filled in by the core */
    const struct measured *measured;    /* MEASURED; session and ids are filled in by the core */
    const struct adopted *adopted;      /* ADOPTED; session and ids are filled in by the core */
    struct digest digest;               /* BUNDLE */
    enum bundle_state bundle;
    uint64_t offset;
};

#endif
