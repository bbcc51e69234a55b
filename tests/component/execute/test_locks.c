#include "tests/component/execute/others.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

/* A statement whose locks nobody can read off it, so that it queues before it learns. */
#define HIDDEN(sql) "DO $$BEGIN " sql "; END$$"

static struct cluster *cluster;

static void
names_who_is_in_the_way_when_the_budget_is_spent(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.lock_budget_ms = 1500;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "SELECT 1;;\nALTER TABLE probe ADD COLUMN x int"});
    PGconn *other = other_open(scene, "billing");
    CLEANUP(mem_free) char *pid = mem_format("pid %d (billing", PQbackendPID(other));
    other_say(other, "BEGIN; SELECT * FROM probe");
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    int64_t took_ms = clock_now_ms() - began_ms;
    scene_assert_fault(scene, "E-SQL-LOCK", "001.up.sql:2:1");
    assert_true(scene->outcome.fault.is_retryable);
    scene_assert_says(scene->outcome.fault.found, pid);
    scene_assert_says(scene->outcome.fault.found, "idle in transaction");
    assert_int_equal(scene->outcome.lock_tries, 0);
    assert_true(took_ms >= 700 && took_ms < 10000);
    assert_int_equal(
        scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'failed'"), 1);
    PQfinish(other);
}

static void
goes_in_when_the_lock_is_let_go(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "INSERT INTO probe VALUES ('x');;" HIDDEN(
                           "ALTER TABLE probe ADD COLUMN y int")});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", "t");
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    PQfinish(other);
}

/* An application must not queue behind us for longer than the lock time-out. */
static void
never_waits_longer_than_the_time_out(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.lock_budget_ms = 2500;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001",
                       .up = HIDDEN("ALTER TABLE probe ADD COLUMN y int"),
                       .lock_timeout_ms = 100});
    PGconn *holder = other_open(scene, "holder");
    PGconn *reader = other_open(scene, "reader");
    other_say(holder, "BEGIN; SELECT * FROM probe");
    other_say(reader, "SELECT * FROM probe");

    struct helper *helper = helper_start(other_goes_up, scene);
    int64_t longest_ms = 0;
    for (int i = 0; i < 200; i++) {
        int64_t began_ms = clock_now_ms();
        other_say(reader, "SELECT * FROM probe");
        int64_t took_ms = clock_now_ms() - began_ms;
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
        usleep(5000);
    }
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_FAILED);
    assert_in_range(longest_ms, 0, 600); /* 100, and what a busy machine adds */
    PQfinish(holder);
    PQfinish(reader);
}

static void
tries_again_after_a_deadlock(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE a (i int); CREATE TABLE b (i int)");
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "INSERT INTO probe VALUES ('x');; LOCK TABLE a;;" HIDDEN("LOCK TABLE b"),
                .lock_timeout_ms = 10000});
    scene->config.lock_timeout_ms = 10000;
    scene_sit_anew(scene);
    PGconn *other = other_open(scene, "other");
    other_say(other, "BEGIN; SET deadlock_timeout = '1h'; LOCK TABLE b");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", "t");
    PQsendQuery(other, "LOCK TABLE a"); /* ours finds out, and gives way */
    PGresult *result = PQgetResult(other);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    assert_null(PQgetResult(other));
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_true(scene->outcome.lock_tries >= 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    PQfinish(other);
}

#define RAISE(sqlstate)                                                                            \
    "INSERT INTO probe VALUES ('x');;\nDO $$BEGIN RAISE 'no' USING ERRCODE = '" sqlstate "'; "     \
    "END$$"

static void
gives_up_what_ends_in_a_deadlock_every_time(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = RAISE("40P01")},
               {.version = "002", .up = RAISE("40001")});
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-DEADLOCK", "001.up.sql:2:1");
    scene_assert_says(scene->outcome.fault.text, "rolled back; tried 8 times");
    assert_string_equal(scene->outcome.fault.sqlstate, "40P01");
    assert_true(scene->outcome.fault.is_retryable);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-SERIALIZATION", "002.up.sql:2:1");
    scene_assert_says(scene->outcome.fault.text, "tried 8 times");
    assert_string_equal(scene->outcome.fault.sqlstate, "40001");

    assert_in_range(clock_now_ms() - began_ms, 0, 40000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

static void
ends_all_tries_together_with_the_time_out(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = RAISE("40P01"), .timeout_ms = 1000},
               {.version = "002", .up = "ALTER TABLE probe ADD COLUMN x int", .timeout_ms = 1000});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-DEADLOCK", NULL);
    scene_assert_says(scene->outcome.fault.text, "within the time-out of 1000 ms");
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", NULL);
    scene_assert_says(scene->outcome.fault.text, "within the time-out of 1000 ms");
    scene_assert_says(scene->outcome.fault.found, "billing");

    assert_in_range(clock_now_ms() - began_ms, 0, 10000);
    PQfinish(other);
}

