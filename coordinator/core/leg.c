#include "coordinator/core/leg.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/run.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/step.h"
#include "coordinator/core/target.h"

enum leg_event { LEG_START, LEG_SUCCEED, LEG_FAIL, LEG_STOP, LEG_RETRY, LEG_EVENT_COUNT };

static const char *const states[] = {"waiting", "running", "done", "failed", "cancelled"};
static const char *const events[] = {"start", "succeed", "fail", "stop", "retry"};

static const struct machine_edge edges[] = {
    {LEG_WAITING, LEG_START, LEG_RUNNING, "its wave has come, and a slot is free"},
    {LEG_RUNNING, LEG_SUCCEED, LEG_DONE, "all its steps are done"},
    {LEG_RUNNING, LEG_FAIL, LEG_FAILED, "one of its steps has failed"},
    {LEG_WAITING, LEG_STOP, LEG_CANCELLED, "the run ends before it has begun"},
    {LEG_RUNNING, LEG_STOP, LEG_CANCELLED, "the run ends, and nothing of it is in flight"},
    {LEG_FAILED, LEG_RETRY, LEG_WAITING, "an operator wants it tried again"},
    {LEG_CANCELLED, LEG_RETRY, LEG_WAITING, "an operator wants it tried again"},
};

const struct machine leg_machine = {
    "leg", states, LEG_STATE_COUNT, events, LEG_EVENT_COUNT, edges, sizeof edges / sizeof *edges,
};

bool
leg_has_ended(const struct leg *leg)
{
    return leg->state >= LEG_DONE;
}

/* ---- state and record ---------------------------------------------------------------------- */

static bool
move(struct core *core, struct leg *leg, enum leg_event event)
{
    const struct machine_edge *edge = machine_find(&leg_machine, (int)leg->state, (int)event);
    struct wave *wave = &leg->run->waves[leg->wave];

    if (!edge) {
        return false;
    }
    leg->run->in_state[leg->state]--;
    wave->in_state[leg->state]--;
    leg->state = (enum leg_state)edge->to;
    leg->run->in_state[leg->state]++;
    wave->in_state[leg->state]++;
    leg->run->is_dirty = true;
    TRACE(core, "leg %s %s: %s", leg->name, states[leg->state], edge->why);
    run_touch(core, leg->run);
    return true;
}

struct leg_record
leg_record_of(const struct leg *leg)
{
    return (struct leg_record){.run_id = leg->run->run_id,
                               .target_id = leg->target_id,
                               .ordinal = leg->ordinal,
                               .wave = leg->wave + 1,
                               .state = leg->state,
                               .from_version = leg->itinerary->from_version,
                               .to_version = leg->itinerary->to_version,
                               .steps = leg->itinerary->steps,
                               .step_count = leg->itinerary->step_count,
                               .done_count = leg->done_count,
                               .fault = fault_of(leg->fault)};
}

void
leg_save(struct core *core, const struct leg *leg)
{
    struct record record = {.kind = RECORD_LEG, .leg = leg_record_of(leg)};
    actions_save(core->actions, &record);
}

void
leg_release(struct core *core, struct leg *leg)
{
    for (size_t i = 0; leg->steps && i < leg->itinerary->step_count; i++) {
        step_forget(core, &leg->steps[i]);
    }
    timer_clear(&core->timers, &leg->timer);
    itinerary_drop(&core->itineraries, &leg->itinerary);
    free(leg->steps);
    free(leg->loads);
    free(leg->name);
    free(leg->service);
    free(leg->fault);
    free(leg->note);
}

/* ---- going on ------------------------------------------------------------------------------ */

/* Hand out the steps that the window shows, in order, as long as nothing stands in the way. */
static void
advance(struct core *core, struct leg *leg)
{
    size_t step_count = leg->itinerary->step_count;

    if (leg->state != LEG_RUNNING || leg->run->state != RUN_RUNNING || leg->asked > 0 ||
        timer_is_set(&leg->timer) || !target_is_reachable(leg->target)) {
        return;
    }
    for (size_t i = leg->done_count; i < step_count && i < leg->done_count + core->config.window;
         i++) {
        if (leg->steps[i].state == STEP_WAITING && !run_window_lets(core, leg, i)) {
            break;
        }
        if (leg->steps[i].state == STEP_WAITING) {
            step_assign(core, &leg->steps[i]);
        } else if (!step_is_in_flight(&leg->steps[i]) && leg->steps[i].state != STEP_DONE) {
            break;
        }
    }
}

/* The version that is the newest applied once the first `done_count` steps are done. */
static const char *
version_after(const struct leg *leg, size_t done_count)
{
    const struct itinerary *itinerary = leg->itinerary;

    if (leg->run->spec.kind == RUN_UP) {
        return itinerary->steps[done_count - 1].version;
    }
    return done_count < itinerary->step_count ? itinerary->steps[done_count].version
                                              : itinerary->to_version;
}

/* One more of its first steps is done: the target has come further. */
static void
count_done(struct leg *leg)
{
    const struct step *step = &leg->steps[leg->done_count++];

    if (leg->target && step->verdict == OUTCOME_DONE) {
        target_advance(leg->target, version_after(leg, leg->done_count),
                       leg->run->spec.kind == RUN_UP ? 1 : -1, step->journal_count);
    }
}

static void
give_slot_back(struct core *core, struct leg *leg)
{
    if (leg->has_slot) {
        leg->has_slot = false;
        leg->run->busy--;
        run_touch(core, leg->run);
    }
}

/* It has ended and its agent has nothing of it: let go of the slot. */
static void
leave(struct core *core, struct leg *leg)
{
    for (size_t i = 0; leg->steps && i < leg->itinerary->step_count; i++) {
        step_give_up(core, &leg->steps[i]);
    }
    timer_clear(&core->timers, &leg->timer);
    give_slot_back(core, leg);
}

