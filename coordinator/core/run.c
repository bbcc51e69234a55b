#include "coordinator/core/run.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/rollback.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/target.h"
#include "coordinator/core/wave.h"

static const char *const states[] = {"running", "paused", "halted",   "cancelling",
                                     "done",    "failed", "cancelled"};
static const char *const events[] = {"pause",  "resume",     "spend", "cancel",
                                     "finish", "fall short", "retry"};

static const struct machine_edge edges[] = {
    {RUN_RUNNING, RUN_PAUSE, RUN_PAUSED, "paused; what runs comes to its end"},
    {RUN_PAUSED, RUN_RESUME, RUN_RUNNING, "an operator has resumed it"},
    {RUN_RUNNING, RUN_SPEND, RUN_HALTED, "more targets have failed than its budget allows"},
    {RUN_PAUSED, RUN_SPEND, RUN_HALTED, "more targets have failed than its budget allows"},
    {RUN_RUNNING, RUN_CANCEL, RUN_CANCELLING, "an operator has cancelled it"},
    {RUN_PAUSED, RUN_CANCEL, RUN_CANCELLING, "an operator has cancelled it"},
    {RUN_HALTED, RUN_CANCEL, RUN_CANCELLING, "an operator has cancelled it"},
    {RUN_RUNNING, RUN_FINISH, RUN_DONE, "every target is there"},
    {RUN_PAUSED, RUN_FINISH, RUN_DONE, "every target is there"},
    {RUN_CANCELLING, RUN_FINISH, RUN_DONE, "every target was there before it could be stopped"},
    {RUN_RUNNING, RUN_FALL_SHORT, RUN_FAILED, "it has ended, and not every target is there"},
    {RUN_PAUSED, RUN_FALL_SHORT, RUN_FAILED, "it has ended, and not every target is there"},
    {RUN_HALTED, RUN_FALL_SHORT, RUN_FAILED, "halted, and nothing of it is in flight any more"},
    {RUN_CANCELLING, RUN_FALL_SHORT, RUN_CANCELLED,
     "cancelled, and nothing of it is in flight any more"},
    {RUN_HALTED, RUN_RETRY, RUN_RUNNING, "an operator wants what failed tried again"},
    {RUN_FAILED, RUN_RETRY, RUN_RUNNING, "an operator wants what failed tried again"},
    {RUN_CANCELLED, RUN_RETRY, RUN_RUNNING, "an operator wants the rest of it after all"},
};

const struct machine run_machine = {
    "run", states, RUN_STATE_COUNT, events, RUN_EVENT_COUNT, edges, sizeof edges / sizeof *edges,
};

const char *
run_state_name(enum run_state state)
{
    return states[state];
}

struct run *
run_with_id(struct core *core, const struct id *run_id)
{
    struct run *run;

    HASH_FIND(by_id, core->runs_by_id, run_id, sizeof *run_id, run);
    return run;
}

struct run *
run_numbered(struct core *core, uint64_t number)
{
    struct run *run;

    HASH_FIND(by_number, core->runs_by_number, &number, sizeof number, run);
    return run;
}

bool
run_is_named(struct core *core, const char *name, struct id *run_id, uint64_t *number)
{
    int64_t value;

    *run_id = (struct id){0};
    *number = core->config.next_number - 1;
    if (!name || text_equal(name, "last")) {
        return true;
    }
    if (text_to_number(name, 1, INT64_MAX, &value)) {
        *number = (uint64_t)value;
        return true;
    }
    return id_parse(name, run_id) && !id_is_none(run_id);
}

bool
run_has_ended(const struct run *run)
{
    return run->state >= RUN_DONE;
}

bool
run_is_stopping(const struct run *run)
{
    return run->state == RUN_HALTED || run->state == RUN_CANCELLING;
}

/* ---- record -------------------------------------------------------------------------------- */

struct run_record
run_record_of(const struct run *run)
{
    return (struct run_record){.run_id = run->run_id,
                               .number = run->number,
                               .spec = run->spec,
                               .operator_name = run->operator_name,
                               .state = run->state,
                               .why = run->why,
                               .leg_count = run->leg_count,
                               .done_count = run->in_state[LEG_DONE],
                               .failed_count = run->in_state[LEG_FAILED],
                               .started_wall_ms = run->started_wall_ms,
                               .ended_wall_ms = run->ended_wall_ms,
                               .rollback_number = run->rollback_number};
}

void
run_save(struct core *core, struct run *run)
{
    struct record record = {.kind = RECORD_RUN, .run = run_record_of(run)};

    run->is_dirty = false;
    actions_save(core->actions, &record);
}

void
runs_flush(struct core *core)
{
    for (struct run *run = core->runs_by_id; run; run = run->by_id.next) {
        if (run->is_dirty) {
            run_save(core, run);
        }
    }
}

void
run_note_rollback(struct core *core, struct run *run, uint64_t number)
{
    run->rollback_number = number;
    run_save(core, run);
}

bool
run_move(struct core *core, struct run *run, enum run_event event, const char *actor,
         const char *why)
{
    const struct machine_edge *edge = machine_find(&run_machine, (int)run->state, (int)event);

    if (!edge) {
        return false;
    }
    run->state = (enum run_state)edge->to;
    free(run->why);
    run->why = mem_text(why ? why : edge->why);
    run->ended_wall_ms = run_has_ended(run) ? (uint64_t)core->wall_ms : 0;
    TRACE(core, "run %llu %s: %s", (unsigned long long)run->number, states[run->state], run->why);
    run_save(core, run);
    core_audit(core, actor, core_format(core, "run %s", states[run->state]),
               core_format(core, "run %llu", (unsigned long long)run->number), "%s", run->why);
    run_touch(core, run);
    return true;
}

