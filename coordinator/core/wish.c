#include "coordinator/core/wish.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "proto/shapes.h"
#include "coordinator/core/rollback.h"
#include "coordinator/core/selector.h"
#include "coordinator/core/target.h"
#include "coordinator/core/wave.h"

/* ---- numbers ------------------------------------------------------------------------------- */

static bool
check_budget(const struct share *budget, struct error *error)
{
    if (budget->is_percent && budget->number > 100) {
        return error_set(error, "E-PLAN-RANGE", "the failure budget is %llu %% of the targets",
                         (unsigned long long)budget->number);
    }
    return true;
}

static bool
check_kind(const struct run_spec *spec, struct error *error)
{
    bool undoes = !id_is_none(&spec->undo_run_id);

    if (spec->kind == RUN_UP && undoes) {
        return error_set(error, "E-PLAN-RANGE", "only a rollback can undo a run");
    }
    if (spec->kind == RUN_DOWN && undoes == (spec->to_version != NULL)) {
        return error_set(error, "E-PLAN-RANGE",
                         "a rollback goes back to a version, or undoes a "
                         "run");
    }
    if (!undoes && !spec->service_count) {
        return error_set(error, "E-SEL-EMPTY", "no service is named");
    }
    return true;
}

static bool
check_services(const struct run_spec *spec, struct error *error)
{
    for (size_t i = 0; i < spec->service_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (text_equal(spec->services[i].service, spec->services[j].service)) {
                return error_set(error, "E-PLAN-DUP", "service %s is named twice",
                                 spec->services[i].service);
            }
        }
    }
    return true;
}

static bool
check_spec(const struct run_spec *spec, struct error *error)
{
    if (spec->parallel < 1 || spec->parallel > PARALLEL_MAX) {
        error_set(error, "E-CLI-RANGE", "%llu targets at a time",
                  (unsigned long long)spec->parallel);
        return error_found(error, "allowed: 1 to %d", PARALLEL_MAX);
    }
    return check_kind(spec, error) && check_services(spec, error) &&
           check_budget(&spec->budget, error) && waves_check(spec->waves, spec->wave_count, error);
}

/* ---- bundles ------------------------------------------------------------------------------- */

static void
hold_bundle(struct planning *planning, struct known_bundle *bundle)
{
    planning->bundles = mem_grow(planning->bundles, planning->bundle_count,
                                 &planning->bundle_capacity, sizeof *planning->bundles);
    planning->bundles[planning->bundle_count++] = known_bundle_hold(bundle);
}

/* The bundle, from memory or from the store. */
static enum wish_answer
need_bundle(struct core *core, struct planning *planning, const struct event *event,
            const struct digest *digest, struct error *error)
{
    struct known_bundle *bundle = known_bundle_find(core->known_bundles, digest);
    struct action question = {.kind = ACTION_NEED_BUNDLE, .digest = *digest};
    char hex[2 * DIGEST_SIZE + 1];

    if (bundle) {
        hold_bundle(planning, bundle);
        return WISH_TAKEN;
    }
    bool is_answered = core->lacking && memcmp(core->lacking, digest, sizeof *digest) == 0;
    if (!is_answered && core_inquire(core, event, &question)) {
        return WISH_ASKED;
    }
    text_hex(digest, sizeof *digest, hex);
    error_set(error, "E-BUNDLE-UNKNOWN", "there is no bundle %.16s…", hex);
    error_hint(error, "upload it first");
    return WISH_REFUSED;
}

static bool
check_version(const struct run_spec *spec, const struct known_bundle *bundle, struct error *error)
{
    bool is_all = spec->kind == RUN_DOWN && text_equal(spec->to_version, "0");

    if (!spec->to_version || is_all || known_bundle_migration(bundle, spec->to_version)) {
        return true;
    }
    error_set(error, "E-MIG-MISSING", "service %s has no migration %s", bundle->service,
              spec->to_version);
    if (bundle->migration_count) {
        error_found(error, "the newest is %s",
                    bundle->migrations[bundle->migration_count - 1].version);
    }
    return false;
}

