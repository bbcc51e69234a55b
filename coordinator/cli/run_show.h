/*
 * run_show: a run as people see it: what it is, a bar for each wave, what runs, and every failing
 * target with its error. The same picture for `skein status` and, drawn again and again, for
 * --watch.
 */
#ifndef COORDINATOR_CLI_RUN_SHOW_H
#define COORDINATOR_CLI_RUN_SHOW_H

#include <jansson.h>

#include "proto/message.h"
#include "coordinator/cli/terminal.h"

#define RUN_SHOW_ALL SIZE_MAX

/* What is drawn. The legs need not be all there are. */
struct run_picture {
    const struct run_view *run;
    const struct leg_view *failing;
    size_t failing_count;
    uint64_t failing_total;
    const struct leg_view *open; /* those that wait and those that run */
    size_t open_count;
    size_t running_max, failing_max; /* how many are drawn */
    uint64_t silent_ms;              /* how long the coordinator has not answered; 0: it does */
};

/* Append the picture; no line is wider than the terminal. */
void run_render(const struct run_picture *picture, const struct terminal *terminal,
                struct text *out);

/* Only the waves, for who has drawn the rest. */
void run_render_legs(const struct leg_view *legs, size_t count, const struct terminal *terminal,
                     struct text *out);

/* One failing target with its error: "auth-eu-1: E-SQL: …" and where. */
void run_render_failure(const struct leg_view *leg, const struct terminal *terminal,
                        struct text *out);

bool run_view_has_ended(const struct run_view *run);

/* How many targets the run has, are done, have failed. */
struct run_sum {
    uint64_t targets, done, failed, running;
};
struct run_sum run_view_sum(const struct run_view *run);

/* "run 12: done, 24 targets in 2.1 s" */
void run_render_end(const struct run_view *run, const struct terminal *terminal, struct text *out);

/* The run, and these of its legs. */
json_t *run_json(const struct run_view *run, const struct leg_view *legs, size_t leg_count);

#endif
