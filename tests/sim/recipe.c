#include "tests/sim/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mutation.h"
#include "tests/sim/check.h"

#define TRIES_MAX 3
#define RESOLVE_WAITS_MAX 20

static void
connect(struct worker *worker)
{
    struct request request = {.kind = REQUEST_CONNECT};

    worker_ask(worker, PHASE_CONNECT, &request);
}

/* T2 follows T1, and T3 only follows T2: what is read without the lock may be old. */
void
recipe_look(struct worker *worker)
{
    bool reads_first =
        MUTATION(READ_BEFORE_LOCK) && worker->phase != PHASE_READ && worker->phase != PHASE_LOCK;

    if (!worker->backend) {
        connect(worker);
    } else if (reads_first || worker->has_lock) {
        worker_ask_about(worker, PHASE_READ, REQUEST_READ);
    } else {
        worker_ask_about(worker, PHASE_LOCK, REQUEST_LOCK);
    }
}

static void
run_statement(struct worker *worker)
{
    struct request request = {.kind = REQUEST_STATEMENT,
                              .work = worker->job.work,
                              .is_first = worker->statement == 1,
                              .is_last = worker->statement == worker->job.statement_count};

    worker_ask(worker, PHASE_STATEMENT, &request);
}

static void
fail(struct worker *worker, const char *code, bool is_retryable)
{
    worker->fault = (struct fault){
        .code = code, .text = "the statement has failed", .is_retryable = is_retryable};
}

static void
write_failed(struct worker *worker)
{
    struct request request = {.kind = REQUEST_WRITE_FAILED,
                              .work = worker->job.work,
                              .is_retryable = worker->fault.is_retryable};

    worker_ask(worker, PHASE_WRITE_FAILED, &request);
}

/* The transaction comes next, unless it is not wanted any more. */
static void
execute_transactional(struct worker *worker)
{
    const struct reading *reading = &worker->reading;
    bool is_up = worker->job.work.direction == DIRECTION_UP;

    if (is_up && reading->is_applied && !reading->has_same_checksum) {
        fail(worker, "E-MIG-CHECKSUM", false);
        write_failed(worker);
    } else if (reading->is_applied == is_up) {
        worker_end_as(worker, OUTCOME_ALREADY);
    } else if (worker->is_stopped) {
        worker_end_as(worker, OUTCOME_CANCELLED);
    } else {
        worker_ask_about(worker, PHASE_BEGIN, REQUEST_BEGIN);
    }
}

static void
end_not_found(struct worker *worker)
{
    struct worker_report report = {.end = JOB_NOT_FOUND};

    worker_end(worker, &report);
}

/*
 * Nothing of it is there, and from now on nothing ever will be: whoever still means to begin it,
 * after a long sleep perhaps, finds the row.
 */
static void
write_void(struct worker *worker)
{
    if (MUTATION(LEAVE_NO_VERDICT) && worker->job.kind == JOB_RESOLVE) {
        end_not_found(worker);
    } else {
        worker_ask_about(worker, PHASE_WRITE_VOID, REQUEST_WRITE_VOID);
    }
}

static enum extent
extent_now(const struct worker *worker)
{
    const struct work *work = &worker->job.work;
    return contents_extent(&worker->database->contents, work->place, work->direction);
}

/* Look before acting: intent, then repair what is half there, then build, then the done row. */
static void
execute_concurrently(struct worker *worker)
{
    const struct work *work = &worker->job.work;
    const struct reading *reading = &worker->reading;
    bool is_up = work->direction == DIRECTION_UP;
    bool has_intent = reading->has_intent;
    enum extent extent = extent_now(worker);

    if (reading->is_applied == is_up) {
        worker_end_as(worker, OUTCOME_ALREADY); /* or there would be a verdict on this step */
    } else if (has_intent && extent == THERE) {
        worker_ask_about(worker, PHASE_FINISH, REQUEST_FINISH);
    } else if (worker->is_stopped && extent == NOT_THERE && has_intent) {
        write_void(worker); /* the intent is not one any more */
    } else if (worker->is_stopped && extent == NOT_THERE) {
        worker_end_as(worker, OUTCOME_CANCELLED);
    } else if (worker->is_stopped && is_up && extent == HALF_THERE) {
        worker_ask_about(worker, PHASE_REPAIR, REQUEST_REPAIR);
    } else {
        worker_ask_about(worker, PHASE_WRITE_INTENT, REQUEST_WRITE_INTENT);
    }
}

