#include "coordinator/core/step.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/target.h"

enum step_event {
    STEP_ASSIGN,
    STEP_BEGIN,
    STEP_UNKNOWN,
    STEP_SUCCEED,
    STEP_FAIL,
    STEP_TRY_AGAIN,
    STEP_STOP,
    STEP_CANCEL,
    STEP_RETRY,
    STEP_EVENT_COUNT
};

static const char *const states[] = {"waiting", "assigned", "running",
                                     "done",    "failed",   "cancelled"};
static const char *const events[] = {"assign",    "begin", "unknown", "succeed", "fail",
                                     "try again", "stop",  "cancel",  "retry"};

static const struct machine_edge edges[] = {
    {STEP_WAITING, STEP_ASSIGN, STEP_ASSIGNED, "its target has a slot, and it is its turn"},
    {STEP_ASSIGNED, STEP_BEGIN, STEP_RUNNING, "the agent has begun it"},
    {STEP_ASSIGNED, STEP_UNKNOWN, STEP_WAITING, "the journal knows nothing of it"},
    {STEP_RUNNING, STEP_UNKNOWN, STEP_WAITING,
     "the agent died before the commit; nothing is left of it"},
    {STEP_ASSIGNED, STEP_SUCCEED, STEP_DONE, "its journal row is committed"},
    {STEP_RUNNING, STEP_SUCCEED, STEP_DONE, "its journal row is committed"},
    {STEP_WAITING, STEP_SUCCEED, STEP_DONE, "an earlier assignment of it has come to its end"},
    {STEP_ASSIGNED, STEP_FAIL, STEP_FAILED, "the agent rolled it back and says why"},
    {STEP_RUNNING, STEP_FAIL, STEP_FAILED, "the agent rolled it back and says why"},
    {STEP_ASSIGNED, STEP_TRY_AGAIN, STEP_WAITING, "it failed in a way that may pass"},
    {STEP_RUNNING, STEP_TRY_AGAIN, STEP_WAITING, "it failed in a way that may pass"},
    {STEP_ASSIGNED, STEP_STOP, STEP_WAITING, "it was stopped; nothing is left of it"},
    {STEP_RUNNING, STEP_STOP, STEP_WAITING, "it was stopped; nothing is left of it"},
    {STEP_WAITING, STEP_CANCEL, STEP_CANCELLED, "its leg has ended without it"},
    {STEP_FAILED, STEP_RETRY, STEP_WAITING, "an operator wants it tried again"},
    {STEP_CANCELLED, STEP_RETRY, STEP_WAITING, "an operator wants it tried again"},
};

const struct machine step_machine = {
    "step", states, STEP_STATE_COUNT, events, STEP_EVENT_COUNT, edges, sizeof edges / sizeof *edges,
};

static const char *const verdicts[OUTCOME_KIND_COUNT] = {"done", "already", "failed", "cancelled"};

struct step *
step_with_id(struct core *core, const struct id *step_id)
{
    struct step *step;

    HASH_FIND(hh, core->steps, step_id, sizeof *step_id, step);
    return step;
}

bool
step_is_in_flight(const struct step *step)
{
    return step->state == STEP_ASSIGNED || step->state == STEP_RUNNING;
}

static const char *
version_of(const struct step *step)
{
    return step->leg->itinerary->steps[step->position].version;
}

/* ---- state, record, outbox ----------------------------------------------------------------- */

static bool
is_question(enum step_owed owed)
{
    return owed == OWED_QUERY || owed == OWED_CANCEL;
}

static void
owe(struct core *core, struct step *step, enum step_owed owed)
{
    step->leg->asked -= is_question(step->owed);
    step->leg->asked += is_question(owed);
    step->owed = owed;
    step->said = 0;
    if (owed == OWED_NOTHING) {
        timer_clear(&core->timers, &step->timer);
    }
}

