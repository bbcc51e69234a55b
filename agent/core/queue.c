#include "agent/core/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/mutation.h"
#include "common/base/text.h"

#define GAP_MS 5000   /* how long a step waits for the one before it to be assigned */
#define QUIET_MS 200  /* a target is looked at anew so long after its last step */
#define ANSWER_MS 250 /* the beat of telling where steps are; see tell_later */
#define DOUBT_MS 1000 /* a step in doubt is looked up after this */

/*
 * Where a step is, is said half a second later, unless it is over by then: most steps are, and
 * their RESULT is answer enough.
 */
static void
tell_later(struct agent_core *core, struct agent_target *target)
{
    if (target->answer_ms == NEVER_MS) {
        target->answer_ms = (core->now_ms / ANSWER_MS + 3) * ANSWER_MS;
        agent_target_wake_at(core, target->answer_ms);
    }
}

/* ---- assign ------------------------------------------------------------------------------- */

static void
refuse(struct agent_core *core, const struct assign *assign, const struct fault *fault)
{
    char name[SHORT_ID_SIZE];

    trace_line(&core->trace, "step %s: refused: %s", agent_short_id(&assign->step_id, name),
               fault->code);
    agent_step_tell_state(core, &assign->step_id, assign->attempt, STEP_REPORT_REFUSED, fault);
}

/* Whether the ASSIGN is the present leader's; otherwise it is dropped, or refused. */
static bool
is_authentic(struct agent_core *core, const struct assign *assign)
{
    const struct token *token = &assign->token, *seen = &core->session.token_seen;

    if (!agent_session_is(core, &assign->session) && !MUTATION(ACCEPT_STALE_SESSION)) {
        trace_line(&core->trace, "ASSIGN ignored: it is of another session");
        return false;
    }
    if (core->leaving != AGENT_STAYS) {
        trace_line(&core->trace, "ASSIGN ignored: the agent is leaving");
        return false;
    }
    if (MUTATION(ACCEPT_STALE_SESSION)) {
        return true;
    }
    if (token->epoch < seen->epoch) {
        refuse(core, assign,
               &(struct fault){
                   .code = "E-FENCED", .text = "a later leader has been seen", .where = "epoch"});
        return false;
    }
    if (token->epoch == seen->epoch && !id_equal(&token->instance, &seen->instance)) {
        refuse(core, assign,
               &(struct fault){.code = "E-EPOCH-COLLISION",
                               .text = "two leaders have the same epoch",
                               .where = "epoch",
                               .is_retryable = true});
        return false;
    }
    if (token->epoch != core->session.token.epoch) {
        trace_line(&core->trace, "ASSIGN ignored: its token is not the session's");
        return false;
    }
    return true;
}

/* Put it behind the steps of its run that come before it, and behind those of other runs. */
static void
insert(struct agent_target *target, struct agent_step *step)
{
    struct agent_step *other;

    target->queue_count++;
    DL_FOREACH(target->queue, other)
    {
        if (id_equal(&other->assign.run_id, &step->assign.run_id) &&
            other->assign.position > step->assign.position) {
            DL_PREPEND_ELEM(target->queue, other, step);
            return;
        }
    }
    DL_APPEND(target->queue, step);
}

/* Take a queued step out, because of `event`. */
static void
take_out(struct agent_core *core, struct agent_target *target, struct agent_step *step,
         enum agent_step_event event, const struct fault *fault)
{
    agent_step_move(core, step, event);
    DL_DELETE(target->queue, step);
    target->queue_count--;
    agent_step_tell_state(core, &step->assign.step_id, step->assign.attempt,
                          fault ? STEP_REPORT_REFUSED : STEP_REPORT_NOT_STARTED, fault);
    agent_step_forget(core, &step);
}

/*
 * The step is known already: true, and answered, unless the ASSIGN is a later attempt: then the
 * coordinator knows how the kept one ended, or that the waiting one is not meant any more.
 */
static bool
is_known(struct agent_core *core, struct agent_target *target, const struct assign *assign)
{
    struct agent_step *step = agent_step_find(core, &assign->step_id);

    /* Also when an older result of it is held: that one was found in the journal since. */
    if ((!step || step->state == AGENT_STEP_ENDED) &&
        agent_step_is_buried(core, &assign->step_id, assign->attempt)) {
        trace_line(&core->trace, "ASSIGN ignored: that attempt is over");
        return true;
    }
    if (!step) {
        return false;
    }
    if (step->state == AGENT_STEP_ENDED && assign->attempt > step->assign.attempt) {
        agent_step_settle(core, &step);
        return false;
    }
    if (step->state == AGENT_STEP_QUEUED && assign->attempt > step->assign.attempt) {
        take_out(core, target, step, AGENT_STEP_DROP, NULL);
        return false;
    }
    if (step->state == AGENT_STEP_QUEUED && assign->done_count > step->assign.done_count) {
        step->assign.done_count = assign->done_count;
        agent_target_advance(core, target);
    }
    agent_step_tell(core, step);
    return true;
}

