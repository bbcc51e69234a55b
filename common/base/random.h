/*
 * random: a small generator with a seed, for jitter, ids and simulated chance; the same seed gives
 * the same numbers. Not for keys. (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64.)
 */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

struct random random_seeded(uint64_t seed);

/* A generator seeded by the system's own randomness (getrandom). */
struct random random_from_system(void);

uint64_t random_next(struct random *random);

/* A number from 0 to bound - 1; bound must not be 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* True `percent` times out of a hundred. */
bool random_chance(struct random *random, unsigned percent);

#endif
