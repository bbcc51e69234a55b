#include "coordinator/core/rollback.h"

#include "coordinator/core/target.h"

void
rollback_of_run(struct core *core, const struct run *run, struct rollback *rollback)
{
    rollback->items = arena_alloc(&core->scratch, (run->leg_count + 1) * sizeof *rollback->items);
    for (size_t i = 0; i < run->leg_count; i++) {
        const struct leg *leg = &run->legs[i];
        struct undoing undoing = {.target_id = leg->target_id, .target = leg->target};
        size_t count = leg->itinerary->step_count;

        undoing.steps = arena_alloc(&core->scratch, (count + 1) * sizeof *undoing.steps);
        for (size_t j = 0; leg->steps && j < count; j++) {
            if (leg->steps[j].state == STEP_DONE &&
                (leg->steps[j].verdict == OUTCOME_DONE || MUTATION(UNDO_TOO_MUCH))) {
                undoing.steps[undoing.step_count++] = leg->itinerary->steps[j];
            }
        }
        if (undoing.step_count) {
            rollback->items[rollback->count++] = undoing;
        }
    }
}

/* Which steps of a leg were done, while the records are gone through. */
struct marked {
    const struct leg_record *leg;
    bool *was_done; /* by position */
};

static struct marked *
marked_for(struct marked *items, size_t count, const struct id *target_id)
{
    for (size_t i = 0; i < count; i++) {
        if (id_equal(&items[i].leg->target_id, target_id)) {
            return &items[i];
        }
    }
    return NULL;
}

static void
take_marked(struct core *core, const struct marked *marked, struct rollback *rollback)
{
    const struct leg_record *leg = marked->leg;
    struct undoing undoing = {
        .target_id = leg->target_id,
        .target = target_with_id(core, &leg->target_id),
        .steps = arena_alloc(&core->scratch, (leg->step_count + 1) * sizeof *undoing.steps)};

    for (size_t i = 0; i < leg->step_count; i++) {
        if (marked->was_done[i]) {
            undoing.steps[undoing.step_count++] = leg->steps[i];
        }
    }
    if (undoing.step_count) {
        rollback->items[rollback->count++] = undoing;
    }
}

void
rollback_of_records(struct core *core, const struct record *records, size_t count,
                    struct rollback *rollback)
{
    struct marked *items = arena_alloc(&core->scratch, (count + 1) * sizeof *items), *last = NULL;
    size_t item_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct leg_record *leg = &records[i].leg;
        const struct step_record *step = &records[i].step;
        if (records[i].kind == RECORD_LEG) {
            items[item_count++] = (struct marked){
                leg, arena_alloc(&core->scratch, (leg->step_count + 1) * sizeof(bool))};
        } else if (records[i].kind == RECORD_STEP) {
            if (!last || !id_equal(&last->leg->target_id, &step->target_id)) {
                last = marked_for(items, item_count, &step->target_id);
            }
            if (last && step->position < last->leg->step_count) {
                last->was_done[step->position] =
                    step->state == STEP_DONE &&
                    (step->outcome.kind == OUTCOME_DONE || MUTATION(UNDO_TOO_MUCH));
            }
        }
    }
    rollback->items = arena_alloc(&core->scratch, (item_count + 1) * sizeof *rollback->items);
    for (size_t i = 0; i < item_count; i++) {
        take_marked(core, &items[i], rollback);
    }
}

/* ---- a rollback that begins by itself ------------------------------------------------------- */

static struct itinerary *
way_back(struct core *core, const struct undoing *undoing, const char *to_version)
{
    size_t count = undoing->step_count;
    struct leg_step *steps = arena_alloc(&core->scratch, (count + 1) * sizeof *steps);
    struct itinerary_draft draft = {.from_version = undoing->steps[count - 1].version,
                                    .to_version = to_version,
                                    .steps = steps,
                                    .step_count = count};

    for (size_t i = 0; i < count; i++) {
        steps[i] = undoing->steps[count - 1 - i];
    }
    return itinerary_take(&core->itineraries, &draft);
}

static const char *
version_before(const struct run *run, const struct id *target_id)
{
    for (size_t i = 0; i < run->leg_count; i++) {
        if (id_equal(&run->legs[i].target_id, target_id)) {
            return run->legs[i].itinerary->from_version;
        }
    }
    return NULL;
}

void
rollback_begin(struct core *core, struct run *run, const struct rollback *rollback)
{
    struct leg_draft *legs = arena_alloc(&core->scratch, (rollback->count + 1) * sizeof *legs);
    struct run_spec spec = {.kind = RUN_DOWN,
                            .undo_run_id = run->run_id,
                            .parallel = run->spec.parallel,
                            .budget = {100, true},
                            .on_failure = ON_FAILURE_CONTINUE,
                            .lock_timeout_ms = run->spec.lock_timeout_ms,
                            .timeout_ms = run->spec.timeout_ms};
    struct run_draft draft = {.run_id = id_draw(&core->random),
                              .spec = &spec,
                              .operator_name = "coordinator",
                              .legs = legs};

    for (size_t i = 0; i < rollback->count; i++) {
        const struct undoing *undoing = &rollback->items[i];
        if (undoing->target) {
            struct leg_draft *leg = &legs[draft.leg_count++];
            leg->target = undoing->target;
            leg->itinerary = way_back(core, undoing, version_before(run, &undoing->target_id));
        }
    }
    if (!draft.leg_count) {
        return;
    }
    struct run *undo = run_create(core, &draft);
    for (size_t i = 0; i < draft.leg_count; i++) {
        itinerary_drop(&core->itineraries, &legs[i].itinerary);
    }
    run_note_rollback(core, run, undo->number);
    core_audit(core, NULL, "rollback",
               core_format(core, "run %llu", (unsigned long long)undo->number),
               "undoes run %llu on %zu targets", (unsigned long long)run->number, draft.leg_count);
}
