#include "coordinator/core/planning.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/depend.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/plan_estimate.h"
#include "coordinator/core/plan_reach.h"
#include "coordinator/core/preview.h"
#include "coordinator/core/probing.h"
#include "coordinator/core/run.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/target.h"
#include "coordinator/core/wave.h"
#include "coordinator/core/wish.h"

enum direction
planning_direction(const struct planning *planning)
{
    return planning->spec.kind == RUN_UP ? DIRECTION_UP : DIRECTION_DOWN;
}

struct planning *
planning_with_id(struct core *core, const struct id *plan_id)
{
    struct planning *planning;

    HASH_FIND(hh, core->plannings, plan_id, sizeof *plan_id, planning);
    return planning;
}

/* An operator has only a few plans. */
static struct planning *
planning_of(struct core *core, const struct key *key, const struct id *request)
{
    for (struct planning *planning = core->plannings; planning; planning = planning->hh.next) {
        if (id_equal(&planning->request, request) &&
            memcmp(&planning->operator_key, key, sizeof *key) == 0) {
            return planning;
        }
    }
    return NULL;
}

const struct fault *
entry_fault(const struct entry *entry)
{
    if (entry->fault) {
        return entry->fault;
    }
    return entry->prospect ? entry->prospect->fault : NULL;
}

/* ---- leaving memory ------------------------------------------------------------------------ */

static void
drop_prospects(struct core *core, struct planning *planning)
{
    struct prospect *prospect, *next;

    HASH_ITER(hh, planning->prospects, prospect, next)
    {
        HASH_DEL(planning->prospects, prospect);
        itinerary_drop(&core->itineraries, &prospect->itinerary);
        free(prospect->fault);
        free(prospect->note);
        free(prospect);
    }
}

static void
forget(struct core *core, struct planning *planning)
{
    HASH_CLEAR(hh, planning->by_target);
    for (size_t i = 0; i < planning->entry_count; i++) {
        itinerary_drop(&core->itineraries, &planning->entries[i].undoing);
        free(planning->entries[i].fault);
    }
    for (size_t i = 0; i < planning->witness_count; i++) {
        free(planning->witnesses[i].fault);
    }
    free(planning->witnesses);
    drop_prospects(core, planning);
    histories_release(&planning->histories);
    for (size_t i = 0; i < planning->bundle_count; i++) {
        known_bundle_release(&planning->bundles[i]);
    }
    free(planning->bundles);
    free(planning->entries);
    timer_clear(&core->timers, &planning->timer);
    HASH_DEL(core->plannings, planning);
    arena_release(&planning->arena);
    free(planning);
}

void
plannings_release(struct core *core)
{
    struct planning *planning, *next;

    HASH_ITER(hh, core->plannings, planning, next)
    {
        forget(core, planning);
    }
}

/* An operator keeps so many plans; the one used longest ago makes room. */
static void
make_room(struct core *core, const struct key *key)
{
    struct planning *oldest = NULL;
    size_t count = 0;

    for (struct planning *planning = core->plannings; planning; planning = planning->hh.next) {
        if (memcmp(&planning->operator_key, key, sizeof *key) == 0) {
            count++;
            oldest = !oldest || planning->used_ms < oldest->used_ms ? planning : oldest;
        }
    }
    if (count > PLANS_PER_OPERATOR_MAX) {
        forget(core, oldest);
    }
}

/* ---- PLANNED ------------------------------------------------------------------------------- */

static void
fill_leg(const struct entry *entry, struct plan_leg *leg)
{
    const struct fault *fault = entry_fault(entry);

    *leg = (struct plan_leg){.target = entry->name,
                             .service = entry->service,
                             .wave = entry->wave,
                             .estimate = entry->estimate,
                             .obstacles = entry->obstacles,
                             .obstacle_count = entry->obstacle_count};
    if (fault) {
        leg->fault = *fault;
    }
    if (!entry->prospect) {
        return;
    }
    leg->note = entry->note ? entry->note : entry->prospect->note;
    if (entry->prospect->itinerary) {
        const struct itinerary *itinerary = entry->prospect->itinerary;
        leg->from_version = itinerary->from_version;
        leg->to_version = itinerary->to_version;
        leg->step_count = itinerary->step_count;
        leg->first_version = itinerary->step_count ? itinerary->steps[0].version : NULL;
    }
}

