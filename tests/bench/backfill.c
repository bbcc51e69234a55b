/*
 * backfill: an UPDATE of every row in batches, beside the same statement cut by hand into batches
 * of one size each; then with an application beside it that works at a fixed rate; then on tables
 * of very different sizes. Every run has a table of its own, freshly made.
 *
 *     skein-bench-backfill [--quick] [hand|load|size]...
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/migration/reader.h"
#include "agent/execute/execute.h"
#include "tests/support/cluster.h"
#include "tests/support/folder.h"

#define APPS 4
#define RATE 400 /* statements a second, of all together */
#define SAMPLES_MAX 200000

static const char settings[] = "fsync = on\nshared_buffers = 1GB\nmax_wal_size = 16GB\n"
                               "checkpoint_timeout = 1h\nautovacuum = off\n";

static const char file[] = "-- skein: batch\nUPDATE t SET x = x * 2;\n";

static bool is_short;

static void
bar(const char *name, double value, bool is_at_least, double limit)
{
    bool is_met = is_at_least ? value >= limit : value <= limit;

    printf("bar %s %.2f %s %.2f %s\n", name, value, is_at_least ? ">=" : "<=", limit,
           is_met ? "ok" : "short");
    is_short = is_short || !is_met;
}

static PGresult *
ask(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s%s\n", PQerrorMessage(pg), sql);
        exit(1);
    }
    return result;
}

static void
tell(PGconn *pg, const char *sql)
{
    PQclear(ask(pg, sql));
}

static double
number(PGconn *pg, const char *sql)
{
    PGresult *result = ask(pg, sql);
    double value = strtod(PQgetvalue(result, 0, 0), NULL);

    PQclear(result);
    return value;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void
make_table(PGconn *pg, int64_t rows)
{
    CLEANUP(mem_free)
    char *fill = mem_format("INSERT INTO t SELECT i, i %% 100, 1, 0, md5(i::text) || md5(i::text)"
                            " FROM generate_series(1, %" PRId64 ") i",
                            rows);

    tell(pg, "SET client_min_messages = error; DROP TABLE IF EXISTS t;"
             "DROP SCHEMA IF EXISTS skein CASCADE;"
             "CREATE TABLE t (id bigint NOT NULL, a int, x bigint, hits int, filler text)");
    tell(pg, fill);
    tell(pg, "ALTER TABLE t ADD PRIMARY KEY (id)");
    tell(pg, "VACUUM ANALYZE t");
    tell(pg, "CHECKPOINT");
}

static void
check_table(PGconn *pg, int64_t rows)
{
    if (number(pg, "SELECT count(*) FROM t WHERE x = 2") != (double)rows) {
        fputs("not every row was changed once\n", stderr);
        exit(1);
    }
}

struct measure {
    double rows_s, wal_bytes;
};

static double
wal_now(PGconn *pg)
{
    return number(pg, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')");
}

static struct measure
by_hand(PGconn *pg, int64_t rows, int64_t size)
{
    make_table(pg, rows);
    tell(pg, "DEALLOCATE ALL; PREPARE batch AS UPDATE t SET x = x * 2 WHERE id > $1 AND id <= $2");
    double wal = wal_now(pg);
    int64_t began_us = clock_now_us();
    for (int64_t at = 0; at < rows; at += size) {
        char sql[80];
        snprintf(sql, sizeof sql, "EXECUTE batch (%" PRId64 ", %" PRId64 ")", at, at + size);
        tell(pg, sql);
    }
    double took_s = (double)(clock_now_us() - began_us) / 1e6;
    struct measure measure = {(double)rows / took_s, wal_now(pg) - wal};
    check_table(pg, rows);
    return measure;
}

static struct bundle *
read_bundle(void)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct error_list errors = {0}, notes = {0};
    struct bundle *bundle = NULL;

    folder_text(&folder, "1_m.up.sql", file, 0644);
    if (!migrations_read(folder.path, "bench", "pairs", &bundle, &errors, &notes)) {
        fprintf(stderr, "%s\n", errors.errors[0].text);
        exit(1);
    }
    error_list_release(&errors);
    error_list_release(&notes);
    return bundle;
}

/* Carry the migration out on the table as it is; the seconds that it took. */
static double
apply(const char *conninfo)
{
    struct target_config config = {.name = "bench", .conninfo = conninfo};
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&config);
    CLEANUP(bundle_destroy) struct bundle *bundle = read_bundle();
    struct outcome outcome = {0};
    struct error error;
    struct step_order order = {.step_id = id_random(),
                               .attempt = 1,
                               .bundle = bundle,
                               .migration = &bundle->manifest.migrations[0]};
    int64_t began_us = clock_now_us();

    if (!sitting_execute(sitting, &order, &arena, &outcome, &error) ||
        outcome.kind != OUTCOME_DONE) {
        fault_to_error(&outcome.fault, &error);
        fprintf(stderr, "%s: %s\n", error.code, error.text);
        exit(1);
    }
    return (double)(clock_now_us() - began_us) / 1e6;
}

