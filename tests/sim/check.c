#include "tests/sim/check.h"

#include "tests/sim/database.h"
#include "tests/sim/truth.h"

/* ---- the databases ------------------------------------------------------------------------- */

static bool
is_lower(const struct token *token, const struct token *than)
{
    return token->epoch < than->epoch ||
           (token->epoch == than->epoch && !id_equal(&token->instance, &than->instance));
}

void
check_begins(struct check *check, const struct database *database, const struct work *work)
{
    struct token *largest = &check->largest[database->index % TRUTH_DATABASES_MAX];
    struct step_truth *step = truth_of_step(check, &work->step_id);

    world_trace(check->world, database->name, "begins step %s (%zu %s, attempt %llu)",
                truth_short_id(&work->step_id), work->place + 1,
                work->direction == DIRECTION_UP ? "up" : "down", (unsigned long long)work->attempt);
    if (is_lower(&work->token, largest)) {
        world_violated(check->world, "I7", "%s: step %s begins under epoch %llu after %llu",
                       database->name, truth_short_id(&work->step_id),
                       (unsigned long long)work->token.epoch, (unsigned long long)largest->epoch);
    }
    *largest = work->token;
    if (!step->leg) {
        world_violated(check->world, "I4", "%s: step %s begins and is not in the store",
                       database->name, truth_short_id(&work->step_id));
        return;
    }
    if (!id_equal(&step->leg->key.target_id, &database->target_id)) {
        world_violated(check->world, "TARGET", "%s: step %s begins, it is of another database",
                       database->name, truth_short_id(&work->step_id));
    }
    if (step->leg->state == LEG_WAITING) {
        world_violated(check->world, "I10", "%s: step %s begins, its leg has not", database->name,
                       truth_short_id(&work->step_id));
    }
    for (uint64_t i = 0; i < step->position; i++) {
        const struct step_truth *before = step->leg->steps[i];
        if (!before || (!before->took_effect && !before->was_already)) {
            world_violated(check->world, "ORDER",
                           "%s: step %s begins before step %llu of its leg is done", database->name,
                           truth_short_id(&work->step_id), (unsigned long long)i);
        }
    }
}

void
check_took_effect(struct check *check, const struct database *database, const struct work *work)
{
    struct step_truth *step = truth_of_step(check, &work->step_id);
    int probe = database->contents.probe[work->place];

    world_trace(check->world, database->name, "step %s took effect (%zu %s)",
                truth_short_id(&work->step_id), work->place + 1,
                work->direction == DIRECTION_UP ? "up" : "down");
    check->effect_count++;
    if (step->took_effect || probe < 0 || probe > 1) {
        world_violated(check->world, "I1",
                       "%s: step %s takes effect%s; its migration is there %d times",
                       database->name, truth_short_id(&work->step_id),
                       step->took_effect ? " a second time" : "", probe);
    }
    step->took_effect = true;
    step->effect_attempt = work->attempt;
    if (!step->leg) {
        world_violated(check->world, "I4", "%s: step %s takes effect and is not in the store",
                       database->name, truth_short_id(&work->step_id));
    } else if (truth_is_ended(step->state)) {
        world_violated(check->world, step->state == STEP_CANCELLED ? "I8" : "I6",
                       "%s: step %s takes effect (attempt %llu) after it was stored as %s",
                       database->name, truth_short_id(&work->step_id),
                       (unsigned long long)work->attempt,
                       step->state == STEP_CANCELLED ? "cancelled"
                       : step->state == STEP_FAILED  ? "failed"
                                                     : "done");
    }
}

void
check_replaced(struct check *check, const struct database *database)
{
    struct leg_truth *leg, *next;

    HASH_ITER(hh, check->legs, leg, next)
    {
        leg->is_gone = leg->is_gone || id_equal(&leg->key.target_id, &database->target_id);
    }
    check->largest[database->index % TRUTH_DATABASES_MAX] = (struct token){0};
    check->gone[check->gone_count++ % TRUTH_DATABASES_MAX] = database->target_id;
}

