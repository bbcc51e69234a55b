/*
 * backfill: an UPDATE of every row in batches, beside the same statement cut by hand into batches
 * of one size each; then with an application beside it that works at a fixed rate; then on tables
 * of very different sizes. Every run has a table of its own, freshly made.
 *
 *     skein-bench-backfill [--quick] [--rounds=N] [--words='time=50ms …'] [hand|two|load|size]...
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/bench/backfill_apps.h"
#include "tests/bench/backfill_work.h"
#include "tests/support/cluster.h"

/*
 * Files of WAL are used again, as on a server that has run for a while: making one anew stops
 * everybody who writes for as long as 16 MB take.
 */
static const char settings[] =
    "fsync = on\nshared_buffers = 1GB\nmin_wal_size = 8GB\nmax_wal_size = 16GB\n"
    "checkpoint_timeout = 1h\nautovacuum = off\n";

static size_t round_count = 5; /* with an application */

static bool is_short;

static void
bar(const char *name, double value, bool is_at_least, double limit)
{
    bool is_met = is_at_least ? value >= limit : value <= limit;

    printf("bar %s %.2f %s %.2f %s\n", name, value, is_at_least ? ">=" : "<=", limit,
           is_met ? "ok" : "short");
    is_short = is_short || !is_met;
}