/* The journal has a verdict already: that one holds. */
static void
end_as_judged(struct worker *worker, const struct journal_row *verdict)
{
    if (verdict->state == JOURNAL_FAILED) {
        fail(worker, "E-SQL", verdict->is_retryable);
    }
    worker_end_as(worker, verdict->state == JOURNAL_DONE     ? OUTCOME_DONE
                          : verdict->state == JOURNAL_FAILED ? OUTCOME_FAILED
                                                             : OUTCOME_CANCELLED);
}

static void
execute(struct worker *worker)
{
    if (worker->reading.has_verdict) {
        end_as_judged(worker, &worker->reading.verdict);
    } else if (worker->job.is_transactional) {
        execute_transactional(worker);
    } else {
        execute_concurrently(worker);
    }
}

/* What was begun outside of a transaction is brought to an end that can be told. */
static void
resolve_intent(struct worker *worker, const struct journal_row *intent)
{
    struct work *work = &worker->job.work;
    const struct contents *contents;
    enum extent extent;

    work->place = intent->place;
    work->direction = intent->direction;
    memcpy(work->checksum, intent->checksum, sizeof work->checksum);
    /* The row says which migration it is; that is to be looked at again. */
    contents = &worker->database->contents;
    extent = contents_extent(contents, work->place, work->direction);
    if (contents->applied[work->place].is_there == (work->direction == DIRECTION_UP)) {
        write_void(worker); /* another step has done the same meanwhile */
    } else if (extent == THERE) {
        worker_ask_about(worker, PHASE_FINISH, REQUEST_FINISH);
    } else if (extent == HALF_THERE && work->direction == DIRECTION_DOWN) {
        worker_ask_about(worker, PHASE_BUILD,
                         REQUEST_BUILD); /* goes on with what an order has begun */
    } else if (extent == HALF_THERE) {
        worker_ask_about(worker, PHASE_REPAIR, REQUEST_REPAIR);
    } else {
        write_void(worker);
    }
}

static void
resolve(struct worker *worker)
{
    const struct reading *reading = &worker->reading;

    if (reading->has_verdict && reading->verdict.state == JOURNAL_VOID) {
        end_not_found(worker);
    } else if (reading->has_verdict) {
        worker->job.work.place = reading->verdict.place;
        worker->job.work.direction = reading->verdict.direction;
        end_as_judged(worker, &reading->verdict);
    } else if (reading->has_intent) {
        resolve_intent(worker, &reading->intent);
    } else {
        write_void(worker);
    }
}

/* ---- answers ------------------------------------------------------------------------------- */

/* The connection is lost. What a commit came to is only known by looking, under the lock. */
void
recipe_lost(struct worker *worker)
{
    bool was_commit = worker->phase == PHASE_COMMIT;

    worker->backend = 0;
    worker->has_lock = false;
    if (was_commit && MUTATION(TRUST_LOST_COMMIT)) {
        worker_end_as(worker, OUTCOME_DONE);
    } else if (worker->phase == PHASE_CONNECT && worker->job.kind != JOB_EXECUTE) {
        worker_end_unknown(worker, "E-DB-UNREACHABLE");
    } else if (worker->phase == PHASE_CONNECT && worker->is_stopped) {
        worker_end_unknown(worker, "E-DB-UNREACHABLE");
    } else {
        worker_wait_for(worker, PHASE_CONNECT, 20 * MS, 500 * MS);
    }
}

