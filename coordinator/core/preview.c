#include "coordinator/core/preview.h"

#include "common/base/text.h"
#include "coordinator/core/kept_fault.h"

/* ---- what the steps concern ---------------------------------------------------------------- */

static size_t
add(const struct known_migration *migration, enum direction direction, struct outline *outlines,
    size_t count)
{
    const struct outline *outline = &migration->outlines[direction];

    if (count < OUTLINES_MAX && !outline_is_empty(outline)) {
        outlines[count++] = *outline;
    }
    return count;
}

/* Where the target was last known to be; the number of migrations when it is not in the bundle. */
static size_t
position_of_target(const struct known_bundle *bundle, const struct target *target)
{
    const struct known_migration *at =
        target->applied_version ? known_bundle_migration(bundle, target->applied_version) : NULL;

    return at ? at->index : bundle->migration_count;
}

/* What may be above it; where that is not known, all. Those that are applied are not looked at. */
static size_t
outlines_up(const struct known_bundle *bundle, const struct target *target,
            struct outline *outlines)
{
    size_t at = position_of_target(bundle, target), count = 0;

    for (size_t i = at < bundle->migration_count ? at + 1 : 0; i < bundle->migration_count; i++) {
        count = add(&bundle->migrations[i], DIRECTION_UP, outlines, count);
    }
    return count;
}

static size_t
outlines_down(const struct known_bundle *bundle, const struct target *target,
              struct outline *outlines)
{
    size_t at = position_of_target(bundle, target), count = 0;

    for (size_t i = at < bundle->migration_count ? at + 1 : 0; i > 0; i--) {
        count = add(&bundle->migrations[i - 1], DIRECTION_DOWN, outlines, count);
    }
    return count;
}

static const struct known_migration *
migration_of(const struct core *core, const struct leg_step *step)
{
    return known_bundles_migration(core->known_bundles, &step->digest, step->version);
}

static size_t
outlines_undoing(const struct core *core, const struct itinerary *undoing, struct outline *outlines)
{
    size_t count = 0;

    for (size_t i = undoing->step_count; i > 0; i--) {
        const struct known_migration *migration = migration_of(core, &undoing->steps[i - 1]);
        count = migration ? add(migration, DIRECTION_DOWN, outlines, count) : count;
    }
    return count;
}

size_t
preview_outlines(const struct core *core, const struct planning *planning,
                 const struct entry *entry, const struct target *target, struct outline *outlines)
{
    if (entry->is_witness) {
        return 0;
    }
    if (!entry->bundle) {
        return entry->undoing ? outlines_undoing(core, entry->undoing, outlines) : 0;
    }
    return planning->spec.kind == RUN_UP ? outlines_up(entry->bundle, target, outlines)
                                         : outlines_down(entry->bundle, target, outlines);
}

/* ---- what was found ------------------------------------------------------------------------ */

/* The step that it stands against; false when it is none of the plan's. */
static bool
find_step(const struct itinerary *itinerary, const struct obstacle *obstacle, size_t *position)
{
    *position = 0;
    while (obstacle->version && *position < itinerary->step_count &&
           !text_equal(itinerary->steps[*position].version, obstacle->version)) {
        ++*position;
    }
    return *position < itinerary->step_count;
}

/* Whether the catalog is, when that step comes, as it was found. */
static bool
only_rows_change_before(const struct core *core, const struct planning *planning,
                        const struct itinerary *itinerary, size_t position)
{
    for (size_t i = 0; i < position; i++) {
        const struct known_migration *migration = migration_of(core, &itinerary->steps[i]);
        if (!migration || !migration->is_data[planning_direction(planning)]) {
            return false;
        }
    }
    return true;
}

static void
refuse(struct core *core, struct entry *entry, const struct obstacle *obstacle)
{
    struct error error;

    error_set(&error, "E-DB-PREFLIGHT", "the target is not fit for a change now%s%s",
              obstacle->version ? ": migration " : "", obstacle->version ? obstacle->version : "");
    error_where(&error, "%s", entry->name);
    error_found(&error, "%s", obstacle->text);
    error_hint(&error, "%s", obstacle->hint ? obstacle->hint : "");
    struct fault fault = fault_from_error(&error, &core->scratch);
    fault_replace(&entry->fault, &fault);
}

void
preview_judge(struct core *core, struct planning *planning, struct entry *entry,
              const struct surveyed *surveyed)
{
    const struct itinerary *itinerary = entry->prospect ? entry->prospect->itinerary : NULL;
    size_t position;

    if (!itinerary || !itinerary->step_count || !surveyed->obstacle_count) {
        return;
    }
    entry->obstacle_count = 0;
    entry->obstacles =
        arena_alloc(&planning->arena, surveyed->obstacle_count * sizeof *entry->obstacles);
    for (size_t i = 0; i < surveyed->obstacle_count; i++) {
        const struct obstacle *obstacle = &surveyed->obstacles[i];
        if (!find_step(itinerary, obstacle, &position)) {
            continue;
        }
        pack_copy(&obstacle_shape, obstacle, &planning->arena,
                  &entry->obstacles[entry->obstacle_count++]);
        bool is_certain = !obstacle->is_of_catalog ||
                          only_rows_change_before(core, planning, itinerary, position);
        if (obstacle->policy == POLICY_REFUSE && is_certain && !entry->fault) {
            refuse(core, entry, obstacle);
        }
    }
}
