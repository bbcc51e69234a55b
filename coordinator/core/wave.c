#include "coordinator/core/wave.h"

#include "coordinator/core/share.h"

bool
wave_has_ended(const struct wave *wave)
{
    return wave->in_state[LEG_WAITING] + wave->in_state[LEG_RUNNING] == 0;
}

static bool
is_smaller(const struct share *a, const struct share *b)
{
    return a->is_percent == b->is_percent && a->number < b->number;
}

bool
waves_check(const struct share *shares, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!shares[i].number || (shares[i].is_percent && shares[i].number > 100)) {
            error_set(error, "E-PLAN-RANGE", "wave %zu is %llu%s of the targets", i + 1,
                      (unsigned long long)shares[i].number, shares[i].is_percent ? " %" : "");
            return error_found(error, "allowed: 1 and more, or 1%% to 100%%");
        }
        if (i > 0 && is_smaller(&shares[i], &shares[i - 1])) {
            error_set(error, "E-PLAN-RANGE", "wave %zu is smaller than the one before", i + 1);
            return error_hint(error, "waves are cumulative: 1,10%%,100%%");
        }
    }
    if (count && !(shares[count - 1].is_percent && shares[count - 1].number == 100)) {
        error_set(error, "E-PLAN-RANGE", "the last wave is not all of the targets");
        return error_hint(error, "end with 100%%: 1,10%%,100%%");
    }
    return true;
}

size_t
waves_cut(const struct share *shares, size_t count, size_t leg_count, size_t *ends)
{
    size_t wave_count = 0, reached = 0;

    for (size_t i = 0; i < count; i++) {
        size_t end = share_up(&shares[i], leg_count);
        if (end > reached) {
            ends[wave_count++] = reached = end;
        }
    }
    if (reached < leg_count) {
        ends[wave_count++] = leg_count;
    }
    return wave_count;
}
