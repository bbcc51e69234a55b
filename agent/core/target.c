#include "agent/core/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define SURVEY_MAX 8          /* unanswered for one target */
#define QUESTION_MAX 64       /* the same */
#define FRESH_MS 60000        /* a report younger than this is good for a new session */
#define CLAIM_MAX_MS 600000   /* the longest pause between two reports nobody reacts to */
#define RESOLVE_AGAIN_MS 1000 /* a step in doubt is looked up again */

struct agent_target *
agent_target_find(struct agent_core *core, const struct id *target_id)
{
    struct agent_target *target = NULL;

    if (!id_is_none(target_id)) {
        HASH_FIND(hh, core->targets_by_id, target_id, sizeof *target_id, target);
    }
    return target;
}

void
agent_target_heard(struct agent_target *target)
{
    target->is_refused = false;
    target->refused_code[0] = '\0';
}

void
agent_target_wake_at(struct agent_core *core, int64_t when_ms)
{
    if (when_ms < core->target_wake_ms) {
        core->target_wake_ms = when_ms;
    }
}

/* ---- the report --------------------------------------------------------------------------- */

/* Say the report, and again later, ever more seldom: nobody says whether it has arrived. */
static void
tell_report(struct agent_core *core, struct agent_target *target)
{
    struct message message = {.type = MESSAGE_TARGET, .target = target->report};

    message.target.session = core->session.id;
    agent_tell(core, &message);
    target->is_told = true;
    target->claim_ms = core->now_ms + target->claim_interval_ms;
    agent_target_wake_at(core, target->claim_ms);
    if (target->claim_interval_ms < CLAIM_MAX_MS) {
        target->claim_interval_ms *= 2;
    }
}

void
agent_target_greet(struct agent_core *core, struct agent_target *target)
{
    bool is_fresh = target->is_known && target->report.state == TARGET_READY &&
                    core->now_ms - target->examined_ms < FRESH_MS;

    target->is_refused = false;
    target->refused_code[0] = '\0';
    target->claim_interval_ms = core->session.lease_ms;
    if (!is_fresh) {
        target->examine_ms = core->now_ms;
    }
    if (target->is_known) {
        tell_report(core, target);
    }
    agent_target_advance(core, target);
}

void
agent_wish_free(struct agent_wish **wish_p)
{
    if (*wish_p) {
        arena_release(&(*wish_p)->arena);
    }
    mem_free(wish_p);
}

static void
forget_wish(struct agent_wish **list, struct agent_wish *wish, size_t *count)
{
    DL_DELETE(*list, wish);
    (*count)--;
    agent_wish_free(&wish);
}

/* What was asked and assigned is not wanted any more. */
static void
drop_all(struct agent_core *core, struct agent_target *target)
{
    while (target->surveys) {
        forget_wish(&target->surveys, target->surveys, &target->survey_count);
    }
    while (target->questions) {
        forget_wish(&target->questions, target->questions, &target->question_count);
    }
    agent_adopt_drop(core, target);
    agent_queue_drop(core, target, NULL);
}

void
agent_target_part(struct agent_core *core, struct agent_target *target)
{
    target->is_told = false;
    target->claim_ms = NEVER_MS;
    drop_all(core, target);
}

void
agent_target_refused(struct agent_core *core, const struct target_refused *refused)
{
    const char *code = refused->fault.code ? refused->fault.code : "";

    if (!agent_session_is(core, &refused->session)) {
        return;
    }
    for (size_t i = 0; i < core->target_count; i++) {
        struct agent_target *target = &core->targets[i];
        if (!text_equal(target->name, refused->name)) {
            continue;
        }
        trace_line(&core->trace, "%s: refused: %s: nothing is begun there", target->name, code);
        if (!text_equal(target->refused_code, code)) {
            agent_note(core, true, "%s: may not be served: %s: %s", target->name, code,
                       refused->fault.text ? refused->fault.text : "");
            snprintf(target->refused_code, sizeof target->refused_code, "%s", code);
        }
        target->is_refused = true;
        target->claim_interval_ms = core->session.lease_ms;
        target->claim_ms = core->now_ms + target->claim_interval_ms;
        target->examine_ms = target->claim_ms; /* whoever serves it now may change it */
        agent_target_wake_at(core, target->claim_ms);
        agent_queue_drop(core, target, NULL);
    }
}

/* ---- which job is next -------------------------------------------------------------------- */

