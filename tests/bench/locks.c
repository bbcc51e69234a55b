/*
 * locks: what an application at a fixed rate notices of one ALTER TABLE, done by us, by psql as it
 * is, and by psql with a lock_timeout in a loop: beside a transaction that holds the table for
 * seconds, and among transactions that always overlap. Latencies are counted from the moment a
 * statement was due, so that one who waits does not hide those behind him.
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

#define CLIENTS 8
#define RATE 340 /* statements a second, all clients together */
#define LATENCIES_MAX 20000
#define OVERLAP_CLIENTS 4
#define OVERLAP_MS 300
#define LOOP_TIMEOUT "2s"
#define REST_MS 300 /* the application alone, before and after */

static struct cluster *cluster;
static struct bundle *bundle;
static char *conninfo;
static struct sitting *sitting;

/* ---- connections ----------------------------------------------------------------------------- */

static PGconn *
connect_as(const char *application)
{
    CLEANUP(mem_free) char *whole = mem_format("%s application_name=%s", conninfo, application);
    PGconn *pg = PQconnectdb(whole);

    if (PQstatus(pg) != CONNECTION_OK) {
        fputs(PQerrorMessage(pg), stderr);
        exit(1);
    }
    return pg;
}

/* Null when it has worked. */
static const char *
run(PGconn *pg, const char *sql)
{
    static _Thread_local char sqlstate[6];
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    snprintf(sqlstate, sizeof sqlstate, "%s", code ? code : "?");
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? NULL : sqlstate;
}

static void
sleep_us(int64_t us)
{
    if (us > 0) {
        nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
    }
}

/* ---- the application ------------------------------------------------------------------------- */

struct client {
    pthread_t thread;
    size_t number;
    int64_t began_us;
    int64_t *latencies_us;
    size_t count, errors;
};

static atomic_bool is_over, is_counted;

static void *
work(void *context)
{
    struct client *client = context;
    PGconn *pg = connect_as("shop");

    for (size_t i = 0; !is_over; i++) {
        int64_t due_us =
            client->began_us + (int64_t)(i * CLIENTS + client->number) * (int64_t)1000000 / RATE;
        sleep_us(due_us - clock_now_us());
        CLEANUP(mem_free)
        char *sql = mem_format(i % 2 ? "SELECT * FROM accounts WHERE id = %zu"
                                     : "UPDATE accounts SET balance = balance + 1 WHERE id = %zu",
                               1000 + (i * CLIENTS + client->number) * 7919 % 9000);
        if (run(pg, sql)) {
            client->errors++;
        }
        if (is_counted && client->count < LATENCIES_MAX) {
            client->latencies_us[client->count++] = clock_now_us() - due_us;
        }
    }
    PQfinish(pg);
    return NULL;
}

struct application {
    struct client clients[CLIENTS];
};

static void
application_start(struct application *application)
{
    int64_t began_us = clock_now_us() + 100000;

    is_over = is_counted = false;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &application->clients[i];
        *client = (struct client){.number = i, .began_us = began_us};
        client->latencies_us = mem_zalloc(LATENCIES_MAX * sizeof *client->latencies_us);
        pthread_create(&client->thread, NULL, work, client);
    }
    sleep_us(400000);
    is_counted = true;
    sleep_us(REST_MS * 1000);
}

struct felt {
    double p99_ms, longest_ms;
    size_t errors;
};

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static struct felt
application_end(struct application *application)
{
    struct felt felt = {0};
    size_t count = 0;
    int64_t *all = mem_zalloc(CLIENTS * LATENCIES_MAX * sizeof *all);

    sleep_us(REST_MS * 1000);
    is_over = true;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &application->clients[i];
        pthread_join(client->thread, NULL);
        memcpy(all + count, client->latencies_us, client->count * sizeof *all);
        count += client->count;
        felt.errors += client->errors;
        free(client->latencies_us);
    }
    qsort(all, count, sizeof *all, compare);
    felt.p99_ms = (double)all[count * 99 / 100] / 1000;
    felt.longest_ms = (double)all[count - 1] / 1000;
    free(all);
    return felt;
}

/* ---- those in the way ------------------------------------------------------------------------ */

struct hostile {
    pthread_t thread;
    int64_t hold_us;
    _Atomic int64_t ended_us;
};

static void *
hold(void *context)
{
    struct hostile *hostile = context;
    PGconn *pg = connect_as("report");

    run(pg, "BEGIN");
    run(pg, "SELECT * FROM accounts WHERE id = 1");
    sleep_us(hostile->hold_us);
    run(pg, "COMMIT");
    hostile->ended_us = clock_now_us();
    PQfinish(pg);
    return NULL;
}

struct overlap {
    pthread_t threads[OVERLAP_CLIENTS];
    atomic_bool is_over;
    _Atomic size_t next;
    _Atomic int64_t longest_us;
};