/* Take the edge; what is not in flight is owed nothing. */
static bool
move(struct core *core, struct step *step, enum step_event event)
{
    const struct machine_edge *edge = machine_find(&step_machine, (int)step->state, (int)event);
    bool was_in_flight = step_is_in_flight(step);

    if (!edge) {
        TRACE(core, "step %s %s: %s ignored while %s", step->leg->name, version_of(step),
              events[event], states[step->state]);
        return false;
    }
    step->state = (enum step_state)edge->to;
    step->leg->in_flight -= was_in_flight;
    step->leg->in_flight += step_is_in_flight(step);
    if (!step_is_in_flight(step)) {
        owe(core, step, OWED_NOTHING);
    }
    TRACE(core, "step %s %s attempt %llu %s: %s", step->leg->name, version_of(step),
          (unsigned long long)step->attempt, states[step->state], edge->why);
    return true;
}

static bool
is_final(const struct step *step)
{
    return step->state >= STEP_DONE;
}

static void
save(struct core *core, const struct step *step, const struct outcome *outcome)
{
    const struct leg *leg = step->leg;
    const struct leg_step *planned = &leg->itinerary->steps[step->position];
    struct record record = {
        .kind = RECORD_STEP,
        .step = {.step_id = step->step_id,
                 .run_id = leg->run->run_id,
                 .target_id = leg->target_id,
                 .position = step->position,
                 .version = planned->version,
                 .name = planned->name,
                 .direction = leg->run->spec.kind == RUN_UP ? DIRECTION_UP : DIRECTION_DOWN,
                 .state = step->state,
                 .owed = step->owed,
                 .attempt = step->attempt,
                 .ended_wall_ms = is_final(step) ? (uint64_t)core->wall_ms : 0}};

    if (outcome) {
        record.step.outcome = *outcome;
    }
    actions_save(core->actions, &record);
}

static void
fill_assign(const struct core *core, const struct step *step, struct assign *assign)
{
    const struct leg *leg = step->leg;
    const struct leg_step *planned = &leg->itinerary->steps[step->position];

    *assign = (struct assign){
        .session = leg->target->session,
        .token = core->config.token,
        .step_id = step->step_id,
        .run_id = leg->run->run_id,
        .target_id = leg->target_id,
        .digest = planned->digest,
        .version = planned->version,
        .direction = leg->run->spec.kind == RUN_UP ? DIRECTION_UP : DIRECTION_DOWN,
        .attempt = step->attempt,
        .position = step->position,
        .done_count = leg->done_count,
        .lock_timeout_ms = leg->run->spec.lock_timeout_ms,
        .timeout_ms = leg->run->spec.timeout_ms,
    };
}

/* Say what is owed, when its agent is there; and again after a while. */
static void
say(struct core *core, struct step *step)
{
    const struct target *target = step->leg->target;
    struct message message = {0};

    if (step->owed == OWED_NOTHING || !target_is_claimed(target)) {
        timer_clear(&core->timers, &step->timer);
        return;
    }
    if (step->owed == OWED_ASSIGN) {
        message.type = MESSAGE_ASSIGN;
        fill_assign(core, step, &message.assign);
    } else if (step->owed == OWED_QUERY) {
        message.type = MESSAGE_QUERY;
        message.query =
            (struct query){target->session, step->step_id, step->leg->target_id, step->attempt};
    } else {
        message.type = MESSAGE_CANCEL;
        message.cancel = (struct cancel){
            .session = target->session,
            .step_id = step->step_id,
            .target_id = step->leg->target_id,
            .attempt = step->attempt,
            .spare_running = step->spares,
        };
    }
    step->said++;
    core_wake_at(core, &step->timer, TIMER_STEP, step,
                 core->now_ms + (int64_t)core->config.resend_ms);
    core_tell_agent(core, target->agent, &message);
}

/* The agent has it: look after it when nothing was heard of it for long. */
static void
rest(struct core *core, struct step *step)
{
    owe(core, step, OWED_NOTHING);
    core_wake_at(core, &step->timer, TIMER_STEP, step,
                 core->now_ms + QUIET_FACTOR * (int64_t)core->config.resend_ms);
}

static void
name_it(struct core *core, struct step *step)
{
    step->step_id = id_draw(&core->random);
    HASH_ADD(hh, core->steps, step_id, sizeof step->step_id, step);
}

/* ---- what the coordinator wants ------------------------------------------------------------ */

