/*
 * id: 128 random bits that name a run, a step, a target, a session. Written as a uuid (RFC 4122,
 * version 4), compared as bytes. Pure code draws them from a struct random, so that a simulation
 * can be replayed; only id_random asks the system.
 */
#ifndef COMMON_BASE_ID_H
#define COMMON_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/random.h"

#define ID_TEXT_SIZE 37

struct id {
    uint8_t bytes[16];
};

/* A fresh id from the system's randomness (libuuid). */
struct id id_random(void);

/* A fresh id from a generator. */
struct id id_draw(struct random *random);

/*
 * The same, but later ids are larger (RFC 9562, version 7): an index of many of them grows at its
 * end, and costs the same however many there are. Nothing may be read from the time in it.
 */
struct id id_draw_at(struct random *random, int64_t wall_ms);

bool id_equal(const struct id *a, const struct id *b);

/* Whether it is all zeros: no id. */
bool id_is_none(const struct id *id);

/* The usual 36 characters; returns out, so that it can stand in a call. */
const char *id_text(const struct id *id, char out[ID_TEXT_SIZE]);

/* Read the usual 36 characters; false when it is anything else. */
bool id_parse(const char *text, struct id *id);

#endif