static void *
overlap_work(void *context)
{
    struct overlap *overlap = context;
    PGconn *pg = connect_as("batch");
    size_t number = overlap->next++;

    sleep_us((int64_t)number * OVERLAP_MS * 1000 / OVERLAP_CLIENTS);
    while (!overlap->is_over) {
        int64_t began_us = clock_now_us();
        run(pg, "BEGIN; SELECT * FROM accounts WHERE id = 2");
        int64_t took_us = clock_now_us() - began_us;
        if (took_us > overlap->longest_us) {
            overlap->longest_us = took_us;
        }
        sleep_us(OVERLAP_MS * 1000);
        run(pg, "COMMIT");
    }
    PQfinish(pg);
    return NULL;
}

/* ---- the change ------------------------------------------------------------------------------ */

enum way_of_doing { DO_NOTHING, DO_OURS, DO_PLAIN, DO_LOOP, DO_COUNT };

static const char *const ways[] = {"no DDL", "skein", "psql", ("psql, lock_timeout " LOOP_TIMEOUT)};

struct change {
    enum way_of_doing how;
    int64_t began_us, ended_us;
    uint64_t lock_timeout_ms; /* ours: the longest */
};

static void
change_ours(struct change *change)
{
    static size_t index;
    CLEANUP(arena_release) struct arena arena = {0};
    struct outcome outcome;
    struct error error;
    struct step_order order = {.step_id = id_random(),
                               .attempt = 1,
                               .bundle = bundle,
                               .migration = &bundle->manifest.migrations[index++]};

    if (!sitting_execute(sitting, &order, &arena, &outcome, &error) ||
        outcome.kind != OUTCOME_DONE) {
        fault_to_error(&outcome.fault, &error);
        fprintf(stderr, "%s: %s (%s)\n", error.code, error.text, error.found);
        exit(1);
    }
    change->lock_timeout_ms = outcome.lock_timeout_ms;
    sitting_rest(sitting);
}

static void
change_by_psql(bool loops)
{
    static size_t number;
    CLEANUP(mem_free)
    char *sql = mem_format("ALTER TABLE accounts ADD COLUMN psql_%zu int", ++number);
    PGconn *pg = connect_as("psql");

    if (loops) {
        run(pg, "SET lock_timeout = '" LOOP_TIMEOUT "'");
    }
    while (run(pg, sql)) {
        sleep_us(100000);
    }
    PQfinish(pg);
}

static void
carry_out(struct change *change)
{
    change->began_us = clock_now_us();
    if (change->how == DO_OURS) {
        change_ours(change);
    } else if (change->how != DO_NOTHING) {
        change_by_psql(change->how == DO_LOOP);
    }
    change->ended_us = clock_now_us();
}

/* ---- the two scenes -------------------------------------------------------------------------- */

struct row {
    struct felt felt;
    double done_ms; /* after the hostile one, or after it was begun */
    uint64_t lock_timeout_ms;
};

static struct row
beside_hostile(enum way_of_doing how, int64_t hold_ms)
{
    struct application application;
    struct hostile hostile = {.hold_us = hold_ms * 1000};
    struct change change = {.how = how};

    application_start(&application);
    pthread_create(&hostile.thread, NULL, hold, &hostile);
    sleep_us(500000);
    carry_out(&change);
    pthread_join(hostile.thread, NULL);
    struct row row = {.felt = application_end(&application),
                      .lock_timeout_ms = change.lock_timeout_ms};
    row.done_ms = (double)(change.ended_us - hostile.ended_us) / 1000;
    return row;
}

static struct row
among_overlapping(enum way_of_doing how)
{
    struct application application;
    struct overlap overlap = {.is_over = false};
    struct change change = {.how = how};

    for (size_t i = 0; i < OVERLAP_CLIENTS; i++) {
        pthread_create(&overlap.threads[i], NULL, overlap_work, &overlap);
    }
    application_start(&application);
    carry_out(&change);
    if (how == DO_NOTHING) {
        sleep_us(2000000);
    }
    struct row row = {.felt = application_end(&application),
                      .lock_timeout_ms = change.lock_timeout_ms};
    overlap.is_over = true;
    for (size_t i = 0; i < OVERLAP_CLIENTS; i++) {
        pthread_join(overlap.threads[i], NULL);
    }
    double longest_ms = (double)overlap.longest_us / 1000;
    row.felt.longest_ms = longest_ms > row.felt.longest_ms ? longest_ms : row.felt.longest_ms;
    row.done_ms = (double)(change.ended_us - change.began_us) / 1000;
    return row;
}

static void
print_row(enum way_of_doing how, const struct row *row)
{
    printf("%-24s %12.1f %12.1f %8zu", ways[how], row->felt.p99_ms, row->felt.longest_ms,
           row->felt.errors);
    if (how == DO_NOTHING) {
        printf(" %12s\n", "-");
    } else {
        printf(" %12.0f\n", row->done_ms);
    }
    fflush(stdout);
}

