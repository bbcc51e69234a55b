/*
 * raw: what the fleet bench compares Skein with: the same statements and the same journal rows,
 * sent straight over libpq, one connection per database, so many databases at a time, each
 * migration one transaction. No plan, no check, no report. Database names come on standard input.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/reader.h"
#include "common/postgres/schema.h"

#define DATABASES_MAX 10000

enum mode { MODE_PREPARE, MODE_APPLY, MODE_CHECK };

static struct {
    enum mode mode;
    const char *host;
    const struct bundle *bundle;
    char *databases[DATABASES_MAX];
    size_t database_count;
    atomic_size_t next;
} work;

static void
run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fprintf(stderr, "raw: %s: %s%s\n", PQdb(pg), PQerrorMessage(pg), sql);
        exit(1);
    }
    PQclear(result);
}

/* The tables are ours, made by our own code: the rows go into the very same ones. */
static void
prepare(const char *database)
{
    CLEANUP(mem_free)
    char *conninfo = mem_format("host=%s user=postgres dbname=%s", work.host, database);
    struct interrupt *interrupt = interrupt_new();
    struct connection *connection = NULL;
    struct error error;
    struct id id = id_random();

    if (!connection_open(&(struct connection_config){conninfo, "raw", NULL, interrupt}, &connection,
                         &error) ||
        !schema_create(connection, &id, &error)) {
        fprintf(stderr, "raw: %s: %s\n", database, error.text);
        exit(1);
    }
    connection_close(&connection);
    interrupt_destroy(&interrupt);
}

static void
apply_one(PGconn *pg, const struct migration *migration, size_t number)
{
    const char *text = bundle_script_text(work.bundle, &migration->up);
    char hash[2 * CHECKSUM_SIZE + 1];

    text_hex(migration->up.checksum, CHECKSUM_SIZE, hash);
    run(pg, "BEGIN");
    for (size_t i = 0; i < migration->up.statement_count; i++) {
        const struct statement *statement = &migration->up.statements[i];
        CLEANUP(mem_free)
        char *sql = mem_format("%.*s", (int)statement->size, text + statement->offset);
        run(pg, sql);
    }
    struct id step_id = id_random();
    char id[ID_TEXT_SIZE];
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
        " VALUES (%zu, '%s', 1, '%s', '%s', '\\x%s', 'up', 'done', %zu, %zu, 1000, now(), '\\x%s',"
        " '\\x%s')",
        number, id, migration->version, migration->name, hash, migration->up.statement_count,
        migration->up.statement_count, hash, hash);
    run(pg, journal_row);
    run(pg, "COMMIT");
}

static void
work_on(const char *database)
{
    if (work.mode == MODE_PREPARE) {
        prepare(database);
        return;
    }
    const char *names[] = {"host", "user", "dbname", "gssencmode", NULL};
    const char *values[] = {work.host, "postgres", database, "disable", NULL};
    PGconn *pg = PQconnectdbParams(names, values, 0);

    if (PQstatus(pg) != CONNECTION_OK) {
        fprintf(stderr, "raw: %s\n", PQerrorMessage(pg));
        exit(1);
    }
    switch (work.mode) {
    case MODE_PREPARE:
        break;
    case MODE_APPLY:
        for (size_t i = 0; i < work.bundle->manifest.migration_count; i++) {
            apply_one(pg, &work.bundle->manifest.migrations[i], i + 1);
        }
        break;
    case MODE_CHECK:
        run(pg, "SELECT version, checksum FROM skein.migration ORDER BY applied_at");
        break;
    }
    PQfinish(pg);
}

static void *
worker(void *unused)
{
    (void)unused;
    for (size_t i; (i = atomic_fetch_add(&work.next, 1)) < work.database_count;) {
        work_on(work.databases[i]);
    }
    return NULL;
}

static void
read_databases(void)
{
    char line[256];

    while (work.database_count < DATABASES_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0]) {
            work.databases[work.database_count++] = mem_text(line);
        }
    }
}

static int
usage(void)
{
    fputs("usage: skein-bench-raw --prepare|--apply|--check --host DIR --migrations DIR"
          " [--parallel N] < names\n",
          stderr);
    return 2;
}

int
main(int argc, char **argv)
{
    const char *migrations = NULL;
    int64_t parallel = 8;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (text_equal(argv[i], "--prepare")) {
            work.mode = MODE_PREPARE;
        } else if (text_equal(argv[i], "--apply")) {
            work.mode = MODE_APPLY;
        } else if (text_equal(argv[i], "--check")) {
            work.mode = MODE_CHECK;
        } else if (text_equal(argv[i], "--host") && value) {
            work.host = argv[++i];
        } else if (text_equal(argv[i], "--migrations") && value) {
            migrations = argv[++i];
        } else if (!text_equal(argv[i], "--parallel") || !value ||
                   !text_to_number(argv[++i], 1, 1000, &parallel)) {
            return usage();
        }
    }
    if (!work.host || !migrations) {
        return usage();
    }
    struct bundle *bundle = NULL;
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    if (work.mode == MODE_APPLY &&
        !migrations_read(migrations, "bench", "auto", &bundle, &errors, &notes)) {
        fprintf(stderr, "raw: %s %s\n", errors.errors[0].where, errors.errors[0].text);
        return 1;
    }
    work.bundle = bundle;
    read_databases();

    pthread_t threads[1000];
    for (int64_t i = 0; i < parallel; i++) {
        if (pthread_create(&threads[i], NULL, worker, NULL) != 0) {
            return 1;
        }
    }
    for (int64_t i = 0; i < parallel; i++) {
        pthread_join(threads[i], NULL);
    }
    bundle_destroy(&bundle);
    return 0;
}
