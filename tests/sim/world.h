/*
 * world: virtual time, what is going to happen in it, and chance, all from one seed. Nothing in
 * a simulation knows another clock or another die, so the same seed is the same story. It also
 * keeps the first violation of a promise, which ends the story.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/random.h"
#include "common/base/trace.h"

#define MS 1000                /* microseconds of virtual time */
#define SECOND (1000 * MS)     /* the same */
#define MINUTE (60ll * SECOND) /* the same */

struct occasion;

struct world {
    uint64_t seed;
    struct random random;
    int64_t now_us;
    bool is_calm;         /* everything takes its usual time */
    uint64_t event_count; /* so many things have happened */
    uint64_t hash;        /* of all of them */
    struct occasion *heap;
    size_t count, capacity;
    uint64_t order;
    struct trace listener; /* of every trace line; null sink: nobody listens */
    uint64_t trace_hash;   /* of all lines, when somebody listens */
    char violated[8];      /* "I1"; empty: every promise holds */
    char violation[1600];  /* what was seen */
};

void world_init(struct world *world, uint64_t seed);
void world_release(struct world *world);

/*
 * Let happen(subject, number) be called after a delay. What was planned is never taken back: who
 * plans hands over a number that tells him whether it still matters.
 */
void world_plan(struct world *world, int64_t delay_us, void (*happen)(void *, uint64_t),
                void *subject, uint64_t number);

/* Let the next planned thing happen; false when there is none, or a promise was broken. */
bool world_go_on(struct world *world);

/* Go on until this time, or until a promise is broken. */
void world_run_until(struct world *world, int64_t until_us);

/* Mix a number into the story's hash. */
void world_note(struct world *world, uint64_t number);

/* Draws: from min to max (the middle, when it is calm); true so many times out of a thousand. */
int64_t world_between(struct world *world, int64_t min, int64_t max);
bool world_chance(struct world *world, unsigned permille);
void world_draw_bytes(struct world *world, uint8_t *bytes, size_t size);

/* Where in a line of the trace the parts begin, behind the time. */
#define WORLD_TRACE_WHO 11
#define WORLD_TRACE_TEXT 25

/* One line about what `who` does, for whoever listens; costs nothing when nobody does. */
void world_trace(struct world *world, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A promise is broken: keep the first one and end the story. */
void world_violated(struct world *world, const char *promise, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool world_is_sound(const struct world *world);

#endif
