/*
 * pace: how fast a kind of work goes, as it was measured on one target, or on all together: bytes
 * of table a second, how far the measurements lie apart, and the WAL that it writes. Each new
 * measurement counts for a quarter, and one that is far off does not count for more than one that
 * is four times off.
 */
#ifndef COORDINATOR_CORE_PACE_H
#define COORDINATOR_CORE_PACE_H

#include <uthash.h>

#include "coordinator/core/state.h"

struct pace_key {
    struct id target_id; /* none: all targets together */
    uint32_t kind;       /* enum work_kind */
};

struct pace {
    struct pace_key key;
    uint64_t samples;
    uint64_t rate;   /* bytes a second */
    uint64_t spread; /* 1,000 times the natural logarithm of the usual factor between two of them */
    uint64_t wal;    /* bytes for 1,000 bytes of table */
    UT_hash_handle hh;
};

/* What is assumed as long as nothing was measured. */
struct pace pace_guess(enum work_kind kind);

/* Take a measurement in. WAL below 0: it was not measured. */
void pace_learn(struct pace *pace, double rate, double wal);

/* By which factor the next one may well be faster or slower. */
double pace_factor(const struct pace *pace, enum estimate_basis basis);

/* What is known best of a kind of work on a target, and what that is. */
struct pace pace_best(const struct core *core, const struct id *target_id, enum work_kind kind,
                      enum estimate_basis *basis);

/* A measurement on a target: remembered for it, and for all together. */
void pace_note(struct core *core, const struct id *target_id, enum work_kind kind, double rate,
               double wal);

void pace_load(struct core *core, const struct pace_record *record);
void paces_release(struct core *core);

#endif
