/*
 * window: when a run may work: on some days of the week from a time to a time. "22:00-04:00" is
 * every night, in UTC; "Sat,Sun 02:00-05:00 Europe/Berlin" those that begin on these days, by the
 * clocks there; one that ends before it begins ends on the next day. It is open from the moment at
 * which the clocks first show its begin to that at which they first show its end: so it is open
 * once in a night that has an hour twice, and shorter, or not at all, where an hour is left out.
 */
#ifndef COMMON_MIGRATION_WINDOW_H
#define COMMON_MIGRATION_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/migration/zone.h"

#define WINDOW_TEXT_SIZE 128

struct window {
    uint64_t days; /* on which it begins: 1 Monday, 2 Tuesday … 64; 0: always open */
    uint64_t begin_min, last_min; /* minutes of the day; as long as a day when they are the same */
    struct zone zone;             /* whose days and times they are */
};

extern const struct pack_shape window_shape;

/* The zone is read from a moment on, into the arena (zone_read). False with E-PLAN-RANGE. */
bool window_parse(const char *text, int64_t wall_ms, struct arena *arena, struct window *window,
                  struct error *error);

/* As it is parsed; returns out. */
const char *window_text(const struct window *window, char out[WINDOW_TEXT_SIZE]);

/* What its clocks show at a moment: "02:30 Europe/Berlin"; returns out. */
const char *window_clock(const struct window *window, int64_t wall_ms, char out[WINDOW_TEXT_SIZE]);

/* How long it is, where no clock is changed. */
int64_t window_length_ms(const struct window *window);

/* How long it is open from a moment on (milliseconds since 1970); 0: it is closed then. */
int64_t window_left_ms(const struct window *window, int64_t wall_ms);

/* How long until it opens; 0: it is open. */
int64_t window_wait_ms(const struct window *window, int64_t wall_ms);

#endif