static struct measure
by_skein(PGconn *pg, const char *conninfo, int64_t rows)
{
    make_table(pg, rows);
    double wal = wal_now(pg);
    double took_s = apply(conninfo);
    struct measure measure = {(double)rows / took_s, wal_now(pg) - wal};
    check_table(pg, rows);
    return measure;
}

static void
print_measure(const char *name, struct measure measure)
{
    printf("%-16s %12.0f rows/s %10.0f MB of WAL\n", name, measure.rows_s, measure.wal_bytes / 1e6);
    fflush(stdout);
}

/* ---- beside fixed sizes ------------------------------------------------------------------------
 */

#define ROUNDS 3
#define HAND_COUNT 4

static int
by_rate(const void *a, const void *b)
{
    const struct measure *left = a, *right = b;
    return (left->rows_s > right->rows_s) - (left->rows_s < right->rows_s);
}

static struct measure
median(struct measure *measures)
{
    qsort(measures, ROUNDS, sizeof *measures, by_rate);
    return measures[ROUNDS / 2];
}

/* All take turns, so that whatever else the machine does falls on all of them; medians count. */
static double
beside_hand(PGconn *pg, const char *conninfo, int64_t rows)
{
    static const int64_t sizes[HAND_COUNT] = {1000, 5000, 20000, 100000};
    struct measure ours[ROUNDS], hand[HAND_COUNT][ROUNDS], best = {0};

    printf("\n%" PRId64 " rows, nobody else there; medians of %d\n", rows, ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        ours[round] = by_skein(pg, conninfo, rows);
        for (size_t i = 0; i < HAND_COUNT; i++) {
            hand[i][round] = by_hand(pg, rows, sizes[i]);
        }
    }
    for (size_t i = 0; i < HAND_COUNT; i++) {
        CLEANUP(mem_free) char *name = mem_format("by hand %" PRId64, sizes[i]);
        struct measure measure = median(hand[i]);
        print_measure(name, measure);
        best = measure.rows_s > best.rows_s ? measure : best;
    }
    struct measure measure = median(ours);
    print_measure("skein", measure);
    bar("backfill-rate-of-best-by-hand", measure.rows_s / best.rows_s, true, 0.85);
    bar("backfill-wal-of-best-by-hand", measure.wal_bytes / best.wal_bytes, false, 1.1);
    return measure.rows_s;
}

/* ---- with an application beside it ------------------------------------------------------------
 */

struct app {
    pthread_t thread;
    const char *conninfo;
    int64_t rows;
    uint64_t seed;
    atomic_bool *is_over;
    int64_t *latencies_us;
    size_t count;
    unsigned errors;
};

