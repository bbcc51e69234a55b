#include "agent/execute/execute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/execute/batch.h"
#include "agent/execute/concurrently.h"
#include "agent/execute/observation.h"
#include "agent/execute/preflight.h"
#include "agent/execute/transaction.h"
#include "agent/execute/way.h"

#define REST_LOOKING_MS 20
#define LOST_MAX 5     /* a step that ends its connection so often will end it again */
#define CONFLICT_MAX 8 /* deadlocks and their like: then it is for a person */
#define STALE_MAX 3    /* nobody else works under the lock: more often is a bug */

const char *const execute_failpoints[] = {
    "execute.attended",           "execute.before-claim",
    "execute.after-claim",        "execute.before-statement",
    "execute.statement-sent",     "execute.after-statement",
    "execute.before-commit",      "execute.commit-sent",
    "execute.after-commit",       "execute.before-rollback",
    "execute.after-rollback",     "execute.before-failed",
    "execute.failed-sent",        "execute.after-failed",
    "execute.before-intent",      "execute.intent-sent",
    "execute.after-intent",       "execute.before-concurrent",
    "execute.concurrent-sent",    "execute.after-concurrent",
    "execute.before-repair",      "execute.after-repair",
    "execute.before-batch",       "execute.batch-sent",
    "execute.after-batch",        "execute.batch-commit-sent",
    "execute.after-batch-commit", "execute.before-done",
    "execute.done-sent",          "execute.after-done",
    "execute.before-void",        "execute.void-sent",
    "execute.after-void",         NULL,
};

/* The whole of a step: all its tries. */
struct execution {
    struct step_try try;
    struct backoff connect_backoff, lock_backoff, conflict_backoff;
    struct way way;
    struct observation observation;
    struct preflight preflight;
    int64_t began_ms;
    uint64_t timeout_ms; /* for all tries together; 0: none */
    int64_t deadline_ms; /* when it ends; 0: none, or nothing was tried yet */
    unsigned tries, conflicts, lost, stale;
    bool is_in_doubt; /* a COMMIT was sent and nobody has looked since */
};

static uint64_t
first_of(uint64_t a, uint64_t b, uint64_t c)
{
    return a ? a : b ? b : c;
}

static void
begin(struct execution *execution, struct sitting *sitting, const struct step_order *order,
      struct arena *arena, struct outcome *outcome)
{
    const struct script *script = migration_script(order->migration, order->direction);
    const struct target_config *config = &sitting->config;
    uint64_t said_ms = first_of(order->lock_timeout_ms, script->lock_timeout_ms, 0);

    *execution = (struct execution){
        .try = {.sitting = sitting,
                .order = order,
                .script = script,
                .arena = arena,
                .outcome = outcome},
        .connect_backoff = {.first_ms = 20, .most_ms = 2000},
        .lock_backoff = {.first_ms = 50, .most_ms = 1000},
        .conflict_backoff = {.first_ms = 100, .most_ms = 2000},
        .timeout_ms = first_of(order->timeout_ms, script->timeout_ms, config->timeout_ms),
        .began_ms = clock_now_ms(),
    };
    uint64_t default_ms =
        script->is_transactional ? config->lock_timeout_ms : config->lock_budget_ms;
    way_begin(&execution->way, script, first_of(said_ms, default_ms, 0), config->lock_budget_ms);
    execution->try.way = &execution->way;
    execution->try.observation = &execution->observation;
    execution->try.preflight = &execution->preflight;
    execution->try.timeout_ms = execution->timeout_ms;
    execution->try.statement_timeout_ms =
        first_of(script->statement_timeout_ms, config->statement_timeout_ms, 0);
    execution->try.lock_timeout_ms = execution->way.budget.lock_timeout_ms;
}

