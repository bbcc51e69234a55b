/*
 * execute_overhead: what carrying steps out safely costs, beside the same statements and the same
 * two rows sent bare over libpq: fresh databases, ten small migrations each, one connection, one
 * after the other, with default durability; then the same with everything applied already. Both
 * take turns, so that whatever else the machine does falls on both.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "agent/execute/execute.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/cluster.h"

#define MIGRATION_COUNT 10

static const struct sketch sketches[MIGRATION_COUNT] = {
    {.version = "001", .up = "CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL)"},
    {.version = "002", .up = "CREATE TYPE state AS ENUM ('new', 'active', 'gone')"},
    {.version = "003", .up = "ALTER TABLE users ADD COLUMN state state NOT NULL DEFAULT 'new'"},
    {.version = "004", .up = "CREATE INDEX users_email ON users (lower(email))"},
    {.version = "005",
     .up =
         "INSERT INTO users (email) SELECT 'u' || i || '@example.org' FROM generate_series(1, 200)"
         " i;; UPDATE users SET state = 'active' WHERE id % 2 = 0"},
    {.version = "006",
     .up = "CREATE TABLE sessions (id uuid PRIMARY KEY, user_id bigint REFERENCES users)"},
    {.version = "007",
     .up = "ALTER TABLE users ADD CONSTRAINT email_has_at CHECK (email LIKE '%@%')"},
    {.version = "008",
     .up = "CREATE VIEW active_users AS SELECT * FROM users WHERE state = 'active'"},
    {.version = "009", .up = "ALTER TABLE sessions ADD COLUMN seen_at timestamptz"},
    {.version = "010", .up = "CREATE INDEX sessions_user ON sessions (user_id)"},
};

static void
run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s%s\n", PQerrorMessage(pg), sql);
        exit(1);
    }
    PQclear(result);
}

static void
send_rows(PGconn *pg, const struct migration *migration, size_t number)
{
    char hash[2 * CHECKSUM_SIZE + 1], id[ID_TEXT_SIZE];
    struct id step_id = id_random();

    text_hex(migration->up.checksum, CHECKSUM_SIZE, hash);
    CLEANUP(mem_free)
    char *migration_row = mem_format(
        "INSERT INTO skein.migration (version, name, checksum, applied_at, step_id, journal_number)"
        " VALUES ('%s', '%s', '\\x%s', now(), '%s', %zu)",
        migration->version, migration->name, hash, id_text(&step_id, id), number);
    run(pg, migration_row);
    CLEANUP(mem_free)
    char *journal_row = mem_format(
        "INSERT INTO skein.journal (number, step_id, attempt, version, name, checksum, direction,"
        " state, statement, statement_count, duration_us, recorded_at, previous_hash, hash)"
        " VALUES (%zu, '%s', 1, '%s', '%s', '\\x%s', 'up', 'done', 1, 1, 1000, now(), '\\x%s',"
        " '\\x%s')",
        number, id, migration->version, migration->name, hash, hash, hash);
    run(pg, journal_row);
}

static int64_t
apply_raw(const struct bundle *bundle, const char *conninfo)
{
    int64_t began_us = clock_now_us();
    PGconn *pg = PQconnectdb(conninfo);

    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        const char *text = bundle_script_text(bundle, &migration->up);
        run(pg, "BEGIN");
        for (size_t k = 0; k < migration->up.statement_count; k++) {
            const struct statement *statement = &migration->up.statements[k];
            CLEANUP(mem_free)
            char *sql = mem_format("%.*s", (int)statement->size, text + statement->offset);
            run(pg, sql);
        }
        send_rows(pg, migration, i + 1);
        run(pg, "COMMIT");
    }
    PQfinish(pg);
    return clock_now_us() - began_us;
}

static int64_t
check_raw(const char *conninfo)
{
    int64_t began_us = clock_now_us();
    PGconn *pg = PQconnectdb(conninfo);

    run(pg, "SELECT version, checksum FROM skein.migration ORDER BY applied_at");
    PQfinish(pg);
    return clock_now_us() - began_us;
}

static void
complain(const struct error *error)
{
    fprintf(stderr, "%s: %s\n", error->code, error->text);
    exit(1);
}

static int64_t
apply_ours(const struct bundle *bundle, const char *conninfo)
{
    struct target_config config = {.name = "bench", .conninfo = conninfo};
    CLEANUP(arena_release) struct arena arena = {0};
    struct outcome outcome;
    struct error error;
    int64_t began_us = clock_now_us();
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&config);

    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        struct step_order order = {.step_id = id_random(),
                                   .attempt = 1,
                                   .bundle = bundle,
                                   .migration = &bundle->manifest.migrations[i]};
        if (!sitting_execute(sitting, &order, &arena, &outcome, &error) ||
            outcome.kind != OUTCOME_DONE) {
            fault_to_error(&outcome.fault, &error);
            complain(&error);
        }
    }
    sitting_rest(sitting);
    return clock_now_us() - began_us;
}

static int64_t
check_ours(const char *conninfo)
{
    struct target_config config = {.name = "bench", .conninfo = conninfo};
    CLEANUP(arena_release) struct arena arena = {0};
    struct applied_migration *applied;
    size_t count;
    struct error error;
    int64_t began_us = clock_now_us();
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&config);

    if (!sitting_survey(sitting, &arena, &applied, &count, &error)) {
        complain(&error);
    }
    sitting_rest(sitting);
    return clock_now_us() - began_us;
}

/* A fresh database that has the schema already, as every target has before a run. */
static char *
fresh_database(struct cluster *cluster, const char *kind, size_t number)
{
    CLEANUP(mem_free) char *name = mem_format("%s_%zu", kind, number);
    CLEANUP(mem_free) char *sql = mem_format("CREATE DATABASE %s", name);
    CLEANUP(arena_release) struct arena arena = {0};
    struct target_facts facts;
    struct error error;

    cluster_tell(cluster, "postgres", sql);
    char *conninfo = cluster_conninfo(cluster, name, "postgres");
    struct target_config config = {.name = "bench", .conninfo = conninfo};
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&config);
    if (!sitting_examine(sitting, &arena, &facts, &error)) {
        complain(&error);
    }
    return conninfo;
}

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void
print_line(const char *name, int64_t *raw, int64_t *ours, size_t count)
{
    int64_t raw_sum = 0, our_sum = 0;

    for (size_t i = 0; i < count; i++) {
        raw_sum += raw[i];
        our_sum += ours[i];
    }
    qsort(raw, count, sizeof *raw, compare);
    qsort(ours, count, sizeof *ours, compare);
    printf("%-16s %10" PRId64 " %10" PRId64 " %8.2f %14.2f\n", name, raw[count / 2],
           ours[count / 2], (double)ours[count / 2] / (double)raw[count / 2],
           (double)our_sum / (double)raw_sum);
}

