#include "agent/execute/pace.h"

#define GROWTH 1.2
#define PATIENCE_TIMES 4
#define PATIENCE_LEAST_MS 500

static void
keep_bounds(struct pace *pace)
{
    double min = (double)pace->min, max = (double)pace->max;

    pace->size = pace->size > max ? max : pace->size;
    pace->size = pace->size < min ? min : pace->size;
}

void
pace_begin(struct pace *pace, uint64_t budget_us, uint64_t min, uint64_t max, uint64_t first)
{
    *pace = (struct pace){.budget_us = budget_us,
                          .min = min ? min : 1,
                          .max = max,
                          .size = (double)(first ? first : PACE_FIRST)};
    keep_bounds(pace);
}

uint64_t
pace_size(const struct pace *pace)
{
    return (uint64_t)pace->size;
}

void
pace_done(struct pace *pace, uint64_t took_us, bool was_last)
{
    double factor = (double)pace->budget_us / (double)(took_us ? took_us : 1);

    if (was_last && factor > 1) {
        return;
    }
    /* Small sizes are whole numbers, and must get off the ground. */
    double least = factor > GROWTH ? pace->size + 1 : pace->size;
    pace->size *= factor > GROWTH ? GROWTH : factor;
    pace->size = factor > GROWTH && pace->size < least ? least : pace->size;
    keep_bounds(pace);
}

void
pace_set_time(struct pace *pace, uint64_t budget_us)
{
    if (budget_us < pace->budget_us) {
        pace->size *= (double)budget_us / (double)pace->budget_us;
        keep_bounds(pace);
    }
    pace->budget_us = budget_us;
}

void
pace_crowded(struct pace *pace)
{
    pace->size /= 2;
    keep_bounds(pace);
}

bool
pace_broken_off(struct pace *pace)
{
    bool is_least = pace_size(pace) <= pace->min;

    pace->size /= 2;
    keep_bounds(pace);
    return !is_least;
}

uint64_t
pace_patience_ms(const struct pace *pace)
{
    uint64_t patience_ms = PATIENCE_TIMES * pace->budget_us / 1000;
    return patience_ms > PATIENCE_LEAST_MS ? patience_ms : PATIENCE_LEAST_MS;
}
