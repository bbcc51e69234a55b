#include "agent/execute/execute.h"

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "agent/execute/batch_position.h"
#include "agent/execute/concurrently.h"
#include "agent/execute/single.h"

#define RESOLVE_MS 15000

/*
 * The verdict, or what an intent without one has become. What was done in batches stays, and
 * another attempt goes on behind it. Nothing at all becomes a verdict too: whoever was asked to
 * carry this attempt out and has slept till now does not begin it after we have said that it never
 * began.
 */
static bool
find(struct sitting *sitting, const struct id *step_id, uint64_t attempt, struct arena *arena,
     bool *found, struct outcome *outcome, struct error *error)
{
    struct journal_row row = {0};
    bool is_open;

    if (!journal_verdict(sitting, step_id, attempt, arena, found, outcome, error)) {
        return false;
    }
    if (*found) {
        *found = outcome->kind != OUTCOME_CANCELLED;
        return true;
    }
    if (!journal_open_intent(sitting, step_id, arena, &is_open, &row, error) ||
        (is_open && !batch_is_cursor(row.cursor) && !single_is_cursor(row.cursor) &&
         !concurrently_settle(sitting, &row, found, outcome, error))) {
        return false;
    }
    if (*found) {
        return true;
    }
    row.step_id = *step_id;
    row.attempt = attempt;
    row.cursor = NULL;
    return journal_void(sitting, &row, error);
}

bool
sitting_resolve(struct sitting *sitting, const struct id *step_id, uint64_t attempt,
                struct arena *arena, bool *found, struct outcome *outcome, struct error *error)
{
    struct backoff backoff = {.first_ms = 20, .most_ms = 1000};
    int64_t deadline_ms = clock_now_ms() + RESOLVE_MS;

    for (;;) {
        *found = false;
        if (sitting_attend(sitting, deadline_ms, error) &&
            find(sitting, step_id, attempt, arena, found, outcome, error)) {
            return true;
        }
        bool is_late = clock_now_ms() >= deadline_ms;
        if (!sitting_is_transient(error) || error_is(error, "E-DB-STANDBY") || is_late ||
            !interrupt_sleep(sitting->interrupt, backoff_next_ms(&backoff, &sitting->random))) {
            return false;
        }
    }
}