static void
ends_a_script_that_takes_too_long(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "INSERT INTO probe VALUES ('x');;\nSELECT pg_sleep(600)",
                       .timeout_ms = 300});
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-TIMEOUT", "001.up.sql:2:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "57014");
    assert_true(clock_now_ms() - began_ms < 5000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
}

static void
ends_a_statement_that_takes_too_long(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.statement_timeout_ms = 400;
    scene_sit_anew(scene);
    SCENE_PLAN(
        scene,
        {.version = "001",
         .up = "INSERT INTO probe VALUES ('x');; SELECT pg_sleep(0.25);; SELECT pg_sleep(0.25)"},
        {.version = "002", .up = "INSERT INTO probe VALUES ('x');;\nSELECT pg_sleep(600)"});
    int64_t began_ms = clock_now_ms();

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE); /* it is for each of them */
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-TIMEOUT", "002.up.sql:2:1");
    scene_assert_says(scene->outcome.fault.hint, "statement_timeout");
    assert_true(scene->outcome.fault.is_retryable);
    assert_true(clock_now_ms() - began_ms < 10000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
}

static void
tells_when_somebody_else_cancels(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "SELECT pg_sleep(600)"});

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene,
                "SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE query LIKE"
                " 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()",
                "t");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-CANCELLED", NULL);
    assert_true(scene->outcome.fault.is_retryable);
}

static void
stops_when_asked_to_and_leaves_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001", .up = "INSERT INTO probe VALUES ('x');; SELECT pg_sleep(600)"});

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene,
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
                " AND state = 'active' AND datname = current_database()",
                "t");
    int64_t began_ms = clock_now_ms();
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_true(clock_now_ms() - began_ms < 5000);
    assert_int_equal(scene->outcome.kind, OUTCOME_CANCELLED);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal"), 0);

    /* As long as the wish stands nothing begins; afterwards all is as before. */
    assert_int_equal(scene_up(scene, 0), OUTCOME_CANCELLED);
    sitting_clear_stop(scene->sitting);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

static void
stops_while_it_waits_for_a_lock(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = HIDDEN("ALTER TABLE probe ADD COLUMN x int")});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", "t");
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_CANCELLED);
    PQfinish(other);
}

static void
stops_while_somebody_else_works_on_the_target(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    PGconn *other = other_open(scene, "other_agent");
    other_say(other, "SELECT pg_advisory_lock(495723047278)");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene,
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE"
                " 'skein scene_%' AND datname = current_database()",
                "t");
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_CANCELLED);
    sitting_clear_stop(scene->sitting);

    helper = helper_start(other_goes_up, scene);
    scene_await(scene,
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE"
                " 'skein scene_%' AND datname = current_database()",
                "t");
    other_say(other, "SELECT pg_advisory_unlock(495723047278)");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    PQfinish(other);
}

/* Committed here, and not yet on a standby: too late to stop, and not to be called a failure. */
static void
takes_a_commit_that_waits_for_a_standby_for_done(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    cluster_tell(cluster, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    sitting_rest(scene->sitting);

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", "1");
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);

    cluster_tell(cluster, "postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_who_is_in_the_way_when_the_budget_is_spent),
        cmocka_unit_test(goes_in_when_the_lock_is_let_go),
        cmocka_unit_test(never_waits_longer_than_the_time_out),
        cmocka_unit_test(tries_again_after_a_deadlock),
        cmocka_unit_test(gives_up_what_ends_in_a_deadlock_every_time),
        cmocka_unit_test(ends_all_tries_together_with_the_time_out),
        cmocka_unit_test(ends_a_script_that_takes_too_long),
        cmocka_unit_test(ends_a_statement_that_takes_too_long),
        cmocka_unit_test(tells_when_somebody_else_cancels),
        cmocka_unit_test(stops_when_asked_to_and_leaves_nothing),
        cmocka_unit_test(stops_while_it_waits_for_a_lock),
        cmocka_unit_test(stops_while_somebody_else_works_on_the_target),
        cmocka_unit_test(takes_a_commit_that_waits_for_a_standby_for_done),
    };

    return RUN_TESTS_ON(cluster, "deadlock_timeout = 100ms", tests);
}