/* Statements at a fixed rate, whether the one before was quick or not; late is late. */
static void *
run_app(void *context)
{
    struct app *app = context;
    struct random random = random_seeded(app->seed);
    PGconn *pg = PQconnectdb(app->conninfo);
    int64_t step_us = (int64_t)1000000 * APPS / RATE, due_us = clock_now_us();

    due_us += (int64_t)random_below(&random, (uint64_t)step_us);
    while (!atomic_load(app->is_over) && app->count < SAMPLES_MAX) {
        char sql[100];
        int64_t id = 1 + (int64_t)random_below(&random, (uint64_t)app->rows);
        int64_t now_us = clock_now_us();
        if (now_us < due_us) {
            usleep((useconds_t)(due_us - now_us));
        }
        snprintf(sql, sizeof sql,
                 random_below(&random, 10) < 3 ? "UPDATE t SET hits = hits + 1 WHERE id = %" PRId64
                                               : "SELECT x, filler FROM t WHERE id = %" PRId64,
                 id);
        PGresult *result = PQexec(pg, sql);
        ExecStatusType status = PQresultStatus(result);
        app->errors += status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
        PQclear(result);
        app->latencies_us[app->count++] = clock_now_us() - due_us;
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

struct load {
    double p50_ms, p99_ms, max_ms;
    unsigned errors;
};

static struct load
summarize(struct app *apps)
{
    int64_t *all = mem_zalloc(APPS * SAMPLES_MAX * sizeof *all);
    struct load load = {0};
    size_t count = 0;

    for (size_t i = 0; i < APPS; i++) {
        memcpy(all + count, apps[i].latencies_us, apps[i].count * sizeof *all);
        count += apps[i].count;
        load.errors += apps[i].errors;
    }
    qsort(all, count, sizeof *all, compare);
    load.p50_ms = (double)all[count / 2] / 1000;
    load.p99_ms = (double)all[count * 99 / 100] / 1000;
    load.max_ms = (double)all[count - 1] / 1000;
    free(all);
    return load;
}

/* The application's latencies while something else happens, or for a while. */
static struct load
under_load(const char *conninfo, int64_t rows, double alone_s, double *took_s)
{
    struct app apps[APPS] = {0};
    atomic_bool is_over = false;

    for (size_t i = 0; i < APPS; i++) {
        apps[i] = (struct app){.conninfo = conninfo,
                               .rows = rows,
                               .seed = i + 1,
                               .is_over = &is_over,
                               .latencies_us = mem_zalloc(SAMPLES_MAX * sizeof(int64_t))};
        pthread_create(&apps[i].thread, NULL, run_app, &apps[i]);
    }
    if (alone_s > 0) {
        usleep((useconds_t)(alone_s * 1e6));
    } else {
        *took_s = apply(conninfo);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < APPS; i++) {
        pthread_join(apps[i].thread, NULL);
    }
    struct load load = summarize(apps);
    for (size_t i = 0; i < APPS; i++) {
        free(apps[i].latencies_us);
    }
    return load;
}

static void
print_load(const char *name, const struct load *load)
{
    printf("%-16s p50 %7.2f ms   p99 %7.2f ms   longest %7.2f ms   %u errors\n", name, load->p50_ms,
           load->p99_ms, load->max_ms, load->errors);
    fflush(stdout);
}

static void
beside_application(PGconn *pg, const char *conninfo, int64_t rows, double unloaded_rows_s)
{
    double took_s = 0;

    printf("\n%" PRId64 " rows, an application of %d statements a second\n", rows, RATE);
    make_table(pg, rows);
    struct load before = under_load(conninfo, rows, 8, NULL);
    print_load("alone", &before);
    make_table(pg, rows);
    struct load during = under_load(conninfo, rows, 0, &took_s);
    print_load("with backfill", &during);
    check_table(pg, rows);
    struct load after = under_load(conninfo, rows, 8, NULL);
    print_load("alone again", &after);
    double rows_s = (double)rows / took_s;
    printf("%-16s %12.0f rows/s\n", "backfill", rows_s);
    double alone_ms = before.p99_ms > after.p99_ms ? before.p99_ms : after.p99_ms;
    bar("backfill-application-p99-ratio", during.p99_ms / alone_ms, false, 1.5);
    bar("backfill-application-errors", during.errors, false, 0);
    bar("backfill-rate-beside-application", rows_s / unloaded_rows_s, true, 0.5);
}

/* ---- small and large ---------------------------------------------------------------------------
 */

static void
small_and_large(PGconn *pg, const char *conninfo, int64_t small, int64_t large)
{
    double small_rows_s = 0;

    printf("\n%" PRId64 " rows and %" PRId64 " rows\n", small, large);
    for (int i = 0; i < 3; i++) {
        struct measure measure = by_skein(pg, conninfo, small);
        print_measure("small", measure);
        small_rows_s += measure.rows_s / 3;
    }
    struct measure measure = by_skein(pg, conninfo, large);
    print_measure("large", measure);
    bar("backfill-rate-large-of-small", measure.rows_s / small_rows_s, true, 0.9);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
is_wanted(int count, char **arguments, const char *name)
{
    bool is_any = false;

    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], name) == 0) {
            return true;
        }
        is_any = is_any || arguments[i][0] != '-';
    }
    return !is_any;
}

int
main(int count, char **arguments)
{
    bool is_quick = count > 1 && strcmp(arguments[1], "--quick") == 0;
    struct cluster *cluster = cluster_new(settings);
    char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");
    PGconn *pg = PQconnectdb(conninfo);
    int64_t rows = is_quick ? 1000000 : 2000000;
    double rows_s = 0;

    if (is_wanted(count, arguments, "hand")) {
        rows_s = beside_hand(pg, conninfo, rows);
    }
    if (is_wanted(count, arguments, "load")) {
        rows_s = rows_s > 0 ? rows_s : by_skein(pg, conninfo, rows).rows_s;
        beside_application(pg, conninfo, rows, rows_s);
    }
    if (is_wanted(count, arguments, "size")) {
        small_and_large(pg, conninfo, 200000, is_quick ? 2000000 : 20000000);
    }
    PQfinish(pg);
    free(conninfo);
    cluster_destroy(&cluster);
    return is_short;
}
