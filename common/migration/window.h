/*
 * window: when a run may work: on some days of the week from a time to a time, in UTC, so that it
 * is the same everywhere and has no hour twice. "22:00-04:00" is every night, "Sat,Sun 02:00-05:00"
 * the nights that begin on those days; one that ends before it begins ends on the next day.
 */
#ifndef COMMON_MIGRATION_WINDOW_H
#define COMMON_MIGRATION_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/io/pack.h"

#define WINDOW_TEXT_SIZE 64

struct window {
    uint64_t days; /* on which it begins: 1 Monday, 2 Tuesday … 64; 0: always open */
    uint64_t begin_min, last_min; /* minutes of the day; as long as a day when they are the same */
};

extern const struct pack_shape window_shape;

/* False with E-PLAN-RANGE. */
bool window_parse(const char *text, struct window *window, struct error *error);

/* As it is parsed; returns out. */
const char *window_text(const struct window *window, char out[WINDOW_TEXT_SIZE]);

/* How long it is. */
int64_t window_length_ms(const struct window *window);

/* How long it is open from a moment on (milliseconds since 1970); 0: it is closed then. */
int64_t window_left_ms(const struct window *window, int64_t wall_ms);

/* How long until it opens; 0: it is open. */
int64_t window_wait_ms(const struct window *window, int64_t wall_ms);

#endif