void
step_assign(struct core *core, struct step *step)
{
    if (id_is_none(&step->step_id)) {
        name_it(core, step);
    }
    step->attempt++;
    bool is_moved = move(core, step, STEP_ASSIGN);
    assert(is_moved);
    (void)is_moved;
    owe(core, step, OWED_ASSIGN);
    save(core, step, NULL);
    say(core, step);
}

void
step_query(struct core *core, struct step *step)
{
    owe(core, step, OWED_QUERY);
    say(core, step);
}

void
step_cancel(struct core *core, struct step *step)
{
    bool spares = step->leg->run->state != RUN_CANCELLING;

    if (step->owed == OWED_CANCEL && step->spares == spares && timer_is_set(&step->timer)) {
        return; /* it was said, and the answer is on its way */
    }
    if (step->owed != OWED_CANCEL) {
        owe(core, step, OWED_CANCEL);
        save(core, step, NULL);
        TRACE(core, "withdraw %s %s", step->leg->name, version_of(step));
    }
    step->spares = spares;
    say(core, step);
}

/*
 * An assignment that is not answered is said again, then asked about: perhaps the agent has dropped
 * it, and that word was lost; then it is deaf to the assignment but answers the question.
 */
void
step_tick(struct core *core, struct step *step)
{
    if (!step_is_in_flight(step) || !target_is_claimed(step->leg->target)) {
        return;
    }
    if (step->owed == OWED_NOTHING || (step->owed == OWED_ASSIGN && step->said >= ASSIGNS_SAID)) {
        TRACE(core, "ask after %s %s", step->leg->name, version_of(step));
        step_query(core, step);
        return;
    }
    TRACE(core, "say again %s %s", step->leg->name, version_of(step));
    if (MUTATION(RESEND_AS_NEW) && step->owed == OWED_ASSIGN) {
        HASH_DEL(core->steps, step);
        name_it(core, step);
        save(core, step, NULL);
    }
    say(core, step);
}

void
step_target_lost(struct core *core, struct step *step)
{
    timer_clear(&core->timers, &step->timer);
}

void
step_retry(struct core *core, struct step *step)
{
    if (move(core, step, STEP_RETRY)) {
        save(core, step, NULL);
    }
}

void
step_give_up(struct core *core, struct step *step)
{
    if (step->state == STEP_WAITING && !id_is_none(&step->step_id) &&
        move(core, step, STEP_CANCEL)) {
        save(core, step, NULL);
    }
}

void
step_load(struct core *core, struct leg *leg, const struct step_record *record)
{
    struct step *step = &leg->steps[record->position];

    step->step_id = record->step_id;
    step->state = record->state;
    step->attempt = record->attempt;
    step->verdict = record->outcome.kind;
    step->journal_count = record->outcome.journal_count;
    HASH_ADD(hh, core->steps, step_id, sizeof step->step_id, step);
    leg->in_flight += step_is_in_flight(step);
    bool may_have_effect = step->state == STEP_DONE || step_is_in_flight(step);
    step->ended_attempt = may_have_effect ? step->attempt - 1 : step->attempt;
}

void
step_forget(struct core *core, struct step *step)
{
    timer_clear(&core->timers, &step->timer);
    if (!id_is_none(&step->step_id)) {
        HASH_DEL(core->steps, step);
    }
}

/* ---- STATE --------------------------------------------------------------------------------- */

static bool
is_for(struct core *core, struct agent *agent, const struct id *target_id, const struct id *step_id)
{
    struct target *target = target_with_id(core, target_id);
    char text[ID_TEXT_SIZE];
    struct error error;

    if (target && target->agent == agent) {
        return true;
    }
    error_set(&error, "E-AUTH-STEP", "step %s is not of this agent's", id_text(step_id, text));
    core_alarm(core, agent, "alarm", text, &error);
    core_reject(core, agent->route, &error);
    return false;
}

static void
take_not_started(struct core *core, struct step *step)
{
    step->ended_attempt = step->attempt;
    if (move(core, step, STEP_UNKNOWN)) {
        save(core, step, NULL);
        leg_settle(core, step->leg);
    }
}

