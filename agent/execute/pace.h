/*
 * pace: how large the next batch is to be, so that each takes about the time that it may; no clock
 * and no database, so a test drives it.
 *
 * Growth is slow, because what the next rows cost is not known: at most a fifth a batch. When a
 * batch took too long the next is smaller at once, in proportion; when one was broken off, half as
 * large. A whole batch that others had to wait for counts as one that took too long.
 */
#ifndef AGENT_EXECUTE_PACE_H
#define AGENT_EXECUTE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_FIRST 1000 /* the size of the first batch */

struct pace {
    uint64_t budget_us; /* what a batch is to take */
    uint64_t min, max;
    double size;
};

/* Begin with `first` rows (0: not known), within the bounds. */
void pace_begin(struct pace *pace, uint64_t budget_us, uint64_t min, uint64_t max, uint64_t first);

/* The size of the next batch. */
uint64_t pace_size(const struct pace *pace);

/* A batch of this many rows has taken so long; `was_last`: there were no more, so it says less. */
void pace_done(struct pace *pace, uint64_t took_us, bool was_last);

/* Another time for a batch: when it is less, the next is smaller at once. */
void pace_set_time(struct pace *pace, uint64_t budget_us);

/* Others have waited behind a batch. */
void pace_crowded(struct pace *pace);

/* A batch was broken off. False when it was as small as they get. */
bool pace_broken_off(struct pace *pace);

/* How long a batch may take before it is broken off. */
uint64_t pace_patience_ms(const struct pace *pace);

#endif