void
agent_queue_assign(struct agent_core *core, const struct assign *assign)
{
    if (!is_authentic(core, assign)) {
        return;
    }
    struct agent_target *target = agent_target_find(core, &assign->target_id);
    if (!target) {
        refuse(core, assign,
               &(struct fault){.code = "E-TARGET-UNKNOWN",
                               .text = "this agent does not serve such a target",
                               .is_retryable = true});
        return;
    }
    agent_target_heard(target);
    if (is_known(core, target, assign)) {
        return;
    }
    if (target->queue_count >= core->queue_max) {
        refuse(core, assign,
               &(struct fault){.code = "E-STEP-QUEUE",
                               .text = "too many steps wait for this target",
                               .where = target->name,
                               .is_retryable = true});
        return;
    }
    struct agent_step *step = agent_step_add(core, assign, target->index);
    agent_step_move(core, step, AGENT_STEP_ASSIGN);
    step->bundle = agent_bundle_take(core, &assign->digest);
    insert(target, step);
    tell_later(core, target);
    agent_target_advance(core, target);
}

/* ---- begin -------------------------------------------------------------------------------- */

/* Whether every step of its run before this one is known to be done. */
static bool
is_next(const struct agent_target *target, const struct agent_step *step)
{
    uint64_t done_count = step->assign.done_count;

    if (id_equal(&target->run_id, &step->assign.run_id) && target->done_count > done_count) {
        done_count = target->done_count;
    }
    return step->assign.position <= done_count;
}

bool
agent_queue_is_ready(struct agent_core *core, struct agent_target *target)
{
    struct agent_step *step = target->queue;

    if (!step || target->current || target->is_refused) {
        return false;
    }
    if (!agent_session_is_live(core) && !MUTATION(IGNORE_LEASE)) {
        return false;
    }
    if (!is_next(target, step)) {
        if (target->gap_ms == NEVER_MS) {
            trace_line(&core->trace, "%s: waits for the step before position %llu", target->name,
                       (unsigned long long)step->assign.position);
            target->gap_ms = core->now_ms + GAP_MS;
            agent_target_wake_at(core, target->gap_ms);
        }
        return false;
    }
    target->gap_ms = NEVER_MS;
    return step->bundle->state == AGENT_BUNDLE_THERE;
}

void
agent_queue_begin(struct agent_core *core, struct agent_target *target)
{
    struct agent_step *step = target->queue;
    struct assign assign = step->assign;
    struct agent_action action = {.kind = AGENT_EXECUTE,
                                  .target = target->index,
                                  .cluster_id = core->session.cluster_id,
                                  .step_id = assign.step_id,
                                  .attempt = assign.attempt,
                                  .assign = &assign};

    DL_DELETE(target->queue, step);
    target->queue_count--;
    target->current = step;
    target->resolve_ms = NEVER_MS;
    target->examine_ms = NEVER_MS;
    DL_APPEND(core->running, step);
    step->begun_ms = core->now_ms;
    assign.token = core->session.token;
    agent_step_move(core, step, AGENT_STEP_BEGIN);
    agent_actions_add(core->actions, &action);
    tell_later(core, target);
}

void
agent_queue_progress(struct agent_core *core, const struct agent_event *event)
{
    struct agent_step *step = core->targets[event->target].current;

    if (step && id_equal(&step->assign.step_id, &event->step_id)) {
        step->statement = event->statement;
        snprintf(step->note, sizeof step->note, "%s", event->note ? event->note : "");
        text_mend_utf8(step->note);
    }
}

/* ---- drop --------------------------------------------------------------------------------- */

/* From this step on, those of its run. */
static void
drop_from(struct agent_core *core, struct agent_target *target, struct agent_step *first,
          const struct id *run_id)
{
    struct agent_step *step = first, *next;

    for (; step; step = next) {
        next = step->next;
        if (!run_id || id_equal(&step->assign.run_id, run_id)) {
            take_out(core, target, step, AGENT_STEP_DROP, NULL);
        }
    }
    target->gap_ms = NEVER_MS;
}

void
agent_queue_drop(struct agent_core *core, struct agent_target *target, const struct id *run_id)
{
    if (MUTATION(IGNORE_LEASE) && !agent_session_is_live(core)) {
        return;
    }
    drop_from(core, target, target->queue, run_id);
}