static void
tell(struct core *core, struct planning *planning, const struct id *request, struct route route,
     uint64_t offset)
{
    struct plan_leg legs[PAGE_SIZE_MAX];
    struct message message = {.type = MESSAGE_PLANNED};
    struct planned *planned = &message.planned;

    *planned = (struct planned){.request = *request,
                                .plan_id = planning->plan_id,
                                .is_ready = planning->is_ready,
                                .surveyed_count = planning->ready_count,
                                .kind = planning->spec.kind,
                                .target_count = planning->entry_count,
                                .step_count = planning->step_count,
                                .wave_count = planning->wave_count,
                                .refused_count = planning->refused_count,
                                .parallel = planning->spec.parallel,
                                .offset = offset,
                                .legs = legs,
                                .estimate = planning->estimate,
                                .migration_total = planning->migration_total,
                                .migrations = planning->migrations,
                                .migration_count = planning->migration_count};
    for (uint64_t i = offset;
         planning->is_ready && i < planning->entry_count && planned->leg_count < PAGE_SIZE_MAX;
         i++) {
        fill_leg(&planning->entries[i], &legs[planned->leg_count++]);
    }
    planning->used_ms = core->now_ms;
    core_tell_operator(core, route, &message);
}

void
planning_page(struct core *core, const struct event *event)
{
    const struct plan_page *page = &event->message->plan_page;
    struct planning *planning = planning_with_id(core, &page->plan_id);
    struct error error;

    if (planning) {
        tell(core, planning, &page->request, event->route, page->offset);
        return;
    }
    error_set(&error, "E-PLAN-UNKNOWN", "there is no such plan (any more)");
    error_hint(&error, "make the plan again");
    core_refuse(core, event->route, &page->request, &error);
}

/* ---- asking the targets -------------------------------------------------------------------- */

static void
survey(struct core *core, struct planning *planning, struct entry *entry,
       const struct target *target)
{
    struct message message = {.type = MESSAGE_SURVEY};
    struct batch_probe probes[PROBES_MAX];
    struct outline outlines[OUTLINES_MAX];

    message.survey = (struct survey){.session = target->session,
                                     .survey_id = planning->survey_id,
                                     .target_id = entry->target_id};
    message.survey.probes = probes;
    message.survey.probe_count = probing_probes(core, planning, entry, probes);
    message.survey.outlines = outlines;
    message.survey.outline_count = preview_outlines(core, planning, entry, target, outlines);
    entry->state = ENTRY_ASKED;
    entry->asked_ms = core->now_ms;
    core_tell_agent(core, target->agent, &message);
}

static void
settle_entry(struct planning *planning, struct entry *entry)
{
    if (entry->state != ENTRY_READY) {
        entry->state = ENTRY_READY;
        *(entry->is_witness ? &planning->witness_ready_count : &planning->ready_count) += 1;
    }
}

static void
refuse_entry(struct core *core, struct planning *planning, struct entry *entry,
             const struct error *error)
{
    struct fault fault = fault_from_error(error, &core->scratch);

    fault_replace(&entry->fault, &fault);
    settle_entry(planning, entry);
}

static void
check_entry(struct core *core, struct planning *planning, struct entry *entry)
{
    struct target *target = entry_target(core, entry);
    struct error error;

    if (entry->state == ENTRY_READY || entry->state == ENTRY_MEASURING) {
        return;
    }
    if (target && target->leg && !entry->is_witness) {
        error_set(&error, "E-TARGET-BUSY", "run %llu has it now",
                  (unsigned long long)target->leg->run->number);
        error_hint(&error, "wait for its end, or cancel it");
        refuse_entry(core, planning, entry, &error);
    } else if (target && target_is_claimed(target) && target->state == TARGET_BROKEN) {
        fault_replace(&entry->fault, target->fault);
        if (entry->fault) {
            settle_entry(planning, entry);
        }
    } else if (target && target_is_reachable(target)) {
        survey(core, planning, entry, target);
    } else {
        entry->state = ENTRY_WAITING;
    }
}

/* ---- what comes out ------------------------------------------------------------------------ */

static void
cut_waves(struct core *core, struct planning *planning)
{
    size_t *ends = arena_alloc(&core->scratch, (planning->spec.wave_count + 1) * sizeof *ends);
    size_t wave = 0, leg = 0;

    planning->wave_count =
        waves_cut(planning->spec.waves, planning->spec.wave_count, planning->leg_count, ends);
    for (size_t i = 0; i < planning->entry_count; i++) {
        struct entry *entry = &planning->entries[i];
        entry->wave = 0;
        if (entry_fault(entry) || !entry->prospect->itinerary->step_count) {
            continue;
        }
        wave += leg == ends[wave];
        entry->wave = wave + 1;
        leg++;
    }
}

static void
count_legs(struct planning *planning)
{
    planning->refused_count = planning->leg_count = 0;
    planning->step_count = 0;
    for (size_t i = 0; i < planning->entry_count; i++) {
        const struct entry *entry = &planning->entries[i];
        if (entry_fault(entry)) {
            planning->refused_count++;
        } else if (entry->prospect->itinerary->step_count) {
            planning->leg_count++;
            planning->step_count += entry->prospect->itinerary->step_count;
        }
    }
}

