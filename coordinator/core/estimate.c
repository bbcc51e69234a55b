#include "coordinator/core/estimate.h"

#include "common/base/text.h"
#include "coordinator/core/pace.h"

#define MS_MAX ((double)365 * 24 * 3600 * 1000) /* longer is nobody's plan */
#define LEARN_MS_MIN 5                          /* what was shorter tells nothing of the pace */
#define LEARN_SHARE_MIN 0.3 /* a kind that is less of a step's time is not told by it */

/* One kind of work of a step. */
struct part {
    struct pace pace;
    enum estimate_basis basis;
    double ms, wal;
};

static struct part
part_of(const struct core *core, const struct id *target_id, const struct load *load,
        enum work_kind kind)
{
    struct part part = {.basis = ESTIMATE_NOTHING};
    double bytes = (double)load->bytes[kind];

    if (load->bytes[kind]) {
        part.pace = pace_best(core, target_id, kind, &part.basis);
        part.ms = 1000 * bytes / (double)part.pace.rate;
        part.wal = bytes * (double)part.pace.wal / 1000;
    }
    return part;
}

static uint64_t
whole_ms(double ms)
{
    return (uint64_t)(ms < MS_MAX ? ms : MS_MAX);
}

struct estimate
estimate_step(const struct core *core, const struct id *target_id, const struct load *load)
{
    double low_ms = 0, ms = 0, high_ms = 0, wal = 0;
    struct estimate estimate = {.basis =
                                    load->is_unmeasured ? ESTIMATE_UNMEASURED : ESTIMATE_NOTHING,
                                .is_most = load->partial_bytes > 0,
                                .rows = load->rows,
                                .rewrite_bytes = load->bytes[WORK_REWRITE]};

    for (enum work_kind kind = 0; kind < WORK_KIND_COUNT; kind++) {
        struct part part = part_of(core, target_id, load, kind);
        double factor = part.basis ? pace_factor(&part.pace, part.basis) : 1;
        estimate.basis = part.basis > estimate.basis ? part.basis : estimate.basis;
        estimate.bytes += load->bytes[kind];
        low_ms += part.ms / factor;
        ms += part.ms;
        high_ms += part.ms * factor;
        wal += part.wal;
    }
    estimate.low_ms = whole_ms(low_ms);
    estimate.expected_ms = whole_ms(ms + ESTIMATE_STEP_MS);
    estimate.high_ms = whole_ms(high_ms + 2 * ESTIMATE_STEP_MS);
    estimate.wal_bytes = (uint64_t)wal;
    return estimate;
}

uint64_t
estimate_least_ms(const struct core *core, const struct id *target_id, const struct load *load)
{
    struct load least = load_shared(load, 0);
    struct estimate estimate = estimate_step(core, target_id, &least);

    if (load->goes_on || load->is_unmeasured) {
        return 0;
    }
    return estimate.basis == ESTIMATE_GUESS ? estimate.low_ms : estimate.expected_ms;
}

void
estimate_add(struct estimate *sum, const struct estimate *next)
{
    sum->basis = next->basis > sum->basis ? next->basis : sum->basis;
    sum->is_most = sum->is_most || next->is_most;
    sum->bytes += next->bytes;
    sum->rows += next->rows;
    sum->rewrite_bytes += next->rewrite_bytes;
    sum->low_ms += next->low_ms;
    sum->expected_ms += next->expected_ms;
    sum->high_ms += next->high_ms;
    sum->wal_bytes += next->wal_bytes;
}

/* What its statements took; of a step with very many not all of them are told. */
static double
measured_ms(const struct outcome *outcome)
{
    uint64_t sum_us = 0;

    for (size_t i = 0; i < outcome->statement_count; i++) {
        sum_us += outcome->statements[i].duration_us;
    }
    if (!outcome->statement_count || outcome->statement_count == OUTCOME_STATEMENTS_MAX) {
        uint64_t waited_us = outcome->lock_wait_us;
        sum_us = outcome->duration_us > waited_us ? outcome->duration_us - waited_us : 0;
    }
    return (double)sum_us / 1000;
}

/* Which share of the rows that were there it has written, as far as is known. */
static double
share_written(const struct load *load, const struct outcome *outcome)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < outcome->statement_count; i++) {
        const char *tag = outcome->statements[i].tag;
        if (text_equal(tag, "UPDATE") || text_equal(tag, "DELETE")) {
            rows += outcome->statements[i].rows;
        }
    }
    return rows < load->rows ? (double)rows / (double)load->rows : 1;
}

/*
 * A step of several kinds of work went so many times faster or slower than they were thought to go
 * together: that is taken to be so for each of them.
 */
void
estimate_learn(struct core *core, const struct id *target_id, const struct load *planned,
               const struct outcome *outcome)
{
    double written = share_written(planned, outcome);
    struct load whole = load_shared(planned, written), *load = &whole;
    struct part parts[WORK_KIND_COUNT];
    double ms = measured_ms(outcome), expected_ms = 0, expected_wal = 0;

    for (enum work_kind kind = 0; kind < WORK_KIND_COUNT; kind++) {
        parts[kind] = part_of(core, target_id, load, kind);
        expected_ms += parts[kind].ms;
        expected_wal += parts[kind].wal;
    }
    /* To find a few rows among very many tells nothing of how fast rows are written. */
    bool is_search = planned->partial_bytes && written < LEARN_SHARE_MIN;
    if (expected_ms <= 0 || ms < LEARN_MS_MIN || is_search) {
        return;
    }
    for (enum work_kind kind = 0; kind < WORK_KIND_COUNT; kind++) {
        double share = parts[kind].ms / expected_ms;
        double wal_share = expected_wal > 0 ? parts[kind].wal / expected_wal : share;
        if (share >= LEARN_SHARE_MIN) {
            double rate = (double)parts[kind].pace.rate * expected_ms / ms;
            double wal = (double)outcome->wal_bytes * wal_share / (double)load->bytes[kind];
            pace_note(core, target_id, kind, rate, outcome->wal_bytes ? wal : -1);
        }
    }
}
