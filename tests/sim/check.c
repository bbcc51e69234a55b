#include "tests/sim/check.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "tests/sim/database.h"

#define DATABASES_MAX 64

struct step_truth {
    struct id id;
    struct leg_truth *leg; /* null: the store has never heard of it */
    uint64_t position;
    enum step_state state;
    uint64_t attempt;
    bool took_effect, was_already;
    uint64_t effect_attempt;
    uint64_t assigned, failed, cancelled, not_started, refused; /* bit by attempt */
    UT_hash_handle hh;
};

struct leg_key {
    struct id run_id, target_id;
};

struct leg_truth {
    struct leg_key key;
    struct run_truth *run;
    struct leg_truth *next; /* of the run */
    uint64_t ordinal, wave;
    enum leg_state state;
    struct step_truth *steps[PLACES_MAX];
    size_t step_count;
    UT_hash_handle hh;
};

struct run_truth {
    struct id id;
    uint64_t number;
    uint64_t leg_count, parallel, budget;
    enum on_failure on_failure;
    enum run_state state;
    struct leg_truth *legs;
    uint64_t running, failed, failed_before;
    bool is_touched, has_new_work, has_run; /* in this turn */
    struct run_truth *next_touched;
    UT_hash_handle hh;
};

struct check {
    struct world *world;
    const struct disk *disk;
    struct step_truth *steps;
    struct leg_truth *legs;
    struct run_truth *runs, *touched;
    struct token largest[DATABASES_MAX]; /* that an effect has begun under */
    uint64_t effect_count;
};

struct check *
check_new(struct world *world, const struct disk *disk)
{
    struct check *check = mem_zalloc(sizeof *check);
    check->world = world;
    check->disk = disk;
    return check;
}

void
check_destroy(struct check **check_p)
{
    struct check *check = *check_p;
    struct step_truth *step, *next_step;
    struct leg_truth *leg, *next_leg;
    struct run_truth *run, *next_run;

    *check_p = NULL;
    if (!check) {
        return;
    }
    HASH_ITER(hh, check->steps, step, next_step)
    {
        HASH_DEL(check->steps, step);
        free(step);
    }
    HASH_ITER(hh, check->legs, leg, next_leg)
    {
        HASH_DEL(check->legs, leg);
        free(leg);
    }
    HASH_ITER(hh, check->runs, run, next_run)
    {
        HASH_DEL(check->runs, run);
        free(run);
    }
    free(check);
}

uint64_t
check_effect_count(const struct check *check)
{
    return check->effect_count;
}

/* ---- looking up ---------------------------------------------------------------------------- */

static struct step_truth *
step_of(struct check *check, const struct id *id)
{
    struct step_truth *step;

    HASH_FIND(hh, check->steps, id, sizeof *id, step);
    if (!step) {
        step = mem_zalloc(sizeof *step);
        step->id = *id;
        HASH_ADD(hh, check->steps, id, sizeof step->id, step);
    }
    return step;
}

static struct leg_truth *
leg_of(struct check *check, const struct id *run_id, const struct id *target_id)
{
    struct leg_key key = {.run_id = *run_id, .target_id = *target_id};
    struct leg_truth *leg;

    HASH_FIND(hh, check->legs, &key, sizeof key, leg);
    return leg;
}

static struct run_truth *
run_of(struct check *check, const struct id *id)
{
    struct run_truth *run;

    HASH_FIND(hh, check->runs, id, sizeof *id, run);
    return run;
}

static uint64_t
bit(uint64_t attempt)
{
    return (uint64_t)1 << (attempt < 63 ? attempt : 63);
}

static const char *
short_id(const struct id *id)
{
    static char texts[4][ID_TEXT_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    id_text(id, text);
    text[8] = '\0';
    return text;
}

static bool
is_ended(enum step_state state)
{
    return state == STEP_DONE || state == STEP_FAILED || state == STEP_CANCELLED;
}

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
    struct token *largest = &check->largest[database->index % DATABASES_MAX];
    struct step_truth *step = step_of(check, &work->step_id);

    world_trace(check->world, database->name, "begins step %s (%zu %s, attempt %llu)",
                short_id(&work->step_id), work->place + 1,
                work->direction == DIRECTION_UP ? "up" : "down", (unsigned long long)work->attempt);
    if (is_lower(&work->token, largest)) {
        world_violated(check->world, "I7", "%s: step %s begins under epoch %llu after %llu",
                       database->name, short_id(&work->step_id),
                       (unsigned long long)work->token.epoch, (unsigned long long)largest->epoch);
    }
    *largest = work->token;
    if (!step->leg) {
        world_violated(check->world, "I4", "%s: step %s begins and is not in the store",
                       database->name, short_id(&work->step_id));
        return;
    }
    if (step->leg->state == LEG_WAITING) {
        world_violated(check->world, "I10", "%s: step %s begins, its leg has not", database->name,
                       short_id(&work->step_id));
    }
    for (uint64_t i = 0; i < step->position; i++) {
        const struct step_truth *before = step->leg->steps[i];
        if (!before || (!before->took_effect && !before->was_already)) {
            world_violated(check->world, "ORDER",
                           "%s: step %s begins before step %llu of its leg is done", database->name,
                           short_id(&work->step_id), (unsigned long long)i);
        }
    }
}

