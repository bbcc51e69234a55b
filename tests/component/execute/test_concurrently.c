#include "tests/component/execute/others.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"

static struct cluster *cluster;

#define VALID_INDEXES                                                                              \
    "SELECT count(*) FROM pg_index WHERE indrelid = 'probe'::regclass AND indisvalid"
#define ALL_INDEXES "SELECT count(*) FROM pg_index WHERE indrelid = 'probe'::regclass"

static const struct sketch by_what = {
    .version = "001",
    .up = "CREATE INDEX CONCURRENTLY probe_what ON probe (what)",
    .down = "DROP INDEX CONCURRENTLY probe_what",
};

static const struct sketch unique_what = {
    .version = "001",
    .up = "CREATE UNIQUE INDEX CONCURRENTLY probe_what ON probe (what)",
};

/*
 * A transaction with a snapshot, for which a concurrent build waits at its end; when it reads the
 * table, builds wait for it at once, and drops as well.
 */
static PGconn *
hold_snapshot(const struct scene *scene, bool reads_table)
{
    PGconn *pg = PQconnectdb(scene->conninfo);

    PQclear(PQexec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    PQclear(PQexec(pg, reads_table ? "SELECT * FROM probe LIMIT 1" : "SELECT 1"));
    assert_int_equal(PQtransactionStatus(pg), PQTRANS_INTRANS);
    return pg;
}

static void
await_build(const struct scene *scene)
{
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%CONCURRENTLY%'"
                " AND wait_event_type = 'Lock' AND datname = current_database()",
                "1");
}

static void
makes_and_drops_an_index(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statement_count, 1);
    assert_true(scene->outcome.statements[0].duration_us > 0);
    assert_int_equal(scene_count(scene, VALID_INDEXES), 1);
    assert_int_equal(scene->outcome.journal_count, 2); /* the intent, and that it is done */
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

static void
finds_the_index_by_the_role_and_the_search_path(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "DROP ROLE IF EXISTS owner_of_index");
    scene_tell(scene, "CREATE ROLE owner_of_index; CREATE SCHEMA \"My App\" AUTHORIZATION"
                      " owner_of_index; SET role = owner_of_index;"
                      " CREATE TABLE \"My App\".\"T\" (i int)");
    scene->config.role = "owner_of_index";
    scene->config.search_path = "\"My App\", public";
    scene_sit_anew(scene);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "CREATE INDEX CONCURRENTLY \"T.i\" ON \"T\" (i)",
                .down = "DROP INDEX CONCURRENTLY \"T.i\""},
               {.version = "002", .up = "CREATE INDEX CONCURRENTLY none ON nosuch (i)"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE cursor ="
                                        " 'create index \"My App\".\"T.i\"'"),
                     1);
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "002.up.sql:1:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "42P01");
}

static void
drops_what_a_unique_violation_leaves(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, unique_what);
    scene_tell(scene, "INSERT INTO probe VALUES ('secret'), ('secret')");

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001.up.sql:1:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "23505");
    assert_false(scene->outcome.fault.is_retryable);
    assert_null(strstr(scene->outcome.fault.hint, "secret"));
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

/* The duplicate comes while the build waits: it is found in the last phase. */
static void
drops_it_also_when_the_violation_comes_late(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, unique_what);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    PGconn *other = hold_snapshot(scene, true);
    PQclear(PQexec(other, "INSERT INTO probe VALUES ('a')"));

    struct helper *helper = helper_start(other_goes_up, scene);
    await_build(scene);
    PQclear(PQexec(other, "COMMIT"));
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "23505");
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    PQfinish(other);
}

/* An INVALID index, as a build leaves it that somebody has begun by hand and broken off. */
static void
leave_invalid(const struct scene *scene)
{
    PGconn *holder = hold_snapshot(scene, true);
    PGconn *pg = PQconnectdb(scene->conninfo);

    PQclear(PQexec(pg, "SET lock_timeout = '20ms'"));
    PGresult *result = PQexec(pg, "CREATE INDEX CONCURRENTLY probe_what ON probe (what)");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    PQfinish(pg);
    PQfinish(holder);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 1);
    assert_int_equal(scene_count(scene, VALID_INDEXES), 0);
}

