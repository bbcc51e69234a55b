/* What a step costs the application, as it stands in the outcome. */
#include "tests/component/execute/scene.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

static struct cluster *cluster;

static const struct lock_outcome *
lock_on(const struct scene *scene, const char *relation)
{
    for (size_t i = 0; i < scene->outcome.lock_count; i++) {
        if (strcmp(scene->outcome.locks[i].relation, relation) == 0) {
            return &scene->outcome.locks[i];
        }
    }
    return NULL;
}

static void
says_which_strong_locks_were_taken_by_which_statement(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE users (id int PRIMARY KEY)");
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "CREATE TABLE fresh (id int);;\nSELECT pg_sleep(0.01);;\n"
                      "ALTER TABLE probe ADD COLUMN user_id int REFERENCES users;;\n"
                      "SELECT pg_sleep(0.2)"},
               {.version = "002", .up = "DROP TABLE users CASCADE"},
               {.version = "003", .up = "CREATE TABLE plain (id int)"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    const struct lock_outcome *lock = lock_on(scene, "probe");
    assert_non_null(lock);
    assert_int_equal(lock->mode, TABLE_LOCK_ACCESS_EXCLUSIVE);
    assert_int_equal(lock->line, 3);
    assert_in_range(lock->held_us, 200000, 20000000);
    assert_false(lock->is_rewritten);
    /* Nothing of that stands in the statement's text. */
    lock = lock_on(scene, "users");
    assert_non_null(lock);
    assert_int_equal(lock->mode, TABLE_LOCK_SHARE_ROW_EXCLUSIVE);
    /* Nobody can have waited for what nobody sees. */
    assert_null(lock_on(scene, "fresh"));
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_non_null(lock_on(scene, "users"));
    assert_int_equal(scene_up(scene, 2), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_count, 0);
}

static void
says_what_is_rewritten_and_how_much_wal_that_is(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene,
               "CREATE TABLE big (id int, name text);"
               "INSERT INTO big SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE big ALTER COLUMN id TYPE bigint"},
               {.version = "002", .up = "ALTER TABLE big ADD COLUMN more int"},
               {.version = "003", .up = "UPDATE big SET name = 'y'"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_true(lock_on(scene, "big")->is_rewritten);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_false(lock_on(scene, "big")->is_rewritten);
    assert_int_equal(scene_up(scene, 2), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statements[0].rows, 20000);
    assert_in_range(scene->outcome.statements[0].wal_bytes, 20000 * 50, 20000 * 1000);
    assert_int_equal(scene->outcome.wal_bytes, scene->outcome.statements[0].wal_bytes);
}

/* Too short to be looked at, mostly: then the text tells the locks, and the server all else. */
static void
says_the_same_of_what_is_over_at_once(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE small (id int); CREATE TABLE still (id int);"
                      "CREATE TABLE child (id int); CREATE TABLE users (id int PRIMARY KEY);"
                      "ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES users");
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "ALTER TABLE still ADD COLUMN x int;;\n"
                      "ALTER TABLE small ALTER COLUMN id TYPE bigint"},
               {.version = "002", .up = "DROP TABLE users CASCADE"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.lock_count, 2);
    assert_int_equal(lock_on(scene, "still")->mode, TABLE_LOCK_ACCESS_EXCLUSIVE);
    assert_int_equal(lock_on(scene, "still")->line, 1);
    assert_false(lock_on(scene, "still")->is_rewritten);
    assert_int_equal(lock_on(scene, "small")->line, 2);
    assert_true(lock_on(scene, "small")->is_rewritten);
    assert_true(scene->outcome.wal_bytes > 100);
    assert_true(scene->outcome.wal_bytes == scene->outcome.statements[1].wal_bytes);

    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE); /* who hangs on it stands in no text */
    assert_int_equal(lock_on(scene, "child")->mode, TABLE_LOCK_ACCESS_EXCLUSIVE);
}

static void
read_probe(void *context)
{
    struct scene *scene = context;
    PGconn *pg = PQconnectdb(scene->conninfo);

    scene_await(scene,
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE"
                " 'SELECT pg_sleep(0.5)%' AND state = 'active'",
                "t");
    PQclear(PQexec(pg, "SELECT * FROM probe"));
    PQfinish(pg);
}

static void
says_how_long_others_have_waited_behind_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "ALTER TABLE probe ADD COLUMN y int;; SELECT pg_sleep(0.5);;"
                             "SELECT pg_sleep(1)"});

    struct helper *first = helper_start(read_probe, scene);
    struct helper *second = helper_start(read_probe, scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    helper_join(&first);
    helper_join(&second);
    assert_int_equal(scene->outcome.blocked_max, 2);
    /* Both, for at least the last second of it. */
    assert_in_range(scene->outcome.blocked_us, 1900000, 3300000);
    assert_int_equal(scene->outcome.statements[0].blocked_us, 0);
    assert_in_range(scene->outcome.statements[2].blocked_us, 1900000, 2600000);
}

static void
nobody_is_blocked_by_those_who_block_none(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001", .up = "INSERT INTO probe VALUES ('x');; SELECT pg_sleep(0.5)"});

    struct helper *first = helper_start(read_probe, scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    helper_join(&first);
    assert_int_equal(scene->outcome.blocked_us, 0);
    assert_int_equal(scene->outcome.lock_count, 0);
}

#define NOTE_MS 20000

static char noted[512];
static atomic_bool is_noted;

static void
note(void *context, const char *text)
{
    (void)context;
    if (!is_noted && strstr(text, "waiting for writers")) {
        snprintf(noted, sizeof noted, "%s", text);
        is_noted = true;
    }
}

static void
build_index(void *context)
{
    struct scene *scene = context;
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    order.note = note;
    if (!sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome, &scene->error)) {
        scene->outcome = (struct outcome){.kind = OUTCOME_KIND_COUNT};
    }
}

static void
tells_how_far_a_long_statement_is(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001", .up = "CREATE INDEX CONCURRENTLY probe_what ON probe (what)"});
    PGconn *writer = PQconnectdb(scene->conninfo);
    CLEANUP(mem_free) char *pid = mem_format(", for pid %d", PQbackendPID(writer));
    PQclear(PQexec(writer, "BEGIN; INSERT INTO probe VALUES ('w')"));

    struct helper *helper = helper_start(build_index, scene);
    for (int64_t end_ms = clock_now_ms() + NOTE_MS; !is_noted && clock_now_ms() < end_ms;) {
        usleep(10000);
    }
    PQclear(PQexec(writer, "COMMIT"));
    helper_join(&helper);
    PQfinish(writer);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    scene_assert_says(noted, "create index concurrently: waiting for writers before build");
    scene_assert_says(noted, pid);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_which_strong_locks_were_taken_by_which_statement),
        cmocka_unit_test(says_what_is_rewritten_and_how_much_wal_that_is),
        cmocka_unit_test(says_the_same_of_what_is_over_at_once),
        cmocka_unit_test(says_how_long_others_have_waited_behind_it),
        cmocka_unit_test(nobody_is_blocked_by_those_who_block_none),
        cmocka_unit_test(tells_how_far_a_long_statement_is),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
