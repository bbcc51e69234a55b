#include "coordinator/core/share.h"

static size_t
at_most(uint64_t number, size_t total)
{
    return number < total ? (size_t)number : total;
}

size_t
share_up(const struct share *share, size_t total)
{
    if (!share->is_percent) {
        return at_most(share->number, total);
    }
    uint64_t percent = at_most(share->number, 100);
    return (size_t)((percent * total + 99) / 100);
}

size_t
share_down(const struct share *share, size_t total)
{
    if (!share->is_percent) {
        return at_most(share->number, total);
    }
    uint64_t percent = at_most(share->number, 100);
    return (size_t)(percent * total / 100);
}
