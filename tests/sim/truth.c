#include "tests/sim/truth.h"

#include <stdlib.h>

#include "common/base/mem.h"

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

struct step_truth *
truth_of_step(struct check *check, const struct id *id)
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

struct leg_truth *
truth_of_leg(struct check *check, const struct id *run_id, const struct id *target_id)
{
    struct leg_key key = {.run_id = *run_id, .target_id = *target_id};
    struct leg_truth *leg;

    HASH_FIND(hh, check->legs, &key, sizeof key, leg);
    return leg;
}

struct run_truth *
truth_of_run(struct check *check, const struct id *id)
{
    struct run_truth *run;

    HASH_FIND(hh, check->runs, id, sizeof *id, run);
    return run;
}

bool
truth_is_gone(const struct check *check, const struct id *target_id)
{
    for (size_t i = 0; i < check->gone_count && i < TRUTH_DATABASES_MAX; i++) {
        if (id_equal(&check->gone[i], target_id)) {
            return true;
        }
    }
    return false;
}

uint64_t
truth_bit(uint64_t attempt)
{
    return (uint64_t)1 << (attempt < 63 ? attempt : 63);
}

const char *
truth_short_id(const struct id *id)
{
    static char texts[4][ID_TEXT_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    return id_text(id, text) + ID_TEXT_SIZE - 9;
}

bool
truth_is_ended(enum step_state state)
{
    return state == STEP_DONE || state == STEP_FAILED || state == STEP_CANCELLED;
}
