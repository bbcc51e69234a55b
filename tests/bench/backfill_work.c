#include "tests/bench/backfill_work.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/migration/reader.h"
#include "tests/support/folder.h"

const char *work_words = "";

/* ---- questions ------------------------------------------------------------------------------- */

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

double
work_number(PGconn *pg, const char *sql)
{
    PGresult *result = ask(pg, sql);
    double value = strtod(PQgetvalue(result, 0, 0), NULL);

    PQclear(result);
    return value;
}

/* ---- the table ------------------------------------------------------------------------------- */

void
work_make_table(PGconn *pg, int64_t rows)
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

void
work_check_table(PGconn *pg, int64_t rows)
{
    if (work_number(pg, "SELECT count(*) FROM t WHERE x = 2") != (double)rows) {
        fputs("not every row was changed once\n", stderr);
        exit(1);
    }
}

static double
wal_now(PGconn *pg)
{
    return work_number(pg, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')");
}

void
work_update_range(PGconn *pg, int64_t from, int64_t to, int64_t size)
{
    tell(pg, "DEALLOCATE ALL; PREPARE batch AS UPDATE t SET x = x * 2 WHERE id > $1 AND id <= $2");
    for (int64_t at = from; at < to; at += size) {
        char sql[80];
        snprintf(sql, sizeof sql, "EXECUTE batch (%" PRId64 ", %" PRId64 ")", at,
                 at + size < to ? at + size : to);
        tell(pg, sql);
    }
}

struct measure
work_by_hand(PGconn *pg, int64_t rows, int64_t size)
{
    work_make_table(pg, rows);
    double wal = wal_now(pg);
    int64_t began_us = clock_now_us();
    work_update_range(pg, 0, rows, size);
    double took_s = (double)(clock_now_us() - began_us) / 1e6;
    struct measure measure = {(double)rows / took_s, wal_now(pg) - wal};
    work_check_table(pg, rows);
    return measure;
}

static struct bundle *
read_bundle(void)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct error_list errors = {0}, notes = {0};
    struct bundle *bundle = NULL;

    CLEANUP(mem_free)
    char *file = mem_format("-- skein: batch %s\nUPDATE t SET x = x * 2;\n", work_words);
    folder_text(&folder, "1_m.up.sql", file, 0644);
    if (!migrations_read(folder.path, "bench", "pairs", &bundle, &errors, &notes)) {
        fprintf(stderr, "%s\n", errors.errors[0].text);
        exit(1);
    }
    error_list_release(&errors);
    error_list_release(&notes);
    return bundle;
}

void
work_begin(struct work *work, const char *conninfo)
{
    *work = (struct work){.config = {.name = "bench", .conninfo = conninfo}};
    work->sitting = sitting_new(&work->config);
    work->bundle = read_bundle();
    work->order = (struct step_order){.step_id = id_random(),
                                      .bundle = work->bundle,
                                      .migration = &work->bundle->manifest.migrations[0]};
}

void
work_end(struct work *work)
{
    sitting_destroy(&work->sitting);
    bundle_destroy(&work->bundle);
    arena_release(&work->arena);
}

struct pausing {
    struct sitting *sitting;
    atomic_bool *is_over;
    double after_s;
};

static void *
run_pausing(void *context)
{
    struct pausing *pausing = context;
    int64_t until_us = clock_now_us() + (int64_t)(pausing->after_s * 1e6);

    while (!atomic_load(pausing->is_over) && clock_now_us() < until_us) {
        usleep(2000);
    }
    sitting_pause(pausing->sitting);
    return NULL;
}

bool
work_slice(struct work *work, double limit_s, double *took_s)
{
    atomic_bool is_over = false;
    struct pausing pausing = {work->sitting, &is_over, limit_s};
    struct outcome outcome = {0};
    struct error error;
    pthread_t thread;
    int64_t began_us = clock_now_us();

    sitting_clear_stop(work->sitting);
    work->order.attempt++;
    if (limit_s > 0) {
        pthread_create(&thread, NULL, run_pausing, &pausing);
    }
    bool is_known = sitting_execute(work->sitting, &work->order, &work->arena, &outcome, &error);
    *took_s = (double)(clock_now_us() - began_us) / 1e6;
    atomic_store(&is_over, true);
    if (limit_s > 0) {
        pthread_join(thread, NULL);
    }
    if (!is_known || (outcome.kind != OUTCOME_DONE && outcome.kind != OUTCOME_CANCELLED)) {
        fault_to_error(&outcome.fault, &error);
        fprintf(stderr, "%s: %s\n", error.code, error.text);
        exit(1);
    }
    return outcome.kind == OUTCOME_DONE;
}

/* Carry the migration out on the table as it is; the seconds that it took. */
static double
apply(const char *conninfo)
{
    CLEANUP(work_end) struct work work;
    double took_s;

    work_begin(&work, conninfo);
    work_slice(&work, 0, &took_s);
    return took_s;
}

struct measure
work_by_skein(PGconn *pg, const char *conninfo, int64_t rows)
{
    work_make_table(pg, rows);
    double wal = wal_now(pg);
    double took_s = apply(conninfo);
    struct measure measure = {(double)rows / took_s, wal_now(pg) - wal};
    work_check_table(pg, rows);
    return measure;
}
