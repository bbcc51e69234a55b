#include "coordinator/core/pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define WEIGHT 0.25      /* of a new measurement, once there are a few */
#define LEAP 1.386       /* ln 4: the farthest that one counts */
#define SPREAD_FIRST 0.7 /* ln 2: how far apart they are thought to be after the first */
#define RATE_MAX 1e12
#define WAL_MAX 1e6

/* ---- arithmetic ------------------------------------------------------------------------------ */

struct pace
pace_guess(enum work_kind kind)
{
    static const struct pace guesses[WORK_KIND_COUNT] = {
        [WORK_SCAN] = {.rate = 50000000, .wal = 0},
        [WORK_INDEX] = {.rate = 20000000, .wal = 300},
        [WORK_WRITE] = {.rate = 5000000, .wal = 1500},
        [WORK_REWRITE] = {.rate = 15000000, .wal = 1000},
    };

    return guesses[kind];
}

static double
bounded(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

void
pace_learn(struct pace *pace, double rate, double wal)
{
    double weight = 1.0 / (double)(pace->samples + 1);

    weight = weight > WEIGHT ? weight : WEIGHT;
    rate = bounded(rate, 1, RATE_MAX);
    if (pace->samples == 0) {
        pace->rate = (uint64_t)rate;
        pace->spread = (uint64_t)(1000 * SPREAD_FIRST);
    } else {
        double off = log(rate / (double)pace->rate), spread = (double)pace->spread / 1000;
        spread += weight * (bounded(fabs(off), 0, LEAP) - spread);
        rate = (double)pace->rate * exp(weight * bounded(off, -LEAP, LEAP));
        pace->rate = (uint64_t)bounded(rate, 1, RATE_MAX);
        pace->spread = (uint64_t)(1000 * spread);
    }
    if (wal >= 0) {
        wal = bounded(1000 * wal, 0, WAL_MAX);
        pace->wal = (uint64_t)((double)pace->wal + weight * (wal - (double)pace->wal));
    }
    pace->samples++;
}

double
pace_factor(const struct pace *pace, enum estimate_basis basis)
{
    double factor = exp(1.5 * (double)pace->spread / 1000);

    switch (basis) {
    case ESTIMATE_OWN:
        return factor > 1.25 ? factor : 1.25;
    case ESTIMATE_FLEET:
        return factor > 2 ? factor : 2;
    default:
        return 5;
    }
}

/* ---- all that is known ----------------------------------------------------------------------- */

static struct pace *
find(const struct core *core, const struct id *target_id, enum work_kind kind)
{
    struct pace_key key;
    struct pace *pace;

    memset(&key, 0, sizeof key);
    key.target_id = *target_id;
    key.kind = kind;
    HASH_FIND(hh, core->paces, &key, sizeof key, pace);
    return pace;
}

static struct pace *
have(struct core *core, const struct id *target_id, enum work_kind kind)
{
    struct pace *pace = find(core, target_id, kind);

    if (!pace) {
        pace = mem_zalloc(sizeof *pace);
        pace->key.target_id = *target_id;
        pace->key.kind = kind;
        pace->wal = pace_guess(kind).wal;
        HASH_ADD(hh, core->paces, key, sizeof pace->key, pace);
    }
    return pace;
}

struct pace
pace_best(const struct core *core, const struct id *target_id, enum work_kind kind,
          enum estimate_basis *basis)
{
    static const struct id all = {{0}};
    const struct pace *pace = find(core, target_id, kind);

    *basis = ESTIMATE_OWN;
    if (!pace) {
        pace = find(core, &all, kind);
        *basis = ESTIMATE_FLEET;
    }
    if (!pace) {
        *basis = ESTIMATE_GUESS;
        return pace_guess(kind);
    }
    return *pace;
}

static void
save(struct core *core, const struct pace *pace)
{
    struct record record = {.kind = RECORD_PACE};

    record.pace = (struct pace_record){.target_id = pace->key.target_id,
                                       .kind = (enum work_kind)pace->key.kind,
                                       .samples = pace->samples,
                                       .rate = pace->rate,
                                       .spread = pace->spread,
                                       .wal = pace->wal};
    actions_save(core->actions, &record);
}

void
pace_note(struct core *core, const struct id *target_id, enum work_kind kind, double rate,
          double wal)
{
    static const struct id all = {{0}};
    const struct id *owners[] = {target_id, &all};

    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        struct pace *pace = have(core, owners[i], kind);
        pace_learn(pace, rate, wal);
        save(core, pace);
    }
}

void
pace_load(struct core *core, const struct pace_record *record)
{
    struct pace *pace = have(core, &record->target_id, record->kind);

    pace->samples = record->samples;
    pace->rate = record->rate;
    pace->spread = record->spread;
    pace->wal = record->wal;
}

void
paces_release(struct core *core)
{
    struct pace *pace, *next;

    HASH_ITER(hh, core->paces, pace, next)
    {
        HASH_DEL(core->paces, pace);
        free(pace);
    }
}