static void
finish(struct core *core, struct planning *planning)
{
    for (size_t i = 0; i < planning->entry_count; i++) {
        struct entry *entry = &planning->entries[i];
        struct error error;

        if (entry->state == ENTRY_MEASURING) {
            plan_take_loads(core, planning, entry, NULL);
            settle_entry(planning, entry);
        } else if (entry->state != ENTRY_READY) {
            entry_set_unreachable(core, entry, &error);
            refuse_entry(core, planning, entry, &error);
        }
    }
    do {
        count_legs(planning);
        cut_waves(core, planning);
    } while (depend_refuse(core, planning) > 0);
    plan_estimate(core, planning);
    histories_release(&planning->histories);
    planning->is_ready = true;
    TRACE(core, "planned: %zu targets, %zu with steps, %zu refused", planning->entry_count,
          planning->leg_count, planning->refused_count);
    core_wake_at(core, &planning->timer, TIMER_PLANNING, planning, core->now_ms + PLAN_LIFE_MS);
    tell(core, planning, &planning->request, planning->route, 0);
}

static void
go_on(struct core *core, struct planning *planning)
{
    if (!planning->is_ready && planning->ready_count == planning->entry_count &&
        planning->witness_ready_count == planning->witness_count) {
        finish(core, planning);
    }
}

static struct prospect *
foresee(struct core *core, struct planning *planning, const struct entry *entry,
        const struct history *history)
{
    struct prospect *prospect = mem_zalloc(sizeof *prospect);
    struct forecast forecast = {0};
    struct error error;

    if (wish_forecast(core, planning, entry, history, &forecast, &error)) {
        prospect->itinerary = itinerary_take(&core->itineraries, &forecast.draft);
        prospect->needs_sizes = plan_needs_sizes(core, planning, prospect->itinerary);
        prospect->note = mem_text(forecast.note);
    } else {
        struct fault fault = fault_from_error(&error, &core->scratch);
        prospect->fault = fault_keep(&fault);
    }
    return prospect;
}

static void
take_history(struct core *core, struct planning *planning, struct entry *entry,
             const struct surveyed *surveyed)
{
    const struct history *history =
        history_intern(&planning->histories, surveyed->applied, surveyed->applied_count);
    const void *key[3] = {history, entry->bundle, entry->undoing};
    struct prospect *prospect;

    entry->history = history;
    if (entry->is_witness) {
        settle_entry(planning, entry);
        return;
    }
    HASH_FIND(hh, planning->prospects, key, sizeof key, prospect);
    if (!prospect) {
        prospect = foresee(core, planning, entry, history);
        memcpy(prospect->key, key, sizeof key);
        HASH_ADD(hh, planning->prospects, key, sizeof key, prospect);
    }
    entry->prospect = prospect;
    if (prospect->needs_sizes) {
        plan_measure(core, planning, entry);
    } else {
        settle_entry(planning, entry);
    }
}

static struct planning *
planning_of_survey(struct core *core, const struct id *survey_id)
{
    for (struct planning *planning = core->plannings; planning; planning = planning->hh.next) {
        if (!planning->is_ready && id_equal(&planning->survey_id, survey_id)) {
            return planning;
        }
    }
    return NULL;
}

/* As long as answers come in, more are waited for. */
static void
be_patient(struct core *core, struct planning *planning)
{
    int64_t most_ms = planning->started_ms + SURVEY_LIMIT_MS;
    int64_t until_ms = core->now_ms + SURVEY_PATIENCE_MS;

    until_ms = until_ms < most_ms ? until_ms : most_ms;
    if (until_ms > planning->deadline_ms) {
        planning->deadline_ms = until_ms;
    }
}

void
planning_surveyed(struct core *core, struct agent *agent, const struct surveyed *surveyed)
{
    struct planning *planning = planning_of_survey(core, &surveyed->survey_id);
    const struct target *target = target_with_id(core, &surveyed->target_id);
    struct entry *entry = NULL;

    if (planning) {
        HASH_FIND(hh, planning->by_target, &surveyed->target_id, sizeof surveyed->target_id, entry);
    }
    if (!entry || entry->state >= ENTRY_MEASURING || !target || target->agent != agent) {
        TRACE(core, "late survey by %s", agent->name);
        return;
    }
    be_patient(core, planning);
    if (surveyed->succeeded) {
        take_history(core, planning, entry, surveyed);
        probing_judge(core, planning, entry, surveyed);
        preview_judge(core, planning, entry, surveyed);
    } else {
        fault_replace(&entry->fault, &surveyed->fault);
        if (!entry->fault) {
            return;
        }
        settle_entry(planning, entry);
    }
    go_on(core, planning);
}