/* Whether the migration's last word in the journal is an intent: then it is half way. */
static bool
is_half_way(const struct contents *contents, size_t place)
{
    for (size_t i = contents->journal_count; i-- > 0;) {
        if (contents->journal[i].place == place && contents->journal[i].state != JOURNAL_VOID) {
            return contents->journal[i].state == JOURNAL_INTENT;
        }
    }
    return false;
}

static void
check_place(struct check *check, const struct database *database, size_t place)
{
    const struct contents *contents = &database->contents;
    int probe = contents->probe[place];

    if (probe < 0 || probe > 1) {
        world_violated(check->world, "I1", "%s: migration %zu is there %d times", database->name,
                       place + 1, probe);
    }
    if (contents->applied[place].is_there != (probe == 1) && !is_half_way(contents, place)) {
        world_violated(check->world, "I3", "%s: migration %zu is %s and is there %d times",
                       database->name, place + 1,
                       contents->applied[place].is_there ? "applied" : "not applied", probe);
    }
}

void
check_finished(struct check *check, const struct database *database, const struct work *work)
{
    if (!truth_of_step(check, &work->step_id)->took_effect) {
        world_violated(check->world, "I3", "%s: the journal says done, step %s took no effect",
                       database->name, truth_short_id(&work->step_id));
    }
    check_place(check, database, work->place);
}

void
check_database(struct check *check, const struct database *database)
{
    for (size_t place = 0; place < PLACES_MAX; place++) {
        check_place(check, database, place);
    }
}

void
check_found_out(struct check *check, const struct database *database, const struct work *work,
                const struct outcome *outcome)
{
    struct step_truth *step = truth_of_step(check, &work->step_id);
    bool is_there = database->contents.applied[work->place].is_there;
    bool is_gone = step->leg && step->leg->is_gone;

    switch (outcome->kind) {
    case OUTCOME_DONE:
        if (!step->took_effect) {
            world_violated(check->world, "I5", "%s: step %s is said to be done and is not",
                           database->name, truth_short_id(&work->step_id));
        }
        break;
    case OUTCOME_ALREADY:
        step->was_already = true;
        if (is_there != (work->direction == DIRECTION_UP)) {
            world_violated(check->world, "I5", "%s: step %s is said to be so already and is not",
                           database->name, truth_short_id(&work->step_id));
        }
        break;
    case OUTCOME_FAILED:
    case OUTCOME_CANCELLED:
    case OUTCOME_KIND_COUNT:
        *(outcome->kind == OUTCOME_FAILED ? &step->failed : &step->cancelled) |=
            truth_bit(work->attempt);
        if (step->took_effect && step->effect_attempt <= work->attempt && !is_gone) {
            world_violated(check->world, "I6", "%s: step %s is said to be not done and it is",
                           database->name, truth_short_id(&work->step_id));
        }
        break;
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

void
check_all_ended(struct check *check)
{
    struct run_truth *run, *next_run;
    struct step_truth *step, *next_step;

    HASH_ITER(hh, check->runs, run, next_run)
    {
        if (run->state <= RUN_CANCELLING) {
            world_violated(check->world, "I2", "run %llu has not ended (state %d)",
                           (unsigned long long)run->number, (int)run->state);
        }
    }
    HASH_ITER(hh, check->steps, step, next_step)
    {
        bool is_gone = step->leg && step->leg->is_gone;
        if (step->took_effect && step->state != STEP_DONE && !is_gone) {
            world_violated(check->world, "I4", "step %s took effect and is not stored as done",
                           truth_short_id(&step->id));
        }
        if (step->leg && !truth_is_ended(step->state)) {
            world_violated(check->world, "I2", "step %s has not ended", truth_short_id(&step->id));
        }
    }
}

void
check_report(struct check *check, const struct database *database)
{
    const struct record *record = disk_find(check->disk, RECORD_TARGET, &database->target_id, NULL);
    size_t count = database->contents.applied_count;

    if (!record || record->target.applied_count != count) {
        world_violated(check->world, "VIEW", "%s: the store says %llu are applied, there are %zu",
                       database->name,
                       record ? (unsigned long long)record->target.applied_count : 0, count);
    }
}