static void
tell_unsaid(struct agent_core *core, struct agent_target *target)
{
    struct agent_step *step = target->current;

    target->answer_ms = NEVER_MS;
    if (step && step->said != step->state) {
        agent_step_tell(core, step);
    }
    DL_FOREACH(target->queue, step)
    {
        if (step->said != step->state) {
            agent_step_tell(core, step);
        }
    }
}

void
agent_queue_tick(struct agent_core *core, struct agent_target *target)
{
    if (core->now_ms >= target->answer_ms) {
        tell_unsaid(core, target);
    }
    if (core->now_ms >= target->gap_ms && target->queue && !is_next(target, target->queue)) {
        struct id run_id = target->queue->assign.run_id;
        trace_line(&core->trace, "%s: the step before the first has not come", target->name);
        drop_from(core, target, target->queue, &run_id);
    }
}

void
agent_queue_refuse(struct agent_core *core, const struct agent_bundle *bundle,
                   const struct fault *fault)
{
    for (size_t i = 0; i < core->target_count; i++) {
        struct agent_target *target = &core->targets[i];
        struct agent_step *step;
        DL_FOREACH(target->queue, step)
        {
            if (step->bundle == bundle) {
                break;
            }
        }
        if (step) {
            struct agent_step *behind = step->next;
            struct id run_id = step->assign.run_id;
            take_out(core, target, step, AGENT_STEP_REFUSE, fault);
            drop_from(core, target, behind, &run_id);
            agent_target_advance(core, target);
        }
    }
}

/* ---- end ---------------------------------------------------------------------------------- */

static void
note_outcome(struct agent_core *core, const struct agent_target *target,
             const struct agent_step *step, const struct outcome *outcome)
{
    static const char *const kinds[OUTCOME_KIND_COUNT] = {"done", "was done already", "failed",
                                                          "cancelled"};
    const struct fault *fault = &outcome->fault;

    agent_note(core, outcome->kind == OUTCOME_FAILED, "%s: %s %s %s after %llu ms%s%s%s%s",
               target->name, step->assign.version,
               step->assign.direction == DIRECTION_UP ? "up" : "down", kinds[outcome->kind],
               (unsigned long long)outcome->duration_us / 1000, fault->code ? ": " : "",
               fault->code ? fault->code : "", fault->text ? ": " : "",
               fault->text ? fault->text : "");
}

/* Remember that the run is done so far. */
static void
count_done(struct agent_target *target, const struct agent_step *step)
{
    uint64_t done_count = step->assign.position + 1;

    if (!id_equal(&target->run_id, &step->assign.run_id)) {
        target->run_id = step->assign.run_id;
        target->done_count = 0;
    }
    if (done_count > target->done_count) {
        target->done_count = done_count;
    }
}

/* The current step has ended like this: keep its result; those behind it go on, or not. */
static void
end(struct agent_core *core, struct agent_target *target, enum agent_step_event event,
    const struct outcome *outcome)
{
    struct agent_step *step = target->current;
    struct id run_id = step->assign.run_id;
    bool is_done = outcome->kind == OUTCOME_DONE || outcome->kind == OUTCOME_ALREADY;

    target->current = NULL;
    if (step->state != AGENT_STEP_IN_DOUBT) {
        DL_DELETE(core->running, step);
    }
    note_outcome(core, target, step, outcome);
    if (is_done || MUTATION(NEXT_AFTER_FAILURE)) {
        count_done(target, step);
    } else {
        drop_from(core, target, target->queue, &run_id);
    }
    if (outcome->kind == OUTCOME_CANCELLED && !step->is_cancelled &&
        step->state == AGENT_STEP_STOPPING) {
        /* We stopped it ourselves: it is not the coordinator's wish, and no result. */
        agent_step_move(core, step, AGENT_STEP_DROP);
        agent_step_tell_state(core, &step->assign.step_id, step->assign.attempt,
                              STEP_REPORT_NOT_STARTED, NULL);
        agent_step_forget(core, &step);
    } else {
        agent_step_move(core, step, event);
        agent_step_keep(core, step, outcome, is_done && target->queue);
    }
    agent_queue_calm(core, target);
}

void
agent_queue_calm(struct agent_core *core, struct agent_target *target)
{
    target->is_told = false;
    if (!target->queue && !target->current) {
        target->examine_ms = core->now_ms + QUIET_MS;
        agent_target_wake_at(core, target->examine_ms);
    }
}