static void
take_refused(struct core *core, struct step *step, const struct fault *fault)
{
    struct outcome outcome = {.kind = OUTCOME_FAILED, .fault = *fault};

    step->ended_attempt = step->attempt;
    if (fault->is_retryable) {
        move(core, step, STEP_TRY_AGAIN);
        save(core, step, &outcome);
        leg_step_refused(core, step->leg, fault);
    } else {
        move(core, step, STEP_FAIL);
        save(core, step, &outcome);
        leg_step_failed(core, step->leg, step, fault);
    }
}

/* It is there: a question about it is answered, unless it is to be stopped. */
static void
take_there(struct core *core, struct step *step, bool is_running)
{
    if (is_running && step->state == STEP_ASSIGNED) {
        move(core, step, STEP_BEGIN);
    }
    if (step->owed == OWED_CANCEL && !(is_running && step->spares)) {
        return;
    }
    rest(core, step);
    leg_settle(core, step->leg);
}

void
step_report(struct core *core, struct agent *agent, const struct state *state)
{
    struct step *step = step_with_id(core, &state->step_id);

    if (!step) {
        TRACE(core, "state of a step that is not known, by %s", agent->name);
        return;
    }
    if (!is_for(core, agent, &step->leg->target_id, &step->step_id)) {
        return;
    }
    if (state->attempt != step->attempt || !step_is_in_flight(step)) {
        TRACE(core, "late state of %s %s", step->leg->name, version_of(step));
        return;
    }
    switch (state->report) {
    case STEP_REPORT_ACCEPTED:
    case STEP_REPORT_RUNNING:
        take_there(core, step, state->report == STEP_REPORT_RUNNING);
        break;
    case STEP_REPORT_STOPPING:
        rest(core, step);
        break;
    case STEP_REPORT_NOT_STARTED:
        take_not_started(core, step);
        break;
    case STEP_REPORT_REFUSED:
        take_refused(core, step, &state->fault);
        break;
    default:
        break;
    }
}

void
step_progress(struct core *core, struct agent *agent, const struct progress *progress)
{
    struct step *step = step_with_id(core, &progress->step_id);

    if (!step || !step_is_in_flight(step) || step->leg->target->agent != agent) {
        return;
    }
    if (step->state == STEP_ASSIGNED) {
        move(core, step, STEP_BEGIN);
    }
    if (step->owed == OWED_NOTHING) {
        rest(core, step);
    }
}

/* ---- RESULT -------------------------------------------------------------------------------- */

static void
acknowledge(struct core *core, const struct agent *agent, const struct result *result)
{
    struct message message = {.type = MESSAGE_RESULT_ACK};

    message.result_ack = (struct result_ack){result->step_id, result->attempt};
    core_tell_agent(core, agent, &message);
}

static bool
has_effect(enum outcome_kind kind)
{
    return kind == OUTCOME_DONE || kind == OUTCOME_ALREADY;
}

/* It contradicts what is stored: both are kept, someone has to look, the run goes no further. */
static void
raise_conflict(struct core *core, struct agent *agent, const struct result *result,
               const char *stored)
{
    const struct fault *fault = &result->outcome.fault;
    char text[ID_TEXT_SIZE];
    struct error error;

    error_set(&error, "E-RESULT-CONFLICT",
              "step %s attempt %llu is stored as %s, and now said to "
              "be %s%s%s",
              id_text(&result->step_id, text), (unsigned long long)result->attempt, stored,
              verdicts[result->outcome.kind], fault->text ? ": " : "",
              fault->text ? fault->text : "");
    core_alarm(core, agent, "alarm", text, &error);
    TRACE(core, "conflict %s", agent->name);
    acknowledge(core, agent, result);
}

static void
take_success(struct core *core, struct agent *agent, struct step *step, const struct result *result)
{
    step->verdict = result->outcome.kind;
    step->journal_count = result->outcome.journal_count;
    move(core, step, STEP_SUCCEED);
    if (!MUTATION(ACK_BEFORE_STORE)) {
        save(core, step, &result->outcome);
    }
    core_audit(core, agent->name, "step done",
               core_format(core, "%s %s", step->leg->name, version_of(step)),
               "run %llu, attempt %llu: %s", (unsigned long long)step->leg->run->number,
               (unsigned long long)result->attempt, verdicts[result->outcome.kind]);
    leg_step_done(core, step->leg, step);
    acknowledge(core, agent, result);
}

