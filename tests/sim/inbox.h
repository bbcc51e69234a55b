/*
 * inbox: what has come in for the coordinator and waits for the next turn of its loop.
 */
#ifndef TESTS_SIM_INBOX_H
#define TESTS_SIM_INBOX_H

#include "coordinator/core/event.h"

struct inbox_item {
    enum event_kind kind;
    struct key key;
    struct route route;
    struct message message;
    struct arena arena; /* holds what the message points to */
    struct inbox_item *next;
};

struct inbox {
    struct inbox_item *first, *last, *spare;
};

/* A new item at its end; the caller fills it in. */
struct inbox_item *inbox_add(struct inbox *inbox, enum event_kind kind);

/* The first item, null when there is none; to be discarded when it has been dealt with. */
struct inbox_item *inbox_take(struct inbox *inbox);
void inbox_discard(struct inbox *inbox, struct inbox_item *item);

/* Throw everything away; and the memory as well. */
void inbox_clear(struct inbox *inbox);
void inbox_release(struct inbox *inbox);

#endif
