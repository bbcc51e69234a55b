/*
 * How a run comes into memory (made, or taken back from the store), and how it leaves it.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/load.h"
#include "coordinator/core/run.h"
#include "coordinator/core/share.h"
#include "coordinator/core/step.h"
#include "coordinator/core/target.h"
#include "coordinator/core/wave.h"

/* ---- making --------------------------------------------------------------------------------- */

void
run_make_steps(struct leg *leg)
{
    size_t count = leg->itinerary->step_count;

    leg->steps = mem_zalloc((count + 1) * sizeof *leg->steps);
    for (size_t i = 0; i < count; i++) {
        leg->steps[i].leg = leg;
        leg->steps[i].position = i;
    }
}

static struct run *
run_new(struct core *core, const struct run_record *record)
{
    struct run *run = mem_zalloc(sizeof *run);

    run->run_id = record->run_id;
    run->number = record->number;
    struct run_record *copy = arena_alloc(&run->arena, sizeof *copy);
    pack_copy(record_shape(RECORD_RUN), record, &run->arena, copy);
    run->spec = copy->spec;
    run->operator_name = copy->operator_name;
    run->state = record->state;
    run->why = mem_text(record->why);
    run->started_wall_ms = record->started_wall_ms;
    run->ended_wall_ms = record->ended_wall_ms;
    run->rollback_number = record->rollback_number;
    run->leg_count = (size_t)record->leg_count;
    run->legs = mem_zalloc((run->leg_count + 1) * sizeof *run->legs);
    run->budget = share_down(&run->spec.budget, run->leg_count);
    HASH_ADD(by_id, core->runs_by_id, run_id, sizeof run->run_id, run);
    HASH_ADD(by_number, core->runs_by_number, number, sizeof run->number, run);
    return run;
}

static void
add_leg(struct run *run, size_t ordinal, size_t wave, enum leg_state state)
{
    struct leg *leg = &run->legs[ordinal];

    assert(ordinal < run->leg_count && !leg->run);
    leg->run = run;
    leg->ordinal = ordinal;
    leg->wave = wave;
    leg->state = state;
    leg->backoff = (struct backoff){RETRY_FIRST_MS, RETRY_MOST_MS, 0};
    while (run->wave_count <= wave) {
        run->waves = mem_grow(run->waves, run->wave_count, &run->wave_capacity, sizeof *run->waves);
        run->waves[run->wave_count++] = (struct wave){.first = ordinal};
    }
    run->waves[wave].count++;
    run->waves[wave].in_state[state]++;
    run->in_state[state]++;
}

static void
name_leg(struct leg *leg, const struct target *target)
{
    leg->name = mem_text(target ? target->name : "(gone)");
    leg->service = mem_text(target ? target->service : "(gone)");
}

/* What its steps go through is known from the plan, and not found out again. */
static void
keep_loads(struct core *core, struct leg *leg, const struct load *loads)
{
    struct record record = {.kind = RECORD_LOAD};

    leg->loads = mem_copy(loads, leg->itinerary->step_count * sizeof *loads);
    for (size_t i = 0; i < leg->itinerary->step_count; i++) {
        if (!load_is_nothing(&loads[i])) {
            record.load = load_record_of(&loads[i]);
            record.load.run_id = leg->run->run_id;
            record.load.ordinal = leg->ordinal;
            record.load.position = i;
            actions_save(core->actions, &record);
        }
    }
}

static void
create_legs(struct core *core, struct run *run, const struct run_draft *draft)
{
    size_t *ends = arena_alloc(&core->scratch, (run->spec.wave_count + 1) * sizeof *ends), wave = 0;

    waves_cut(run->spec.waves, run->spec.wave_count, run->leg_count, ends);
    for (size_t i = 0; i < run->leg_count; i++) {
        struct leg *leg = &run->legs[i];
        wave += i == ends[wave];
        add_leg(run, i, wave, LEG_WAITING);
        leg->target_id = draft->legs[i].target->target_id;
        leg->target = draft->legs[i].target;
        leg->itinerary = itinerary_share(draft->legs[i].itinerary);
        leg->target->leg = leg;
        name_leg(leg, leg->target);
        leg_save(core, leg);
        if (draft->legs[i].loads) {
            keep_loads(core, leg, draft->legs[i].loads);
        }
    }
}

struct run *
run_create(struct core *core, const struct run_draft *draft)
{
    struct run_record record = {.run_id = draft->run_id,
                                .number = core->config.next_number++,
                                .spec = *draft->spec,
                                .operator_name = draft->operator_name,
                                .state = RUN_RUNNING,
                                .why = "begun",
                                .leg_count = draft->leg_count,
                                .started_wall_ms = (uint64_t)core->wall_ms};
    struct run *run = run_new(core, &record);

    TRACE(core, "run %llu begins: %zu targets", (unsigned long long)run->number, run->leg_count);
    run_save(core, run);
    create_legs(core, run, draft);
    run_rewind(core, run);
    return run;
}

