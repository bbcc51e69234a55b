#include "coordinator/core/depend.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/target.h"

#define NAMED_MAX 3          /* targets named in one sentence */
#define DEPENDENCY_SIZE 1025 /* no manifest has longer ones */

/* One word of a migration's: "auth@42". */
struct dependency {
    char service[DEPENDENCY_SIZE], version[DEPENDENCY_SIZE];
};

/* The next word of *text, which moves behind it; false at its end. */
static bool
next_dependency(const char **text, struct dependency *dependency)
{
    const char *word = *text ? *text + strspn(*text, " ") : "";
    size_t size = strcspn(word, " ");
    const char *at = memrchr(word, '@', size);

    if (!at || size >= DEPENDENCY_SIZE) {
        return false;
    }
    size_t service = (size_t)(at - word);
    memcpy(dependency->service, word, service);
    dependency->service[service] = '\0';
    memcpy(dependency->version, at + 1, size - service - 1);
    dependency->version[size - service - 1] = '\0';
    *text = word + size;
    return true;
}

static bool
is_paired(const struct target *one, const struct target *other)
{
    for (size_t i = 0; i < one->label_count; i++) {
        for (size_t j = 0; j < other->label_count; j++) {
            if (text_equal(one->labels[i].name, other->labels[j].name) &&
                !text_equal(one->labels[i].value, other->labels[j].value)) {
                return false;
            }
        }
    }
    return true;
}

static struct target *
target_of(struct core *core, const struct entry *entry)
{
    return id_is_none(&entry->target_id) ? target_named(core, entry->name)
                                         : target_with_id(core, &entry->target_id);
}

/* ---- who is asked -------------------------------------------------------------------------- */