void
check_took_effect(struct check *check, const struct database *database, const struct work *work)
{
    struct step_truth *step = step_of(check, &work->step_id);
    int probe = database->contents.probe[work->place];

    world_trace(check->world, database->name, "step %s took effect (%zu %s)",
                short_id(&work->step_id), work->place + 1,
                work->direction == DIRECTION_UP ? "up" : "down");
    check->effect_count++;
    if (step->took_effect || probe < 0 || probe > 1) {
        world_violated(check->world, "I1",
                       "%s: step %s takes effect%s; its migration is there %d times",
                       database->name, short_id(&work->step_id),
                       step->took_effect ? " a second time" : "", probe);
    }
    step->took_effect = true;
    step->effect_attempt = work->attempt;
    if (!step->leg) {
        world_violated(check->world, "I4", "%s: step %s takes effect and is not in the store",
                       database->name, short_id(&work->step_id));
    } else if (is_ended(step->state)) {
        world_violated(check->world, step->state == STEP_CANCELLED ? "I8" : "I6",
                       "%s: step %s takes effect (attempt %llu) after it was stored as %s",
                       database->name, short_id(&work->step_id), (unsigned long long)work->attempt,
                       step->state == STEP_CANCELLED ? "cancelled"
                       : step->state == STEP_FAILED  ? "failed"
                                                     : "done");
    }
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
    if (!step_of(check, &work->step_id)->took_effect) {
        world_violated(check->world, "I3", "%s: the journal says done, step %s took no effect",
                       database->name, short_id(&work->step_id));
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
    struct step_truth *step = step_of(check, &work->step_id);
    bool is_there = database->contents.applied[work->place].is_there;

    switch (outcome->kind) {
    case OUTCOME_DONE:
        if (!step->took_effect) {
            world_violated(check->world, "I5", "%s: step %s is said to be done and is not",
                           database->name, short_id(&work->step_id));
        }
        break;
    case OUTCOME_ALREADY:
        step->was_already = true;
        if (is_there != (work->direction == DIRECTION_UP)) {
            world_violated(check->world, "I5", "%s: step %s is said to be so already and is not",
                           database->name, short_id(&work->step_id));
        }
        break;
    case OUTCOME_FAILED:
    case OUTCOME_CANCELLED:
    case OUTCOME_KIND_COUNT:
        *(outcome->kind == OUTCOME_FAILED ? &step->failed : &step->cancelled) |= bit(work->attempt);
        if (step->took_effect && step->effect_attempt <= work->attempt) {
            world_violated(check->world, "I6", "%s: step %s is said to be not done and it is",
                           database->name, short_id(&work->step_id));
        }
        break;
    }
}

/* ---- the coordinator ----------------------------------------------------------------------- */

static void
touch(struct check *check, struct run_truth *run)
{
    if (!run->is_touched) {
        run->is_touched = true;
        run->has_run = run->state == RUN_RUNNING;
        run->failed_before = run->failed;
        run->next_touched = check->touched;
        check->touched = run;
    }
}

static uint64_t
share_of(const struct share *share, uint64_t count)
{
    return share->is_percent ? count * share->number / 100 : share->number;
}

static void
run_saved(struct check *check, const struct run_record *record)
{
    struct run_truth *run = run_of(check, &record->run_id);

    if (!run) {
        run = mem_zalloc(sizeof *run);
        run->id = record->run_id;
        run->number = record->number;
        run->leg_count = record->leg_count;
        run->parallel = record->spec.parallel;
        run->budget = share_of(&record->spec.budget, record->leg_count);
        run->on_failure = record->spec.on_failure;
        run->state = RUN_RUNNING;
        HASH_ADD(hh, check->runs, id, sizeof run->id, run);
    }
    touch(check, run);
    run->state = record->state;
    run->has_run = run->has_run || run->state == RUN_RUNNING;
}

static void
leg_starts(struct check *check, const struct leg_truth *leg)
{
    const struct run_truth *run = leg->run;

    for (const struct leg_truth *other = run->legs; other; other = other->next) {
        if (other->wave < leg->wave && other->state <= LEG_RUNNING) {
            world_violated(check->world, "I10", "run %llu: wave %llu starts before wave %llu ends",
                           (unsigned long long)run->number, (unsigned long long)leg->wave,
                           (unsigned long long)other->wave);
        }
    }
}

static void
leg_saved(struct check *check, const struct leg_record *record)
{
    struct leg_truth *leg = leg_of(check, &record->run_id, &record->target_id);
    struct run_truth *run = run_of(check, &record->run_id);

    if (!run) {
        world_violated(check->world, "STORE", "a leg of a run that is not in the store");
        return;
    }
    touch(check, run);
    if (!leg) {
        leg = mem_zalloc(sizeof *leg);
        leg->key = (struct leg_key){.run_id = record->run_id, .target_id = record->target_id};
        leg->run = run;
        leg->ordinal = record->ordinal;
        leg->wave = record->wave;
        leg->step_count = record->step_count;
        leg->next = run->legs;
        run->legs = leg;
        HASH_ADD(hh, check->legs, key, sizeof leg->key, leg);
    }
    if (leg->state == LEG_WAITING && record->state == LEG_RUNNING) {
        run->has_new_work = true;
        leg_starts(check, leg);
    }
    run->running += record->state == LEG_RUNNING;
    run->running -= leg->state == LEG_RUNNING;
    run->failed += record->state == LEG_FAILED;
    run->failed -= leg->state == LEG_FAILED;
    leg->state = record->state;
}

static void
check_verdict(struct check *check, const struct step_truth *step, const struct step_record *record)
{
    uint64_t attempt = bit(record->attempt);

    if (record->state == STEP_DONE) {
        bool was_already = record->outcome.kind == OUTCOME_ALREADY;
        if (was_already ? !step->was_already : !step->took_effect) {
            world_violated(check->world, "I5", "step %s is stored as %s and is not",
                           short_id(&step->id), was_already ? "already so" : "done");
        }
        return;
    }
    if (step->took_effect) {
        world_violated(check->world, record->state == STEP_CANCELLED ? "I8" : "I6",
                       "step %s took effect and is stored as %s", short_id(&step->id),
                       record->state == STEP_CANCELLED ? "cancelled" : "failed");
    } else if (record->state == STEP_FAILED && !((step->failed | step->refused) & attempt)) {
        world_violated(check->world, "I6", "step %s is stored as failed and nobody has said so",
                       short_id(&step->id));
    } else if (record->state == STEP_CANCELLED && (step->assigned & attempt) &&
               !((step->cancelled | step->not_started | step->refused | step->failed) & attempt)) {
        world_violated(check->world, "I8",
                       "step %s was sent, is stored as cancelled, and nobody has said so",
                       short_id(&step->id));
    }
}

static void
add_step(struct check *check, struct step_truth *step, const struct step_record *record)
{
    struct leg_truth *leg = leg_of(check, &record->run_id, &record->target_id);

    if (!leg || record->position >= leg->step_count || record->position >= PLACES_MAX) {
        world_violated(check->world, "STORE", "step %s belongs to no leg", short_id(&step->id));
        return;
    }
    if (leg->steps[record->position]) {
        world_violated(check->world, "I1", "steps %s and %s are the same work",
                       short_id(&leg->steps[record->position]->id), short_id(&step->id));
    }
    leg->steps[record->position] = step;
    step->leg = leg;
    step->position = record->position;
}

static void
step_saved(struct check *check, const struct step_record *record)
{
    struct step_truth *step = step_of(check, &record->step_id);

    if (!step->leg) {
        add_step(check, step, record);
        if (!step->leg) {
            return;
        }
    }
    touch(check, step->leg->run);
    if (step->state == STEP_DONE && record->state != STEP_DONE) {
        world_violated(check->world, "I4", "step %s was stored as done and is not any more",
                       short_id(&step->id));
    }
    if (record->attempt < step->attempt) {
        world_violated(check->world, "I4", "step %s goes back to attempt %llu", short_id(&step->id),
                       (unsigned long long)record->attempt);
    }
    if (record->state == STEP_ASSIGNED &&
        (step->state != STEP_ASSIGNED || record->attempt > step->attempt)) {
        step->leg->run->has_new_work = true;
    }
    if (is_ended(record->state) && record->state != step->state) {
        check_verdict(check, step, record);
    }
    step->state = record->state;
    step->attempt = record->attempt;
}

void
check_saved(struct check *check, const struct record *record)
{
    if (record->kind == RECORD_RUN) {
        run_saved(check, &record->run);
    } else if (record->kind == RECORD_LEG) {
        leg_saved(check, &record->leg);
    } else if (record->kind == RECORD_STEP) {
        step_saved(check, &record->step);
    }
}

static void
check_leg(struct check *check, const struct run_truth *run, const struct leg_truth *leg)
{
    bool has_failed = false, is_over = run->state > RUN_CANCELLING;

    for (size_t i = 0; i < leg->step_count && i < PLACES_MAX; i++) {
        const struct step_truth *step = leg->steps[i];
        has_failed = has_failed || (step && step->state == STEP_FAILED);
        if (leg->state == LEG_DONE && (!step || step->state != STEP_DONE)) {
            world_violated(check->world, "I5", "run %llu: a leg is done, its step %zu is not",
                           (unsigned long long)run->number, i);
        }
        if (is_over && step && !is_ended(step->state)) {
            world_violated(check->world, "I2", "run %llu has ended, a step %zu has not",
                           (unsigned long long)run->number, i);
        }
    }
    if (leg->state == LEG_FAILED && !has_failed) {
        world_violated(check->world, "I6", "run %llu: a leg has failed, none of its steps has",
                       (unsigned long long)run->number);
    }
}

static void
check_run(struct check *check, struct run_truth *run)
{
    unsigned long long number = run->number;
    bool is_over = run->state > RUN_CANCELLING;

    for (const struct leg_truth *leg = run->legs; leg; leg = leg->next) {
        check_leg(check, run, leg);
        if (is_over && leg->state <= LEG_RUNNING) {
            world_violated(check->world, "I2", "run %llu has ended, one of its legs has not",
                           number);
        }
        if (run->state == RUN_DONE && leg->state != LEG_DONE) {
            world_violated(check->world, "I5", "run %llu is done, one of its legs is not", number);
        }
    }
    if (run->running > run->parallel) {
        world_violated(check->world, "I10", "run %llu: %llu targets at a time, %llu are allowed",
                       number, (unsigned long long)run->running, (unsigned long long)run->parallel);
    }
    if (run->has_new_work && !run->has_run) {
        world_violated(check->world, "I10", "run %llu: new work, and it is not running", number);
    }
    if (run->has_new_work && run->on_failure != ON_FAILURE_CONTINUE &&
        run->failed_before > run->budget && run->failed > run->budget) {
        world_violated(check->world, "I10",
                       "run %llu: new work after %llu targets have failed, budget %llu", number,
                       (unsigned long long)run->failed, (unsigned long long)run->budget);
    }
    run->has_new_work = false;
}

void
check_turn_is_saved(struct check *check)
{
    while (check->touched) {
        struct run_truth *run = check->touched;
        check->touched = run->next_touched;
        run->is_touched = false;
        check_run(check, run);
    }
}

static void
check_assign(struct check *check, const struct assign *assign)
{
    const struct record *record = disk_find(check->disk, RECORD_STEP, &assign->step_id, NULL);

    if (!record || record->step.attempt < assign->attempt ||
        (record->step.attempt == assign->attempt && record->step.state == STEP_WAITING)) {
        world_violated(check->world, "I4", "step %s is assigned, the store does not know it",
                       short_id(&assign->step_id));
        return;
    }
    const struct step_record *step = &record->step;
    if (!id_equal(&step->run_id, &assign->run_id) ||
        !id_equal(&step->target_id, &assign->target_id) || step->position != assign->position ||
        step->direction != assign->direction || !text_equal(step->version, assign->version)) {
        world_violated(check->world, "I4", "step %s is assigned otherwise than it is stored",
                       short_id(&assign->step_id));
    }
    step_of(check, &assign->step_id)->assigned |= bit(assign->attempt);
}

void
check_told(struct check *check, const struct message *message)
{
    if (message->type == MESSAGE_ASSIGN) {
        check_assign(check, &message->assign);
    } else if (message->type == MESSAGE_RESULT_ACK) {
        const struct record *record =
            disk_find(check->disk, RECORD_STEP, &message->result_ack.step_id, NULL);
        if (record && record->step.attempt <= message->result_ack.attempt &&
            (record->step.state == STEP_ASSIGNED || record->step.state == STEP_RUNNING)) {
            world_violated(check->world, "I4", "the result of step %s is acknowledged, not stored",
                           short_id(&message->result_ack.step_id));
        }
    }
}

void
check_said(struct check *check, const struct message *message)
{
    const struct state *state = &message->state;

    if (message->type != MESSAGE_STATE ||
        (state->report != STEP_REPORT_NOT_STARTED && state->report != STEP_REPORT_REFUSED)) {
        return;
    }
    struct step_truth *step = step_of(check, &state->step_id);
    *(state->report == STEP_REPORT_REFUSED ? &step->refused : &step->not_started) |=
        bit(state->attempt);
    if (step->took_effect && step->effect_attempt <= state->attempt) {
        world_violated(check->world, "I6", "step %s is said to be not started and took effect",
                       short_id(&step->id));
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
        if (step->took_effect && step->state != STEP_DONE) {
            world_violated(check->world, "I4", "step %s took effect and is not stored as done",
                           short_id(&step->id));
        }
        if (step->leg && !is_ended(step->state)) {
            world_violated(check->world, "I2", "step %s has not ended", short_id(&step->id));
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