static enum agent_job
choose(struct agent_core *core, struct agent_target *target)
{
    bool is_live = agent_session_is_live(core);
    bool is_due = is_live && core->now_ms >= target->examine_ms;

    if (core->leaving != AGENT_STAYS) {
        return AGENT_JOB_NONE;
    }
    if (target->current && core->now_ms >= target->resolve_ms) {
        return AGENT_JOB_RESOLVE;
    }
    if (target->surveys) {
        return AGENT_JOB_SURVEY;
    }
    if (target->questions) {
        return AGENT_JOB_RESOLVE;
    }
    if (agent_adopt_is_ready(core, target)) {
        return AGENT_JOB_ADOPT;
    }
    if (is_due && !(target->is_known && target->report.state == TARGET_READY)) {
        return AGENT_JOB_EXAMINE;
    }
    if (agent_queue_is_ready(core, target)) {
        return AGENT_JOB_EXECUTE;
    }
    return is_due ? AGENT_JOB_EXAMINE : AGENT_JOB_NONE;
}

/* Take the first of a list as what the worker is busy with. */
static void
take(struct agent_target *target, struct agent_wish **list, size_t *count)
{
    target->asked = *list;
    DL_DELETE(*list, target->asked);
    (*count)--;
}

static void
resolve(struct agent_core *core, struct agent_target *target)
{
    char name[SHORT_ID_SIZE];
    struct agent_action action = {.kind = AGENT_RESOLVE, .target = target->index};

    if (target->current && core->now_ms >= target->resolve_ms) {
        target->resolve_ms = NEVER_MS;
        action.step_id = target->current->assign.step_id;
        action.attempt = target->current->assign.attempt;
    } else {
        take(target, &target->questions, &target->question_count);
        action.step_id = target->asked->id;
        action.attempt = target->asked->attempt;
    }
    trace_line(&core->trace, "%s: resolve step %s", target->name,
               agent_short_id(&action.step_id, name));
    agent_actions_add(core->actions, &action);
}

static void
look(struct agent_core *core, struct agent_target *target, enum agent_job job)
{
    struct agent_action action = {.target = target->index};

    core->looking++;
    target->slow_ms = core->now_ms + LOOK_SLOW_MS;
    agent_target_wake_at(core, target->slow_ms);
    if (job == AGENT_JOB_ADOPT) {
        trace_line(&core->trace, "%s: adopts", target->name);
        agent_adopt_begin(core, target);
        return;
    }
    if (job == AGENT_JOB_EXAMINE) {
        action.kind = AGENT_EXAMINE;
        target->examine_ms = NEVER_MS;
        trace_line(&core->trace, "%s: examine", target->name);
    } else {
        take(target, &target->surveys, &target->survey_count);
        bool is_survey = target->asked->kind == AGENT_WISH_SURVEY;
        action.kind = is_survey ? AGENT_SURVEY : AGENT_MEASURE;
        action.survey = is_survey ? &target->asked->message.survey : NULL;
        trace_line(&core->trace, "%s: %s", target->name, is_survey ? "survey" : "measure");
    }
    agent_actions_add(core->actions, &action);
}

static bool
is_look(enum agent_job job)
{
    return job == AGENT_JOB_EXAMINE || job == AGENT_JOB_SURVEY || job == AGENT_JOB_ADOPT;
}

/*
 * A server has the least work with few at a time. A look that lasts does not work but waits, for a
 * network or for a host that is gone: others need not wait for it.
 */
static bool
may_look(const struct agent_core *core)
{
    return core->looking - core->slow < LOOK_FEW && core->looking < LOOK_MAX;
}

static void
wait_to_look(struct agent_core *core, struct agent_target *target)
{
    if (!target->is_waiting) {
        target->is_waiting = true;
        DL_APPEND(core->waiting, target);
    }
}

static void
look_at_waiting(struct agent_core *core)
{
    while (core->waiting && may_look(core)) {
        struct agent_target *next = core->waiting;
        DL_DELETE(core->waiting, next);
        next->is_waiting = false;
        agent_target_advance(core, next);
    }
}

static void
note_slow(struct agent_core *core, struct agent_target *target)
{
    if (core->now_ms >= target->slow_ms) {
        target->slow_ms = NEVER_MS;
        core->slow++;
    }
}

static void
end_look(struct agent_core *core, struct agent_target *target)
{
    core->looking--;
    core->slow -= target->slow_ms == NEVER_MS;
    target->slow_ms = NEVER_MS;
}