/* Another database answers where the target was when it was examined. */
static void
wrong_database(struct worker *worker)
{
    database_close(worker->database, worker->backend);
    worker->backend = 0;
    if (worker->job.kind == JOB_EXECUTE && !worker->is_stopped) {
        fail(worker, "E-DB-WRONG", true);
        worker_end_as(worker, OUTCOME_FAILED);
    } else {
        worker_end_unknown(worker, "E-DB-WRONG");
    }
}

static void
connected(struct worker *worker, const struct answer *answer)
{
    bool is_examining = worker->job.kind == JOB_EXAMINE;
    bool is_known = is_examining || id_equal(&worker->target_id, &answer->target_id);

    worker->backend = answer->backend;
    if (is_examining && answer->kind != ANSWER_STANDBY) {
        worker->target_id = answer->target_id;
    }
    if (!is_known) {
        wrong_database(worker);
    } else if (answer->kind == ANSWER_STANDBY) {
        database_close(worker->database, worker->backend);
        worker->backend = 0;
        if (worker->job.kind != JOB_EXECUTE || worker->is_stopped) {
            worker_end_unknown(worker, "E-DB-STANDBY");
        } else {
            worker_wait_for(worker, PHASE_CONNECT, 200 * MS, 2 * SECOND);
        }
    } else if (worker->job.kind == JOB_EXAMINE || worker->job.kind == JOB_SURVEY) {
        worker_ask_about(worker, PHASE_SURVEY, REQUEST_SURVEY);
    } else {
        recipe_look(worker);
    }
}

static void
locked(struct worker *worker, const struct answer *answer)
{
    if (answer->kind == ANSWER_OK) {
        worker->has_lock = true;
        if (MUTATION(READ_BEFORE_LOCK)) {
            (worker->job.kind == JOB_EXECUTE ? execute : resolve)(worker);
        } else {
            recipe_look(worker);
        }
    } else if ((worker->job.kind == JOB_EXECUTE && worker->is_stopped) ||
               (worker->job.kind == JOB_RESOLVE && ++worker->waits > RESOLVE_WAITS_MAX)) {
        worker_end_unknown(worker, "E-DB-LOCKED");
    } else {
        worker_wait_for(worker, PHASE_LOCK, 50 * MS, 500 * MS);
    }
}

static void
has_read(struct worker *worker, const struct answer *answer)
{
    worker->reading = answer->reading;
    if (MUTATION(READ_BEFORE_LOCK) && !worker->has_lock) {
        worker_ask_about(worker, PHASE_LOCK, REQUEST_LOCK);
        return;
    }
    (worker->job.kind == JOB_EXECUTE ? execute : resolve)(worker);
}

static void
begun(struct worker *worker, const struct answer *answer)
{
    if (answer->kind == ANSWER_FENCED) {
        fail(worker, "E-FENCED", false);
        worker_end_as(worker, OUTCOME_FAILED);
    } else if (answer->kind == ANSWER_TAKEN && MUTATION(READ_BEFORE_LOCK)) {
        fail(worker, "E-SQL", false);
        worker_end_as(worker, OUTCOME_FAILED);
    } else if (answer->kind == ANSWER_TAKEN) {
        recipe_look(worker);
    } else {
        worker->statement = 1;
        run_statement(worker);
    }
}

static void
statement_ended(struct worker *worker, const struct answer *answer)
{
    if (answer->kind != ANSWER_OK) {
        fail(worker, answer->kind == ANSWER_FAILED ? "E-SQL" : "E-DB-LOCK",
             answer->kind == ANSWER_RETRYABLE);
        worker_ask_about(worker, PHASE_ROLLBACK, REQUEST_ROLLBACK);
    } else if (worker->is_stopped) {
        fail(worker, NULL, false);
        worker_ask_about(worker, PHASE_ROLLBACK, REQUEST_ROLLBACK);
    } else if (worker->statement < worker->job.statement_count) {
        worker->statement++;
        worker->progress(worker->subject, worker->target, &worker->job.work.step_id,
                         worker->statement);
        if (worker->job.kind == JOB_EXECUTE) { /* the process has not ended meanwhile */
            run_statement(worker);
        }
    } else {
        worker_ask_about(worker, PHASE_JOURNAL, REQUEST_JOURNAL);
    }
}

