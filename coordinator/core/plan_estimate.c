#include "coordinator/core/plan_estimate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/estimate.h"
#include "coordinator/core/target.h"

/* A migration of the plan, and what is known of it so far. */
struct summary {
    const void *key; /* the migration, in its bundle */
    struct plan_migration row;
    size_t order;
    UT_hash_handle hh;
};

static const struct known_migration *
migration_of(const struct core *core, const struct leg_step *step,
             const struct known_bundle **bundle)
{
    *bundle = known_bundle_find(core->known_bundles, &step->digest);
    return *bundle ? known_bundle_migration(*bundle, step->version) : NULL;
}

static const struct itinerary *
itinerary_of(const struct entry *entry)
{
    return entry->prospect ? entry->prospect->itinerary : NULL;
}

/* ---- what each step goes through ------------------------------------------------------------- */

/* Whether a step's work is in a table that no step of its bundle before it makes. */
static bool
works_in_what_is_there(const struct known_bundle *bundle, const struct known_migration *migration,
                       enum direction direction, const bool *is_made)
{
    for (size_t i = 0; i < migration->work_counts[direction]; i++) {
        const char *made_by = migration->works[direction][i].made_by;
        const struct known_migration *maker =
            made_by ? known_bundle_migration(bundle, made_by) : NULL;
        if (!maker || !is_made[maker->index]) {
            return true;
        }
    }
    return false;
}

bool
plan_needs_sizes(const struct core *core, const struct planning *planning,
                 const struct itinerary *itinerary)
{
    enum direction direction = planning_direction(planning);
    const struct known_bundle *first = NULL, *bundle;
    bool *is_made = NULL, needs_sizes = false;

    for (size_t i = 0; i < itinerary->step_count && !needs_sizes; i++) {
        const struct known_migration *migration = migration_of(core, &itinerary->steps[i], &bundle);
        if (!migration) {
            continue;
        }
        if (!first) {
            first = bundle;
            is_made = mem_zalloc(first->migration_count * sizeof *is_made);
        }
        if (bundle != first) {
            needs_sizes = migration->work_counts[direction] > 0;
            continue;
        }
        needs_sizes = works_in_what_is_there(bundle, migration, direction, is_made);
        is_made[migration->index] = direction == DIRECTION_UP;
    }
    free(is_made);
    return needs_sizes;
}

void
plan_measure(struct core *core, const struct planning *planning, struct entry *entry)
{
    const struct target *target = target_with_id(core, &entry->target_id);
    struct message message = {.type = MESSAGE_MEASURE};

    entry->state = ENTRY_MEASURING;
    entry->asked_ms = core->now_ms;
    if (target && target_is_reachable(target)) {
        message.measure = (struct measure){target->session, planning->survey_id, entry->target_id};
        core_tell_agent(core, target->agent, &message);
    }
}

void
plan_take_loads(const struct core *core, struct planning *planning, struct entry *entry,
                const struct measured *measured)
{
    const struct itinerary *itinerary = itinerary_of(entry);
    const struct known_bundle *bundle;
    bool is_nothing = true;

    if (!itinerary) {
        return;
    }
    struct load *loads = mem_zalloc((itinerary->step_count + 1) * sizeof *loads);
    for (size_t i = 0; i < itinerary->step_count; i++) {
        const struct known_migration *migration = migration_of(core, &itinerary->steps[i], &bundle);
        if (migration) {
            loads[i] = load_of(migration, planning_direction(planning), measured);
            is_nothing = is_nothing && load_is_nothing(&loads[i]);
        }
    }
    if (!is_nothing) {
        entry->loads = arena_copy(&planning->arena, loads, itinerary->step_count * sizeof *loads);
    }
    free(loads);
}

/* ---- migration by migration ------------------------------------------------------------------ */

static void
summarize_step(const struct core *core, const struct entry *entry, const struct leg_step *step,
               const struct estimate *estimate, struct summary **summaries)
{
    const struct known_bundle *bundle;
    const struct known_migration *migration = migration_of(core, step, &bundle);
    struct summary *summary;

    if (!migration) {
        return;
    }
    HASH_FIND_PTR(*summaries, &migration, summary);
    if (!summary) {
        summary = mem_zalloc(sizeof *summary);
        summary->key = migration;
        summary->order = HASH_COUNT(*summaries);
        summary->row = (struct plan_migration){
            .service = bundle->service, .version = migration->version, .name = migration->name};
        HASH_ADD_PTR(*summaries, key, summary);
    }
    summary->row.target_count++;
    if (!summary->row.target || estimate->expected_ms > summary->row.estimate.expected_ms) {
        summary->row.target = entry->name;
        summary->row.estimate = *estimate;
    }
}

