/*
 * backfill_apps: an application that works on the table at a fixed rate, whether its statements
 * are quick or not, and how long they take in each phase.
 */
#ifndef TESTS_BENCH_BACKFILL_APPS_H
#define TESTS_BENCH_BACKFILL_APPS_H

#include <stdint.h>

#define APPS_RATE 400 /* statements a second, of all its connections together */

/* What was going on when a statement was sent. */
enum phase { PHASE_ALONE, PHASE_BESIDE, PHASE_COUNT, PHASE_SILENT = PHASE_COUNT };

struct load {
    double p50_ms, p99_ms, max_ms, read_p99_ms, write_p99_ms;
};

struct apps;

/* It begins alone. */
struct apps *apps_start(const char *conninfo, int64_t rows);

/* From now on this goes on; SILENT: nothing is sent. */
void apps_phase(struct apps *apps, enum phase phase);

void apps_stop(struct apps **apps_p, struct load loads[PHASE_COUNT], unsigned *errors);

#endif
