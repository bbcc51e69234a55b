/*
 * batch_run: one batched statement on its way through its table: batch after batch, as fast as the
 * pace and those who are disturbed by it allow.
 */
#ifndef AGENT_EXECUTE_BATCH_RUN_H
#define AGENT_EXECUTE_BATCH_RUN_H

#include "common/base/backoff.h"
#include "agent/execute/batch_position.h"
#include "agent/execute/batch_throttle.h"
#include "agent/execute/pace.h"

struct batch_run {
    struct step_try *try;
    const struct batch *batch;
    const struct statement *statement;
    const char *text; /* the statement's */
    struct arena table_arena;
    struct batch_table table;
    struct arena position_arenas[2]; /* the one that the position is in, and the other */
    unsigned position_turn;
    struct batch_position position; /* committed */
    struct pace pace;
    struct batch_throttle throttle;
    uint64_t took_us;    /* the last batch */
    double keys_s;       /* how fast it goes, rests and all; 0: not known yet */
    int64_t measured_ms; /* when that was last reckoned */
    struct backoff conflicts;
    int64_t progress_ms;     /* when the last batch was committed */
    uint64_t lock_budget_ms; /* without progress for so long: give up */
};

/* Go on from the position to the end. False with *end; what was committed stays. */
bool batch_run(struct batch_run *run, enum try_end *end);

/* Have another position; its texts are copied. */
void batch_run_move(struct batch_run *run, const struct batch_position *position);

/* Fail for a reason of our own, at the statement's place. */
enum try_end batch_run_fail(struct batch_run *run, const char *code, const char *text);

#endif