static void
rolled_back(struct worker *worker)
{
    if (worker->is_stopped) {
        worker_end_as(worker, OUTCOME_CANCELLED);
    } else if (worker->fault.is_retryable && ++worker->tries < TRIES_MAX) {
        worker_wait_for(worker, PHASE_READ, 10 * MS, 200 * MS);
    } else {
        write_failed(worker);
    }
}

static void
intended(struct worker *worker, const struct answer *answer)
{
    const struct work *work = &worker->job.work;
    enum extent extent = extent_now(worker);

    if (answer->kind == ANSWER_FENCED && extent == HALF_THERE) {
        worker_end_unknown(worker, "E-FENCED"); /* whoever leads now finds out what it comes to */
    } else if (answer->kind == ANSWER_FENCED) {
        fail(worker, "E-FENCED", false);
        worker_end_as(worker, OUTCOME_FAILED);
    } else if (extent == HALF_THERE && work->direction == DIRECTION_UP) {
        worker_ask_about(worker, PHASE_REPAIR, REQUEST_REPAIR);
    } else {
        worker_ask_about(worker, PHASE_BUILD, REQUEST_BUILD);
    }
}

static void
repaired(struct worker *worker)
{
    if (worker->job.kind == JOB_RESOLVE) {
        write_void(worker);
    } else if (worker->fault.code) {
        write_failed(worker);
    } else if (worker->is_stopped) {
        write_void(worker);
    } else {
        worker_ask_about(worker, PHASE_BUILD, REQUEST_BUILD);
    }
}

static void
built(struct worker *worker, const struct answer *answer)
{
    bool is_up = worker->job.work.direction == DIRECTION_UP;

    if (answer->kind == ANSWER_OK) {
        worker_ask_about(worker, PHASE_FINISH, REQUEST_FINISH);
    } else if (answer->kind == ANSWER_RETRYABLE && (!is_up || ++worker->tries < TRIES_MAX)) {
        worker_wait_for(worker, PHASE_READ, 10 * MS, 200 * MS);
    } else {
        fail(worker, answer->kind == ANSWER_FAILED ? "E-SQL" : "E-DB-LOCK",
             answer->kind == ANSWER_RETRYABLE);
        worker_ask_about(worker, PHASE_REPAIR, REQUEST_REPAIR);
    }
}

void
recipe_take(struct worker *worker, const struct answer *answer)
{
    switch (worker->phase) {
    case PHASE_IDLE:
        abort();
    case PHASE_CONNECT:
        connected(worker, answer);
        break;
    case PHASE_LOCK:
        locked(worker, answer);
        break;
    case PHASE_READ:
        has_read(worker, answer);
        break;
    case PHASE_BEGIN:
        begun(worker, answer);
        break;
    case PHASE_STATEMENT:
        statement_ended(worker, answer);
        break;
    case PHASE_JOURNAL:
        worker_ask_about(worker, PHASE_COMMIT, REQUEST_COMMIT);
        break;
    case PHASE_COMMIT:
    case PHASE_FINISH:
        worker_end_as(worker, OUTCOME_DONE);
        break;
    case PHASE_ROLLBACK:
        rolled_back(worker);
        break;
    case PHASE_WRITE_FAILED:
        worker_end_as(worker, OUTCOME_FAILED);
        break;
    case PHASE_WRITE_VOID:
        if (worker->job.kind == JOB_EXECUTE) {
            worker_end_as(worker, OUTCOME_CANCELLED);
        } else {
            end_not_found(worker);
        }
        break;
    case PHASE_WRITE_INTENT:
        intended(worker, answer);
        break;
    case PHASE_REPAIR:
        repaired(worker);
        break;
    case PHASE_BUILD:
        built(worker, answer);
        break;
    case PHASE_SURVEY:
        worker_end(worker, &(struct worker_report){.end = JOB_SUCCEEDED});
        break;
    }
}
