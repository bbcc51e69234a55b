#include "agent/shell/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/shell/measure.h"

#define STACK_SIZE ((size_t)512 << 10)
#define REST_MS 10000        /* a connection is kept so long after a job */
#define EXAMINED_REST_MS 100 /* after a look, nothing is to be expected */
#define PROGRESS_MS 500      /* between two reports of a step's progress */

struct job {
    enum agent_action_kind kind;
    struct id step_id, cluster_id;
    uint64_t attempt;
    struct assign assign;
    struct adopt adopt;
    struct survey survey;
    char *version; /* the assign's, owned */
    const struct bundle *bundle;
};

struct agent_worker {
    const struct agent_settings_target *settings;
    size_t target;
    struct agent_reports *reports;
    struct sitting *sitting; /* the thread's while there is one, but for sitting_stop */
    pthread_t thread;
    bool has_thread;              /* the loop's */
    int64_t progress_ms, note_ms; /* the thread's: when progress was last reported, and in words */
    uint64_t statement;           /* the thread's: the running one */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct job job;
    struct arena job_arena; /* what its survey points to */
    bool has_job;           /* and nobody has taken it */
    bool wants_rest, wants_end, is_over;
};

struct agent_worker *
agent_worker_new(const struct agent_settings_target *settings, size_t target,
                 struct agent_reports *reports)
{
    struct agent_worker *worker = mem_zalloc(sizeof *worker);
    pthread_condattr_t attributes;

    worker->settings = settings;
    worker->target = target;
    worker->reports = reports;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return worker;
}

/* ---- the jobs, in the thread -------------------------------------------------------------- */

static struct fault *
kept_fault(struct agent_report *report, const struct error *error)
{
    struct fault *fault = arena_alloc(&report->arena, sizeof *fault);

    *fault = fault_from_error(error, &report->arena);
    return fault;
}

/* A target that another coordinator's agents work on is none of ours. */
static bool
is_ours(const struct job *job, const struct target_facts *facts, struct error *error)
{
    if (id_is_none(&job->cluster_id) || id_is_none(&facts->cluster_id) ||
        id_equal(&job->cluster_id, &facts->cluster_id)) {
        return true;
    }
    error_set(error, "E-DB-CLUSTER", "the target belongs to another coordinator");
    return error_hint(error, "when it is to move: UPDATE skein.identity SET cluster_id = NULL;"
                             " UPDATE skein.fence SET epoch = 0");
}

static void
examine(struct agent_worker *worker, const struct job *job)
{
    const struct agent_settings_target *settings = worker->settings;
    struct agent_report *answer = agent_report_new(AGENT_EVENT_EXAMINED, worker->target);
    struct target_report *report = arena_alloc(&answer->arena, sizeof *report);
    struct target_facts facts = {0};
    struct error error;

    report->name = settings->target.name;
    report->service = settings->service;
    report->labels = settings->labels;
    report->label_count = settings->label_count;
    report->window = settings->window;
    if (sitting_examine(worker->sitting, &answer->arena, &facts, &error) &&
        is_ours(job, &facts, &error)) {
        report->state = TARGET_READY;
        report->target_id = facts.target_id;
        report->server_version = facts.server_version;
        report->system_identifier = facts.system_identifier;
        report->database_oid = facts.database_oid;
        report->timeline = facts.timeline;
        report->in_recovery = facts.in_recovery;
        report->applied_count = facts.applied_count;
        report->applied_version = facts.applied_version;
        report->journal_count = facts.journal_count;
        memcpy(report->journal_head, facts.journal_head, sizeof report->journal_head);
    } else {
        report->state = TARGET_BROKEN;
        report->fault = *kept_fault(answer, &error);
    }
    answer->event.report = report;
    agent_reports_post(worker->reports, &answer);
}

/* What its catalog says against the statements that are to go in batches there, and what its
 * preflight would find. */
static void
look_ahead(struct agent_worker *worker, const struct survey *question, struct agent_report *answer,
           struct surveyed *surveyed)
{
    surveyed->verdicts = arena_alloc(&answer->arena, VERDICTS_MAX * sizeof *surveyed->verdicts);
    surveyed->verdict_count =
        sitting_probe(worker->sitting, question->probes, question->probe_count, &answer->arena,
                      surveyed->verdicts);
    surveyed->obstacles = arena_alloc(&answer->arena, OBSTACLES_MAX * sizeof *surveyed->obstacles);
    surveyed->obstacle_count =
        sitting_preview(worker->sitting, question->outlines, question->outline_count,
                        &answer->arena, surveyed->obstacles);
}

