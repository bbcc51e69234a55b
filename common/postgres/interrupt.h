/*
 * interrupt: the wish to stop, made in one thread and heeded in another: every wait for a database
 * watches it. It stays raised until it is cleared, so that none of several waits in a row misses
 * it.
 */
#ifndef COMMON_POSTGRES_INTERRUPT_H
#define COMMON_POSTGRES_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

struct interrupt;

/* The caller owns the result. */
struct interrupt *interrupt_new(void);
void interrupt_destroy(struct interrupt **interrupt_p);

/* Make the wish, from any thread; and take it back. */
void interrupt_raise(struct interrupt *interrupt);
void interrupt_clear(struct interrupt *interrupt);

/* Whether it is made. */
bool interrupt_is_raised(const struct interrupt *interrupt);

/* A descriptor that is readable as long as it is made, for poll(). */
int interrupt_descriptor(const struct interrupt *interrupt);

/* Sleep; false, and at once, when the wish is or becomes made. */
bool interrupt_sleep(const struct interrupt *interrupt, int64_t ms);

#endif
