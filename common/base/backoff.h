/*
 * backoff: how long to wait before trying again: a random time up to a bound that doubles with
 * every failure ("full jitter", Brooker 2015), so that many who failed together do not come back
 * together.
 */
#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

#include <stdint.h>

#include "common/base/random.h"

struct backoff {
    int64_t first_ms; /* the bound of the first wait */
    int64_t most_ms;  /* the bound never passes this */
    unsigned failures;
};

/* The next wait, from 1 to the bound; the bound doubles. */
int64_t backoff_next_ms(struct backoff *backoff, struct random *random);

/* It worked: the next failure starts from first_ms again. */
void backoff_reset(struct backoff *backoff);

#endif