static void
survey(struct agent_worker *worker, const struct job *job)
{
    struct agent_report *answer = agent_report_new(AGENT_EVENT_SURVEYED, worker->target);
    struct surveyed *surveyed = arena_alloc(&answer->arena, sizeof *surveyed);
    struct applied_migration *applied = NULL;
    size_t count = 0;
    struct error error;

    surveyed->succeeded = sitting_survey(worker->sitting, &answer->arena, &applied, &count, &error);
    if (surveyed->succeeded && count > APPLIED_MAX) {
        surveyed->succeeded = error_set(&error, "E-SURVEY-SIZE",
                                        "%zu migrations are applied, more than can be told", count);
    }
    if (surveyed->succeeded) {
        surveyed->applied = arena_alloc(&answer->arena, (count + 1) * sizeof *surveyed->applied);
        surveyed->applied_count = count;
        for (size_t i = 0; i < count; i++) {
            surveyed->applied[i].version = applied[i].version;
            memcpy(surveyed->applied[i].checksum, applied[i].checksum, CHECKSUM_SIZE);
        }
        look_ahead(worker, &job->survey, answer, surveyed);
    } else {
        surveyed->fault = *kept_fault(answer, &error);
    }
    answer->event.surveyed = surveyed;
    agent_reports_post(worker->reports, &answer);
}

static void
resolve(struct agent_worker *worker, const struct job *job)
{
    struct agent_report *answer = agent_report_new(AGENT_EVENT_RESOLVED, worker->target);
    struct outcome *outcome = arena_alloc(&answer->arena, sizeof *outcome);
    bool found = false;
    struct error error;

    answer->event.step_id = job->step_id;
    answer->event.attempt = job->attempt;
    if (!sitting_resolve(worker->sitting, &job->step_id, job->attempt, &answer->arena, &found,
                         outcome, &error)) {
        answer->event.fault = kept_fault(answer, &error);
    } else if (found) {
        answer->event.outcome = outcome;
    }
    agent_reports_post(worker->reports, &answer);
}

/* Called by the sitting, in the thread. Short steps have ended before anyone could look. */
static void
on_progress(void *context, uint64_t statement)
{
    struct agent_worker *worker = context;
    int64_t now_ms = clock_now_ms();

    worker->statement = statement;
    if (now_ms - worker->progress_ms < PROGRESS_MS) {
        return;
    }
    struct agent_report *report = agent_report_new(AGENT_EVENT_PROGRESS, worker->target);
    worker->progress_ms = now_ms;
    report->event.step_id = worker->job.assign.step_id;
    report->event.statement = statement;
    agent_reports_post(worker->reports, &report);
}

/* The same, with what it does or waits for. */
static void
on_note(void *context, const char *note)
{
    struct agent_worker *worker = context;
    int64_t now_ms = clock_now_ms();

    if (now_ms - worker->note_ms < PROGRESS_MS) {
        return;
    }
    struct agent_report *report = agent_report_new(AGENT_EVENT_PROGRESS, worker->target);
    worker->note_ms = now_ms;
    report->event.step_id = worker->job.assign.step_id;
    report->event.statement = worker->statement;
    report->event.note = arena_text(&report->arena, note);
    agent_reports_post(worker->reports, &report);
}

static bool
find_migration(const struct job *job, const struct migration **migration, struct error *error)
{
    const struct assign *assign = &job->assign;

    *migration = manifest_find(&job->bundle->manifest, assign->version);
    if (!*migration) {
        error_set(error, "E-MIG-MISSING", "the bundle has no migration of this version");
        return error_where(error, "%s", assign->version);
    }
    if (!migration_script(*migration, assign->direction)) {
        error_set(error, "E-MIG-NO-DOWN", "the migration has no script for this direction");
        return error_where(error, "%s", assign->version);
    }
    return true;
}

static void
execute(struct agent_worker *worker, const struct job *job)
{
    struct agent_report *answer = agent_report_new(AGENT_EVENT_ENDED, worker->target);
    struct outcome *outcome = arena_alloc(&answer->arena, sizeof *outcome);
    const struct assign *assign = &job->assign;
    const struct migration *migration;
    struct error error;

    answer->event.step_id = assign->step_id;
    answer->event.attempt = assign->attempt;
    answer->event.outcome = outcome;
    worker->progress_ms = clock_now_ms();
    worker->note_ms = 0;
    worker->statement = 0;
    if (!find_migration(job, &migration, &error)) {
        outcome->kind = OUTCOME_FAILED;
        outcome->fault = *kept_fault(answer, &error);
    } else {
        struct step_order order = {
            .step_id = assign->step_id,
            .attempt = assign->attempt,
            .cluster_id = job->cluster_id,
            .fence = {assign->token.epoch, assign->token.instance},
            .bundle = job->bundle,
            .migration = migration,
            .direction = assign->direction,
            .lock_timeout_ms = assign->lock_timeout_ms,
            .timeout_ms = assign->timeout_ms,
            .journal_count = assign->journal_count,
            .progress = on_progress,
            .note = on_note,
            .context = worker,
        };
        memcpy(order.journal_head, assign->journal_head, CHECKSUM_SIZE);
        FAILPOINT("agent.execute");
        if (!sitting_execute(worker->sitting, &order, &answer->arena, outcome, &error)) {
            log_warn("%s: %s: %s: %s", worker->settings->target.name, assign->version, error.code,
                     error.text);
            answer->event.outcome = NULL;
        }
        FAILPOINT("agent.executed");
    }
    agent_reports_post(worker->reports, &answer);
}

