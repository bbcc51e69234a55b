#include "agent/execute/batch_fault.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "agent/execute/sql_place.h"

static void
put_place(struct batch_run *run, uint64_t position)
{
    uint64_t line, column;

    sql_place_find(run->statement, run->text, position, &line, &column);
    error_where(&run->try->error, "%s:%" PRIu64 ":%" PRIu64, run->try->script->path, line, column);
}

enum try_end
batch_run_fail(struct batch_run *run, const char *code, const char *text)
{
    enum try_end end = try_fail(run->try, code, text);

    put_place(run, 0);
    return end;
}

enum try_end
batch_statement_failed(struct batch_run *run, const struct batch_text *text)
{
    struct step_try *try = run->try;
    struct sql_error fact = *connection_error(try->sitting->connection);
    enum try_end end = try_statement_failed(try, try->script, run->statement);

    if (end == TRY_FAILED || end == TRY_LOCKED) {
        put_place(run, text ? batch_text_origin(run, text, fact.position) : 0);
    }
    return end;
}

static bool
is_conflict(const char *sqlstate)
{
    return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0 ||
           strcmp(sqlstate, "40001") == 0;
}

bool
batch_is_late(const struct step_try *try)
{
    return try->deadline_ms && clock_now_ms() >= try->deadline_ms;
}

/* A lock was not to be had, or another transaction was in the way: soon again, for a while. */
static enum batch_end
met_conflict(struct batch_run *run, const struct batch_text *text, enum try_end *end)
{
    struct step_try *try = run->try;

    *end = batch_statement_failed(run, text);
    if (clock_now_ms() - run->progress_ms >= (int64_t)run->lock_budget_ms || *end != TRY_LOCKED) {
        *end = *end == TRY_LOCKED ? TRY_FAILED : *end;
        return BATCH_STOP;
    }
    try_roll_back(try);
    pace_broken_off(&run->pace);
    interrupt_sleep(try->sitting->interrupt,
                    backoff_next_ms(&run->conflicts, &try->sitting->random));
    return BATCH_AGAIN;
}

static enum batch_end
took_too_long(struct batch_run *run, const struct batch_text *text, enum try_end *end)
{
    if (batch_is_late(run->try)) {
        *end = batch_statement_failed(run, text);
        return BATCH_STOP;
    }
    if (!pace_broken_off(&run->pace)) {
        *end = batch_run_fail(run, "E-BATCH-ROW",
                              "the smallest batch takes longer than four times its time");
        error_hint(&run->try->error, "more time (-- skein: batch time=…), or an index that finds "
                                     "what the statement looks for");
        return BATCH_STOP;
    }
    try_roll_back(run->try);
    return BATCH_AGAIN;
}

enum batch_end
batch_failed(struct batch_run *run, const struct batch_text *text, enum try_end *end)
{
    struct step_try *try = run->try;
    struct sql_error fact = *connection_error(try->sitting->connection);

    if (!fact.is_lost && fact.canceled != CANCEL_INTERRUPT) {
        if (is_conflict(fact.sqlstate)) {
            return met_conflict(run, text, end);
        }
        if (fact.canceled == CANCEL_DEADLINE || strcmp(fact.sqlstate, "57014") == 0) {
            return took_too_long(run, text, end);
        }
    }
    *end = batch_statement_failed(run, text);
    return BATCH_STOP;
}