static void
clears_an_invalid_leftover_away(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    leave_invalid(scene);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, VALID_INDEXES), 1);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 1);
}

static void
takes_no_invalid_index_for_one_that_exists(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "CREATE INDEX CONCURRENTLY IF NOT EXISTS probe_what ON probe (what)"});
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    leave_invalid(scene);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, VALID_INDEXES), 1);
}

static void
takes_no_foreign_index_for_its_own(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what,
               {.version = "002",
                .up = "CREATE INDEX CONCURRENTLY IF NOT EXISTS probe_what ON probe (what)"});
    scene_tell(scene, "CREATE INDEX probe_what ON probe (upper(what))");

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "42P07");
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE); /* that is what IF NOT EXISTS says */
    assert_int_equal(scene_count(scene, VALID_INDEXES), 1);
}

static void
drops_it_when_it_is_stopped(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    PGconn *other = hold_snapshot(scene, false);

    struct helper *helper = helper_start(other_goes_up, scene);
    await_build(scene);
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_CANCELLED);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    PQfinish(other);
    sitting_clear_stop(scene->sitting);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

static void
is_done_when_it_is_stopped_after_its_effect(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "CREATE INDEX CONCURRENTLY probe_what ON probe (what)",
                       .verify = "SELECT pg_sleep(1) IS NOT NULL"});

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, VALID_INDEXES, "1");
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
}

static void
go_down(void *context)
{
    struct scene *scene = context;
    struct step_order order = scene_order(scene, 0, DIRECTION_DOWN);

    if (!sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome, &scene->error)) {
        scene->outcome = (struct outcome){.kind = OUTCOME_KIND_COUNT};
    }
}

static void
brings_a_drop_to_its_end_that_is_stopped_half_way(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    PGconn *other = hold_snapshot(scene, true);

    struct helper *helper = helper_start(go_down, scene);
    scene_await(scene, VALID_INDEXES, "0");
    sitting_stop(scene->sitting);
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%IF EXISTS%'"
                " AND wait_event_type = 'Lock' AND datname = current_database()",
                "1");
    PQfinish(other);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

static void
waits_with_the_cleaning_up_for_others(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    PGconn *other = hold_snapshot(scene, true);

    struct helper *helper = helper_start(other_goes_up, scene);
    await_build(scene);
    sitting_stop(scene->sitting);
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%'"
                " AND wait_event_type = 'Lock' AND datname = current_database()",
                "1");
    PQfinish(other);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_CANCELLED);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
}

static void
gives_up_within_the_budget_and_leaves_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = by_what.up, .lock_timeout_ms = 200});
    scene->config.lock_budget_ms = 1000;
    scene_sit_anew(scene);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    PGconn *other = hold_snapshot(scene, false);
    CLEANUP(mem_free) char *pid = mem_format("pid %d", PQbackendPID(other));

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", "001.up.sql:1:1");
    scene_assert_says(scene->outcome.fault.found, pid);
    assert_true(scene->outcome.fault.is_retryable);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    PQfinish(other);
}

static void
verifies_after_the_index_is_made(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "CREATE INDEX CONCURRENTLY probe_what ON probe (what)",
                .verify = "SELECT to_regclass('probe_what') IS NOT NULL"},
               {.version = "002",
                .up = "CREATE INDEX CONCURRENTLY probe_more ON probe (what)",
                .verify = "SELECT false"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-VERIFY", "002.verify.sql:1:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
}

/* A build that is ended from outside in whatever phase it is: waiting for one of two snapshots,
 * scanning, at its end. */