void
agent_target_advance(struct agent_core *core, struct agent_target *target)
{
    if (target->job != AGENT_JOB_NONE) {
        return;
    }
    enum agent_job job = choose(core, target);

    if (is_look(job) && !may_look(core)) {
        wait_to_look(core, target);
        return;
    }
    target->job = job;
    if (is_look(job)) {
        look(core, target, job);
    } else if (job == AGENT_JOB_RESOLVE) {
        resolve(core, target);
    } else if (job == AGENT_JOB_EXECUTE) {
        agent_queue_begin(core, target);
    }
}

void
agent_target_end_job(struct agent_core *core, struct agent_target *target)
{
    bool was_look = is_look(target->job);

    target->job = AGENT_JOB_NONE;
    if (was_look) {
        end_look(core, target);
    }
    agent_target_advance(core, target);
    look_at_waiting(core);
}

/* ---- questions ---------------------------------------------------------------------------- */

void
agent_target_wish(struct agent_core *core, struct agent_target *target, enum agent_wish_kind kind,
                  const struct id *id, uint64_t attempt, const struct message *message)
{
    bool is_look = kind != AGENT_WISH_STEP;
    struct agent_wish **list = is_look ? &target->surveys : &target->questions;
    size_t *count = is_look ? &target->survey_count : &target->question_count;
    size_t most = is_look ? SURVEY_MAX : QUESTION_MAX;
    struct agent_wish *known;

    DL_FOREACH(*list, known)
    {
        if (id_equal(&known->id, id)) {
            return;
        }
    }
    if (target->asked && id_equal(&target->asked->id, id) &&
        id_equal(&target->asked->session, &core->session.id)) {
        return;
    }
    if (*count == most) {
        trace_line(&core->trace, "%s: too many questions at once", target->name);
        return;
    }
    struct agent_wish *fresh = mem_zalloc(sizeof *fresh);
    fresh->kind = kind;
    fresh->session = core->session.id;
    fresh->id = *id;
    fresh->attempt = attempt;
    if (message) {
        message_copy(message, &fresh->arena, &fresh->message);
    }
    DL_APPEND(*list, fresh);
    (*count)++;
    agent_target_advance(core, target);
}

void
agent_target_ask(struct agent_core *core, struct agent_target *target, const struct id *step_id,
                 uint64_t attempt)
{
    agent_target_wish(core, target, AGENT_WISH_STEP, step_id, attempt, NULL);
}

void
agent_target_look_again(struct agent_core *core, struct agent_target *target)
{
    if (target->examine_ms == NEVER_MS) {
        target->examine_ms = core->now_ms;
    }
}

/* What is applied may be another now: the coordinator is told. */
void
agent_target_adopted(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];

    if (target->job != AGENT_JOB_ADOPT) {
        trace_line(&core->trace, "%s: nobody has asked to adopt it", target->name);
        return;
    }
    agent_adopt_answered(core, target, &event->adopted->result);
    target->examine_ms = core->now_ms;
    agent_target_end_job(core, target);
}

/* What the journal said about a step that is not in memory, for whoever asked. */
static void
answer(struct agent_core *core, struct agent_target *target, const struct agent_wish *asked,
       const struct agent_event *event)
{
    struct agent_step *step = agent_step_find(core, &asked->id);

    if (step) {
        agent_step_tell(core, step);
    } else if (event->fault) {
        trace_line(&core->trace, "%s: the journal could not be read: %s", target->name,
                   event->fault->code ? event->fault->code : "");
    } else if (event->outcome) {
        struct assign assign = {
            .step_id = asked->id, .target_id = target->report.target_id, .attempt = asked->attempt};
        step = agent_step_add(core, &assign, target->index);
        agent_step_move(core, step, AGENT_STEP_FIND);
        agent_step_keep(core, step, event->outcome, false);
    } else if (agent_session_is(core, &asked->session)) {
        agent_step_tell_state(core, &asked->id, asked->attempt, STEP_REPORT_NOT_STARTED, NULL);
    }
}

void
agent_target_resolved(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];
    struct agent_wish *asked = target->asked;

    if (target->job != AGENT_JOB_RESOLVE) {
        trace_line(&core->trace, "%s: nobody has asked for the journal", target->name);
        return;
    }
    target->asked = NULL;
    if (event->fault) {
        agent_target_look_again(core, target);
    }
    if (asked) {
        answer(core, target, asked, event);
        agent_wish_free(&asked);
    } else if (event->fault) {
        target->resolve_ms = core->now_ms + RESOLVE_AGAIN_MS;
        agent_target_wake_at(core, target->resolve_ms);
    } else {
        agent_queue_settle(core, target, event->outcome);
    }
    agent_target_end_job(core, target);
}