int
main(int argc, char **argv)
{
    int64_t count = 30;

    if (argc > 2 || (argc == 2 && !text_to_number(argv[1], 1, 1000, &count))) {
        fputs("usage: skein-bench-execute [DATABASES]\n", stderr);
        return 2;
    }
    struct cluster *cluster = cluster_new("fsync = on");
    struct bundle *bundle = bundle_of(sketches, MIGRATION_COUNT);
    int64_t *times[4];
    for (size_t i = 0; i < 4; i++) {
        times[i] = mem_zalloc((size_t)count * sizeof **times);
    }
    for (size_t i = 0; i < (size_t)count; i++) {
        CLEANUP(mem_free) char *raw = fresh_database(cluster, "raw", i);
        CLEANUP(mem_free) char *ours = fresh_database(cluster, "ours", i);
        times[0][i] = apply_raw(bundle, raw);
        times[1][i] = apply_ours(bundle, ours);
        times[2][i] = check_raw(raw);
        times[3][i] = check_ours(ours);
    }
    printf("%-16s %10s %10s %8s %14s\n", "us per database", "raw", "skein", "ratio",
           "ratio of sums");
    print_line("apply", times[0], times[1], (size_t)count);
    print_line("already applied", times[2], times[3], (size_t)count);
    for (size_t i = 0; i < 4; i++) {
        free(times[i]);
    }
    bundle_destroy(&bundle);
    cluster_destroy(&cluster);
    return 0;
}
