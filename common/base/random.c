#include "common/base/random.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t
split_mix(uint64_t *seed)
{
    uint64_t mixed = (*seed += 0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

struct random
random_seeded(uint64_t seed)
{
    struct random random;
    for (int i = 0; i < 4; i++) {
        random.state[i] = split_mix(&seed);
    }
    return random;
}

struct random
random_from_system(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        abort();
    }
    return random_seeded(seed);
}

static uint64_t
rotate_left(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t
random_next(struct random *random)
{
    uint64_t *state = random->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9, shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

uint64_t
random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    return random_next(random) % bound;
}

bool
random_chance(struct random *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}