static int
compare_numbers(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double
median_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_numbers);
    return values[count / 2];
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
#define ROUNDS_MAX 9
#define HAND_COUNT 4
#define TWO_SIZE 20000

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
static void
beside_hand(PGconn *pg, const char *conninfo, int64_t rows)
{
    static const int64_t sizes[HAND_COUNT] = {1000, 5000, 20000, 100000};
    struct measure ours[ROUNDS], hand[HAND_COUNT][ROUNDS], best = {0};

    printf("\n%" PRId64 " rows, nobody else there; medians of %d\n", rows, ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        ours[round] = work_by_skein(pg, conninfo, rows);
        for (size_t i = 0; i < HAND_COUNT; i++) {
            hand[i][round] = work_by_hand(pg, rows, sizes[i]);
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
}

/* ---- two connections ---------------------------------------------------------------------------
 */

/* What one of two hands does: the half of the table behind `from`. */
struct half {
    const char *conninfo;
    int64_t from, to;
};

static void *
run_half(void *context)
{
    const struct half *half = context;
    PGconn *pg = PQconnectdb(half->conninfo);

    work_update_range(pg, half->from, half->to, TWO_SIZE);
    PQfinish(pg);
    return NULL;
}

static double
by_two_hands(PGconn *pg, const char *conninfo, int64_t rows)
{
    struct half halves[] = {{conninfo, 0, rows / 2}, {conninfo, rows / 2, rows}};
    pthread_t threads[2];

    work_make_table(pg, rows);
    int64_t began_us = clock_now_us();
    for (size_t i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, run_half, &halves[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    double took_s = (double)(clock_now_us() - began_us) / 1e6;
    work_check_table(pg, rows);
    return (double)rows / took_s;
}

/* What a second connection would be worth, without a cursor or a journal to slow it down. */
static void
one_and_two(PGconn *pg, const char *conninfo, int64_t rows)
{
    double gain[ROUNDS_MAX];

    printf("\n%" PRId64 " rows by hand in batches of %d, by one connection and by two\n", rows,
           TWO_SIZE);
    for (size_t i = 0; i < round_count; i++) {
        double one = work_by_hand(pg, rows, TWO_SIZE).rows_s,
               two = by_two_hands(pg, conninfo, rows);
        gain[i] = two / one;
        printf("one %.0f rows/s, two %.0f rows/s, %.2f times\n", one, two, gain[i]);
    }
    printf("median %.2f times\n", median_of(gain, round_count));
}

/* ---- with an application beside it ------------------------------------------------------------
 */

#define ALONE_S 3.0    /* the application by itself */
#define BESIDE_S 4.0   /* a backfill beside it */
#define QUIET_S 1.5    /* nobody: until the server has forgotten the application */
#define UNLOADED_S 2.5 /* a backfill by itself */

static void
print_load(const char *name, const struct load *load)
{
    printf("%-14s p50 %6.2f ms   p99 %6.2f ms (reads %6.2f, writes %6.2f)   longest %7.2f ms\n",
           name, load->p50_ms, load->p99_ms, load->read_p99_ms, load->write_p99_ms, load->max_ms);
    fflush(stdout);
}

/*
 * One round goes through one table in slices: the application alone, the backfill beside it, the
 * backfill alone, and again, so that whatever else the machine does falls on all three.
 */
struct round {
    struct load loads[PHASE_COUNT];
    double rows_s, unloaded_rows_s;
    unsigned errors;
};

/* The first row that is not changed yet: it goes along the key. */
static int64_t
count_changed(PGconn *pg, int64_t rows)
{
    int64_t low = 0, high = rows; /* low rows are changed, behind high none is */

    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        CLEANUP(mem_free)
        char *sql = mem_format("SELECT x FROM t WHERE id = %" PRId64, middle);
        if (work_number(pg, sql) == 2) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* What a backfill has done in some of its slices. */
struct progress {
    double rows, took_s;
};

static bool
go_on(PGconn *pg, struct work *work, int64_t rows, double limit_s, struct progress *progress)
{
    double took_s;
    int64_t before = count_changed(pg, rows);
    bool is_over = work_slice(work, limit_s, &took_s);

    progress->rows += (double)(count_changed(pg, rows) - before);
    progress->took_s += took_s;
    return is_over;
}

static void
run_slices(PGconn *pg, const char *conninfo, int64_t rows, struct apps *apps, struct round *round)
{
    CLEANUP(work_end) struct work work;
    struct progress beside = {0}, unloaded = {0};
    bool is_over = false;

    work_begin(&work, conninfo);
    while (!is_over) {
        apps_phase(apps, PHASE_ALONE);
        usleep((useconds_t)(ALONE_S * 1e6));
        apps_phase(apps, PHASE_BESIDE);
        is_over = go_on(pg, &work, rows, BESIDE_S, &beside);
        apps_phase(apps, PHASE_SILENT);
        if (!is_over) {
            usleep((useconds_t)(QUIET_S * 1e6));
            is_over = go_on(pg, &work, rows, UNLOADED_S, &unloaded);
        }
    }
    round->rows_s = beside.rows / beside.took_s;
    round->unloaded_rows_s = unloaded.rows / unloaded.took_s;
}

static void
run_round(PGconn *pg, const char *conninfo, int64_t rows, struct round *round)
{
    *round = (struct round){0};
    work_make_table(pg, rows);
    struct apps *apps = apps_start(conninfo, rows);
    run_slices(pg, conninfo, rows, apps, round);
    apps_stop(&apps, round->loads, &round->errors);
    work_check_table(pg, rows);
}

/* Nothing is compared across rounds; medians of their ratios count. */
static void
beside_application(PGconn *pg, const char *conninfo, int64_t rows)
{
    double p99[ROUNDS_MAX], rate[ROUNDS_MAX], errors = 0;

    printf("\n%" PRId64 " rows, an application of %d statements a second; %zu rounds\n", rows,
           APPS_RATE, round_count);
    work_by_skein(pg, conninfo, rows); /* so that there are files of WAL */
    for (size_t i = 0; i < round_count; i++) {
        struct round round;
        run_round(pg, conninfo, rows, &round);
        print_load("alone", &round.loads[PHASE_ALONE]);
        print_load("with backfill", &round.loads[PHASE_BESIDE]);
        p99[i] = round.loads[PHASE_BESIDE].p99_ms / round.loads[PHASE_ALONE].p99_ms;
        rate[i] = round.rows_s / round.unloaded_rows_s;
        errors += round.errors;
        printf("%-14s %.0f rows/s, alone %.0f; p99 %.2f times, rate %.2f times\n", "backfill",
               round.rows_s, round.unloaded_rows_s, p99[i], rate[i]);
        fflush(stdout);
    }
    bar("backfill-application-p99-ratio", median_of(p99, round_count), false, 1.5);
    bar("backfill-application-errors", errors, false, 0);
    bar("backfill-rate-beside-application", median_of(rate, round_count), true, 0.5);
}

/* ---- small and large ---------------------------------------------------------------------------
 */

#define LARGE_S 15.0 /* of the large one between two small ones */
#define SMALL_MAX 200

/*
 * The large one goes in slices, with a small one in another database behind each: whatever else
 * the machine does falls on both.
 */
static void
small_and_large(struct cluster *cluster, PGconn *pg, const char *conninfo, int64_t small,
                int64_t large)
{
    CLEANUP(work_end) struct work work;
    CLEANUP(mem_free) char *beside = cluster_conninfo(cluster, "small", "postgres");
    double rows_s[SMALL_MAX], large_s = 0, took_s;
    size_t count = 0;
    bool is_over = false;

    printf("\n%" PRId64 " rows and %" PRId64 " rows\n", small, large);
    cluster_tell(cluster, "postgres", "CREATE DATABASE small");
    PGconn *small_pg = PQconnectdb(beside);
    work_make_table(pg, large);
    work_begin(&work, conninfo);
    while (!is_over) {
        is_over = work_slice(&work, LARGE_S, &took_s);
        large_s += took_s;
        if (count < SMALL_MAX) {
            rows_s[count++] = work_by_skein(small_pg, beside, small).rows_s;
        }
    }
    work_check_table(pg, large);
    PQfinish(small_pg);
    double small_rows_s = median_of(rows_s, count), large_rows_s = (double)large / large_s;
    printf("small %.0f rows/s, large %.0f rows/s\n", small_rows_s, large_rows_s);
    bar("backfill-rate-large-of-small", large_rows_s / small_rows_s, true, 0.9);
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

static bool
is_kind(const char *word)
{
    static const char *const kinds[] = {"hand", "two", "load", "size"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* False: there is a word that is none of them. */
static bool
read_options(int count, char **arguments, bool *is_quick)
{
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        int64_t rounds;
        if (strcmp(word, "--quick") == 0) {
            *is_quick = true;
            round_count = 3;
        } else if (text_starts_with(word, "--rounds=") &&
                   text_to_number(word + strlen("--rounds="), 1, ROUNDS_MAX, &rounds)) {
            round_count = (size_t)rounds;
        } else if (text_starts_with(word, "--words=")) {
            work_words = word + strlen("--words="); /* to try others */
        } else if (!is_kind(word)) {
            return false;
        }
    }
    return true;
}

int
main(int count, char **arguments)
{
    bool is_quick = false;

    if (!read_options(count, arguments, &is_quick)) {
        fputs("usage: skein-bench-backfill [--quick] [--rounds=N] [--words='time=50ms …']"
              " [hand|two|load|size]...\n",
              stderr);
        return 2;
    }
    struct cluster *cluster = cluster_new(settings);
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");
    PGconn *pg = PQconnectdb(conninfo);

    if (is_wanted(count, arguments, "hand")) {
        beside_hand(pg, conninfo, is_quick ? 1000000 : 2000000);
    }
    if (is_wanted(count, arguments, "two")) {
        one_and_two(pg, conninfo, is_quick ? 500000 : 2000000);
    }
    if (is_wanted(count, arguments, "load")) {
        beside_application(pg, conninfo, is_quick ? 1000000 : 2000000);
    }
    if (is_wanted(count, arguments, "size")) {
        small_and_large(cluster, pg, conninfo, 200000, is_quick ? 2000000 : 20000000);
    }
    PQfinish(pg);
    cluster_destroy(&cluster);
    return is_short;
}
