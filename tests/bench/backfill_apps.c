#include "tests/bench/backfill_apps.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"

#define APPS 4
#define SAMPLES_MAX 200000

struct sample {
    enum phase phase;
    bool is_write;
    int64_t latency_us;
};

struct app {
    pthread_t thread;
    const char *conninfo;
    int64_t rows;
    uint64_t seed;
    struct apps *all;
    struct sample *samples;
    size_t count;
    unsigned errors;
};

struct apps {
    struct app apps[APPS];
    atomic_bool is_over;
    atomic_int phase;
};

static bool
run_app_statement(PGconn *pg, struct app *app, struct random *random)
{
    char sql[100];
    int64_t id = 1 + (int64_t)random_below(random, (uint64_t)app->rows);
    bool is_write = random_below(random, 10) < 3;

    snprintf(sql, sizeof sql,
             is_write ? "UPDATE t SET hits = hits + 1 WHERE id = %" PRId64
                      : "SELECT x, filler FROM t WHERE id = %" PRId64,
             id);
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    app->errors += status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
    PQclear(result);
    return is_write;
}

/* Statements at a fixed rate, whether the one before was quick or not; late is late. */
static void *
run_app(void *context)
{
    struct app *app = context;
    struct random random = random_seeded(app->seed);
    PGconn *pg = PQconnectdb(app->conninfo);
    int64_t step_us = (int64_t)1000000 * APPS / APPS_RATE, due_us = clock_now_us();

    due_us += (int64_t)random_below(&random, (uint64_t)step_us);
    while (!atomic_load(&app->all->is_over) && app->count < SAMPLES_MAX) {
        int64_t now_us = clock_now_us();
        if (now_us < due_us) {
            usleep((useconds_t)(due_us - now_us));
        }
        enum phase phase = (enum phase)atomic_load(&app->all->phase);
        if (phase == PHASE_SILENT) {
            usleep(1000);
            due_us = clock_now_us();
            continue;
        }
        struct sample *sample = &app->samples[app->count++];
        sample->phase = phase;
        sample->is_write = run_app_statement(pg, app, &random);
        sample->latency_us = clock_now_us() - due_us;
        due_us += step_us;
    }
    PQfinish(pg);
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double
percentile_ms(const int64_t *sorted, size_t count, size_t thousandths)
{
    return count ? (double)sorted[(count - 1) * thousandths / 1000] / 1000 : 0;
}

/* Reads, writes, or (both) all of a phase, sorted. */
static size_t
collect(const struct app *apps, enum phase phase, bool reads, bool writes, int64_t *latencies_us)
{
    size_t count = 0;

    for (size_t i = 0; i < APPS; i++) {
        for (size_t j = 0; j < apps[i].count; j++) {
            const struct sample *sample = &apps[i].samples[j];
            if (sample->phase == phase && (sample->is_write ? writes : reads)) {
                latencies_us[count++] = sample->latency_us;
            }
        }
    }
    qsort(latencies_us, count, sizeof *latencies_us, compare);
    return count;
}

static struct load
summarize(const struct app *apps, enum phase phase)
{
    int64_t *all = mem_zalloc(APPS * SAMPLES_MAX * sizeof *all);
    struct load load = {0};
    size_t count = collect(apps, phase, true, false, all);

    load.read_p99_ms = percentile_ms(all, count, 990);
    count = collect(apps, phase, false, true, all);
    load.write_p99_ms = percentile_ms(all, count, 990);
    count = collect(apps, phase, true, true, all);
    load.p50_ms = percentile_ms(all, count, 500);
    load.p99_ms = percentile_ms(all, count, 990);
    load.max_ms = percentile_ms(all, count, 1000);
    free(all);
    return load;
}

struct apps *
apps_start(const char *conninfo, int64_t rows)
{
    struct apps *apps = mem_zalloc(sizeof *apps);

    for (size_t i = 0; i < APPS; i++) {
        apps->apps[i] = (struct app){.conninfo = conninfo,
                                     .rows = rows,
                                     .seed = i + 1,
                                     .all = apps,
                                     .samples = mem_zalloc(SAMPLES_MAX * sizeof(struct sample))};
        pthread_create(&apps->apps[i].thread, NULL, run_app, &apps->apps[i]);
    }
    return apps;
}

void
apps_phase(struct apps *apps, enum phase phase)
{
    atomic_store(&apps->phase, phase);
}

void
apps_stop(struct apps **apps_p, struct load loads[PHASE_COUNT], unsigned *errors)
{
    struct apps *apps = *apps_p;

    atomic_store(&apps->is_over, true);
    for (size_t i = 0; i < APPS; i++) {
        pthread_join(apps->apps[i].thread, NULL);
        *errors += apps->apps[i].errors;
    }
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        loads[phase] = summarize(apps->apps, phase);
    }
    for (size_t i = 0; i < APPS; i++) {
        free(apps->apps[i].samples);
    }
    mem_free(apps_p);
}