bool
planning_measured(struct core *core, struct agent *agent, const struct measured *measured)
{
    struct planning *planning = planning_of_survey(core, &measured->measure_id);
    const struct target *target = target_with_id(core, &measured->target_id);
    struct entry *entry = NULL;
    struct error error;

    if (!planning) {
        return false;
    }
    HASH_FIND(hh, planning->by_target, &measured->target_id, sizeof measured->target_id, entry);
    if (entry && entry->state == ENTRY_MEASURING && target && target->agent == agent) {
        be_patient(core, planning);
        plan_take_loads(core, planning, entry, measured->succeeded ? measured : NULL);
        if (run_window_suffices(core, planning, entry, &error)) {
            settle_entry(planning, entry);
        } else {
            refuse_entry(core, planning, entry, &error);
        }
        go_on(core, planning);
    }
    return true;
}

void
planning_target_reported(struct core *core, struct target *target)
{
    for (struct planning *planning = core->plannings, *next; planning; planning = next) {
        struct entry *entry = NULL;
        next = planning->hh.next;
        if (!planning->is_ready) {
            HASH_FIND(hh, planning->by_target, &target->target_id, sizeof target->target_id, entry);
        }
        if (entry) {
            check_entry(core, planning, entry);
            go_on(core, planning);
        }
    }
}

static void
ask_again(struct core *core, struct planning *planning, struct entry *entry)
{
    int64_t again_ms = entry->asked_ms + (int64_t)core->config.resend_ms;

    if (entry->state == ENTRY_WAITING ||
        (entry->state == ENTRY_ASKED && core->now_ms >= again_ms)) {
        check_entry(core, planning, entry);
    } else if (entry->state == ENTRY_MEASURING && core->now_ms >= again_ms) {
        plan_measure(core, planning, entry);
    }
}

void
planning_tick(struct core *core, struct planning *planning)
{
    if (planning->is_ready) {
        forget(core, planning);
        known_bundles_sweep(&core->known_bundles, KNOWN_BUNDLES_KEPT);
        return;
    }
    if (core->now_ms >= planning->deadline_ms) {
        finish(core, planning);
        return;
    }
    for (size_t i = 0; i < planning->entry_count; i++) {
        ask_again(core, planning, &planning->entries[i]);
    }
    for (size_t i = 0; i < planning->witness_count; i++) {
        ask_again(core, planning, &planning->witnesses[i]);
    }
    tell(core, planning, &planning->request, planning->route, 0);
    int64_t next_ms = core->now_ms + 1000;
    core_wake_at(core, &planning->timer, TIMER_PLANNING, planning,
                 next_ms < planning->deadline_ms ? next_ms : planning->deadline_ms);
    go_on(core, planning);
}

/* ---- PLAN ---------------------------------------------------------------------------------- */

/* Let it begin: ask every target that is there. */
static void
begin(struct core *core, struct planning *planning)
{
    depend_add_witnesses(core, planning);
    for (size_t i = 0; i < planning->entry_count; i++) {
        struct entry *entry = &planning->entries[i];
        HASH_ADD(hh, planning->by_target, target_id, sizeof entry->target_id, entry);
        check_entry(core, planning, entry);
    }
    for (size_t i = 0; i < planning->witness_count; i++) {
        struct entry *entry = &planning->witnesses[i];
        HASH_ADD(hh, planning->by_target, target_id, sizeof entry->target_id, entry);
        check_entry(core, planning, entry);
    }
    planning->started_ms = core->now_ms;
    planning->deadline_ms = core->now_ms + SURVEY_WAIT_MS;
    TRACE(core, "plan: %zu targets", planning->entry_count);
    core_wake_at(core, &planning->timer, TIMER_PLANNING, planning, core->now_ms + 1000);
    if (planning->ready_count < planning->entry_count) {
        tell(core, planning, &planning->request, planning->route, 0);
    }
    go_on(core, planning);
}

void
planning_ask(struct core *core, const struct person *person, const struct event *event)
{
    const struct plan *plan = &event->message->plan;
    struct planning *planning = planning_of(core, &person->key, &plan->request);
    struct error error;

    if (planning) {
        planning->route = event->route;
        tell(core, planning, &plan->request, event->route, 0);
        return;
    }
    planning = mem_zalloc(sizeof *planning);
    planning->plan_id = id_draw(&core->random);
    planning->request = plan->request;
    planning->survey_id = id_draw(&core->random);
    planning->operator_key = person->key;
    planning->route = event->route;
    planning->used_ms = core->now_ms;
    HASH_ADD(hh, core->plannings, plan_id, sizeof planning->plan_id, planning);

    enum wish_answer answer = wish_take(core, planning, event, &error);
    if (answer == WISH_TAKEN) {
        make_room(core, &person->key);
        begin(core, planning);
        return;
    }
    forget(core, planning);
    if (answer == WISH_REFUSED) {
        core_refuse(core, event->route, &plan->request, &error);
        known_bundles_sweep(&core->known_bundles, KNOWN_BUNDLES_KEPT);
    }
}