static void
comes_through_whenever_its_backend_is_terminated(void **state)
{
    (void)state;
    struct random random = random_seeded(7);

    for (int i = 0; i < 12; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        SCENE_PLAN(scene, {.version = "001",
                           .up = "CREATE UNIQUE INDEX CONCURRENTLY probe_what ON probe (what)",
                           .down = by_what.down});
        scene_tell(scene, "INSERT INTO probe SELECT i FROM generate_series(1, 20000) i");
        PGconn *other = i % 3 ? hold_snapshot(scene, i % 2) : NULL;

        struct helper *helper = helper_start(other_goes_up, scene);
        if (other) {
            await_build(scene);
        } else {
            usleep((useconds_t)random_below(&random, 60000));
        }
        scene_tell(scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                          " application_name LIKE 'skein %' AND datname = current_database()");
        if (other && i % 3 == 2) {
            scene_await(scene,
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%CONCURRENTLY%'"
                        " AND wait_event_type = 'Lock' AND datname = current_database()",
                        "1");
            scene_tell(scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                              " application_name LIKE 'skein %' AND datname = current_database()");
        }
        if (other) {
            PQfinish(other);
        }
        helper_join(&helper);
        assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
        assert_int_equal(scene_count(scene, VALID_INDEXES), 1);
        assert_int_equal(scene_count(scene, ALL_INDEXES), 1);
    }
}

static void
finds_out_what_became_of_a_build_that_nobody_has_seen_end(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    /* It was whole when the process died: that is told, and written down. */
    assert_int_equal(scene_execute_in_child(scene, &order, "execute.after-concurrent:1"),
                     SCENE_KILLED);
    assert_true(scene_resolve(scene, &order));
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    sitting_rest(scene->sitting);

    /* It had only been announced: nothing is left of it. */
    order = scene_order(scene, 0, DIRECTION_UP);
    assert_int_equal(scene_execute_in_child(scene, &order, "execute.after-intent:1"), SCENE_KILLED);
    assert_false(scene_resolve(scene, &order));
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    sitting_rest(scene->sitting);

    /* It was half made: nothing is left of it either. */
    order = scene_order(scene, 0, DIRECTION_UP);
    assert_int_equal(scene_execute_in_child(scene, &order, "execute.after-intent:1"), SCENE_KILLED);
    scene_tell(scene, "INSERT INTO probe VALUES ('a')");
    leave_invalid(scene);
    assert_false(scene_resolve(scene, &order));
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
}

static void
builds_nothing_in_an_attempt_that_was_found_missing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_int_equal(scene_execute_in_child(scene, &order, "execute.after-intent:1"), SCENE_KILLED);
    assert_false(scene_resolve(scene, &order));
    assert_int_equal(scene_execute(scene, &order), OUTCOME_CANCELLED);
    assert_int_equal(scene_count(scene, ALL_INDEXES), 0);
    order.attempt++;
    assert_int_equal(scene_execute(scene, &order), OUTCOME_DONE);
}

static void
does_not_take_for_its_own_what_another_step_has_built(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, by_what);
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_int_equal(scene_execute_in_child(scene, &order, "execute.after-intent:1"), SCENE_KILLED);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE); /* under another id */
    assert_false(scene_resolve(scene, &order));
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'done'"),
                     1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_and_drops_an_index),
        cmocka_unit_test(finds_the_index_by_the_role_and_the_search_path),
        cmocka_unit_test(drops_what_a_unique_violation_leaves),
        cmocka_unit_test(drops_it_also_when_the_violation_comes_late),
        cmocka_unit_test(clears_an_invalid_leftover_away),
        cmocka_unit_test(takes_no_invalid_index_for_one_that_exists),
        cmocka_unit_test(takes_no_foreign_index_for_its_own),
        cmocka_unit_test(drops_it_when_it_is_stopped),
        cmocka_unit_test(is_done_when_it_is_stopped_after_its_effect),
        cmocka_unit_test(brings_a_drop_to_its_end_that_is_stopped_half_way),
        cmocka_unit_test(waits_with_the_cleaning_up_for_others),
        cmocka_unit_test(gives_up_within_the_budget_and_leaves_nothing),
        cmocka_unit_test(verifies_after_the_index_is_made),
        cmocka_unit_test(comes_through_whenever_its_backend_is_terminated),
        cmocka_unit_test(finds_out_what_became_of_a_build_that_nobody_has_seen_end),
        cmocka_unit_test(builds_nothing_in_an_attempt_that_was_found_missing),
        cmocka_unit_test(does_not_take_for_its_own_what_another_step_has_built),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
