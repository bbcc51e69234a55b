/* Nobody queues for a lock that somebody holds; docs/protocol.md, "Lock budget". */
#include "tests/component/execute/others.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

static struct cluster *cluster;

/* What the sitting said it was doing. */
static char noted[512];
static atomic_bool has_noted;

static void
note(void *context, const char *text)
{
    (void)context;
    if (!has_noted) {
        snprintf(noted, sizeof noted, "%s", text);
        has_noted = true;
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
await_note(void)
{
    int64_t deadline_ms = clock_now_ms() + 30000;

    while (!has_noted) {
        assert_true(clock_now_ms() < deadline_ms);
        usleep(2000);
    }
}

static void
waits_without_queueing_until_the_table_is_free(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "INSERT INTO probe VALUES ('x');; ALTER TABLE probe ADD COLUMN y int"});
    PGconn *other = other_open(scene, "billing");
    PGconn *third = other_open(scene, "shop");
    other_say(other, "BEGIN; SELECT * FROM probe");

    has_noted = false;
    struct helper *helper = helper_start(go_up, scene);
    await_note();
    scene_assert_says(noted, "billing");
    scene_assert_says(noted, "idle in transaction");
    /* While it waits, everybody else can do what he wants, also a strong lock of his own. */
    for (int i = 0; i < 20; i++) {
        other_say(third, "SELECT * FROM probe");
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_locks WHERE NOT granted"), 0);
    }
    int64_t ended_ms = clock_now_ms();
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_in_range(clock_now_ms() - ended_ms, 0, 2000);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_tries, 0);
    assert_true(scene->outcome.lock_wait_us > 0);
    assert_in_range(scene->outcome.blocker_count, 1, 2); /* a look may have met the third as well */
    assert_string_equal(scene->outcome.blockers[0].application, "billing");
    assert_string_equal(scene->outcome.blockers[0].user, "postgres");
    assert_string_equal(scene->outcome.blockers[0].relation, "probe");
    assert_int_equal(scene->outcome.blockers[0].pid, PQbackendPID(other));
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    PQfinish(other);
    PQfinish(third);
}

/* A first try of 50 ms, and from then on it looks. */
static void
learns_what_a_statement_waits_for(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001", .up = "DO $$BEGIN ALTER TABLE probe ADD COLUMN y int; END$$"});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");

    has_noted = false;
    struct helper *helper = helper_start(go_up, scene);
    await_note();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_locks WHERE NOT granted"), 0);
    }
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_in_range(scene->outcome.lock_tries, 1, 3);
    PQfinish(other);
}

static void
a_prepared_transaction_is_in_the_way_too(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.lock_budget_ms = 300;
    scene->config.preflight.of[CHECK_PREPARED] = POLICY_HOLD;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; INSERT INTO probe VALUES ('p'); PREPARE TRANSACTION 'left'");

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", "001.up.sql:1:1");
    scene_assert_says(scene->outcome.fault.found, "a prepared transaction on probe");
    assert_int_equal(scene->outcome.blockers[0].pid, 0);
    other_say(other, "COMMIT PREPARED 'left'");
    PQfinish(other);
}

static void
locks_that_do_not_conflict_are_in_nobodys_way(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    scene_tell(scene, "CREATE TABLE elsewhere (i int)");
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; LOCK TABLE elsewhere");

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_wait_us, 0);
    assert_int_equal(scene->outcome.blocker_count, 0);
    PQfinish(other);
}

static void
a_statement_with_a_transaction_of_its_own_looks_too(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "VACUUM probe;; ALTER TABLE probe ADD COLUMN y int;; VACUUM probe"});
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");

    has_noted = false;
    struct helper *helper = helper_start(go_up, scene);
    await_note();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_locks WHERE NOT granted"), 0);
    }
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(y) FROM probe"), 0);

    /* And gives up when nobody lets it. */
    scene->config.lock_budget_ms = 300;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "002",
                       .up = "VACUUM probe;;\nALTER TABLE probe ADD COLUMN z int;; VACUUM probe"});
    other_say(other, "BEGIN; SELECT * FROM probe");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", "002.up.sql:2:1");
    scene_assert_says(scene->outcome.fault.found, "billing");
    PQfinish(other);
}