/* ---- the ready list ------------------------------------------------------------------------ */

static void
unlist(struct leg *leg)
{
    if (leg->is_ready) {
        DL_DELETE(leg->run->ready, leg);
        leg->is_ready = false;
    }
}

void
run_list_leg(struct core *core, struct leg *leg)
{
    struct run *run = leg->run;
    bool is_startable = leg->state == LEG_WAITING && leg->in_flight == 0 && !leg->has_slot &&
                        leg->wave == run->wave && target_is_reachable(leg->target);

    if (!is_startable) {
        unlist(leg);
    } else if (!leg->is_ready) {
        leg->is_ready = true;
        DL_APPEND(run->ready, leg);
        run_touch(core, run);
    }
}

static void
list_wave(struct core *core, struct run *run)
{
    const struct wave *wave = &run->waves[run->wave];

    for (size_t i = wave->first; i < wave->first + wave->count; i++) {
        run_list_leg(core, &run->legs[i]);
    }
}

void
run_rewind(struct core *core, struct run *run)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        unlist(&run->legs[i]);
    }
    run->wave = 0;
    run_window_watch(core, run);
    while (run->wave + 1 < run->wave_count && wave_has_ended(&run->waves[run->wave])) {
        run->wave++;
    }
    if (run->wave_count) {
        list_wave(core, run);
    }
    run_touch(core, run);
}

/* ---- settling ------------------------------------------------------------------------------ */

void
run_touch(struct core *core, struct run *run)
{
    if (!run->is_unsettled) {
        run->is_unsettled = true;
        DL_APPEND(core->unsettled, run);
    }
}

void
run_stop_legs(struct core *core, struct run *run)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        leg_stop(core, &run->legs[i]);
    }
}

/* Past the budget nothing new starts. */
static void
judge(struct core *core, struct run *run)
{
    size_t failed = run->in_state[LEG_FAILED];

    if (failed <= run->budget || run->spec.on_failure == ON_FAILURE_CONTINUE ||
        MUTATION(IGNORE_BUDGET)) {
        return;
    }
    const char *why = core_format(core, "%zu target%s failed; the budget is %zu", failed,
                                  failed == 1 ? " has" : "s have", run->budget);
    if (run_move(core, run, RUN_SPEND, NULL, why)) {
        run_stop_legs(core, run);
    }
}

static void
open_waves(struct core *core, struct run *run)
{
    while (run->wave + 1 < run->wave_count && wave_has_ended(&run->waves[run->wave])) {
        run->wave++;
        TRACE(core, "run %llu wave %zu of %zu", (unsigned long long)run->number, run->wave + 1,
              run->wave_count);
        list_wave(core, run);
    }
}

static void
start_legs(struct core *core, struct run *run)
{
    size_t running_max = (size_t)run->spec.parallel + MUTATION(IGNORE_PARALLEL);
    struct leg *leg, *next;

    if (window_left_ms(&run->spec.window, core->wall_ms) <= 0) {
        return;
    }
    DL_FOREACH_SAFE(run->ready, leg, next)
    {
        if (run->busy >= running_max) {
            break;
        }
        if (!leg->window_is_closed && run_window_lets(core, leg, leg->done_count)) {
            unlist(leg);
            leg_start(core, leg);
        }
    }
}

static void
release_targets(struct run *run)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        if (run->legs[i].target) {
            run->legs[i].target->leg = NULL;
            run->legs[i].target = NULL;
        }
    }
}

static void
end(struct core *core, struct run *run)
{
    bool is_complete = run->in_state[LEG_DONE] == run->leg_count;
    bool is_rolled_back = run->state == RUN_HALTED && run->spec.on_failure == ON_FAILURE_ROLLBACK;
    const char *why = run->leg_count ? NULL : "every target was there already";

    if (run->state == RUN_HALTED) {
        why = core_format(core, "%s", run->why);
    }
    if (!run_move(core, run, is_complete ? RUN_FINISH : RUN_FALL_SHORT, NULL, why)) {
        return;
    }
    core_wake_at(core, &run->timer, TIMER_RUN, run, core->now_ms + RUN_LINGER_MS);
    struct rollback rollback = {0};
    if (is_rolled_back) {
        rollback_of_run(core, run, &rollback);
    }
    release_targets(run);
    if (is_rolled_back) {
        rollback_begin(core, run, &rollback);
    }
}

static void
settle(struct core *core, struct run *run)
{
    if (run_has_ended(run)) {
        return;
    }
    judge(core, run); /* also when it was the last leg that failed: there may be a way back to go */
    if (run->in_state[LEG_WAITING] + run->in_state[LEG_RUNNING] == 0 && run->busy == 0) {
        end(core, run);
        return;
    }
    if (run->state == RUN_RUNNING) {
        open_waves(core, run);
        start_legs(core, run);
    }
}

void
runs_settle(struct core *core)
{
    while (core->unsettled) {
        struct run *run = core->unsettled;
        DL_DELETE(core->unsettled, run);
        run->is_unsettled = false;
        settle(core, run);
    }
}

void
run_alarm(struct core *core, struct run *run)
{
    if (run_move(core, run, RUN_PAUSE, NULL, "a result contradicts what is stored")) {
        for (size_t i = 0; i < run->leg_count; i++) {
            leg_withdraw(core, &run->legs[i]);
        }
    }
}