static void
take_failure(struct core *core, struct agent *agent, struct step *step, const struct result *result)
{
    const struct outcome *outcome = &result->outcome;
    struct leg *leg = step->leg;

    step->ended_attempt = step->attempt;
    if (outcome->kind == OUTCOME_CANCELLED) {
        move(core, step, STEP_STOP);
        save(core, step, outcome);
        leg_settle(core, leg);
    } else if (outcome->fault.is_retryable && leg->tries + 1 < core->config.attempts_max) {
        move(core, step, STEP_TRY_AGAIN);
        save(core, step, outcome);
        leg_step_retryable(core, leg, &outcome->fault);
    } else {
        move(core, step, STEP_FAIL);
        save(core, step, outcome);
        core_audit(core, agent->name, "step failed",
                   core_format(core, "%s %s", leg->name, version_of(step)),
                   "run %llu, attempt %llu: %s %s", (unsigned long long)leg->run->number,
                   (unsigned long long)step->attempt,
                   outcome->fault.code ? outcome->fault.code : "",
                   outcome->fault.text ? outcome->fault.text : "");
        leg_step_failed(core, leg, step, &outcome->fault);
    }
    acknowledge(core, agent, result);
}

/* A RESULT for a step that is in memory. */
static void
take_result(struct core *core, struct agent *agent, struct step *step, const struct result *result)
{
    bool is_success = has_effect(result->outcome.kind), is_old;
    struct error error;

    if (result->attempt > step->attempt) {
        error_set(&error, "E-PROTO-STATE", "attempt %llu was never assigned",
                  (unsigned long long)result->attempt);
        core_alarm(core, agent, "alarm", step->leg->name, &error);
        core_reject(core, agent->route, &error);
        return;
    }
    is_old = result->attempt <= step->ended_attempt;
    if (is_success && step->state == STEP_DONE) {
        acknowledge(core, agent, result);
    } else if (is_success
                   ? is_old || is_final(step)
                   : step->state == STEP_DONE && !is_old && result->attempt == step->attempt) {
        raise_conflict(core, agent, result, states[step->state]);
        run_alarm(core, step->leg->run);
    } else if (is_success) {
        take_success(core, agent, step, result);
    } else if (is_old || !step_is_in_flight(step) || result->attempt < step->attempt) {
        TRACE(core, "known result of %s %s", step->leg->name, version_of(step));
        acknowledge(core, agent, result);
    } else {
        take_failure(core, agent, step, result);
    }
}

/* A RESULT for a step whose run has left memory; the store has answered. */
static void
take_recalled(struct core *core, struct agent *agent, const struct result *result,
              const struct event *recalled)
{
    char text[ID_TEXT_SIZE];
    struct error error;

    if (!recalled->record_count) {
        error_set(&error, "E-STEP-UNKNOWN", "there is no step %s", id_text(&result->step_id, text));
        core_alarm(core, agent, "alarm", text, &error);
        core_reject(core, agent->route, &error);
        return;
    }
    const struct step_record *stored = &recalled->records[0].step;
    if (!is_for(core, agent, &stored->target_id, &stored->step_id)) {
        return;
    }
    bool is_same = has_effect(result->outcome.kind) == (stored->state == STEP_DONE);
    if (is_same || (!has_effect(result->outcome.kind) && result->attempt < stored->attempt)) {
        acknowledge(core, agent, result);
    } else {
        raise_conflict(core, agent, result, states[stored->state]);
    }
}

void
step_result(struct core *core, struct agent *agent, const struct event *event)
{
    const struct result *result = &event->message->result;
    struct step *step = step_with_id(core, &result->step_id);

    if (step) {
        if (is_for(core, agent, &step->leg->target_id, &step->step_id)) {
            take_result(core, agent, step, result);
        }
        return;
    }
    if (core->recalled) {
        take_recalled(core, agent, result, core->recalled);
        return;
    }
    struct action question = {.kind = ACTION_NEED_STEP, .id = result->step_id};
    core_inquire(core, event, &question);
}
