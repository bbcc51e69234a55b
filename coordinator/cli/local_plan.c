#include "coordinator/cli/local_plan.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/forecast.h"

static bool
check_version(const struct manifest *manifest, const struct local_wish *wish, struct error *error)
{
    const char *version = wish->to_version;
    bool is_all = wish->direction == DIRECTION_DOWN && text_equal(version, "0");

    if (!version || is_all || manifest_find(manifest, version)) {
        return true;
    }
    error_set(error, "E-MIG-MISSING", "there is no migration %s", version);
    error_where(error, "--to");
    if (manifest->migration_count > 0) {
        error_found(error, "versions: %s to %s", manifest->migrations[0].version,
                    manifest->migrations[manifest->migration_count - 1].version);
    }
    return false;
}

static const struct history *
make_history(struct history **table, const struct applied_migration *applied, size_t count,
             struct arena *arena)
{
    struct applied *entries = arena_alloc(arena, (count + 1) * sizeof *entries);

    for (size_t i = 0; i < count; i++) {
        entries[i].version = applied[i].version;
        memcpy(entries[i].checksum, applied[i].checksum, CHECKSUM_SIZE);
    }
    return history_intern(table, entries, count);
}

/* Back without a version: to the one before the last. Repeatable ones are of no version. */
static const char *
back_to(const struct manifest *manifest, const struct local_wish *wish,
        const struct applied_migration *applied, size_t count)
{
    bool has_last = false;

    if (wish->to_version) {
        return wish->to_version;
    }
    for (size_t i = count; i > 0; i--) {
        const struct migration *migration = manifest_find(manifest, applied[i - 1].version);
        if (migration && migration->is_repeatable) {
            continue;
        }
        if (has_last) {
            return applied[i - 1].version;
        }
        has_last = true;
    }
    return "0";
}

static bool
foresee(const struct bundle *bundle, const struct known_bundle *known,
        const struct history *history, const struct forecast_wish *wish, struct arena *arena,
        struct local_plan *plan, struct error *error)
{
    struct forecast forecast = {0};

    if (!(plan->direction == DIRECTION_UP
              ? forecast_up(known, history, wish, arena, &forecast, error)
              : forecast_down(known, history, wish, arena, &forecast, error))) {
        return false;
    }
    plan->note = forecast.note;
    plan->depending = NULL;
    plan->step_count = forecast.draft.step_count;
    plan->steps = arena_alloc(arena, (plan->step_count + 1) * sizeof *plan->steps);
    for (size_t i = 0; i < plan->step_count; i++) {
        plan->steps[i] = manifest_find(&bundle->manifest, forecast.draft.steps[i].version);
        assert(plan->steps[i]);
        if (plan->direction == DIRECTION_UP && plan->steps[i]->depends && !plan->depending) {
            plan->depending = plan->steps[i];
        }
    }
    return true;
}

bool
local_plan_make(const struct bundle *bundle, const struct applied_migration *applied,
                size_t applied_count, const struct local_wish *wish, struct arena *arena,
                struct local_plan *plan, struct error *error)
{
    struct known_bundle *known = NULL;
    struct history *histories = NULL;

    *plan = (struct local_plan){.direction = wish->direction};
    if (!check_version(&bundle->manifest, wish, error)) {
        return false;
    }
    const struct history *history = make_history(&histories, applied, applied_count, arena);
    const struct forecast_wish forecast_wish = {
        .to_version = wish->direction == DIRECTION_UP
                          ? wish->to_version
                          : back_to(&bundle->manifest, wish, applied, applied_count),
        .out_of_order = wish->out_of_order,
    };
    known_bundle_learn(&known, &bundle->digest, &bundle->manifest);
    bool is_made = foresee(bundle, known, history, &forecast_wish, arena, plan, error);
    if (is_made && plan->note) {
        plan->note = arena_text(arena, plan->note);
    }
    known_bundles_sweep(&known, 0);
    histories_release(&histories);
    return is_made;
}
