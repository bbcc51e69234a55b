#include "coordinator/core/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define NAMED_MAX 5 /* versions named in one sentence */

/* ---- words --------------------------------------------------------------------------------- */

/* A list of versions for people: the first few, and how many more. */
struct roll {
    struct text text;
    size_t count;
};

static void
roll_add(struct roll *roll, const char *version, const char *remark)
{
    if (roll->count++ >= NAMED_MAX) {
        return;
    }
    text_format(&roll->text, "%s%s%s%s%s", roll->text.size ? ", " : "", version, remark ? " (" : "",
                remark ? remark : "", remark ? ")" : "");
}

static const char *
roll_text(struct roll *roll)
{
    if (roll->count > NAMED_MAX) {
        text_format(&roll->text, " and %zu more", roll->count - NAMED_MAX);
    }
    return text_of(&roll->text);
}

static void
roll_release(struct roll *roll)
{
    text_release(&roll->text);
}

static void
short_hex(const uint8_t *checksum, char out[17])
{
    text_hex(checksum, 8, out);
}

/* ---- checks -------------------------------------------------------------------------------- */

static bool
check_checksum(const struct known_migration *migration, const struct history_entry *entry,
               struct error *error)
{
    char found[17], recorded[17];

    if (memcmp(migration->checksum, entry->checksum, CHECKSUM_SIZE) == 0) {
        return true;
    }
    short_hex(migration->checksum, found);
    short_hex(entry->checksum, recorded);
    error_set(error, "E-MIG-CHECKSUM", "migration %s_%s was changed after it was applied",
              migration->version, migration->name ? migration->name : "");
    error_where(error, "%s", migration->path ? migration->path : migration->version);
    error_found(error, "%s…, recorded %s…", found, recorded);
    return error_hint(error, "restore the file, or write a new migration");
}

static const char *
no_way_back(const struct known_migration *migration)
{
    if (migration->irreversible) {
        return migration->irreversible;
    }
    return migration->has_down ? NULL : "no down";
}

static bool
refuse_no_down(struct roll *missing, struct error *error)
{
    error_set(error, "E-MIG-NO-DOWN", "there is no way back from %zu migration%s: %s",
              missing->count, missing->count == 1 ? "" : "s", roll_text(missing));
    return error_hint(error, "write a new migration that puts things right");
}

/* All of these must have a way back. */
static bool
check_way_back(const struct known_migration *const *migrations, size_t count, struct error *error)
{
    CLEANUP(roll_release) struct roll missing = {0};

    for (size_t i = 0; i < count; i++) {
        const char *why = no_way_back(migrations[i]);
        if (why) {
            roll_add(&missing, migrations[i]->version, why);
        }
    }
    return !missing.count || refuse_no_down(&missing, error);
}

static struct leg_step
step_of(const struct known_bundle *bundle, const struct known_migration *migration)
{
    return (struct leg_step){migration->version, migration->name, bundle->digest};
}

static const char *
newest(const struct history *history)
{
    return history->count ? history->entries[history->count - 1].version : NULL;
}

/* A repeatable one that has changed is carried out again, as if it had never been. */
static bool
is_due_again(const struct known_migration *migration, const struct history_entry *entry)
{
    return entry && migration->is_repeatable &&
           memcmp(migration->checksum, entry->checksum, CHECKSUM_SIZE) != 0;
}

/* ---- up ------------------------------------------------------------------------------------ */

static const char *
note_unknown(const struct known_bundle *bundle, const struct history *history, struct arena *arena)
{
    CLEANUP(roll_release) struct roll unknown = {0};

    for (size_t i = 0; i < history->count; i++) {
        if (!known_bundle_migration(bundle, history->entries[i].version)) {
            roll_add(&unknown, history->entries[i].version, NULL);
        }
    }
    if (!unknown.count) {
        return NULL;
    }
    return arena_format(arena, "%zu applied version%s not in the bundle: %s", unknown.count,
                        unknown.count == 1 ? " is" : "s are", roll_text(&unknown));
}

static bool
refuse_order(const struct known_migration *older, const char *applied, struct error *error)
{
    error_set(error, "E-MIG-ORDER", "migration %s is older than %s, which is applied",
              older->version, applied);
    error_where(error, "%s", older->path ? older->path : older->version);
    return error_hint(error, "give it a newer version, or allow it: --out-of-order");
}

bool
forecast_up(const struct known_bundle *bundle, const struct history *history,
            const struct forecast_wish *wish, struct arena *arena, struct forecast *forecast,
            struct error *error)
{
    size_t count = bundle->migration_count, step_count = 0, last_applied = 0;
    const struct known_migration **taken = arena_alloc(arena, (count + 1) * sizeof *taken);
    struct leg_step *steps = arena_alloc(arena, (count + 1) * sizeof *steps);
    const struct known_migration *last =
        wish->to_version ? known_bundle_migration(bundle, wish->to_version) : NULL;
    bool has_applied = false;

    for (size_t i = 0; i < count; i++) {
        const struct known_migration *migration = &bundle->migrations[i];
        const struct history_entry *entry = history_find(history, migration->version);
        if (is_due_again(migration, entry)) {
            entry = NULL;
        }
        if (entry && !check_checksum(migration, entry, error)) {
            return false;
        }
        if (entry && !migration->is_repeatable) { /* a later version may come behind those */
            last_applied = i;
            has_applied = true;
        } else if (entry) {
            continue;
        } else if (!last || i <= last->index) {
            taken[step_count] = migration;
            steps[step_count++] = step_of(bundle, migration);
        }
    }
    if (step_count && has_applied && taken[0]->index < last_applied && !wish->out_of_order) {
        return refuse_order(taken[0], bundle->migrations[last_applied].version, error);
    }
    if (wish->must_have_way_back && !check_way_back(taken, step_count, error)) {
        return false;
    }
    forecast->draft = (struct itinerary_draft){
        .from_version = newest(history),
        .to_version = step_count ? steps[step_count - 1].version : newest(history),
        .steps = steps,
        .step_count = step_count};
    forecast->note = note_unknown(bundle, history, arena);
    return true;
}

