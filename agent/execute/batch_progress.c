#include "agent/execute/batch_progress.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define FORGET_S 5.0 /* what was longer ago says nothing about how fast it goes */
#define MINUTE_S 60.0
#define HOUR_S 3600.0

void
batch_reckon(struct batch_run *run, uint64_t keys)
{
    int64_t now_ms = clock_now_ms();
    double elapsed_s = (double)(now_ms - run->measured_ms) / 1000;

    if (run->measured_ms && elapsed_s > 0) {
        double keys_s = (double)keys / elapsed_s;
        double weight = elapsed_s < FORGET_S ? elapsed_s / FORGET_S : 1;
        run->keys_s = run->keys_s > 0 ? run->keys_s + weight * (keys_s - run->keys_s) : keys_s;
    }
    run->measured_ms = now_ms;
}

/* How much of the table, or of what it should hold by now, was gone through. */
static uint64_t
count_done(const struct batch_run *run, const struct batch_leaf *leaf)
{
    const struct batch_table *table = &run->table;
    uint64_t most = table->is_by_ctid ? leaf->blocks : leaf->rows;
    uint64_t done = run->position.passed < most ? run->position.passed : most;

    for (const struct batch_leaf *before = table->leaves; before < leaf; before++) {
        done += table->is_by_ctid ? before->blocks : before->rows;
    }
    return done;
}

static void
append_time(double seconds, struct text *note)
{
    if (seconds < 2 * MINUTE_S) {
        text_format(note, "%.0f s left", seconds);
    } else if (seconds < 2 * HOUR_S) {
        text_format(note, "%.0f min left", seconds / MINUTE_S);
    } else {
        text_format(note, "%.1f h left", seconds / HOUR_S);
    }
}

/*
 * Lines are cut where a screen ends, so what matters most comes first: why it stands, then how much
 * is left. What stands has no speed.
 */
void
batch_tell(struct batch_run *run, const struct batch_leaf *leaf)
{
    CLEANUP(text_release) struct text note = {0};
    const struct step_order *order = run->try->order;
    const struct batch_table *table = &run->table;
    uint64_t total = table->is_by_ctid ? table->blocks : table->rows;
    const char *unit = table->is_by_ctid ? "blocks" : "rows", *reason = run->throttle.reason;
    bool holds = text_starts_with(reason, "holds");

    if (!order->note) {
        return;
    }
    uint64_t done = count_done(run, leaf);
    if (reason[0]) {
        text_format(&note, "%s; ", reason);
    }
    if (total) {
        text_format(&note, "%" PRIu64 " %% of %" PRIu64 " %s, ", done * 100 / total, total, unit);
    }
    if (run->keys_s > 0 && total > done && !holds) {
        append_time((double)(total - done) / run->keys_s, &note);
        text_append(&note, ", ");
    }
    if (run->keys_s > 0 && !holds) {
        text_format(&note, "%.0f %s/s, ", run->keys_s, unit);
    }
    text_format(&note, "%" PRIu64 " changed", run->position.rows);
    order->note(order->context, text_of(&note));
}
