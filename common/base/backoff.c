#include "common/base/backoff.h"

int64_t
backoff_next_ms(struct backoff *backoff, struct random *random)
{
    int64_t bound_ms = backoff->first_ms;

    for (unsigned i = 0; i < backoff->failures && bound_ms < backoff->most_ms; i++) {
        bound_ms *= 2;
    }
    if (bound_ms > backoff->most_ms) {
        bound_ms = backoff->most_ms;
    }
    backoff->failures++;
    return 1 + (int64_t)random_below(random, (uint64_t)bound_ms);
}

void
backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}