/* Every try begins with an empty outcome; the time-out is for all of them, from the first on. */
static void
begin_try(struct execution *execution)
{
    struct step_try *try = &execution->try;

    if (!execution->deadline_ms && execution->timeout_ms) {
        execution->deadline_ms = clock_now_ms() + (int64_t)execution->timeout_ms;
    }
    *try->outcome = (struct outcome){.lock_tries = execution->tries++};
    way_report(try);
    preflight_report(try);
    observation_begin(try->observation, NULL, 0);
    try->error = (struct error){0};
    try->sqlstate[0] = '\0';
    try->is_retryable = false;
    try->is_in_doubt = try->is_effective = false;
    try->statement = 0;
    try->began_us = clock_now_us();
    try->deadline_ms = execution->deadline_ms;
    try->notices_before = connection_notice_count(try->sitting->connection);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void
note_head(struct execution *execution)
{
    const struct target_facts *facts = &execution->try.sitting->facts;
    struct outcome *outcome = execution->try.outcome;

    outcome->journal_count = facts->journal_count;
    memcpy(outcome->journal_head, facts->journal_head, CHECKSUM_SIZE);
}

static bool
cancelled(struct execution *execution)
{
    struct step_try *try = &execution->try;
    char left[sizeof try->error.found];

    memcpy(left, try->error.found, sizeof left);
    error_set(&try->error, "E-STOPPED", "stopped before it took effect");
    if (!try->script->is_transactional && left[0]) {
        error_found(&try->error, "%s", left);
    } else if (!try->script->is_transactional && try->statement > 1) {
        error_found(&try->error, "the %" PRIu64 " statements before it have taken effect",
                    try->statement - 1);
    }
    *try->outcome = (struct outcome){.kind = OUTCOME_CANCELLED, .lock_tries = execution->tries};
    try->outcome->fault = fault_from_error(&try->error, try->arena);
    try->outcome->fault.is_retryable = true;
    note_head(execution);
    return true;
}

static bool
failed_before_it_began(struct execution *execution, const struct error *error, bool is_retryable)
{
    struct step_try *try = &execution->try;

    *try->outcome = (struct outcome){.lock_tries = execution->tries};
    try->error = *error;
    try->is_retryable = is_retryable;
    try_make_failure(try);
    note_head(execution);
    return true;
}

/* Write the failure down, so that it is found again. True when that is done, or of no use. */
static bool
write_failed(struct execution *execution)
{
    CLEANUP(text_release) struct text sql = {0};
    struct step_try *try = &execution->try;
    struct sitting *sitting = try->sitting;
    struct patience patience = sitting_patience();
    struct journal_row row = journal_row_of(try->order);
    struct error error;

    row.state = JOURNAL_FAILED;
    row.statement = try->statement;
    row.outcome = try->outcome;
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
    if (error_is(&try->error, "E-SQL-TXCTL") && row.direction == DIRECTION_UP) {
        char id[ID_TEXT_SIZE];
        text_format(&sql, "DELETE FROM skein.migration WHERE step_id = '%s';",
                    id_text(&row.step_id, id));
        sitting->has_read = false;
    }
    journal_insert(sitting, &row, &sql);
    text_append(&sql, "COMMIT");
    patience.failpoint = "execute.failed-sent";
    patience.heeds_interrupt = false;
    FAILPOINT("execute.before-failed");
    if (connection_run(sitting->connection, text_of(&sql), &patience)) {
        sitting_advance(sitting, row.hash);
        sitting->own_number = sitting->facts.journal_count + 1;
        FAILPOINT("execute.after-failed");
        return true;
    }
    bool is_written = strcmp(connection_error(sitting->connection)->sqlstate, "23505") == 0;
    sitting_query_failed(sitting, "cannot write the failure down", &error);
    if (sitting->connection) {
        try_roll_back(try);
    }
    sitting->has_read = false;
    if (!is_written && !sitting_is_transient(&error)) {
        log_warn("target %s: %s", sitting->config.name, error.text);
    }
    return !is_written && !sitting_is_transient(&error);
}

/*
 * It has failed, rolled back. The journal is to know: through lost connections, until told to stop.
 * When the journal has a verdict on this attempt already, that one counts.
 */
static bool
failed(struct execution *execution)
{
    struct step_try *try = &execution->try;
    struct sitting *sitting = try->sitting;
    struct backoff backoff = {.first_ms = 20, .most_ms = 2000};
    struct outcome written;
    struct error error;
    bool found = false;

    try_make_failure(try);
    for (bool is_first = true;; is_first = false) {
        bool is_here = is_first && sitting_is_current(sitting);
        if (is_here || (sitting_attend(sitting, 0, &error) &&
                        journal_verdict(sitting, &try->order->step_id, try->order->attempt,
                                        try->arena, &found, &written, &error))) {
            if (found) {
                *try->outcome = written;
                return true;
            }
            if (write_failed(execution)) {
                return true;
            }
        } else if (!sitting_is_transient(&error)) {
            return true;
        }
        if (!interrupt_sleep(sitting->interrupt, backoff_next_ms(&backoff, &sitting->random))) {
            return true;
        }
    }
}

/* ---- T3: what is applied decides whether there is anything to do ----------------------------- */

static bool
changed_since(struct execution *execution, const struct applied *applied)
{
    const struct migration *migration = execution->try.order->migration;
    char recorded[2 * CHECKSUM_SIZE + 1], found[2 * CHECKSUM_SIZE + 1];
    struct error error;

    text_hex(applied->checksum, CHECKSUM_SIZE, recorded);
    text_hex(migration_checksum(migration), CHECKSUM_SIZE, found);
    error_set(&error, "E-MIG-CHECKSUM", "%s was changed after it was applied", migration->version);
    error_where(&error, "%s", migration->up.path);
    error_found(&error, "%.16s…, recorded %.16s…", found, recorded);
    error_hint(&error, "restore the file, or write a new migration");
    return failed_before_it_began(execution, &error, false);
}

/*
 * True when there is nothing to do; *answer is what sitting_execute returns. What this very step
 * has done before (and somebody died before saying so) is told as it was, and so is an attempt that
 * has failed before: each has one verdict.
 */
static bool
is_settled(struct execution *execution, bool *answer)
{
    struct step_try *try = &execution->try;
    const struct step_order *order = try->order;
    const struct applied *applied = sitting_find(try->sitting, order->migration->version);
    bool is_up = order->direction == DIRECTION_UP;
    bool found = false;
    struct error error;

    if (applied &&
        memcmp(applied->checksum, migration_checksum(order->migration), CHECKSUM_SIZE) != 0) {
        if (!order->migration->is_repeatable || !is_up) {
            *answer = changed_since(execution, applied);
            return true;
        }
        applied = NULL; /* it is to be carried out again */
    }
    bool is_so = is_up == (applied != NULL);
    /* In a transaction a second verdict has no place and undoes the rest; outside, ask before. */
    if (!is_so && !execution->stale && try->script->is_transactional) {
        return false;
    }
    if (!is_so || !is_up || id_equal(&applied->step_id, &order->step_id)) {
        if (!journal_verdict(try->sitting, &order->step_id, order->attempt, try->arena, &found,
                             try->outcome, &error)) {
            return false; /* the connection is gone: the next turn asks again */
        }
    }
    if (!found && !is_so) {
        return false;
    }
    if (!found) {
        *try->outcome = (struct outcome){.kind = OUTCOME_ALREADY, .lock_tries = execution->tries};
        note_head(execution);
    } else if (try->preflight->warning_count) {
        preflight_report(try); /* what a lost commit has said came too late for the journal */
    }
    *answer = true;
    return true;
}

/* ---- tries ----------------------------------------------------------------------------------- */

/* Say how often it was tried, and what has put an end to that. */
static void
say_tries(struct execution *execution, const char *limit, uint64_t limit_ms)
{
    struct step_try *try = &execution->try;
    CLEANUP(mem_free)
    char *within = limit ? mem_format(" within %s of %" PRIu64 " ms", limit, limit_ms) : NULL;
    char text[sizeof try->error.text];

    memcpy(text, try->error.text, sizeof text);
    snprintf(try->error.text, sizeof try->error.text, "%.300s; tried %u time%s%s", text,
             execution->tries, execution->tries == 1 ? "" : "s", within ? within : "");
    text_mend_utf8(try->error.text);
}

/* Nothing is begun that its time-out would end within wait_ms. */
static bool
time_is_over(struct execution *execution, int64_t wait_ms)
{
    if (!execution->deadline_ms || clock_now_ms() + wait_ms < execution->deadline_ms) {
        return false;
    }
    say_tries(execution, "the time-out", execution->timeout_ms);
    return true;
}

/*
 * A lock was not to be had: wait a little, and be more patient the next time, but never more than
 * allowed: who waits for a lock makes others wait behind it. When it is known what was waited for,
 * the next try looks first.
 */
static bool
goes_on_after_lock(struct execution *execution)
{
    struct step_try *try = &execution->try;
    uint64_t took_ms = (uint64_t)(clock_now_us() - try->began_us) / 1000;
    struct budget *budget = &execution->way.budget;
    int64_t rest_ms = backoff_next_ms(&execution->lock_backoff, &try->sitting->random);

    if (time_is_over(execution, (int64_t)try->lock_timeout_ms) ||
        !budget_try_failed(budget, clock_now_ms(), took_ms)) {
        if (!execution->deadline_ms || clock_now_ms() < execution->deadline_ms) {
            say_tries(execution, "the lock budget", budget->total_ms);
        }
        if (try->blockers[0]) {
            error_found(&try->error, "in the way: %s", try->blockers);
        }
        return false;
    }
    try->lock_timeout_ms = budget->lock_timeout_ms;
    interrupt_sleep(try->sitting->interrupt,
                    look_is_empty(&execution->way.look) ? rest_ms : rest_ms % REST_LOOKING_MS);
    return true;
}

/* Nothing was tried: somebody was seen in the way. */
static bool
goes_on_when_free(struct execution *execution)
{
    execution->tries--;
    if (way_wait(&execution->try)) {
        return true;
    }
    way_report(&execution->try);
    return false;
}

/*
 * A deadlock, or changes at the same time. The server has chosen us to give way; both sides only
 * get through when they do not come again at the same moment.
 */
static bool
goes_on_after_conflict(struct execution *execution)
{
    struct step_try *try = &execution->try;
    int64_t rest_ms = backoff_next_ms(&execution->conflict_backoff, &try->sitting->random);

    if (++execution->conflicts >= CONFLICT_MAX) {
        say_tries(execution, NULL, 0);
        return false;
    }
    if (time_is_over(execution, rest_ms)) {
        return false;
    }
    interrupt_sleep(try->sitting->interrupt, rest_ms);
    return true;
}

static bool
is_conflict(const struct step_try *try)
{
    return strcmp(try->sqlstate, "40P01") == 0 || strcmp(try->sqlstate, "40001") == 0;
}

static bool
goes_on_after_loss(struct execution *execution)
{
    struct step_try *try = &execution->try;

    execution->is_in_doubt = execution->is_in_doubt || try->is_in_doubt;
    log_warn("target %s: %s; looking again", try->sitting->config.name, try->error.text);
    if (++execution->lost < LOST_MAX || execution->is_in_doubt) {
        return true;
    }
    try->is_retryable = true;
    error_hint(&try->error, "look into the server's log: the step ends its connection every time");
    return false;
}

static bool
goes_on_stale(struct execution *execution)
{
    struct step_try *try = &execution->try;

    sitting_forget_applied(try->sitting);
    if (++execution->stale < STALE_MAX) {
        return true;
    }
    try_fail(try, "E-BUG", "what is applied changes under the target's lock");
    return false;
}

/* Under another leader not even the failure is written down. */
static bool
fenced(struct execution *execution)
{
    struct error error = execution->try.error;
    return failed_before_it_began(execution, &error, false);
}

/* True when the step is to be tried again; otherwise the outcome is made. */
static bool
goes_on(struct execution *execution, enum try_end end)
{
    switch (end) {
    case TRY_BLOCKED:
        return goes_on_when_free(execution) || !failed(execution);
    case TRY_LOCKED:
        if (is_conflict(&execution->try)) {
            return goes_on_after_conflict(execution) || !failed(execution);
        }
        return goes_on_after_lock(execution) || !failed(execution);
    case TRY_LOST:
        return goes_on_after_loss(execution) || !failed(execution);
    case TRY_STALE:
        return goes_on_stale(execution) || !failed(execution);
    case TRY_CANCELLED:
        return !cancelled(execution);
    case TRY_FAILED:
        if (error_is(&execution->try.error, "E-FENCED")) {
            return !fenced(execution);
        }
        return !failed(execution);
    case TRY_DONE:
        break;
    }
    return false;
}

/*
 * Have the target's lock and know what is applied. False: not now; *is_over when that is the
 * verdict or nothing more can be found out, and then *answer is what sitting_execute returns.
 */
static bool
attend(struct execution *execution, bool *is_over, bool *answer, struct error *error)
{
    struct sitting *sitting = execution->try.sitting;

    *is_over = true;
    if (interrupt_is_raised(sitting->interrupt)) {
        if (execution->is_in_doubt) {
            *answer = error_set(error, "E-STOPPED", "stopped before the truth was found out");
        } else {
            *answer = cancelled(execution);
        }
        return false;
    }
    const struct step_order *order = execution->try.order;
    if (sitting_attend(sitting, 0, error) &&
        sitting_prove_row(sitting, order->journal_count, order->journal_head, error)) {
        execution->is_in_doubt = false;
        backoff_reset(&execution->connect_backoff);
        FAILPOINT("execute.attended");
        return true;
    }
    *is_over =
        !error_is(error, "E-STOPPED") && !sitting_is_transient(error) && !execution->is_in_doubt;
    if (*is_over) {
        *answer = failed_before_it_began(execution, error, true);
        return false;
    }
    interrupt_sleep(sitting->interrupt,
                    backoff_next_ms(&execution->connect_backoff, &sitting->random));
    return false;
}

static bool
check_cluster(struct execution *execution)
{
    const struct step_order *order = execution->try.order;
    const struct id *cluster_id = &execution->try.sitting->facts.cluster_id;
    struct error error;

    if (id_is_none(&order->cluster_id) || id_is_none(cluster_id) ||
        id_equal(&order->cluster_id, cluster_id)) {
        return true;
    }
    error_set(&error, "E-DB-CLUSTER", "the target belongs to another coordinator");
    error_where(&error, "%s", connection_place(execution->try.sitting->connection));
    error_hint(&error, "when it is to move: UPDATE skein.identity SET cluster_id = NULL; UPDATE"
                       " skein.fence SET epoch = 0");
    failed_before_it_began(execution, &error, true);
    return false;
}

static bool
check_history(struct execution *execution)
{
    struct error error;

    return sitting_check_history(execution->try.sitting, &error) ||
           !failed_before_it_began(execution, &error, false);
}

/* Nothing was begun; it is a verdict on this attempt nevertheless. */
static void
failed_in_preflight(struct execution *execution)
{
    struct error error = execution->try.error;

    begin_try(execution);
    execution->try.error = error;
    execution->try.is_retryable = true;
    failed(execution);
}

static enum try_end
carry_out(struct step_try *try)
{
    return try->script->is_transactional  ? transaction_try(try)
           : batch_is_script(try->script) ? batch_try(try)
                                          : concurrently_try(try);
}

bool
sitting_execute(struct sitting *sitting, const struct step_order *order, struct arena *arena,
                struct outcome *outcome, struct error *error)
{
    struct execution execution;
    bool is_over, answer = true;

    begin(&execution, sitting, order, arena, outcome);
    for (;;) {
        if (!attend(&execution, &is_over, &answer, error)) {
            if (is_over) {
                return answer;
            }
            continue;
        }
        if (!check_history(&execution) || !check_cluster(&execution) ||
            is_settled(&execution, &answer)) {
            return answer;
        }
        if (!sitting->connection) {
            continue;
        }
        enum preflight_verdict verdict = preflight_server(&execution.try);
        if (verdict == PREFLIGHT_AGAIN) {
            continue;
        }
        if (verdict == PREFLIGHT_FAILED) {
            failed_in_preflight(&execution);
            return true;
        }
        begin_try(&execution);
        if (!goes_on(&execution, carry_out(&execution.try))) {
            return true;
        }
    }
}