static enum wish_answer
take_bundles(struct core *core, struct planning *planning, const struct event *event,
             struct error *error)
{
    const struct run_spec *spec = &planning->spec;

    for (size_t i = 0; i < spec->service_count; i++) {
        enum wish_answer answer =
            need_bundle(core, planning, event, &spec->services[i].digest, error);
        if (answer != WISH_TAKEN) {
            return answer;
        }
        const struct known_bundle *bundle = planning->bundles[i];
        if (!text_equal(bundle->service, spec->services[i].service)) {
            error_set(error, "E-BUNDLE-SERVICE", "the bundle is of service %s, not of %s",
                      bundle->service, spec->services[i].service);
            return WISH_REFUSED;
        }
        if (!check_version(spec, bundle, error)) {
            return WISH_REFUSED;
        }
    }
    return WISH_TAKEN;
}

/* ---- the selection ------------------------------------------------------------------------- */

static bool
is_selected(const struct selector *selector, const struct target *target)
{
    struct selectable selectable = {target->name, target->service, target->labels,
                                    target->label_count};
    return selector_matches(selector, &selectable);
}

static struct entry *
add_entry(struct planning *planning, const struct target *target)
{
    planning->entries = mem_grow(planning->entries, planning->entry_count,
                                 &planning->entry_capacity, sizeof *planning->entries);
    struct entry *entry = &planning->entries[planning->entry_count++];
    *entry = (struct entry){.target_id = target->target_id,
                            .name = arena_text(&planning->arena, target->name),
                            .service = arena_text(&planning->arena, target->service)};
    return entry;
}

static struct known_bundle *
bundle_for(const struct planning *planning, const char *service)
{
    for (size_t i = 0; i < planning->bundle_count; i++) {
        if (text_equal(planning->bundles[i]->service, service)) {
            return planning->bundles[i];
        }
    }
    return NULL;
}

static void
select_by_service(struct core *core, struct planning *planning, const struct selector *selector)
{
    for (struct target *target = targets_sorted(core); target; target = target->by_name.next) {
        struct known_bundle *bundle = bundle_for(planning, target->service);
        if (bundle && is_selected(selector, target)) {
            add_entry(planning, target)->bundle = bundle;
        }
    }
}

static void
select_to_undo(struct core *core, struct planning *planning, const struct selector *selector,
               const struct rollback *rollback)
{
    for (size_t i = 0; i < rollback->count; i++) {
        const struct undoing *undoing = &rollback->items[i];
        const struct target *target = target_with_id(core, &undoing->target_id);
        struct itinerary_draft draft = {.steps = undoing->steps, .step_count = undoing->step_count};
        if (target && is_selected(selector, target)) {
            add_entry(planning, target)->undoing = itinerary_take(&core->itineraries, &draft);
        }
    }
}

static bool
check_count(const struct planning *planning, struct error *error)
{
    const struct run_spec *spec = &planning->spec;

    if (!planning->entry_count) {
        error_set(error, "E-SEL-EMPTY", "no target is selected");
        if (spec->select) {
            error_where(error, "%s", spec->select);
        }
        return error_hint(error, "skein targets shows the fleet and its labels");
    }
    if (spec->targets_max && planning->entry_count > spec->targets_max) {
        error_set(error, "E-SEL-TOO-MANY", "%zu targets are selected", planning->entry_count);
        error_found(error, "allowed: %llu", (unsigned long long)spec->targets_max);
        return error_hint(error, "narrow the selection, or allow it: --yes-all");
    }
    return true;
}

/* ---- the run that is to be undone ----------------------------------------------------------- */

static bool
check_undone(const struct run_record *run, struct error *error)
{
    if (run->spec.kind == RUN_DOWN) {
        error_set(error, "E-RUN-KIND", "run %llu is a rollback itself",
                  (unsigned long long)run->number);
        return error_hint(error, "apply the migrations again instead");
    }
    if (run->state < RUN_DONE) {
        error_set(error, "E-RUN-OPEN", "run %llu has not ended", (unsigned long long)run->number);
        return error_hint(error, "cancel it first: skein cancel %llu",
                          (unsigned long long)run->number);
    }
    return true;
}

