/*
 * timer: when something is to be looked at again. A timer lies inside the thing it belongs to; the
 * timers of a core are a heap, so that setting one costs little however many there are. It knows
 * no clock: whoever asks says what time it is.
 */
#ifndef COORDINATOR_CORE_TIMER_H
#define COORDINATOR_CORE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t at_ms;
    size_t place; /* in the heap, from 1; 0: not set */
    int kind;     /* whose it is; the core's own enum */
    void *owner;
};

struct timers {
    struct timer **heap; /* heap[0] is unused */
    size_t count, capacity;
};

/* Set it, or set it anew. */
void timer_set(struct timers *timers, struct timer *timer, int64_t at_ms);
void timer_clear(struct timers *timers, struct timer *timer);
bool timer_is_set(const struct timer *timer);

/* Take out the earliest one that is due; null when none is. */
struct timer *timers_take_due(struct timers *timers, int64_t now_ms);

/* When the earliest is due; INT64_MAX: never. */
int64_t timers_next_ms(const struct timers *timers);

void timers_release(struct timers *timers);

#endif