/* The second step on it is the first that may: by then it is known whose table it is. */
static void
a_table_known_to_be_ours_is_locked_without_a_look_and_without_queueing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; SELECT * FROM probe");
    /* Readers are in nobody's way here. */
    SCENE_PLAN(scene, {.version = "002", .up = "CREATE INDEX ON probe (y)"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_wait_us, 0);

    SCENE_PLAN(scene, {.version = "003", .up = "ALTER TABLE probe ADD COLUMN z int"});
    has_noted = false;
    struct helper *helper = helper_start(go_up, scene);
    await_note();
    scene_assert_says(noted, "billing");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_locks WHERE NOT granted"), 0);
    }
    other_say(other, "COMMIT");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_tries, 0);
    assert_string_equal(scene->outcome.blockers[0].application, "billing");
    PQfinish(other);
}

#define PAUSE_US 60000

static void
pause_before_the_statement(void *context, uint64_t statement)
{
    (void)context;
    (void)statement;
    usleep(PAUSE_US);
}

/* Found by reading: what was held before the statement was not counted as held. */
static void
a_lock_that_is_taken_before_its_statement_is_held_since_then(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE probe ADD COLUMN z int"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    struct step_order order = scene_order(scene, 1, DIRECTION_UP);
    order.progress = pause_before_the_statement;

    assert_int_equal(scene_execute(scene, &order), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_count, 1);
    assert_true(scene->outcome.locks[0].held_us >= PAUSE_US);
}

static void
whoever_owns_a_table_and_may_not_lock_it_looks(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE ROLE keeper; ALTER TABLE probe OWNER TO keeper;"
                      " REVOKE ALL ON probe FROM keeper");
    scene->config.role = "keeper";
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE probe ADD COLUMN z int"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_tries, 0);
    scene_tell(scene, "ALTER TABLE probe OWNER TO postgres; DROP ROLE keeper");
}

static void
no_table_is_locked_before_the_statement_that_locks_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE seen (locks bigint)");
    SCENE_PLAN(
        scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
        {.version = "002",
         .up = "INSERT INTO seen SELECT count(*) FROM pg_locks WHERE relation = 'probe'::regclass;;"
               " ALTER TABLE probe ADD COLUMN z int"},
        {.version = "003",
         .up = "CREATE INDEX ON probe (y);; INSERT INTO seen SELECT count(*) FROM pg_locks WHERE"
               " relation = 'probe'::regclass AND mode <> 'ShareLock';;"
               " ALTER TABLE probe ADD COLUMN x int"});

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(scene_up(scene, i), OUTCOME_DONE);
    }
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM seen WHERE locks = 0"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_without_queueing_until_the_table_is_free),
        cmocka_unit_test(learns_what_a_statement_waits_for),
        cmocka_unit_test(a_prepared_transaction_is_in_the_way_too),
        cmocka_unit_test(locks_that_do_not_conflict_are_in_nobodys_way),
        cmocka_unit_test(a_statement_with_a_transaction_of_its_own_looks_too),
        cmocka_unit_test(a_table_known_to_be_ours_is_locked_without_a_look_and_without_queueing),
        cmocka_unit_test(a_lock_that_is_taken_before_its_statement_is_held_since_then),
        cmocka_unit_test(whoever_owns_a_table_and_may_not_lock_it_looks),
        cmocka_unit_test(no_table_is_locked_before_the_statement_that_locks_it),
    };

    return RUN_TESTS_ON(cluster, "deadlock_timeout = 100ms\nmax_prepared_transactions = 4", tests);
}