static void
end(struct core *core, struct leg *leg, enum leg_event event)
{
    if (move(core, leg, event)) {
        leg_save(core, leg);
        if (leg->target && leg->done_count) {
            target_save(core, leg->target);
        }
    }
}

void
leg_settle(struct core *core, struct leg *leg)
{
    size_t step_count = leg->itinerary->step_count;

    while (leg->steps && leg->done_count < step_count &&
           leg->steps[leg->done_count].state == STEP_DONE) {
        count_done(leg);
    }
    if (leg->in_flight == 0) {
        if (leg->state == LEG_RUNNING && leg->done_count == step_count) {
            end(core, leg, LEG_SUCCEED);
        } else if (!leg_has_ended(leg) && run_is_stopping(leg->run)) {
            end(core, leg, LEG_STOP);
        }
        if (leg_has_ended(leg)) {
            leave(core, leg);
        } else if (leg->state == LEG_WAITING) {
            give_slot_back(core, leg); /* wanted again while its agent still had something of it */
        }
    }
    run_list_leg(core, leg);
    advance(core, leg);
}

void
leg_start(struct core *core, struct leg *leg)
{
    assert(!leg->has_slot);
    leg->has_slot = true;
    leg->run->busy++;
    leg->tries = 0;
    leg->backoff = (struct backoff){RETRY_FIRST_MS, RETRY_MOST_MS, 0};
    if (!leg->steps) {
        run_make_steps(leg);
    }
    move(core, leg, LEG_START);
    leg_save(core, leg);
    leg_settle(core, leg);
}

void
leg_withdraw(struct core *core, struct leg *leg)
{
    bool is_hopeless = leg->run->state == RUN_CANCELLING && leg->target && leg->target->is_replaced;

    for (size_t i = leg->done_count; leg->in_flight && i < leg->itinerary->step_count; i++) {
        if (!step_is_in_flight(&leg->steps[i])) {
            continue;
        }
        if (is_hopeless) {
            step_abandon(core, &leg->steps[i]);
        } else {
            step_cancel(core, &leg->steps[i]);
        }
    }
}

void
leg_stop(struct core *core, struct leg *leg)
{
    leg_withdraw(core, leg);
    leg_settle(core, leg);
}

bool
leg_retry(struct core *core, struct leg *leg)
{
    if (!move(core, leg, LEG_RETRY)) {
        return false;
    }
    for (size_t i = 0; leg->steps && i < leg->itinerary->step_count; i++) {
        step_retry(core, &leg->steps[i]);
    }
    fault_replace(&leg->fault, &(struct fault){0});
    leg_save(core, leg);
    return true;
}

/* ---- the target's agent -------------------------------------------------------------------- */

void
leg_target_reported(struct core *core, struct leg *leg, bool is_first)
{
    run_window_heed(core, leg);
    bool is_wanted = leg->state == LEG_RUNNING && leg->run->state == RUN_RUNNING &&
                     !run_window_is_closed(core, leg);

    for (size_t i = leg->done_count; is_first && leg->in_flight && i < leg->itinerary->step_count;
         i++) {
        struct step *step = &leg->steps[i];
        if (!step_is_in_flight(step)) {
            continue;
        }
        if (is_wanted) {
            step_query(core, step);
        } else {
            step_cancel(core, step);
        }
    }
    leg_settle(core, leg);
}

void
leg_target_lost(struct core *core, struct leg *leg)
{
    for (size_t i = leg->done_count; leg->in_flight && i < leg->itinerary->step_count; i++) {
        step_target_lost(core, &leg->steps[i]);
    }
    run_list_leg(core, leg);
    if (MUTATION(SILENCE_IS_FAILURE) && leg->in_flight > 0 && leg->state == LEG_RUNNING) {
        struct fault fault = {.code = "E-TARGET-UNREACHABLE", .text = "its agent is silent"};
        leg_step_failed(core, leg, NULL, &fault);
    }
}

void
leg_target_replaced(struct core *core, struct leg *leg)
{
    if (leg->run->state == RUN_CANCELLING) {
        leg_stop(core, leg);
    }
}

/* ---- what became of a step ----------------------------------------------------------------- */

void
leg_step_done(struct core *core, struct leg *leg, const struct step *step)
{
    (void)step;
    leg->tries = 0;
    backoff_reset(&leg->backoff);
    fault_replace(&leg->fault, &(struct fault){0});
    leg_settle(core, leg);
}

void
leg_step_failed(struct core *core, struct leg *leg, const struct step *step,
                const struct fault *fault)
{
    (void)step;
    fault_replace(&leg->fault, fault);
    end(core, leg, LEG_FAIL);
    leg_withdraw(core, leg);
    leg_settle(core, leg);
}

static void
try_later(struct core *core, struct leg *leg, const struct fault *fault)
{
    fault_replace(&leg->fault, fault);
    leg_withdraw(core, leg);
    int64_t wait_ms = backoff_next_ms(&leg->backoff, &core->random);
    TRACE(core, "leg %s tries again in %lld ms", leg->name, (long long)wait_ms);
    core_wake_at(core, &leg->timer, TIMER_LEG, leg, core->now_ms + wait_ms);
    leg_settle(core, leg);
}

void
leg_step_retryable(struct core *core, struct leg *leg, const struct fault *fault)
{
    leg->tries++;
    try_later(core, leg, fault);
}

void
leg_step_refused(struct core *core, struct leg *leg, const struct fault *fault)
{
    try_later(core, leg, fault);
}

void
leg_tick(struct core *core, struct leg *leg)
{
    leg_settle(core, leg);
}
