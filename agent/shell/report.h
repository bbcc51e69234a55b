/*
 * report: what the workers have to say, handed from their threads to the loop: a queue with a
 * descriptor that is readable when something waits in it. A report owns its memory and is given
 * away with it; nothing is shared.
 */
#ifndef AGENT_SHELL_REPORT_H
#define AGENT_SHELL_REPORT_H

#include "common/base/arena.h"
#include "agent/core/event.h"

/* An event of the core, EXAMINED … SURVEYED, whose texts and lists live in the arena. */
struct agent_report {
    struct agent_event event;
    bool is_over; /* no event: the worker's thread has ended */
    struct arena arena;
    struct agent_report *next;
};

struct agent_reports;

/* The caller owns the result. */
struct agent_reports *agent_reports_new(void);
void agent_reports_destroy(struct agent_reports **reports_p);

/* A fresh report of this kind about this target; the caller owns it. */
struct agent_report *agent_report_new(enum agent_event_kind kind, size_t target);
void agent_report_destroy(struct agent_report **report_p);

/* Hand it over; from any thread. */
void agent_reports_post(struct agent_reports *reports, struct agent_report **report_p);

/* The oldest, null when none waits; the caller owns it. Only the loop takes. */
struct agent_report *agent_reports_take(struct agent_reports *reports);

/* Readable when there may be something to take. */
int agent_reports_descriptor(const struct agent_reports *reports);

#endif
