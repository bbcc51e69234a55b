#include "tests/sim/worker.h"

#include <assert.h>

#include "tests/sim/check.h"
#include "tests/sim/recipe.h"

static void answered(void *subject, uint64_t ticket, const struct answer *answer);

/* ---- asking, waiting, ending --------------------------------------------------------------- */

void
worker_ask(struct worker *worker, enum worker_phase phase, const struct request *request)
{
    struct client client = {.subject = worker, .answered = answered};

    worker->phase = phase;
    database_ask(worker->database, worker->backend, request, &client, ++worker->ticket);
}

void
worker_ask_about(struct worker *worker, enum worker_phase phase, enum request_kind kind)
{
    struct request request = {.kind = kind, .work = worker->job.work};

    worker_ask(worker, phase, &request);
}

static void
wake(void *subject, uint64_t ticket)
{
    struct worker *worker = subject;
    int64_t paused_us = worker->peer->paused_until_us - worker->world->now_us;

    if (ticket == worker->ticket && paused_us > 0) {
        world_plan(worker->world, paused_us, wake, worker, ticket);
    } else if (ticket == worker->ticket) {
        recipe_look(worker);
    }
}

/* Come back to this phase after a while. */
void
worker_wait_for(struct worker *worker, enum worker_phase phase, int64_t min_us, int64_t max_us)
{
    worker->phase = phase;
    world_plan(worker->world, world_between(worker->world, min_us, max_us), wake, worker,
               ++worker->ticket);
}

static void
rest(void *subject, uint64_t ticket)
{
    struct worker *worker = subject;

    if (ticket == worker->ticket && worker->backend) {
        database_close(worker->database, worker->backend);
        worker->backend = 0;
        worker->has_lock = false;
    }
}

void
worker_end(struct worker *worker, const struct worker_report *report)
{
    struct job job = worker->job;

    if (report->end == JOB_SUCCEEDED && (job.kind == JOB_EXECUTE || job.kind == JOB_RESOLVE)) {
        check_found_out(worker->check, worker->database, &job.work, &report->outcome);
    }
    worker->job.kind = JOB_NONE;
    worker->phase = PHASE_IDLE;
    world_plan(worker->world, world_between(worker->world, 500 * MS, 3 * SECOND), rest, worker,
               ++worker->ticket);
    worker->ended(worker->subject, worker->target, &job, report);
}

void
worker_end_as(struct worker *worker, enum outcome_kind kind)
{
    struct worker_report report = {.end = JOB_SUCCEEDED, .outcome = {.kind = kind}};

    if (kind == OUTCOME_FAILED) {
        report.outcome.fault = worker->fault;
    } else if (kind == OUTCOME_CANCELLED) {
        report.outcome.fault = (struct fault){.code = "E-CANCELLED", .text = "stopped on request"};
    }
    report.outcome.duration_us = 1000;
    report.outcome.journal_count = worker->database->contents.journal_count;
    worker_end(worker, &report);
}

void
worker_end_unknown(struct worker *worker, const char *code)
{
    struct worker_report report = {
        .end = JOB_UNKNOWN,
        .fault = {.code = code, .text = "the database could not be asked", .is_retryable = true}};

    worker_end(worker, &report);
}

static void
go_on(void *subject, uint64_t ticket)
{
    struct worker *worker = subject;
    struct answer answer = worker->held;

    answered(worker, ticket, &answer);
}

static void
answered(void *subject, uint64_t ticket, const struct answer *answer)
{
    struct worker *worker = subject;
    struct world *world = worker->world;

    if (ticket != worker->ticket) {
        if (answer->backend) {
            database_leave(worker->database, answer->backend);
        }
        return;
    }
    if (worker->peer->paused_until_us > world->now_us) {
        worker->held = *answer;
        world_plan(world, worker->peer->paused_until_us - world->now_us, go_on, worker, ticket);
        return;
    }
    if (answer->kind == ANSWER_LOST) {
        recipe_lost(worker);
    } else if (world_chance(world, worker->faults->dies_at_phase)) {
        worker->backend = worker->backend ? worker->backend : answer->backend;
        worker->dies(worker->subject);
    } else {
        recipe_take(worker, answer);
    }
}

/* ---- what the agent asks for --------------------------------------------------------------- */

void
worker_start(struct worker *worker, const struct job *job)
{
    assert(worker->job.kind == JOB_NONE);

    worker->job = *job;
    worker->is_stopped = false;
    worker->tries = worker->waits = 0;
    worker->fault = (struct fault){0};
    worker->reading = (struct reading){0};
    worker->phase = PHASE_IDLE;
    if (worker->backend && (job->kind == JOB_EXAMINE || job->kind == JOB_SURVEY)) {
        worker_ask_about(worker, PHASE_SURVEY, REQUEST_SURVEY);
    } else {
        recipe_look(worker);
    }
}

void
worker_stop(struct worker *worker)
{
    worker->is_stopped = true;
}

void
worker_die(struct worker *worker)
{
    if (worker->backend) {
        database_leave(worker->database, worker->backend);
    }
    worker->backend = 0;
    worker->has_lock = false;
    worker->job.kind = JOB_NONE;
    worker->phase = PHASE_IDLE;
    worker->ticket++;
}
