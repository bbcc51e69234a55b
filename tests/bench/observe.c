/*
 * observe: what it costs to measure what steps cost: the same small steps with and without, taking
 * turns; and the processor time of the backend that watches a long statement beside an application.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "agent/execute/execute.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/cluster.h"

#define STEPS_MAX 400
#define APPLICATION_CLIENTS 8

static struct cluster *cluster;

static bool
bar(const char *name, double value, double limit)
{
    bool is_met = value <= limit;

    printf("bar %s %.3f <= %.3f %s\n", name, value, limit, is_met ? "ok" : "short");
    return is_met;
}

static int64_t
carry_out(struct sitting *sitting, const struct bundle *bundle, size_t index)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct outcome outcome;
    struct error error;
    struct step_order order = {.step_id = id_random(),
                               .attempt = 1,
                               .bundle = bundle,
                               .migration = &bundle->manifest.migrations[index]};
    int64_t began_us = clock_now_us();

    if (!sitting_execute(sitting, &order, &arena, &outcome, &error) ||
        outcome.kind != OUTCOME_DONE) {
        fault_to_error(&outcome.fault, &error);
        fprintf(stderr, "%s: %s\n", error.code, error.text);
        exit(1);
    }
    return clock_now_us() - began_us;
}

/* ---- small steps ----------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* A quarter of them were quicker: what else the machine does falls on the slow ones. */
static int64_t
quartile(int64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 4];
}

static struct bundle *
small_steps(struct arena *arena, size_t count)
{
    struct sketch *sketches = arena_alloc(arena, count * sizeof *sketches);

    for (size_t i = 0; i < count; i++) {
        sketches[i] = (struct sketch){
            .version = arena_format(arena, "%04zu", i + 1),
            .up = arena_format(arena, "ALTER TABLE items ADD COLUMN c%zu int", i + 1)};
    }
    return bundle_of(sketches, count);
}

static struct sitting *
sit(const char *database, struct target_config *config, bool is_unobserved)
{
    CLEANUP(mem_free) char *sql = mem_format("CREATE DATABASE %s", database);

    cluster_tell(cluster, "postgres", sql);
    cluster_tell(cluster, database, "CREATE TABLE items (id int)");
    *config = (struct target_config){.name = "bench",
                                     .conninfo = cluster_conninfo(cluster, database, "postgres"),
                                     .is_unobserved = is_unobserved};
    return sitting_new(config);
}

static bool
bench_small(size_t count)
{
    static int64_t with_us[STEPS_MAX], without_us[STEPS_MAX];
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(bundle_destroy) struct bundle *bundle = small_steps(&arena, count);
    struct target_config observed, unobserved;
    CLEANUP(sitting_destroy) struct sitting *with = sit("observed", &observed, false);
    CLEANUP(sitting_destroy) struct sitting *without = sit("unobserved", &unobserved, true);

    for (size_t i = 0; i < count; i++) {
        for (size_t turn = 0; turn < 2; turn++) {
            bool is_with = turn == i % 2; /* who comes second finds the caches warm */
            int64_t took_us = carry_out(is_with ? with : without, bundle, i);
            (is_with ? with_us : without_us)[i] = took_us;
        }
    }
    int64_t with_quick_us = quartile(with_us, count), quick_us = quartile(without_us, count);
    printf("one ALTER TABLE, first quartile of %zu: %" PRId64 " us, without observation %" PRId64
           " us\n",
           count, with_quick_us, quick_us);
    return bar("observe-small-step-ratio", (double)with_quick_us / (double)quick_us, 1.05);
}

/* ---- a long statement ------------------------------------------------------------------------ */

static atomic_bool is_over;
static char *conninfo;

static void *
work(void *context)
{
    PGconn *pg = PQconnectdb(conninfo);

    while (!is_over) {
        PQclear(PQexec(pg, "UPDATE busy SET n = n + 1 WHERE id = (random() * 900)::int"));
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    PQfinish(pg);
    return context;
}

/* The processor time that the backends of this name have used, but for the one that works. */
static double
watcher_s(void)
{
    CLEANUP(mem_free)
    char *pid = cluster_ask(cluster, "long",
                            "SELECT pid FROM pg_stat_activity WHERE application_name ="
                            " 'skein bench' AND query NOT LIKE '%pg_sleep%'");
    CLEANUP(mem_free) char *path = mem_format("/proc/%s/schedstat", pid);
    FILE *file = pid[0] ? fopen(path, "r") : NULL;
    uint64_t run_ns = 0;

    if (!file || fscanf(file, "%" SCNu64, &run_ns) != 1) {
        fputs("nobody watches\n", stderr);
        exit(1);
    }
    fclose(file);
    return (double)run_ns / 1e9;
}

struct long_step {
    struct sitting *sitting;
    const struct bundle *bundle;
};

static void *
take_long(void *context)
{
    struct long_step *step = context;
    carry_out(step->sitting, step->bundle, 0);
    return NULL;
}

static bool
bench_long(int seconds)
{
    CLEANUP(mem_free) char *up = mem_format("SELECT pg_sleep(%d)", seconds + 2);
    const struct sketch sketch = {.version = "1", .up = up};
    CLEANUP(bundle_destroy) struct bundle *bundle = bundle_of(&sketch, 1);
    struct target_config config;
    pthread_t threads[APPLICATION_CLIENTS], thread;
    CLEANUP(sitting_destroy) struct sitting *sitting = sit("long", &config, false);
    struct long_step step = {sitting, bundle};

    cluster_tell(cluster, "long",
                 "CREATE TABLE busy AS SELECT i AS id, 0 AS n FROM"
                 " generate_series(1, 1000) i");
    conninfo = cluster_conninfo(cluster, "long", "postgres");
    for (size_t i = 0; i < APPLICATION_CLIENTS; i++) {
        pthread_create(&threads[i], NULL, work, NULL);
    }
    pthread_create(&thread, NULL, take_long, &step);
    nanosleep(&(struct timespec){1, 0}, NULL);
    double before_s = watcher_s();
    int64_t began_us = clock_now_us();
    nanosleep(&(struct timespec){seconds, 0}, NULL);
    double used_s = watcher_s() - before_s, passed_s = (double)(clock_now_us() - began_us) / 1e6;
    pthread_join(thread, NULL);
    is_over = true;
    for (size_t i = 0; i < APPLICATION_CLIENTS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("watching for %.1f s: %.1f ms of a processor\n", passed_s, used_s * 1000);
    free(conninfo);
    return bar("observe-processor-percent", used_s / passed_s * 100, 1);
}

int
main(int argc, char **argv)
{
    bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;

    if (argc > 2 || (argc == 2 && !is_quick)) {
        fputs("usage: skein-bench-observe [--quick]\n", stderr);
        return 2;
    }
    cluster = cluster_new("fsync = on");
    bool is_met = bench_small(is_quick ? 100 : STEPS_MAX);
    is_met &= bench_long(is_quick ? 3 : 10);
    cluster_destroy(&cluster);
    return is_met ? 0 : 1;
}