/* How many, and from where to where, for people far away. */
static void
fill_result(const struct adopt_report *report, struct arena *arena, struct adopt_result *result)
{
    const struct adoption *adoption = &report->adoption;

    result->tool = report->tool;
    result->table = report->table;
    result->row_count = report->row_count;
    result->adopted_count = adoption->record_count;
    result->taken_back_count = adoption->forget_count;
    result->mirrored_count = adoption->mirror_count;
    result->agreed_count = adoption->agreed_count;
    result->pending_count = adoption->pending_count;
    result->late_count = adoption->late_count;
    result->edited_count = adoption->edited_count;
    if (adoption->record_count > 0) {
        result->first_version = arena_text(arena, adoption->record[0]->version);
        result->last_version =
            arena_text(arena, adoption->record[adoption->record_count - 1]->version);
    }
    result->problem_total = report->problem_count;
    result->problem_count =
        report->problem_count < PROBLEMS_MAX ? report->problem_count : PROBLEMS_MAX;
    result->problems = report->problems;
}

static void
adopt(struct agent_worker *worker, const struct job *job)
{
    struct agent_report *answer = agent_report_new(AGENT_EVENT_ADOPTED, worker->target);
    struct adopted *adopted = arena_alloc(&answer->arena, sizeof *adopted);
    const struct adopt *ask = &job->adopt;
    struct adopt_report report = {0};
    const struct adopt_order order = {.bundle = job->bundle,
                                      .cluster_id = job->cluster_id,
                                      .fence = {ask->token.epoch, ask->token.instance},
                                      .trust = ask->terms.trust,
                                      .takes_edited = ask->terms.takes_edited,
                                      .is_dry = ask->terms.is_dry,
                                      .is_nothing = ask->terms.is_nothing};
    struct error error;

    adopted->result.succeeded =
        sitting_adopt(worker->sitting, &order, &answer->arena, &report, &error);
    if (!adopted->result.succeeded) {
        adopted->result.fault = *kept_fault(answer, &error);
    }
    fill_result(&report, &answer->arena, &adopted->result);
    answer->event.adopted = adopted;
    agent_reports_post(worker->reports, &answer);
}

static void
carry_out(struct agent_worker *worker, const struct job *job)
{
    switch (job->kind) {
    case AGENT_EXAMINE:
        examine(worker, job);
        break;
    case AGENT_EXECUTE:
        execute(worker, job);
        break;
    case AGENT_RESOLVE:
        resolve(worker, job);
        break;
    case AGENT_ADOPT:
        adopt(worker, job);
        break;
    case AGENT_MEASURE:
        agent_measure(worker->sitting, worker->target, worker->reports);
        break;
    default:
        survey(worker, job);
        break;
    }
}

/* ---- the thread --------------------------------------------------------------------------- */