void
agent_queue_ended(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];
    struct agent_step *step = target->current;

    if (target->job != AGENT_JOB_EXECUTE || !id_equal(&step->assign.step_id, &event->step_id)) {
        trace_line(&core->trace, "%s: no such step runs", target->name);
        return;
    }
    target->job = AGENT_JOB_NONE;
    if (event->outcome) {
        end(core, target, AGENT_STEP_END, event->outcome);
    } else {
        DL_DELETE(core->running, step);
        agent_step_move(core, step, AGENT_STEP_LOSE);
        drop_from(core, target, target->queue, &step->assign.run_id);
        target->resolve_ms = core->now_ms + DOUBT_MS;
        agent_target_wake_at(core, target->resolve_ms);
    }
    agent_target_advance(core, target);
}

void
agent_queue_settle(struct agent_core *core, struct agent_target *target,
                   const struct outcome *outcome)
{
    struct agent_step *step = target->current;

    if (outcome) {
        end(core, target, AGENT_STEP_FIND, outcome);
        return;
    }
    target->current = NULL;
    agent_step_move(core, step, AGENT_STEP_MISS);
    agent_step_tell_state(core, &step->assign.step_id, step->assign.attempt,
                          STEP_REPORT_NOT_STARTED, NULL);
    agent_step_forget(core, &step);
}

/* ---- query and cancel --------------------------------------------------------------------- */

/*
 * The target and the step of a QUERY or CANCEL. A step whose kept result is older than what is
 * asked for is settled first. False when there is nothing to answer.
 */
static bool
find(struct agent_core *core, const struct query *query, struct agent_target **target_p,
     struct agent_step **step_p)
{
    if (!agent_session_is(core, &query->session)) {
        trace_line(&core->trace, "question about a step ignored: it is of another session");
        return false;
    }
    *target_p = agent_target_find(core, &query->target_id);
    if (!*target_p) {
        trace_line(&core->trace, "question about a step ignored: its target is not served here");
        return false;
    }
    agent_target_heard(*target_p);
    *step_p = agent_step_find(core, &query->step_id);
    if (*step_p && (*step_p)->state == AGENT_STEP_ENDED &&
        query->attempt > (*step_p)->assign.attempt) {
        agent_step_settle(core, step_p);
    }
    return true;
}

void
agent_queue_query(struct agent_core *core, const struct query *query)
{
    struct agent_target *target;
    struct agent_step *step;

    if (!find(core, query, &target, &step)) {
        return;
    }
    if (step) {
        agent_step_tell(core, step);
    } else {
        agent_target_ask(core, target, &query->step_id, query->attempt);
    }
}

void
agent_queue_stop(struct agent_core *core, struct agent_target *target)
{
    struct agent_step *step = target->current;

    if (!step || step->state != AGENT_STEP_RUNNING) {
        return;
    }
    struct agent_action action = {.kind = AGENT_STOP,
                                  .target = target->index,
                                  .step_id = step->assign.step_id,
                                  .attempt = step->assign.attempt};
    agent_step_move(core, step, AGENT_STEP_STOP);
    agent_actions_add(core->actions, &action);
}

/* What is done in many transactions stops between two of them, and goes on there when it is wanted
 * again. */
static void
pause_running(struct agent_core *core, const struct agent_target *target,
              const struct agent_step *step)
{
    struct agent_action action = {.kind = AGENT_PAUSE,
                                  .target = target->index,
                                  .step_id = step->assign.step_id,
                                  .attempt = step->assign.attempt};
    if (step->state == AGENT_STEP_RUNNING) {
        agent_actions_add(core->actions, &action);
    }
}

void
agent_queue_cancel(struct agent_core *core, const struct cancel *cancel)
{
    struct query query = {.session = cancel->session,
                          .step_id = cancel->step_id,
                          .target_id = cancel->target_id,
                          .attempt = cancel->attempt};
    struct agent_target *target;
    struct agent_step *step;

    if (!find(core, &query, &target, &step)) {
        return;
    }
    if (!step && MUTATION(CANCEL_IS_A_VERDICT)) {
        agent_step_tell_state(core, &cancel->step_id, cancel->attempt, STEP_REPORT_NOT_STARTED,
                              NULL);
    } else if (!step) {
        agent_target_ask(core, target, &cancel->step_id, cancel->attempt);
    } else if (cancel->attempt < step->assign.attempt) {
        trace_line(&core->trace, "CANCEL ignored: a later attempt is here");
    } else if (step->state == AGENT_STEP_QUEUED) {
        struct id run_id = step->assign.run_id;
        drop_from(core, target, step, &run_id);
        agent_target_advance(core, target);
    } else if (step->state == AGENT_STEP_ENDED) {
        agent_step_tell(core, step);
    } else {
        if (cancel->spare_running) {
            pause_running(core, target, step);
        } else {
            step->is_cancelled = true;
            agent_queue_stop(core, target);
        }
        drop_from(core, target, target->queue, &step->assign.run_id);
        agent_step_tell(core, step);
    }
}
