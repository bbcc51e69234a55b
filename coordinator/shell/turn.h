/*
 * turn: what happens between two waits: messages become events, events become actions, the actions
 * are saved in one transaction and then carried out. What is not saved is not said.
 */
#ifndef COORDINATOR_SHELL_TURN_H
#define COORDINATOR_SHELL_TURN_H

#include "coordinator/shell/loop.h"

struct turn;

/* The caller owns the result; the parts must outlive it. */
struct turn *turn_new(const struct loop_parts *parts);
void turn_destroy(struct turn **turn_p);

/* Before the first turn: give the core what the store holds, and begin. */
bool turn_load(struct turn *turn, struct error *error);

void turn_begin(struct turn *turn);

/* A frame that came by this party's door. */
void turn_take(struct turn *turn, enum party party, const struct frame *frame);

/* The time that the core asked to be woken at has come. */
void turn_tick(struct turn *turn);

enum turn_end {
    TURN_ENDED,   /* saved and said */
    TURN_STOPPED, /* a signal came while the store had no room */
    TURN_FAILED   /* the store has failed: end the process */
};

/* Save, then say. While the store has no room this waits, and keeps operators informed. */
enum turn_end turn_end(struct turn *turn, struct error *error);

/* Whether the last turn did nothing but answer agents: nothing to save, nobody else to talk to. */
bool turn_was_quiet(const struct turn *turn);

/* Whether an answer to an operator still waits for its connection to take it. */
bool turn_has_unsent(const struct turn *turn);

#endif
