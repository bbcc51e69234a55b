#include "coordinator/core/step.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/target.h"

static const char *const states[] = {"waiting", "assigned", "running",
                                     "done",    "failed",   "cancelled"};
static const char *const events[] = {"assign",    "begin", "unknown", "succeed", "fail",
                                     "try again", "stop",  "cancel",  "abandon", "retry"};

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
    {STEP_ASSIGNED, STEP_ABANDON, STEP_CANCELLED,
     "its database was replaced, and its run is cancelled"},
    {STEP_RUNNING, STEP_ABANDON, STEP_CANCELLED,
     "its database was replaced, and its run is cancelled"},
    {STEP_FAILED, STEP_RETRY, STEP_WAITING, "an operator wants it tried again"},
    {STEP_CANCELLED, STEP_RETRY, STEP_WAITING, "an operator wants it tried again"},
};

const struct machine step_machine = {
    "step", states, STEP_STATE_COUNT, events, STEP_EVENT_COUNT, edges, sizeof edges / sizeof *edges,
};

const char *
step_state_name(enum step_state state)
{
    return states[state];
}

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

const char *
step_version(const struct step *step)
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
bool
step_move(struct core *core, struct step *step, enum step_event event)
{
    const struct machine_edge *edge = machine_find(&step_machine, (int)step->state, (int)event);
    bool was_in_flight = step_is_in_flight(step);

    if (!edge) {
        TRACE(core, "step %s %s: %s ignored while %s", step->leg->name, step_version(step),
              events[event], states[step->state]);
        return false;
    }
    step->state = (enum step_state)edge->to;
    free(step->leg->note); /* it was said of the state before */
    step->leg->note = NULL;
    step->leg->in_flight -= was_in_flight;
    step->leg->in_flight += step_is_in_flight(step);
    if (!step_is_in_flight(step)) {
        owe(core, step, OWED_NOTHING);
    }
    TRACE(core, "step %s %s attempt %llu %s: %s", step->leg->name, step_version(step),
          (unsigned long long)step->attempt, states[step->state], edge->why);
    return true;
}

bool
step_is_final(const struct step *step)
{
    return step->state >= STEP_DONE;
}

void
step_save(struct core *core, const struct step *step, const struct outcome *outcome)
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
                 .ended_wall_ms = step_is_final(step) ? (uint64_t)core->wall_ms : 0}};

    if (outcome) {
        record.step.outcome = *outcome;
    }
    actions_save(core->actions, &record);
}

/* What its agent is to find there: the row of the last step that has one of its own. */
static void
fill_known(const struct leg *leg, struct assign *assign)
{
    for (size_t i = leg->done_count; i-- > 0;) {
        const struct step *done = &leg->steps[i];
        if (done->verdict == OUTCOME_DONE) {
            assign->journal_count = done->journal_count;
            memcpy(assign->journal_head, done->journal_head, CHECKSUM_SIZE);
            return;
        }
    }
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
    fill_known(leg, assign);
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
void
step_rest(struct core *core, struct step *step)
{
    owe(core, step, OWED_NOTHING);
    core_wake_at(core, &step->timer, TIMER_STEP, step,
                 core->now_ms + QUIET_FACTOR * (int64_t)core->config.resend_ms);
}

static void
name_it(struct core *core, struct step *step)
{
    step->step_id = id_draw_at(&core->random, core->wall_ms);
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
    bool is_moved = step_move(core, step, STEP_ASSIGN);
    assert(is_moved);
    (void)is_moved;
    owe(core, step, OWED_ASSIGN);
    step_save(core, step, NULL);
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
    const struct run *run = step->leg->run;
    bool spares = run->state != RUN_CANCELLING && !run_window_is_closed(core, step->leg);

    if (step->owed == OWED_CANCEL && step->spares == spares && timer_is_set(&step->timer)) {
        return; /* it was said, and the answer is on its way */
    }
    if (step->owed != OWED_CANCEL) {
        owe(core, step, OWED_CANCEL);
        step_save(core, step, NULL);
        TRACE(core, "withdraw %s %s", step->leg->name, step_version(step));
    }
    step->spares = spares;
    say(core, step);
}

/*
 * An assignment that is not answered is said again, then asked about: perhaps the agent has dropped
 * it, and that word was lost; then it is deaf to the assignment but answers the question.
 */
void
step_abandon(struct core *core, struct step *step)
{
    step->ended_attempt = step->attempt;
    if (step_move(core, step, STEP_ABANDON)) {
        step_save(core, step, NULL);
    }
}

void
step_tick(struct core *core, struct step *step)
{
    if (!step_is_in_flight(step) || !target_is_claimed(step->leg->target)) {
        return;
    }
    if (step->owed == OWED_NOTHING || (step->owed == OWED_ASSIGN && step->said >= ASSIGNS_SAID)) {
        TRACE(core, "ask after %s %s", step->leg->name, step_version(step));
        step_query(core, step);
        return;
    }
    TRACE(core, "say again %s %s", step->leg->name, step_version(step));
    if (MUTATION(RESEND_AS_NEW) && step->owed == OWED_ASSIGN) {
        HASH_DEL(core->steps, step);
        name_it(core, step);
        step_save(core, step, NULL);
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
    if (step_move(core, step, STEP_RETRY)) {
        step_save(core, step, NULL);
    }
}

void
step_give_up(struct core *core, struct step *step)
{
    if (step->state == STEP_WAITING && !id_is_none(&step->step_id) &&
        step_move(core, step, STEP_CANCEL)) {
        step_save(core, step, NULL);
    }
}

void
step_note_row(struct step *step, const struct outcome *outcome)
{
    step->journal_count = outcome->journal_count;
    memcpy(step->journal_head, outcome->journal_head, CHECKSUM_SIZE);
}

void
step_load(struct core *core, struct leg *leg, const struct step_record *record)
{
    struct step *step = &leg->steps[record->position];

    step->step_id = record->step_id;
    step->state = record->state;
    step->attempt = record->attempt;
    step->verdict = record->outcome.kind;
    step_note_row(step, &record->outcome);
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