static bool
is_depended_on(const struct known_bundle *bundle, const char *service)
{
    struct dependency dependency;

    for (size_t i = 0; i < bundle->migration_count; i++) {
        const char *text = bundle->migrations[i].depends;
        while (next_dependency(&text, &dependency)) {
            if (strcmp(dependency.service, service) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a target of the plan may depend on this one, which is not of the plan. */
static bool
is_wanted(struct core *core, const struct planning *planning, const struct target *target)
{
    const struct known_bundle *bundle = NULL;
    bool depends = false;

    for (size_t i = 0; i < planning->entry_count; i++) {
        const struct entry *entry = &planning->entries[i];
        if (entry->bundle != bundle) {
            bundle = entry->bundle;
            depends = bundle->has_depends && !text_equal(bundle->service, target->service) &&
                      is_depended_on(bundle, target->service);
        }
        const struct target *own = depends ? target_of(core, entry) : NULL;
        if (own && is_paired(own, target)) {
            return true;
        }
    }
    return false;
}

static bool
is_of_plan(const struct planning *planning, const struct target *target)
{
    for (size_t i = 0; i < planning->entry_count; i++) {
        if (id_equal(&planning->entries[i].target_id, &target->target_id)) {
            return true;
        }
    }
    return false;
}

/* Services are whole in a plan or not at all, but for what was selected. */
void
depend_add_witnesses(struct core *core, struct planning *planning)
{
    bool has_depends = false;

    for (size_t i = 0; i < planning->bundle_count; i++) {
        has_depends = has_depends || planning->bundles[i]->has_depends;
    }
    if (!has_depends || planning->spec.kind != RUN_UP) {
        return;
    }
    for (struct target *target = targets_sorted(core); target; target = target->by_name.next) {
        if (id_is_none(&target->target_id) || !is_wanted(core, planning, target) ||
            is_of_plan(planning, target)) {
            continue;
        }
        planning->witnesses = mem_grow(planning->witnesses, planning->witness_count,
                                       &planning->witness_capacity, sizeof *planning->witnesses);
        planning->witnesses[planning->witness_count++] =
            (struct entry){.target_id = target->target_id,
                           .name = arena_text(&planning->arena, target->name),
                           .service = arena_text(&planning->arena, target->service),
                           .is_witness = true};
    }
}

/* ---- who is refused ------------------------------------------------------------------------ */

/* Where in the target's part of the plan the version comes; SIZE_MAX: nowhere. */
static size_t
place_of(const struct entry *entry, const char *version)
{
    const struct itinerary *itinerary = entry->prospect ? entry->prospect->itinerary : NULL;

    for (size_t i = 0; !entry_fault(entry) && itinerary && i < itinerary->step_count; i++) {
        if (strcmp(itinerary->steps[i].version, version) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/*
 * Whether `other` has the version before `entry` comes to its step number `position`. What an
 * earlier wave brings counts only when no failure in it is passed over.
 */
static bool
has_before(const struct planning *planning, const struct entry *other, const struct entry *entry,
           size_t position, const char *version)
{
    const struct run_spec *spec = &planning->spec;
    bool is_strict = spec->budget.number == 0 && spec->on_failure != ON_FAILURE_CONTINUE;

    if (other->history && history_find(other->history, version)) {
        return true;
    }
    if (other == entry) {
        return place_of(entry, version) < position;
    }
    return is_strict && other->wave && other->wave < entry->wave &&
           place_of(other, version) != SIZE_MAX;
}

/* Those that lack something, for people. */
struct lacking {
    size_t count, paired;
    const char *names;
};

static void
ask(struct core *core, const struct planning *planning, const struct entry *entry,
    const struct entry *other, size_t position, const struct dependency *dependency,
    struct lacking *lacking)
{
    const struct target *own = target_of(core, entry), *target = target_of(core, other);
    bool is_own = strcmp(entry->service, dependency->service) == 0;

    if (strcmp(other->service, dependency->service) != 0 || !own || !target ||
        (is_own ? other != entry : !is_paired(own, target))) {
        return;
    }
    lacking->paired++;
    if (has_before(planning, other, entry, position, dependency->version)) {
        return;
    }
    if (lacking->count++ < NAMED_MAX) {
        lacking->names = core_format(core, "%s%s%s%s", lacking->names, *lacking->names ? ", " : "",
                                     other->name, other->history ? "" : " (did not answer)");
    }
}

static bool
refuse(const struct dependency *dependency, const char *version, const struct lacking *lacking,
       struct error *error)
{
    error_set(error, "E-PLAN-DEPENDS", "migration %s depends on %s@%s, which %s", version,
              dependency->service, dependency->version,
              lacking->paired ? "is not applied" : "nobody can be asked about");
    if (lacking->paired) {
        error_found(error, "not applied on %zu of %zu target%s of %s: %s%s", lacking->count,
                    lacking->paired, lacking->paired == 1 ? "" : "s", dependency->service,
                    lacking->names, lacking->count > NAMED_MAX ? " …" : "");
        return error_hint(error, "apply it there first: skein apply %s --to %s",
                          dependency->service, dependency->version);
    }
    error_found(error, "no target of service %s is paired with this one", dependency->service);
    return error_hint(error,
                      "targets are paired when no label that both have differs; see skein "
                      "targets --select service=%s",
                      dependency->service);
}

static bool
check_dependency(struct core *core, const struct planning *planning, const struct entry *entry,
                 size_t position, const struct dependency *dependency, struct error *error)
{
    struct lacking lacking = {.names = ""};

    for (size_t i = 0; i < planning->entry_count; i++) {
        ask(core, planning, entry, &planning->entries[i], position, dependency, &lacking);
    }
    for (size_t i = 0; i < planning->witness_count; i++) {
        ask(core, planning, entry, &planning->witnesses[i], position, dependency, &lacking);
    }
    return (lacking.paired && !lacking.count) ||
           refuse(dependency, entry->prospect->itinerary->steps[position].version, &lacking, error);
}

static bool
check_entry(struct core *core, const struct planning *planning, const struct entry *entry,
            struct error *error)
{
    const struct itinerary *itinerary = entry->prospect->itinerary;

    for (size_t i = 0; i < itinerary->step_count; i++) {
        const struct known_migration *migration =
            known_bundle_migration(entry->bundle, itinerary->steps[i].version);
        const char *text = migration ? migration->depends : NULL;
        struct dependency dependency;
        while (next_dependency(&text, &dependency)) {
            if (!check_dependency(core, planning, entry, i, &dependency, error)) {
                return false;
            }
        }
    }
    return true;
}

size_t
depend_refuse(struct core *core, struct planning *planning)
{
    size_t count = 0;

    for (size_t i = 0; planning->spec.kind == RUN_UP && i < planning->entry_count; i++) {
        struct entry *entry = &planning->entries[i];
        struct error error;
        if (entry_fault(entry) || !entry->bundle || !entry->bundle->has_depends ||
            check_entry(core, planning, entry, &error)) {
            continue;
        }
        struct fault fault = fault_from_error(&error, &core->scratch);
        fault_replace(&entry->fault, &fault);
        count++;
    }
    return count;
}
