/*
 * steer: pause, resume, cancel, retry: what operators may want of a run that there is.
 */
#ifndef COORDINATOR_CORE_STEER_H
#define COORDINATOR_CORE_STEER_H

#include "coordinator/core/state.h"

enum steer_answer {
    STEER_ANSWERED, /* the text says what was done */
    STEER_ASKED,    /* the store was asked; the message will be taken again */
    STEER_REFUSED   /* E-RUN-UNKNOWN E-RUN-FINISHED E-RUN-STATE E-STEP-STATE E-TARGET-BUSY */
};

/* STEER of an operator. */
enum steer_answer steer_take(struct core *core, const struct person *person,
                             const struct event *event, const char **text, struct error *error);

#endif