static int
longest_first(const void *a, const void *b)
{
    const struct summary *left = *(struct summary *const *)a, *right = *(struct summary *const *)b;
    uint64_t left_ms = left->row.estimate.expected_ms, right_ms = right->row.estimate.expected_ms;

    return left_ms != right_ms ? (left_ms < right_ms ? 1 : -1)
                               : (left->order > right->order) - (left->order < right->order);
}

static int
in_order(const void *a, const void *b)
{
    const struct summary *left = *(struct summary *const *)a, *right = *(struct summary *const *)b;

    return (left->order > right->order) - (left->order < right->order);
}

/* Keep the longest, in their order; the rest of them is only counted. */
static void
keep_summaries(struct planning *planning, struct summary *summaries)
{
    size_t total = HASH_COUNT(summaries), count = 0;
    struct summary **all = mem_zalloc((total + 1) * sizeof *all), *summary, *next;

    HASH_ITER(hh, summaries, summary, next)
    {
        all[count++] = summary;
    }
    qsort(all, total, sizeof *all, longest_first);
    count = total < PLAN_MIGRATIONS_MAX ? total : PLAN_MIGRATIONS_MAX;
    qsort(all, count, sizeof *all, in_order);
    planning->migrations =
        arena_alloc(&planning->arena, (count + 1) * sizeof *planning->migrations);
    for (size_t i = 0; i < count; i++) {
        struct plan_migration *row = &planning->migrations[i];
        *row = all[i]->row;
        row->service = arena_text(&planning->arena, row->service);
        row->version = arena_text(&planning->arena, row->version);
        row->name = arena_text(&planning->arena, row->name);
    }
    planning->migration_count = count;
    planning->migration_total = total;
    HASH_ITER(hh, summaries, summary, next)
    {
        HASH_DEL(summaries, summary);
        free(summary);
    }
    free(all);
}

/* ---- target by target, wave by wave ---------------------------------------------------------- */

static void
estimate_entry(const struct core *core, struct entry *entry, struct summary **summaries)
{
    const struct itinerary *itinerary = itinerary_of(entry);

    entry->estimate = (struct estimate){0};
    for (size_t i = 0; i < itinerary->step_count; i++) {
        struct load load = entry->loads ? entry->loads[i] : (struct load){0};
        struct estimate estimate = estimate_step(core, &entry->target_id, &load);
        estimate_add(&entry->estimate, &estimate);
        if (estimate.basis != ESTIMATE_NOTHING) {
            summarize_step(core, entry, &itinerary->steps[i], &estimate, summaries);
        }
    }
}

/*
 * So many targets at a time: as long as its longest takes, and as all of them take together when
 * the places are always taken.
 */
struct wave_sum {
    struct estimate longest, all;
};

static uint64_t
larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static void
end_wave(struct planning *planning, struct wave_sum *wave)
{
    uint64_t places = larger(planning->spec.parallel, 1);
    struct estimate sum = wave->all;

    sum.low_ms = larger(wave->all.low_ms / places, wave->longest.low_ms);
    sum.expected_ms = larger(wave->all.expected_ms / places, wave->longest.expected_ms);
    sum.high_ms = larger(wave->all.high_ms / places, wave->longest.high_ms);
    estimate_add(&planning->estimate, &sum);
    *wave = (struct wave_sum){0};
}

static void
add_to_wave(struct wave_sum *wave, const struct estimate *estimate)
{
    estimate_add(&wave->all, estimate);
    wave->longest.low_ms = larger(wave->longest.low_ms, estimate->low_ms);
    wave->longest.expected_ms = larger(wave->longest.expected_ms, estimate->expected_ms);
    wave->longest.high_ms = larger(wave->longest.high_ms, estimate->high_ms);
}

void
plan_estimate(const struct core *core, struct planning *planning)
{
    struct summary *summaries = NULL;
    struct wave_sum wave = {0};
    uint64_t number = 1;

    planning->estimate = (struct estimate){0};
    for (size_t i = 0; i < planning->entry_count; i++) {
        struct entry *entry = &planning->entries[i];
        if (!entry->wave) {
            continue;
        }
        if (entry->wave != number) {
            end_wave(planning, &wave);
            number = entry->wave;
        }
        estimate_entry(core, entry, &summaries);
        add_to_wave(&wave, &entry->estimate);
    }
    end_wave(planning, &wave);
    keep_summaries(planning, summaries);
}
