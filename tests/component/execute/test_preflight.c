/* What is looked at before a step begins, and what the policies make of it. */
#include "tests/component/execute/others.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

static struct cluster *cluster;

static atomic_bool is_held;

static void
note(void *context, const char *text)
{
    (void)context;
    if (strstr(text, "is held: ")) {
        is_held = true;
    }
}

static void
go_up(void *context)
{
    struct scene *scene = context;
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    order.note = note;
    if (!sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome, &scene->error)) {
        scene->outcome = (struct outcome){.kind = OUTCOME_KIND_COUNT};
    }
}

static void
set_policy(struct scene *scene, enum preflight_check check, enum policy policy)
{
    scene->config.preflight.of[check] = policy;
    scene_sit_anew(scene);
}

/* A slot that nobody reads, and a bit of WAL behind it. */
static void
make_slot(const struct scene *scene)
{
    scene_tell(scene, "SELECT pg_create_physical_replication_slot('forgotten', true)");
    scene_tell(scene,
               "CREATE TABLE bulk AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
}

static void
a_slot_that_holds_wal_is_warned_of_held_for_or_refused(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.preflight.slot_bytes = 1 << 20;
    make_slot(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('y')"});

    set_policy(scene, CHECK_SLOTS, POLICY_REFUSE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    assert_true(scene->outcome.fault.is_retryable);
    scene_assert_says(scene->outcome.fault.found, "the inactive replication slot forgotten holds");
    scene_assert_says(scene->outcome.fault.hint, "pg_drop_replication_slot");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);

    set_policy(scene, CHECK_SLOTS, POLICY_WARN);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 1);
    scene_assert_says(scene->outcome.warnings[0].text, "forgotten");

    set_policy(scene, CHECK_SLOTS, POLICY_HOLD);
    scene->config.preflight.hold_ms = 500;
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_says(scene->outcome.fault.text, "in time");
    scene->config.preflight.hold_ms = 60000;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "003", .up = "INSERT INTO probe VALUES ('z')"});
    is_held = false;
    struct helper *helper = helper_start(go_up, scene);
    for (int64_t until_ms = clock_now_ms() + 30000; !is_held;) {
        assert_true(clock_now_ms() < until_ms);
        usleep(2000);
    }
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe WHERE what = 'z'"), 0);
    scene_tell(scene, "SELECT pg_drop_replication_slot('forgotten')");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
}

/* What the reader finds out: the first statement of the first migration writes this table anew. */
static void
rewrites(const struct scene *scene, struct statement_work *work)
{
    struct statement *statement = scene->bundle->manifest.migrations[0].up.statements;

    statement->works = work;
    statement->work_count = 1;
}

static void
room_on_the_disk_is_held_against_what_is_written(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct statement_work work = {.schema = "public", .table = "bulk", .kind = WORK_REWRITE};
    scene_tell(scene, "CREATE TABLE bulk AS SELECT i FROM generate_series(1, 100000) i");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE bulk ALTER i TYPE bigint"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('y')"});
    rewrites(scene, &work);

    scene->config.preflight.room_bytes = 1 << 20;
    set_policy(scene, CHECK_ROOM, POLICY_REFUSE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    scene_assert_says(scene->outcome.fault.found, "it may write 6 MiB, and 1 MiB are free");
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE); /* goes through nothing */

    set_policy(scene, CHECK_ROOM, POLICY_WARN);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 1);
    scene_assert_says(scene->outcome.warnings[0].text, "1 MiB are free");

    scene->config.preflight.room_bytes = 0; /* what is seen: the test's own disk has it */
    set_policy(scene, CHECK_ROOM, POLICY_REFUSE);
    SCENE_PLAN(scene, {.version = "003", .up = "ALTER TABLE bulk ALTER i TYPE numeric"});
    rewrites(scene, &work);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 0);
}

static void
keep_for_slots(const char *size)
{
    CLEANUP(mem_free)
    char *sql = mem_format("ALTER SYSTEM SET max_slot_wal_keep_size = '%s'", size);

    cluster_tell(cluster, "postgres", sql);
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
}

static void
a_slot_that_the_steps_own_wal_would_cost_is_found(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct statement_work work = {.schema = "public", .table = "bulk", .kind = WORK_REWRITE};
    scene_tell(scene, "CREATE TABLE bulk AS SELECT i FROM generate_series(1, 100000) i");
    scene_tell(scene, "CHECKPOINT");
    scene_tell(scene, "SELECT pg_create_physical_replication_slot('follower', true)");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE bulk ALTER i TYPE bigint"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('y')"});
    rewrites(scene, &work);

    keep_for_slots("2MB");
    set_policy(scene, CHECK_SLOTS, POLICY_REFUSE);
    scene_await(scene, "SHOW max_slot_wal_keep_size", "2MB");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    scene_assert_says(scene->outcome.fault.found, "it may write 3 MiB of WAL, and a replication "
                                                  "slot is given up after 1 MiB more");
    scene_assert_says(scene->outcome.fault.hint, "max_slot_wal_keep_size");
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE); /* writes next to nothing */

    keep_for_slots("1GB");
    scene_await(scene, "SHOW max_slot_wal_keep_size", "1GB");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 0);
    scene_tell(scene, "SELECT pg_drop_replication_slot('follower')");
    keep_for_slots("-1");
}

