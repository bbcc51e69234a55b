#include "coordinator/core/probing.h"

#include <string.h>

#include "common/base/text.h"
#include "coordinator/core/kept_fault.h"

#define NOTE_MOST 1000 /* bytes; a longer one is not said */

/* ---- what is asked --------------------------------------------------------------------------- */

/* Of the steps that are to be undone: the last is undone first. */
static size_t
probes_undoing(const struct core *core, const struct itinerary *undoing,
               struct batch_probe probes[PROBES_MAX])
{
    size_t count = 0;

    for (size_t i = undoing->step_count; i > 0; i--) {
        const struct leg_step *step = &undoing->steps[i - 1];
        const struct known_bundle *bundle = known_bundle_find(core->known_bundles, &step->digest);
        for (size_t j = 0; bundle && j < bundle->probe_counts[DIRECTION_DOWN]; j++) {
            const struct batch_probe *probe = &bundle->probes[DIRECTION_DOWN][j];
            if (count < PROBES_MAX && strcmp(probe->version, step->version) == 0) {
                probes[count++] = *probe;
            }
        }
    }
    return count;
}

size_t
probing_probes(const struct core *core, const struct planning *planning, const struct entry *entry,
               struct batch_probe probes[PROBES_MAX])
{
    enum direction direction = planning_direction(planning);

    if (entry->is_witness) {
        return 0;
    }
    if (!entry->bundle) {
        return entry->undoing ? probes_undoing(core, entry->undoing, probes) : 0;
    }
    size_t count = entry->bundle->probe_counts[direction];
    memcpy(probes, entry->bundle->probes[direction], count * sizeof *probes);
    return count;
}

/* ---- what is answered ------------------------------------------------------------------------ */

static const struct batch_verdict *
verdict_on(const struct batch_verdict *verdicts, size_t count, const char *version, bool is_warning)
{
    for (size_t i = 0; i < count; i++) {
        if (verdicts[i].is_warning == is_warning && strcmp(verdicts[i].version, version) == 0) {
            return &verdicts[i];
        }
    }
    return NULL;
}

static bool
is_about_absence(const struct batch_verdict *verdict)
{
    return text_equal(verdict->fault.code, "E-BATCH-TABLE");
}

const struct batch_verdict *
probing_choose(struct known_bundle *bundles, enum direction direction, const struct leg_step *steps,
               size_t step_count, const struct batch_verdict *verdicts, size_t verdict_count,
               bool *is_certain)
{
    const struct batch_verdict *first = NULL;
    bool is_as_found = true; /* nothing before it changes what the catalog says */

    *is_certain = false;
    for (size_t i = 0; i < step_count; i++) {
        const char *version = steps[i].version;
        const struct batch_verdict *refusal = verdict_on(verdicts, verdict_count, version, false);
        if (refusal && is_as_found) {
            *is_certain = true;
            return refusal;
        }
        if (refusal && is_about_absence(refusal)) {
            refusal = NULL;
        }
        const struct batch_verdict *found =
            refusal ? refusal : verdict_on(verdicts, verdict_count, version, true);
        first = first ? first : found;
        const struct known_migration *migration =
            known_bundles_migration(bundles, &steps[i].digest, version);
        is_as_found = is_as_found && migration && migration->is_data[direction];
    }
    return first;
}

const char *
probing_note(const struct batch_verdict *verdict, struct arena *arena)
{
    const char *unless =
        verdict->is_warning ? "" : ", unless what comes before it in the plan changes that";

    return arena_format(arena, "%s: %s (%s)%s", verdict->version,
                        verdict->fault.text ? verdict->fault.text : "",
                        verdict->fault.code ? verdict->fault.code : "", unless);
}

static void
add_note(struct planning *planning, struct entry *entry, const struct batch_verdict *verdict)
{
    const char *before = entry->prospect->note, *note = probing_note(verdict, &planning->arena);

    if (before) {
        note = arena_format(&planning->arena, "%s; %s", before, note);
    }
    entry->note = strlen(note) <= NOTE_MOST ? note : before;
}

void
probing_judge(const struct core *core, struct planning *planning, struct entry *entry,
              const struct surveyed *surveyed)
{
    const struct itinerary *itinerary = entry->prospect ? entry->prospect->itinerary : NULL;
    bool is_certain;

    if (!itinerary) {
        return;
    }
    const struct batch_verdict *verdict = probing_choose(
        core->known_bundles, planning_direction(planning), itinerary->steps, itinerary->step_count,
        surveyed->verdicts, surveyed->verdict_count, &is_certain);
    if (verdict && is_certain) {
        fault_replace(&entry->fault, &verdict->fault);
    } else if (verdict) {
        add_note(planning, entry, verdict);
    }
}