/* What the run did, from memory or from the store. */
static enum wish_answer
need_run(struct core *core, const struct event *event, const struct id *run_id,
         struct rollback *rollback, struct error *error)
{
    const struct event *recalled = core->recalled;
    struct run *run = run_with_id(core, run_id);
    struct action question = {.kind = ACTION_NEED_RUN, .id = *run_id};
    struct run_record record;

    if (run) {
        record = run_record_of(run);
        rollback_of_run(core, run, rollback);
        return check_undone(&record, error) ? WISH_TAKEN : WISH_REFUSED;
    }
    bool is_answered = recalled && recalled->kind == EVENT_RUN && id_equal(&recalled->id, run_id);
    if (!is_answered && core_inquire(core, event, &question)) {
        return WISH_ASKED;
    }
    if (!is_answered || !recalled->record_count) {
        error_set(error, "E-RUN-UNKNOWN", "there is no such run");
        return WISH_REFUSED;
    }
    rollback_of_records(core, recalled->records, recalled->record_count, rollback);
    return check_undone(&recalled->records[0].run, error) ? WISH_TAKEN : WISH_REFUSED;
}

/* The bundles that the undone steps came from. */
static enum wish_answer
take_undone_bundles(struct core *core, struct planning *planning, const struct event *event,
                    const struct rollback *rollback, struct error *error)
{
    const struct digest *last = NULL;

    for (size_t i = 0; i < rollback->count; i++) {
        for (size_t j = 0; j < rollback->items[i].step_count; j++) {
            const struct digest *digest = &rollback->items[i].steps[j].digest;
            if (last && memcmp(last, digest, sizeof *digest) == 0) {
                continue;
            }
            enum wish_answer answer = need_bundle(core, planning, event, digest, error);
            if (answer != WISH_TAKEN) {
                return answer;
            }
            last = digest;
        }
    }
    return WISH_TAKEN;
}

static enum wish_answer
take_undo(struct core *core, struct planning *planning, const struct event *event,
          const struct selector *selector, struct error *error)
{
    struct rollback rollback = {0};
    enum wish_answer answer = need_run(core, event, &planning->spec.undo_run_id, &rollback, error);

    if (answer == WISH_TAKEN) {
        answer = take_undone_bundles(core, planning, event, &rollback, error);
    }
    if (answer == WISH_TAKEN) {
        select_to_undo(core, planning, selector, &rollback);
    }
    return answer;
}

/* ---- all of it ----------------------------------------------------------------------------- */

enum wish_answer
wish_take(struct core *core, struct planning *planning, const struct event *event,
          struct error *error)
{
    const struct run_spec *spec = &event->message->plan.spec;
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    enum wish_answer answer;

    if (!check_spec(spec, error) || !selector_parse(spec->select, &selector, error)) {
        return WISH_REFUSED;
    }
    pack_copy(&run_spec_shape, spec, &planning->arena, &planning->spec);
    if (id_is_none(&spec->undo_run_id)) {
        answer = take_bundles(core, planning, event, error);
        if (answer == WISH_TAKEN) {
            select_by_service(core, planning, selector);
        }
    } else {
        answer = take_undo(core, planning, event, selector, error);
    }
    if (answer == WISH_TAKEN && !check_count(planning, error)) {
        answer = WISH_REFUSED;
    }
    return answer;
}

bool
wish_forecast(struct core *core, const struct planning *planning, const struct entry *entry,
              const struct history *history, struct forecast *forecast, struct error *error)
{
    const struct run_spec *spec = &planning->spec;
    struct forecast_wish wish = {.to_version = spec->to_version,
                                 .out_of_order = spec->out_of_order,
                                 .must_have_way_back = spec->on_failure == ON_FAILURE_ROLLBACK};

    if (entry->undoing) {
        return forecast_undo(core->known_bundles, history, entry->undoing->steps,
                             entry->undoing->step_count, &core->scratch, forecast, error);
    }
    if (spec->kind == RUN_DOWN) {
        return forecast_down(entry->bundle, history, &wish, &core->scratch, forecast, error);
    }
    return forecast_up(entry->bundle, history, &wish, &core->scratch, forecast, error);
}