static void
an_archiver_that_fails_is_found(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    cluster_tell(cluster, "postgres", "ALTER SYSTEM SET archive_command = 'false'");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    cluster_tell(cluster, "postgres", "SELECT pg_switch_wal()");
    scene_await(scene, "SELECT last_failed_time IS NOT NULL FROM pg_stat_archiver", "t");

    set_policy(scene, CHECK_ARCHIVER, POLICY_REFUSE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_says(scene->outcome.fault.found, "the archiver fails at 0000");
    set_policy(scene, CHECK_ARCHIVER, POLICY_IGNORE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 0);
    cluster_tell(cluster, "postgres", "ALTER SYSTEM SET archive_command = 'true'");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    cluster_tell(cluster, "postgres", "SELECT pg_switch_wal()");
}

static void
a_prepared_transaction_is_not_waited_for(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    PGconn *other = other_open(scene, "billing");
    PQclear(PQexec(other, "BEGIN; INSERT INTO probe VALUES ('p'); PREPARE TRANSACTION 'left'"));
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    scene_assert_says(scene->outcome.fault.found, "a prepared transaction holds probe");
    scene_assert_says(scene->outcome.fault.hint, "ROLLBACK PREPARED");
    assert_true(clock_now_ms() - began_ms < 20000);
    PQclear(PQexec(other, "ROLLBACK PREPARED 'left'"));
    PQfinish(other);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

static void
who_does_not_own_the_table_is_told_what_to_grant_before_anything_runs(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "DROP ROLE IF EXISTS \"Migrator\"; CREATE ROLE \"Migrator\"");
    scene->config.role = "Migrator";
    scene_sit_anew(scene);
    SCENE_PLAN(
        scene,
        {.version = "001",
         .up = "DO $$BEGIN PERFORM pg_sleep(600); END$$;; ALTER TABLE probe ADD COLUMN y int"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    scene_assert_says(scene->outcome.fault.found, "\"Migrator\" does not own probe");
    scene_assert_says(scene->outcome.fault.hint, "GRANT postgres TO \"Migrator\"");
}

static void
an_invalid_index_is_warned_of(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE INDEX half ON probe (what); UPDATE pg_index SET indisvalid = false"
                      " WHERE indexrelid = 'half'::regclass");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 1);
    assert_string_equal(scene->outcome.warnings[0].text, "INVALID indexes: half");
}

/* ---- those in the way ------------------------------------------------------------------------ */

static bool
is_alive(PGconn *pg)
{
    PGresult *result = PQexec(pg, "SELECT 1");
    bool is_well = PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    return is_well;
}

static void
only_who_may_be_asked_to_leave_is(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.eviction = (struct eviction){
        .is_on = true, .age_ms = 500, .grace_ms = 1000, .applications = "other\nreports"};
    scene->config.lock_budget_ms = 6000;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE probe ADD COLUMN z int"},
               {.version = "003", .up = "ALTER TABLE probe ADD COLUMN w int"});

    /* A silent one on the list goes, its session with it. */
    PGconn *reports = other_open(scene, "reports");
    PQclear(PQexec(reports, "BEGIN; SELECT * FROM probe"));
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_false(is_alive(reports));
    PQfinish(reports);

    /* One that has written stays, and so does one that is not on the list. */
    scene->config.lock_budget_ms = 4000;
    scene_sit_anew(scene);
    PGconn *writer = other_open(scene, "reports");
    PQclear(PQexec(writer, "BEGIN; INSERT INTO probe VALUES ('w')"));
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    assert_true(is_alive(writer));
    PQfinish(writer);
    PGconn *shop = other_open(scene, "report");
    PQclear(PQexec(shop, "BEGIN; SELECT * FROM probe"));
    assert_int_equal(scene_up(scene, 2), OUTCOME_FAILED);
    assert_true(is_alive(shop));
    PQfinish(shop);
}

static void
a_query_is_cancelled_and_its_session_lives(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.eviction = (struct eviction){
        .is_on = true, .age_ms = 300, .grace_ms = 30000, .applications = "reports"};
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    PGconn *reports = other_open(scene, "reports");
    PQsendQuery(reports, "SELECT pg_sleep(600) FROM (SELECT count(*) FROM probe) p");

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    PGresult *result = PQgetResult(reports);
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
    PQclear(result);
    assert_null(PQgetResult(reports));
    assert_true(is_alive(reports));
    PQfinish(reports);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_that_holds_wal_is_warned_of_held_for_or_refused),
        cmocka_unit_test(room_on_the_disk_is_held_against_what_is_written),
        cmocka_unit_test(a_slot_that_the_steps_own_wal_would_cost_is_found),
        cmocka_unit_test(an_archiver_that_fails_is_found),
        cmocka_unit_test(a_prepared_transaction_is_not_waited_for),
        cmocka_unit_test(who_does_not_own_the_table_is_told_what_to_grant_before_anything_runs),
        cmocka_unit_test(an_invalid_index_is_warned_of),
        cmocka_unit_test(only_who_may_be_asked_to_leave_is),
        cmocka_unit_test(a_query_is_cancelled_and_its_session_lives),
    };

    return RUN_TESTS_ON(cluster,
                        "max_prepared_transactions = 4\nwal_level = replica\narchive_mode = on\n"
                        "archive_command = 'true'",
                        tests);
}