/* ---- down ---------------------------------------------------------------------------------- */

static bool
refuse_missing(const char *version, struct error *error)
{
    error_set(error, "E-MIG-MISSING", "migration %s is applied and not in the bundle", version);
    return error_hint(error, "use the bundle that it was applied from: skein rollback RUN");
}

/* Where a version that is to be undone is found, checked against what was applied. */
static bool
find_undone(const struct known_bundle *bundle, const struct history_entry *entry,
            const struct known_migration **migration, struct error *error)
{
    *migration = bundle ? known_bundle_migration(bundle, entry->version) : NULL;
    if (!*migration) {
        return refuse_missing(entry->version, error);
    }
    return check_checksum(*migration, entry, error);
}

/* The version that is the newest when all from `first` on is undone but those before it. */
static const char *
version_below(const struct history *history, const bool *is_undone)
{
    for (size_t i = history->count; i > 0; i--) {
        if (!is_undone[i - 1]) {
            return history->entries[i - 1].version;
        }
    }
    return NULL;
}

bool
forecast_down(const struct known_bundle *bundle, const struct history *history,
              const struct forecast_wish *wish, struct arena *arena, struct forecast *forecast,
              struct error *error)
{
    const struct known_migration *kept = known_bundle_migration(bundle, wish->to_version);
    const struct history_entry *kept_entry = history_find(history, wish->to_version);
    const struct known_migration **taken = arena_alloc(arena, (history->count + 1) * sizeof *taken);
    struct leg_step *steps = arena_alloc(arena, (history->count + 1) * sizeof *steps);
    bool *is_undone = arena_alloc(arena, history->count + 1);
    size_t step_count = 0;

    for (size_t i = history->count; i > 0; i--) {
        const struct history_entry *entry = &history->entries[i - 1];
        const struct known_migration *migration = known_bundle_migration(bundle, entry->version);
        if (migration && migration->is_repeatable) {
            continue; /* it is of no version, so above none */
        }
        bool is_above = kept && migration ? migration->index > kept->index
                                          : !kept_entry || entry->index > kept_entry->index;
        if (!is_above) {
            continue;
        }
        if (!find_undone(bundle, entry, &migration, error)) {
            return false;
        }
        is_undone[i - 1] = true;
        taken[step_count] = migration;
        steps[step_count++] = step_of(bundle, migration);
    }
    if (!check_way_back(taken, step_count, error)) {
        return false;
    }
    forecast->draft = (struct itinerary_draft){.from_version = newest(history),
                                               .to_version = version_below(history, is_undone),
                                               .steps = steps,
                                               .step_count = step_count};
    return true;
}

/* ---- undo ---------------------------------------------------------------------------------- */

/* Which entries of the history these steps have made, and which is the first of them. */
static size_t
mark_undone(const struct history *history, const struct leg_step *steps, size_t step_count,
            bool *is_undone)
{
    size_t first = history->count;

    for (size_t i = 0; i < step_count; i++) {
        const struct history_entry *entry = history_find(history, steps[i].version);
        if (entry) {
            is_undone[entry->index] = true;
            first = entry->index < first ? entry->index : first;
        }
    }
    return first;
}

static bool
check_on_top(const struct history *history, const bool *is_undone, size_t first,
             struct error *error)
{
    CLEANUP(roll_release) struct roll above = {0};

    for (size_t i = first; i < history->count; i++) {
        if (!is_undone[i]) {
            roll_add(&above, history->entries[i].version, NULL);
        }
    }
    if (!above.count) {
        return true;
    }
    error_set(error, "E-MIG-ORDER", "%s %s applied since then", roll_text(&above),
              above.count == 1 ? "was" : "were");
    return error_hint(error, "roll back what was applied last first");
}

bool
forecast_undo(struct known_bundle *bundles, const struct history *history,
              const struct leg_step *steps, size_t step_count, struct arena *arena,
              struct forecast *forecast, struct error *error)
{
    const struct known_migration **taken = arena_alloc(arena, (step_count + 1) * sizeof *taken);
    struct leg_step *undoing = arena_alloc(arena, (step_count + 1) * sizeof *undoing);
    bool *is_undone = arena_alloc(arena, history->count + 1);
    size_t count = 0, first = mark_undone(history, steps, step_count, is_undone);

    if (!check_on_top(history, is_undone, first, error)) {
        return false;
    }
    for (size_t i = step_count; i > 0; i--) {
        const struct history_entry *entry = history_find(history, steps[i - 1].version);
        if (!entry) {
            continue;
        }
        const struct known_bundle *bundle = known_bundle_find(bundles, &steps[i - 1].digest);
        if (!find_undone(bundle, entry, &taken[count], error)) {
            return false;
        }
        undoing[count++] = steps[i - 1];
    }
    if (!check_way_back(taken, count, error)) {
        return false;
    }
    forecast->draft = (struct itinerary_draft){.from_version = newest(history),
                                               .to_version = version_below(history, is_undone),
                                               .steps = undoing,
                                               .step_count = count};
    if (count < step_count) {
        forecast->note = arena_format(arena, "%zu of its steps %s undone already",
                                      step_count - count, step_count - count == 1 ? "is" : "are");
    }
    return true;
}