/* ---- medians, and the bars ------------------------------------------------------------------- */

#define ROUNDS_MAX 5

static int
compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double
median(const double *values, size_t count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return sorted[count / 2];
}

static bool
bar(const char *name, double value, double limit)
{
    bool is_met = value <= limit;

    printf("bar %s %.2f <= %.2f %s\n", name, value, limit, is_met ? "ok" : "short");
    return is_met;
}

static bool
bench_hostile(size_t rounds, int64_t hold_ms)
{
    double ratio[ROUNDS_MAX], longest[ROUNDS_MAX], done[ROUNDS_MAX], errors[ROUNDS_MAX];
    struct row row[DO_COUNT];

    printf("ALTER TABLE beside a transaction that holds the table for %" PRId64 " ms\n", hold_ms);
    printf("%-24s %12s %12s %8s %12s\n", "", "p99 ms", "longest ms", "errors", "done ms later");
    for (size_t i = 0; i < rounds; i++) {
        for (enum way_of_doing how = DO_NOTHING; how < (i ? DO_PLAIN : DO_COUNT); how++) {
            row[how] = beside_hostile(how, hold_ms);
            print_row(how, &row[how]);
        }
        ratio[i] = row[DO_OURS].felt.p99_ms / row[DO_NOTHING].felt.p99_ms;
        longest[i] = row[DO_OURS].felt.longest_ms;
        done[i] = row[DO_OURS].done_ms;
        errors[i] = (double)row[DO_OURS].felt.errors;
    }
    bool is_met = bar("locks-hostile-p99-ratio", median(ratio, rounds), 1.2);
    is_met &= bar("locks-hostile-longest-ms", median(longest, rounds), 60);
    is_met &= bar("locks-hostile-done-ms", median(done, rounds), 100);
    is_met &= bar("locks-hostile-errors", median(errors, rounds), 0);
    return is_met;
}

static bool
bench_overlapping(size_t rounds)
{
    double longest[ROUNDS_MAX], done[ROUNDS_MAX], beyond[ROUNDS_MAX], errors[ROUNDS_MAX];
    struct row row;

    printf("\nALTER TABLE among transactions of %d ms that always overlap\n", OVERLAP_MS);
    printf("%-24s %12s %12s %8s %12s\n", "", "p99 ms", "longest ms", "errors", "done ms");
    for (size_t i = 0; i < rounds; i++) {
        for (enum way_of_doing how = i ? DO_OURS : DO_NOTHING; how < (i ? DO_PLAIN : DO_COUNT);
             how++) {
            row = among_overlapping(how);
            print_row(how, &row);
            if (how == DO_OURS) {
                longest[i] = row.felt.longest_ms;
                done[i] = row.done_ms;
                errors[i] = (double)row.felt.errors;
                beyond[i] = row.felt.longest_ms / (double)row.lock_timeout_ms;
            }
        }
    }
    bool is_met = bar("locks-overlap-done-ms", median(done, rounds), 3000);
    is_met &= bar("locks-overlap-longest-ms", median(longest, rounds), 300);
    is_met &= bar("locks-overlap-longest-per-lock_timeout", median(beyond, rounds), 1);
    is_met &= bar("locks-overlap-errors", median(errors, rounds), 0);
    return is_met;
}

static struct bundle *
make_bundle(struct arena *arena, size_t count)
{
    struct sketch *sketches = arena_alloc(arena, count * sizeof *sketches);

    for (size_t i = 0; i < count; i++) {
        sketches[i] = (struct sketch){
            .version = arena_format(arena, "%03zu", i + 1),
            .up = arena_format(arena, "ALTER TABLE accounts ADD COLUMN ours_%zu int", i + 1)};
    }
    return bundle_of(sketches, count);
}

int
main(int argc, char **argv)
{
    CLEANUP(arena_release) struct arena arena = {0};
    bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    size_t rounds = is_quick ? 1 : 3;

    if (argc > 2 || (argc == 2 && !is_quick)) {
        fputs("usage: skein-bench-locks [--quick]\n", stderr);
        return 2;
    }
    cluster = cluster_new("fsync = on");
    cluster_tell(cluster, "postgres",
                 "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);"
                 "INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 10000) i");
    conninfo = cluster_conninfo(cluster, "postgres", "postgres");
    bundle = make_bundle(&arena, 20);
    struct target_config config = {.name = "bench", .conninfo = conninfo};
    sitting = sitting_new(&config);
    bool is_met = bench_hostile(rounds, is_quick ? 2000 : 7000);
    is_met &= bench_overlapping(rounds);
    sitting_destroy(&sitting);
    bundle_destroy(&bundle);
    free(conninfo);
    cluster_destroy(&cluster);
    return is_met ? 0 : 1;
}
