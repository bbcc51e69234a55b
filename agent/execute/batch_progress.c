#include "agent/execute/batch_progress.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define FORGET_S 5.0 /* what was longer ago says nothing about how fast it goes */

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

void
batch_tell(struct batch_run *run, const struct batch_leaf *leaf)
{
    CLEANUP(text_release) struct text note = {0};
    const struct step_order *order = run->try->order;
    const struct batch_table *table = &run->table;
    uint64_t total = table->is_by_ctid ? table->blocks : table->rows, done = 0;
    const char *unit = table->is_by_ctid ? "blocks" : "rows";

    if (!order->note) {
        return;
    }
    for (const struct batch_leaf *before = table->leaves; before < leaf; before++) {
        done += table->is_by_ctid ? before->blocks : before->rows;
    }
    uint64_t most = table->is_by_ctid ? leaf->blocks : leaf->rows;
    done += run->position.passed < most ? run->position.passed : most;
    if (total) {
        text_format(&note, "%" PRIu64 " %% of %" PRIu64 " %s, ", done * 100 / total, total, unit);
    }
    text_format(&note, "%" PRIu64 " changed", run->position.rows);
    if (run->keys_s > 0) {
        text_format(&note, ", %.0f %s/s", run->keys_s, unit);
    }
    if (run->keys_s > 0 && total > done) {
        text_format(&note, ", %.0f s left", (double)(total - done) / run->keys_s);
    }
    if (run->throttle.reason[0]) {
        text_format(&note, "; %s", run->throttle.reason);
    }
    order->note(order->context, text_of(&note));
}