/* The moment so long from now, by the clock of the condition. */
static struct timespec
moment(int64_t wait_ms)
{
    struct timespec until;

    wait_ms = wait_ms > 0 ? wait_ms : 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* Wait for a job for so long; false when there is none, or the thread is to end. */
static bool
await_job(struct agent_worker *worker, int64_t patience_ms)
{
    struct timespec until = moment(patience_ms);

    while (!worker->has_job && !worker->wants_rest && !worker->wants_end) {
        if (pthread_cond_timedwait(&worker->wake, &worker->mutex, &until) == ETIMEDOUT) {
            break;
        }
    }
    return worker->has_job && !worker->wants_end;
}

/* One job after the other; without one, let go of the connection and end. */
static void
work(struct agent_worker *worker)
{
    int64_t patience_ms = REST_MS;

    for (;;) {
        while (await_job(worker, patience_ms)) {
            struct job job = worker->job;
            worker->has_job = worker->wants_rest = false;
            pthread_mutex_unlock(&worker->mutex);
            patience_ms = job.kind == AGENT_EXAMINE ? EXAMINED_REST_MS : REST_MS;
            carry_out(worker, &job);
            pthread_mutex_lock(&worker->mutex);
        }
        pthread_mutex_unlock(&worker->mutex);
        sitting_rest(worker->sitting);
        pthread_mutex_lock(&worker->mutex);
        if (!worker->has_job || worker->wants_end) {
            return;
        }
    }
}

static void *
run(void *context)
{
    struct agent_worker *worker = context;
    struct agent_report *over = agent_report_new(AGENT_EVENT_TICK, worker->target);
    struct agent_reports *reports = worker->reports;

    over->is_over = true;
    pthread_mutex_lock(&worker->mutex);
    work(worker);
    worker->is_over = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    agent_reports_post(reports, &over);
    return NULL;
}

/* ---- the loop's side ---------------------------------------------------------------------- */

static void
start_thread(struct agent_worker *worker)
{
    pthread_attr_t attributes;
    char name[16];

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int failed = pthread_create(&worker->thread, &attributes, run, worker);
    pthread_attr_destroy(&attributes);
    if (failed) {
        log_fatal(71, "cannot start a thread: %s", strerror(failed));
    }
    worker->has_thread = true;
    snprintf(name, sizeof name, "%s", worker->settings->target.name);
    pthread_setname_np(worker->thread, name);
}

bool
agent_worker_reap(struct agent_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool is_over = worker->has_thread && worker->is_over;
    worker->is_over = false;
    pthread_mutex_unlock(&worker->mutex);
    if (is_over) {
        pthread_join(worker->thread, NULL);
        worker->has_thread = false;
    }
    return is_over;
}

/* The job from the action; what it points to is copied. */
static void
fill_job(struct agent_worker *worker, const struct agent_action *action,
         const struct bundle *bundle, const struct id *cluster_id)
{
    struct job *job = &worker->job;

    mem_free(&job->version);
    arena_clear(&worker->job_arena);
    *job = (struct job){.kind = action->kind, .cluster_id = *cluster_id, .bundle = bundle};
    if (action->kind == AGENT_EXECUTE) {
        job->assign = *action->assign;
        job->cluster_id = action->cluster_id;
        job->version = mem_text(action->assign->version);
        job->assign.version = job->version;
    } else if (action->kind == AGENT_ADOPT) {
        job->adopt = *action->adopt;
        job->cluster_id = action->cluster_id;
    } else if (action->kind == AGENT_RESOLVE) {
        job->step_id = action->step_id;
        job->attempt = action->attempt;
    } else if (action->kind == AGENT_SURVEY) {
        struct message question = {.type = MESSAGE_SURVEY, .survey = *action->survey};
        message_copy(&question, &worker->job_arena, &question);
        job->survey = question.survey;
    }
}

bool
agent_worker_post(struct agent_worker *worker, const struct agent_action *action,
                  const struct bundle *bundle, const struct id *cluster_id)
{
    bool was_over = agent_worker_reap(worker);

    if (!worker->sitting) {
        worker->sitting = sitting_new(&worker->settings->target);
    }
    pthread_mutex_lock(&worker->mutex);
    assert(!worker->has_job);
    fill_job(worker, action, bundle, cluster_id);
    worker->has_job = true;
    sitting_clear_stop(worker->sitting); /* a wish that came too late for the job before */
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    if (worker->has_thread) {
        return false;
    }
    start_thread(worker);
    return !was_over;
}

void
agent_worker_stop(struct agent_worker *worker)
{
    if (worker->sitting) {
        sitting_stop(worker->sitting);
    }
}

void
agent_worker_pause(struct agent_worker *worker)
{
    if (worker->sitting) {
        sitting_pause(worker->sitting);
    }
}

void
agent_worker_rest(struct agent_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->wants_rest = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}

/* Wait for the thread to end; false when it does not in time. */
static bool
join(struct agent_worker *worker, int64_t deadline_ms)
{
    struct timespec until = moment(deadline_ms - clock_now_ms());
    bool is_late = false;

    pthread_mutex_lock(&worker->mutex);
    worker->wants_end = true;
    sitting_stop(worker->sitting);
    pthread_cond_signal(&worker->wake);
    while (!worker->is_over && !is_late) {
        is_late = pthread_cond_timedwait(&worker->wake, &worker->mutex, &until) == ETIMEDOUT;
    }
    bool is_over = worker->is_over;
    pthread_mutex_unlock(&worker->mutex);
    if (is_over) {
        pthread_join(worker->thread, NULL);
    }
    return is_over;
}

bool
agent_worker_destroy(struct agent_worker **worker_p, int64_t deadline_ms)
{
    struct agent_worker *worker = *worker_p;

    if (!worker) {
        return true;
    }
    *worker_p = NULL;
    if (worker->has_thread && !join(worker, deadline_ms)) {
        return false;
    }
    sitting_destroy(&worker->sitting);
    mem_free(&worker->job.version);
    arena_release(&worker->job_arena);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
    return true;
}
