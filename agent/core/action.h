/*
 * action: what the agent's core answers an event with. A target has one worker, which is given
 * one job at a time (EXAMINE, EXECUTE, RESOLVE, SURVEY, MEASURE, ADOPT) and answers it with one
 * event; STOP asks it to end a running EXECUTE early.
 */
#ifndef AGENT_CORE_ACTION_H
#define AGENT_CORE_ACTION_H

#include "common/base/arena.h"
#include "agent/core/event.h"

enum agent_action_kind {
    AGENT_TELL,       /* message to the coordinator */
    AGENT_RECONNECT,  /* close the socket, and make it anew after delay_ms */
    AGENT_EXAMINE,    /* identity, fitness and facts of the target */
    AGENT_EXECUTE,    /* carry `assign` out */
    AGENT_RESOLVE,    /* what does the journal know of step_id? under the target's lock */
    AGENT_SURVEY,     /* what is applied there? */
    AGENT_MEASURE,    /* how large are its tables? */
    AGENT_ADOPT,      /* take over what another tool has applied: `adopt` */
    AGENT_STOP,       /* end the running step_id of the target */
    AGENT_PAUSE,      /* the same, where it can go on later; otherwise it comes to its end */
    AGENT_LOOK_UP,    /* is the bundle in the cache? then have it ready for AGENT_EXECUTE */
    AGENT_KEEP_CHUNK, /* write this piece of the bundle into the cache */
    AGENT_RELEASE,    /* no step needs the bundle any more: let it go from memory */
    AGENT_NOTE,       /* what the operator of this agent should read in the log */
    AGENT_END         /* answer to AGENT_EVENT_LEAVE: all is said; the process may end */
};

struct agent_action {
    enum agent_action_kind kind;
    int64_t delay_ms;     /* RECONNECT */
    size_t target;        /* EXAMINE … PAUSE */
    struct id step_id;    /* RESOLVE, STOP, PAUSE */
    uint64_t attempt;     /* RESOLVE */
    struct id cluster_id; /* EXECUTE, ADOPT: whose the target is from now on */
    struct digest digest; /* LOOK_UP, RELEASE */
    bool is_warning;      /* NOTE */
    union {
        struct message *message; /* TELL */
        struct assign *assign;   /* EXECUTE; its token is the session's */
        struct adopt *adopt;     /* ADOPT */
        struct survey *survey;   /* SURVEY */
        struct chunk *chunk;     /* KEEP_CHUNK */
        const char *note;        /* NOTE */
    };
};

/* The actions of a turn and the memory of all they point to. */
struct agent_actions {
    struct agent_action *items;
    size_t count, capacity;
    struct arena arena;
};

/* Add an action; what it points to is copied. */
void agent_actions_tell(struct agent_actions *actions, const struct message *message);
void agent_actions_add(struct agent_actions *actions, const struct agent_action *action);

/* Empty it for the next turn; keep the memory. */
void agent_actions_clear(struct agent_actions *actions);

/* Free the memory; a cleanup. */
void agent_actions_release(struct agent_actions *actions);

#endif