/* ---- examinations ------------------------------------------------------------------------- */

/* One database under two names would be two queues for it: the second name is not served. */
static void
check_twin(struct agent_core *core, const struct agent_target *target, struct target_report *report,
           struct arena *arena)
{
    const struct agent_target *twin = agent_target_find(core, &report->target_id);

    if (twin && twin != target) {
        report->target_id = (struct id){0};
        report->state = TARGET_BROKEN;
        report->fault = (struct fault){
            .code = "E-DB-DUP-IDENTITY",
            .text = arena_format(arena, "the same database is served as %s", twin->name),
            .where = target->name,
            .hint = "remove one of the two from the agent's configuration",
        };
    }
}

/* Keep the report; true when it says something new. */
static bool
keep_report(struct agent_core *core, struct agent_target *target,
            const struct target_report *reported)
{
    const struct pack_shape *shape = message_shape(MESSAGE_TARGET);
    CLEANUP(arena_release) struct arena arena = {0};
    struct target_report report = *reported;

    report.session = (struct id){0};
    report.name = target->name;
    report.service = target->service;
    if (id_is_none(&report.target_id)) {
        report.target_id = target->report.target_id;
    }
    check_twin(core, target, &report, &arena);
    if (target->is_known && pack_equal(shape, &target->report, &report)) {
        return false;
    }
    if (!id_is_none(&target->report.target_id)) {
        HASH_DEL(core->targets_by_id, target);
    }
    struct arena kept = {0};
    struct target_report copy;
    pack_copy(shape, &report, &kept, &copy);
    arena_release(&target->arena);
    target->arena = kept;
    target->report = copy;
    target->is_known = true;
    if (!id_is_none(&target->report.target_id)) {
        HASH_ADD(hh, core->targets_by_id, report.target_id, sizeof report.target_id, target);
    }
    return true;
}

void
agent_target_examined(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];
    struct id former_id = target->report.target_id;
    bool is_new = keep_report(core, target, event->report);
    const struct target_report *report = &target->report;

    if (!id_equal(&former_id, &target->report.target_id)) {
        drop_all(core, target); /* it is of another database */
    }
    target->examined_ms = core->now_ms;
    if (report->state == TARGET_READY) {
        backoff_reset(&target->backoff);
        target->examine_ms = NEVER_MS;
    } else {
        target->examine_ms = core->now_ms + backoff_next_ms(&target->backoff, &core->random);
        agent_target_wake_at(core, target->examine_ms);
    }
    if (is_new) {
        target->claim_interval_ms = core->session.lease_ms;
        agent_note(core, report->state != TARGET_READY, "%s: %s%s%s%s", target->name,
                   report->state == TARGET_READY ? "ready" : "broken: ",
                   report->fault.code ? report->fault.code : "", report->fault.code ? ": " : "",
                   report->fault.text ? report->fault.text : "");
    }
    if ((is_new || !target->is_told) && agent_session_is_live(core)) {
        tell_report(core, target);
    }
    if (target->job == AGENT_JOB_EXAMINE) {
        agent_target_end_job(core, target);
    } else {
        agent_target_advance(core, target);
    }
}

/* ---- time --------------------------------------------------------------------------------- */

void
agent_target_tick(struct agent_core *core)
{
    if (core->now_ms < core->target_wake_ms) {
        return;
    }
    core->target_wake_ms = NEVER_MS;
    for (size_t i = 0; i < core->target_count; i++) {
        struct agent_target *target = &core->targets[i];
        if (core->now_ms >= target->claim_ms) {
            target->is_refused = false; /* unless it is said again */
            tell_report(core, target);
        }
        note_slow(core, target);
        agent_queue_tick(core, target);
        agent_target_advance(core, target);
        /* What is due and waits for the worker, or for a session, needs no clock. */
        int64_t dues[] = {target->claim_ms, target->examine_ms, target->resolve_ms,
                          target->gap_ms,   target->answer_ms,  target->slow_ms};
        for (size_t k = 0; k < sizeof dues / sizeof *dues; k++) {
            if (dues[k] > core->now_ms) {
                agent_target_wake_at(core, dues[k]);
            }
        }
    }
    look_at_waiting(core);
}
