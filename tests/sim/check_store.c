#include "tests/sim/truth.h"

#include "common/base/mem.h"

/* ---- the coordinator ----------------------------------------------------------------------- */

static void
touch(struct check *check, struct run_truth *run)
{
    if (!run->is_touched) {
        run->is_touched = true;
        run->has_run = run->state == RUN_RUNNING;
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
    struct run_truth *run = truth_of_run(check, &record->run_id);

    if (!run) {
        run = mem_zalloc(sizeof *run);
        run->id = record->run_id;
        run->undone = record->spec.undo_run_id;
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

/* A leg starts, or a step is assigned. */
static void
note_new_work(struct check *check, struct run_truth *run)
{
    run->has_new_work = true;
    if (run->on_failure != ON_FAILURE_CONTINUE && run->failed > run->budget) {
        world_violated(check->world, "I10",
                       "run %llu: new work after %llu targets have failed, budget %llu",
                       (unsigned long long)run->number, (unsigned long long)run->failed,
                       (unsigned long long)run->budget);
    }
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

/* A rollback takes back what the run has done there, in reverse order, and nothing else. */
static void
check_undoing(struct check *check, const struct run_truth *run, const struct leg_record *record)
{
    const struct leg_truth *undone = truth_of_leg(check, &run->undone, &record->target_id);
    size_t left = undone ? undone->step_count : 0;

    for (size_t i = 0; i < record->step_count; i++) {
        size_t place = repository_place(record->steps[i].version);
        while (left > 0 && !(undone->steps[left - 1] && undone->steps[left - 1]->took_effect &&
                             undone->steps[left - 1]->place == place)) {
            left--;
        }
        if (left == 0) {
            world_violated(check->world, "UNDO", "run %llu takes back what was not done so",
                           (unsigned long long)run->number);
            return;
        }
        left--;
    }
}

static void
leg_saved(struct check *check, const struct leg_record *record)
{
    struct leg_truth *leg = truth_of_leg(check, &record->run_id, &record->target_id);
    struct run_truth *run = truth_of_run(check, &record->run_id);

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
        leg->is_gone = truth_is_gone(check, &record->target_id);
        leg->next = run->legs;
        run->legs = leg;
        if (!id_is_none(&run->undone)) {
            check_undoing(check, run, record);
        }
        HASH_ADD(hh, check->legs, key, sizeof leg->key, leg);
    }
    if (leg->state == LEG_WAITING && record->state == LEG_RUNNING) {
        note_new_work(check, run);
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
    uint64_t attempt = truth_bit(record->attempt);

    if (record->state == STEP_DONE) {
        bool was_already = record->outcome.kind == OUTCOME_ALREADY;
        if (was_already ? !step->was_already : !step->took_effect) {
            world_violated(check->world, "I5", "step %s is stored as %s and is not",
                           truth_short_id(&step->id), was_already ? "already so" : "done");
        }
        return;
    }
    if (step->took_effect && !step->leg->is_gone) {
        world_violated(check->world, record->state == STEP_CANCELLED ? "I8" : "I6",
                       "step %s took effect and is stored as %s", truth_short_id(&step->id),
                       record->state == STEP_CANCELLED ? "cancelled" : "failed");
    } else if (record->state == STEP_FAILED && !((step->failed | step->refused) & attempt)) {
        world_violated(check->world, "I6", "step %s is stored as failed and nobody has said so",
                       truth_short_id(&step->id));
    } else if (record->state == STEP_CANCELLED && (step->assigned & attempt) &&
               !step->leg->is_gone &&
               !((step->cancelled | step->not_started | step->refused | step->failed) & attempt)) {
        world_violated(check->world, "I8",
                       "step %s was sent, is stored as cancelled, and nobody has said so",
                       truth_short_id(&step->id));
    }
}

static void
add_step(struct check *check, struct step_truth *step, const struct step_record *record)
{
    struct leg_truth *leg = truth_of_leg(check, &record->run_id, &record->target_id);

    if (!leg || record->position >= leg->step_count || record->position >= PLACES_MAX) {
        world_violated(check->world, "STORE", "step %s belongs to no leg",
                       truth_short_id(&step->id));
        return;
    }
    if (leg->steps[record->position]) {
        world_violated(check->world, "I1", "steps %s and %s are the same work",
                       truth_short_id(&leg->steps[record->position]->id),
                       truth_short_id(&step->id));
    }
    leg->steps[record->position] = step;
    step->leg = leg;
    step->position = record->position;
    step->place = repository_place(record->version);
}

static void
step_saved(struct check *check, const struct step_record *record)
{
    struct step_truth *step = truth_of_step(check, &record->step_id);

    if (!step->leg) {
        add_step(check, step, record);
        if (!step->leg) {
            return;
        }
    }
    touch(check, step->leg->run);
    if (step->state == STEP_DONE && record->state != STEP_DONE) {
        world_violated(check->world, "I4", "step %s was stored as done and is not any more",
                       truth_short_id(&step->id));
    }
    if (record->attempt < step->attempt) {
        world_violated(check->world, "I4", "step %s goes back to attempt %llu",
                       truth_short_id(&step->id), (unsigned long long)record->attempt);
    }
    if (record->state == STEP_ASSIGNED &&
        (step->state != STEP_ASSIGNED || record->attempt > step->attempt)) {
        note_new_work(check, step->leg->run);
    }
    if (truth_is_ended(record->state) && record->state != step->state) {
        check_verdict(check, step, record);
    }
    step->state = record->state;
    step->attempt = record->attempt;
}

/*
 * A run that has not ended has its targets; in one that an operator has wanted again, what is done
 * needs none, and one that has come back since may go again.
 */
static void
target_saved(struct check *check, const struct target_record *record)
{
    for (const struct leg_truth *leg = check->legs; record->is_gone && leg; leg = leg->hh.next) {
        if (id_equal(&leg->key.target_id, &record->target_id) &&
            leg->run->state <= RUN_CANCELLING && leg->state != LEG_DONE) {
            world_violated(check->world, "STORE", "run %llu is open, its target %s is removed",
                           (unsigned long long)leg->run->number, record->name);
        }
    }
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
    } else if (record->kind == RECORD_TARGET) {
        target_saved(check, &record->target);
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
        if (is_over && step && !truth_is_ended(step->state)) {
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
                       truth_short_id(&assign->step_id));
        return;
    }
    const struct step_record *step = &record->step;
    if (!id_equal(&step->run_id, &assign->run_id) ||
        !id_equal(&step->target_id, &assign->target_id) || step->position != assign->position ||
        step->direction != assign->direction || !text_equal(step->version, assign->version)) {
        world_violated(check->world, "I4", "step %s is assigned otherwise than it is stored",
                       truth_short_id(&assign->step_id));
    }
    truth_of_step(check, &assign->step_id)->assigned |= truth_bit(assign->attempt);
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
                           truth_short_id(&message->result_ack.step_id));
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
    struct step_truth *step = truth_of_step(check, &state->step_id);
    *(state->report == STEP_REPORT_REFUSED ? &step->refused : &step->not_started) |=
        truth_bit(state->attempt);
    bool is_gone = step->leg && step->leg->is_gone;
    if (step->took_effect && step->effect_attempt <= state->attempt && !is_gone) {
        world_violated(check->world, "I6", "step %s is said to be not started and took effect",
                       truth_short_id(&step->id));
    }
}
