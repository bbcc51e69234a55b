/*
 * wave: the legs of a run that go together: a canary, a tenth, the rest. The next wave begins when
 * every leg of the one before has ended.
 */
#ifndef COORDINATOR_CORE_WAVE_H
#define COORDINATOR_CORE_WAVE_H

#include "coordinator/core/state.h"

bool wave_has_ended(const struct wave *wave);

/* Whether the shares can be waves at all: they grow, and the last is everything. E-PLAN-RANGE. */
bool waves_check(const struct share *shares, size_t count, struct error *error);

/*
 * Where the waves of leg_count legs end, into ends[count or 1]: the first leg behind each. Waves
 * without a leg of their own are left out; returns how many there are. No shares: one wave.
 */
size_t waves_cut(const struct share *shares, size_t count, size_t leg_count, size_t *ends);

#endif
