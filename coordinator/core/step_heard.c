/*
 * What agents say of their steps: STATE, RESULT, and the progress in a PING.
 */
#include <stdlib.h>

#include "common/base/mem.h"
#include "coordinator/core/estimate.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/step.h"
#include "coordinator/core/target.h"

static const char *const verdicts[OUTCOME_KIND_COUNT] = {"done", "already", "failed", "cancelled"};

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
    if (step_move(core, step, STEP_UNKNOWN)) {
        step_save(core, step, NULL);
        leg_settle(core, step->leg);
    }
}

static void
take_refused(struct core *core, struct step *step, const struct fault *fault)
{
    struct outcome outcome = {.kind = OUTCOME_FAILED, .fault = *fault};

    step->ended_attempt = step->attempt;
    if (fault->is_retryable) {
        step_move(core, step, STEP_TRY_AGAIN);
        step_save(core, step, &outcome);
        leg_step_refused(core, step->leg, fault);
    } else {
        step_move(core, step, STEP_FAIL);
        step_save(core, step, &outcome);
        leg_step_failed(core, step->leg, step, fault);
    }
}

/* It is there: a question about it is answered, unless it is to be stopped. */
static void
take_there(struct core *core, struct step *step, bool is_running)
{
    if (is_running && step->state == STEP_ASSIGNED) {
        step_move(core, step, STEP_BEGIN);
    }
    if (step->owed == OWED_CANCEL && !(is_running && step->spares)) {
        return;
    }
    step_rest(core, step);
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
        TRACE(core, "late state of %s %s", step->leg->name, step_version(step));
        return;
    }
    switch (state->report) {
    case STEP_REPORT_ACCEPTED:
    case STEP_REPORT_RUNNING:
        take_there(core, step, state->report == STEP_REPORT_RUNNING);
        break;
    case STEP_REPORT_STOPPING:
        step_rest(core, step);
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
        step_move(core, step, STEP_BEGIN);
    }
    if (step->state == STEP_RUNNING) {
        free(step->leg->note);
        step->leg->note = progress->note ? mem_text(progress->note) : NULL;
    }
    if (step->owed == OWED_NOTHING) {
        step_rest(core, step);
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
learn(struct core *core, const struct step *step, const struct outcome *outcome)
{
    const struct leg *leg = step->leg;

    if (leg->loads && outcome->kind == OUTCOME_DONE) {
        estimate_learn(core, &leg->target_id, &leg->loads[step->position], outcome);
    }
}

static void
take_success(struct core *core, struct agent *agent, struct step *step, const struct result *result)
{
    step->verdict = result->outcome.kind;
    step_note_row(step, &result->outcome);
    step_move(core, step, STEP_SUCCEED);
    if (!MUTATION(ACK_BEFORE_STORE)) {
        step_save(core, step, &result->outcome);
    }
    core_audit(core, agent->name, "step done",
               core_format(core, "%s %s", step->leg->name, step_version(step)),
               "run %llu, attempt %llu: %s", (unsigned long long)step->leg->run->number,
               (unsigned long long)result->attempt, verdicts[result->outcome.kind]);
    learn(core, step, &result->outcome);
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
        step_move(core, step, STEP_STOP);
        step_save(core, step, outcome);
        leg_settle(core, leg);
    } else if (outcome->fault.is_retryable && leg->tries + 1 < core->config.attempts_max) {
        step_move(core, step, STEP_TRY_AGAIN);
        step_save(core, step, outcome);
        leg_step_retryable(core, leg, &outcome->fault);
    } else {
        step_move(core, step, STEP_FAIL);
        step_save(core, step, outcome);
        core_audit(core, agent->name, "step failed",
                   core_format(core, "%s %s", leg->name, step_version(step)),
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
                   ? is_old || step_is_final(step)
                   : step->state == STEP_DONE && !is_old && result->attempt == step->attempt) {
        raise_conflict(core, agent, result, step_state_name(step->state));
        run_alarm(core, step->leg->run);
    } else if (is_success) {
        take_success(core, agent, step, result);
    } else if (is_old || !step_is_in_flight(step) || result->attempt < step->attempt) {
        TRACE(core, "known result of %s %s", step->leg->name, step_version(step));
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
        raise_conflict(core, agent, result, step_state_name(stored->state));
    }
}

/* What became of it is of no use to anybody: its database was replaced, and its run is over. */
static bool
is_of_lost_target(struct core *core, const struct step *step)
{
    const struct event *recalled = core->recalled;

    if (step) {
        return !target_with_id(core, &step->leg->target_id);
    }
    return recalled->record_count && !target_with_id(core, &recalled->records[0].step.target_id);
}

void
step_result(struct core *core, struct agent *agent, const struct event *event)
{
    const struct result *result = &event->message->result;
    struct step *step = step_with_id(core, &result->step_id);

    if ((step || core->recalled) && is_of_lost_target(core, step)) {
        acknowledge(core, agent, result);
        return;
    }
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
