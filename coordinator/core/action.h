/*
 * action: what the coordinator's core answers an event with. The shell collects the actions of
 * one turn of its loop and carries them out in this order: all records in one transaction; then
 * everything else. What is not saved is not said.
 *
 * NEED_… are questions: once the records so far are in the transaction (or committed), the shell
 * reads the answer and takes another core_step with it, before it goes on to say anything.
 */
#ifndef COORDINATOR_CORE_ACTION_H
#define COORDINATOR_CORE_ACTION_H

#include "common/base/arena.h"
#include "coordinator/core/event.h"
#include "coordinator/core/record.h"

enum action_kind {
    ACTION_SAVE,          /* record */
    ACTION_TELL_AGENT,    /* message to route */
    ACTION_TELL_OPERATOR, /* message to route */
    ACTION_SEND_CHUNK,    /* the bytes of bundle `digest` from `offset` on, as CHUNK to route */
    ACTION_NEED_BUNDLE,   /* give the manifest of `digest` back as EVENT_BUNDLE, in the same turn */
    ACTION_NEED_RUN,  /* give the run `id` (none: the run `number`; 0: the last), its legs and all
                         its steps back as EVENT_RUN, in the same turn, as they are in the store
                         after the turn's records so far */
    ACTION_NEED_STEP, /* likewise the step `id` as EVENT_STEP */
    ACTION_RECALL,    /* `message` of an operator asks for what only the store has (bundles,
                         runs that have ended): answer it to route from there */
    ACTION_ADMIT,     /* the key may connect as `party` */
    ACTION_EXPEL      /* the key may not any more */
};

struct action {
    enum action_kind kind;
    struct route route;
    enum party party;
    struct key key;
    struct digest digest; /* NEED_BUNDLE, SEND_CHUNK */
    uint64_t offset;      /* SEND_CHUNK */
    struct id id;         /* NEED_RUN, NEED_STEP */
    uint64_t number;      /* NEED_RUN */
    union {
        struct record *record;   /* SAVE */
        struct message *message; /* TELL_…, RECALL */
    };
};

/* The actions of a turn and the memory of all they point to. */
struct actions {
    struct action *items;
    size_t count, capacity;
    struct arena arena;
};

/* Add an action; what it points to is copied. */
void actions_save(struct actions *actions, const struct record *record);
void actions_tell_agent(struct actions *actions, struct route route, const struct message *message);
void actions_tell_operator(struct actions *actions, struct route route,
                           const struct message *message);
void actions_recall(struct actions *actions, struct route route, const struct message *message);
void actions_add(struct actions *actions, const struct action *action);

/* Empty it for the next turn; keep the memory. */
void actions_clear(struct actions *actions);

/* Free the memory; a cleanup. */
void actions_release(struct actions *actions);

#endif
