/*
 * sqitch: sqitch.plan names the changes in their order; deploy/<name>.sql, revert/<name>.sql and
 * verify/<name>.sql are their scripts. A name that is planned again is a rework: the scripts of the
 * earlier one are called <name>@<tag>.sql, by the first tag between the two that is a file. The
 * second change of a name has the version <name>@2, so that the first keeps the one it had.
 */
#include "common/migration/layouts/sqitch.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"
#include "common/migration/layouts/sqitch_plan.h"
#include "common/migration/manifest.h"

#define PATTERN "sqitch.plan; deploy/<name>.sql, revert/<name>.sql, verify/<name>.sql"

static bool
claims(struct listing *listing, struct listed_file *file)
{
    (void)listing;
    return !file->is_folder && text_equal(file->name, SQITCH_PLAN);
}

/* ---- reworks --------------------------------------------------------------------------------- */

/* How many changes before this one have its name. */
static size_t
earlier_count(const struct sqitch_plan *plan, size_t index)
{
    size_t count = 0;

    for (size_t i = 0; i < index; i++) {
        count += text_equal(plan->changes[i].change.name, plan->changes[index].change.name);
    }
    return count;
}

/* The next change of the same name; the count when there is none. */
static size_t
rework_of(const struct sqitch_plan *plan, size_t index)
{
    size_t next = index + 1;

    while (next < plan->count &&
           !text_equal(plan->changes[next].change.name, plan->changes[index].change.name)) {
        next++;
    }
    return next;
}

/*
 * What the scripts of a change are called, without the ending: its name, or, when it is reworked
 * later, the name and a tag. Null when there is no such tag.
 */
static const char *
script_name(struct collection *collection, const struct sqitch_plan *plan, size_t index)
{
    const char *name = plan->changes[index].change.name;
    struct arena *arena = &collection->sources->arena;
    size_t rework = rework_of(plan, index);
    const char *first = NULL;

    if (rework == plan->count) {
        return name;
    }
    for (size_t i = index; i < rework; i++) {
        const struct sqitch_change *change = &plan->changes[i].change;
        for (size_t tag = 0; tag < change->tag_count; tag++) {
            const char *tagged = arena_format(arena, "%s%s", name, change->tags[tag].name);
            CLEANUP(mem_free) char *path = mem_format("deploy/%s.sql", tagged);
            if (listing_has(collection->listing, path)) {
                return tagged;
            }
            first = first ? first : tagged;
        }
    }
    return first;
}

/* ---- what a change stands on ----------------------------------------------------------------- */

/* name, name@tag, @tag or an id: whether it is planned before a change. */
static bool
is_planned_before(const struct sqitch_plan *plan, size_t index, const char *wanted)
{
    size_t size = strcspn(wanted, "@");

    for (size_t i = 0; i < index; i++) {
        const struct sqitch_change *change = &plan->changes[i].change;
        bool is_named = strlen(change->name) == size && strncmp(change->name, wanted, size) == 0;
        for (size_t tag = 0; size == 0 && tag < change->tag_count; tag++) {
            is_named = is_named || text_equal(change->tags[tag].name, wanted);
        }
        if (is_named) {
            return true;
        }
    }
    return false;
}

static bool
is_id(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40;
}

static void
check_dependencies(struct collection *collection, const struct sqitch_plan *plan, size_t index)
{
    const struct sqitch_change *change = &plan->changes[index].change;
    size_t offset = plan->changes[index].offset;

    for (size_t i = 0; i < change->require_count; i++) {
        const char *wanted = change->requires[i];
        if (!strchr(wanted, ':') && !is_id(wanted) && !is_planned_before(plan, index, wanted)) {
            collection_refuse_at(collection, plan->file, offset, "E-MIG-ORDER",
                                 "the change requires one that is not planned before it", wanted,
                                 "put them in order");
        }
    }
    for (size_t i = 0; i < change->conflict_count; i++) {
        if (is_planned_before(plan, index, change->conflicts[i])) {
            collection_refuse_at(collection, plan->file, offset, "E-MIG-ORDER",
                                 "the change conflicts with one that is planned before it",
                                 change->conflicts[i], "one of the two must go");
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
load(struct collection *collection, const char *folder, const char *name, struct source *source)
{
    CLEANUP(mem_free) char *file = mem_format("%s.sql", name);

    return collection_load_script(collection, folder, file, source);
}

static void
collect_change(struct collection *collection, const struct sqitch_plan *plan, size_t index)
{
    const struct planned_change *planned = &plan->changes[index];
    const char *scripts = script_name(collection, plan, index);
    size_t earlier = earlier_count(plan, index);
    struct source_migration migration = {
        .version = planned->change.name, .name = planned->change.name, .plan = &planned->change};

    check_dependencies(collection, plan, index);
    if (!scripts) {
        collection_refuse_at(collection, plan->file, planned->offset, "E-MIG-MARK",
                             "the change is planned again without a tag between the two",
                             planned->change.name, "sqitch rework wants a tag first");
        return;
    }
    if (earlier) {
        migration.version =
            arena_format(&collection->sources->arena, "%s@%zu", planned->change.name, earlier + 1);
    }
    if (!load(collection, "deploy", scripts, &migration.up) ||
        !load(collection, "revert", scripts, &migration.down) ||
        !load(collection, "verify", scripts, &migration.verify)) {
        return;
    }
    CLEANUP(mem_free) char *path = mem_format("deploy/%s.sql", scripts);
    if (!migration.up.file) {
        collection_refuse(collection, path, "E-MIG-MISSING", "the plan names it", SQITCH_PLAN,
                          "add it, or take the change out of the plan");
        return;
    }
    collection_add(collection, path, &migration);
}

static void
collect(struct collection *collection)
{
    struct listed_file *file = listing_file(collection->listing, SQITCH_PLAN);
    struct sqitch_plan plan;

    if (!file) {
        collection_refuse(collection, SQITCH_PLAN, "E-MIG-MISSING", "there is no plan", "",
                          "the folder is the one that holds sqitch.plan");
        return;
    }
    if (!collection_load(collection, file) || !collection_check_text(collection, file) ||
        !sqitch_plan_read(collection, file, &plan)) {
        return;
    }
    if (plan.count > MIGRATIONS_MAX) {
        collection_refuse(collection, SQITCH_PLAN, "E-MIG-COUNT",
                          "too many migrations for one service", "at most 1000",
                          "squash the oldest into one");
        return;
    }
    for (size_t i = 0; i < plan.count; i++) {
        collect_change(collection, &plan, i);
    }
}

const struct layout layout_sqitch = {
    .name = "sqitch", .pattern = PATTERN, .claims = claims, .collect = collect, .runs_mixed = true};