/* ---- taking back ---------------------------------------------------------------------------- */

struct run *
run_load(struct core *core, const struct run_record *record)
{
    return run_new(core, record);
}

void
run_load_leg(struct core *core, const struct leg_record *record)
{
    struct run *run = run_with_id(core, &record->run_id);
    struct leg *leg = &run->legs[record->ordinal];
    struct itinerary_draft draft = {.from_version = record->from_version,
                                    .to_version = record->to_version,
                                    .steps = record->steps,
                                    .step_count = record->step_count};
    struct target *target = target_with_id(core, &record->target_id);

    add_leg(run, (size_t)record->ordinal, (size_t)record->wave - 1, record->state);
    leg->target_id = record->target_id;
    leg->itinerary = itinerary_take(&core->itineraries, &draft);
    fault_replace(&leg->fault, &record->fault);
    name_leg(leg, target);
}

/* The store gives steps target by target, so the leg is usually that of the step before. */
static struct leg *
leg_of_target(struct run *run, const struct id *target_id)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        size_t index = (run->loading + i) % run->leg_count;
        if (id_equal(&run->legs[index].target_id, target_id)) {
            run->loading = index;
            return &run->legs[index];
        }
    }
    return NULL;
}

void
run_load_step(struct core *core, const struct step_record *record)
{
    struct run *run = run_with_id(core, &record->run_id);
    struct leg *leg = leg_of_target(run, &record->target_id);

    assert(leg && record->position < leg->itinerary->step_count);
    if (!leg->steps) {
        run_make_steps(leg);
    }
    step_load(core, leg, record);
}

void
run_load_load(struct core *core, const struct load_record *record)
{
    struct run *run = run_with_id(core, &record->run_id);
    struct leg *leg = &run->legs[record->ordinal];

    assert(record->ordinal < run->leg_count && record->position < leg->itinerary->step_count);
    if (!leg->loads) {
        leg->loads = mem_zalloc(leg->itinerary->step_count * sizeof *leg->loads);
    }
    leg->loads[record->position] = load_of_record(record);
}

bool
run_claim_targets(struct core *core, struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        const struct leg *leg = &run->legs[i];
        const struct target *target = target_with_id(core, &leg->target_id);
        if (!target && leg->state != LEG_DONE) {
            error_set(error, "E-TARGET-UNKNOWN", "%s is no target any more", leg->name);
            return error_hint(error, "make a new run: it goes without it");
        }
        if (target && target->leg) {
            error_set(error, "E-TARGET-BUSY", "run %llu has %s now",
                      (unsigned long long)target->leg->run->number, target->name);
            return error_hint(error, "wait for its end, or cancel it");
        }
    }
    for (size_t i = 0; i < run->leg_count; i++) {
        struct leg *leg = &run->legs[i];
        leg->target = target_with_id(core, &leg->target_id);
        if (leg->target) {
            leg->target->leg = leg;
        }
    }
    return true;
}

/* What the records do not say outright: how far each leg is, and whether it holds a slot. */
void
run_loaded(struct core *core, struct run *run)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        struct leg *leg = &run->legs[i];
        assert(leg->run);
        while (leg->steps && leg->done_count < leg->itinerary->step_count &&
               leg->steps[leg->done_count].state == STEP_DONE) {
            leg->done_count++;
        }
        leg->has_slot = leg->state == LEG_RUNNING || leg->in_flight > 0;
        run->busy += leg->has_slot;
    }
    if (run_has_ended(run)) {
        core_wake_at(core, &run->timer, TIMER_RUN, run, core->now_ms + RUN_LINGER_MS);
    } else {
        run_rewind(core, run);
    }
}

/* ---- leaving -------------------------------------------------------------------------------- */

static void
forget(struct core *core, struct run *run)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        if (run->legs[i].target) {
            run->legs[i].target->leg = NULL;
        }
        leg_release(core, &run->legs[i]);
    }
    timer_clear(&core->timers, &run->timer);
    timer_clear(&core->timers, &run->window_timer);
    if (run->is_unsettled) {
        DL_DELETE(core->unsettled, run);
    }
    HASH_DELETE(by_id, core->runs_by_id, run);
    HASH_DELETE(by_number, core->runs_by_number, run);
    free(run->legs);
    free(run->waves);
    free(run->why);
    arena_release(&run->arena);
    free(run);
}

void
run_tick(struct core *core, struct run *run)
{
    if (run_has_ended(run)) {
        TRACE(core, "run %llu leaves memory", (unsigned long long)run->number);
        forget(core, run);
    }
}

void
runs_release(struct core *core)
{
    struct run *run, *next;

    HASH_ITER(by_id, core->runs_by_id, run, next)
    {
        forget(core, run);
    }
}
