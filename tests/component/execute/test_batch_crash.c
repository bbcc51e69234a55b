/*
 * Batches, and everything that can die: the process at each of its places, its backend, the server.
 * Every row is changed exactly once: the statement doubles a column, so twice would be seen.
 *
 *     component_execute_test_batch_crash [KILLS]     more kills than every day: 200
 */
#include "tests/component/execute/batch_scene.h"
#include "tests/component/execute/mortal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/random.h"
#include "common/base/text.h"

#define KILLS 12
#define ROWS 20000

#define TABLE                                                                                      \
    "CREATE TABLE t (a int, id bigint, x bigint NOT NULL DEFAULT 1, PRIMARY KEY (a, id));"         \
    "INSERT INTO t (a, id) SELECT i % 5, i FROM generate_series(1, 20000) i; ANALYZE t;"

static struct cluster *cluster;
static int kills = KILLS;

static void
assert_changed_once(const struct scene *scene)
{
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), ROWS);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), ROWS);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'done'"),
                     1);
    assert_int_equal(scene_broken_rows(scene), 0);
}

/* Two statements, the second of which has no key to tell that it was done before. */
static const char file[] = "-- skein: batch max=1500\n"
                           "UPDATE t SET x = x * 2;\n"
                           "-- skein: batch max=2500\n"
                           "INSERT INTO probe SELECT id FROM t;\n";

/* ---- the process dies ------------------------------------------------------------------------ */

/* As a coordinator does: ask what became of it, and assign it again as long as it is not there. */
static void
settle(struct scene *scene, struct step_order order)
{
    for (int turn = 0; turn < 5; turn++) {
        scene_sit_anew(scene);
        if (scene_resolve(scene, &order)) {
            assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
            return;
        }
        order.attempt++;
        if (scene_execute(scene, &order) == OUTCOME_DONE) {
            return;
        }
    }
    fail_msg("it does not come to its end");
}

static bool
is_on_the_way(const char *failpoint)
{
    static const char *const others[] = {
        "claim",    "statement", "before-commit", "execute.commit", "after-commit",
        "rollback", "fail",      "concurrent",    "repair",         "void"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strstr(failpoint, others[i])) {
            return false;
        }
    }
    return true;
}

static void
every_row_is_changed_once_wherever_the_process_is_killed(void **state)
{
    (void)state;
    static const int turns[] = {1, 2, 7, 14, 20};
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; execute_failpoints[i]; i++) {
        bool was_hit = false;
        for (size_t turn = 0; turn < sizeof turns / sizeof *turns; turn++) {
            CLEANUP(mem_free)
            char *wanted = mem_format("%s:%d", execute_failpoints[i], turns[turn]);
            scene_clear(scene);
            scene_tell(scene, TABLE);
            plan_file(scene, file);
            sitting_rest(scene->sitting);
            struct step_order order = scene_order(scene, 0, DIRECTION_UP);
            if (scene_execute_in_child(scene, &order, wanted) != SCENE_KILLED) {
                break;
            }
            was_hit = true;
            settle(scene, order);
            assert_changed_once(scene);
        }
        if (was_hit != is_on_the_way(execute_failpoints[i])) {
            fail_msg("%s was %shit", execute_failpoints[i], was_hit ? "" : "not ");
        }
    }
}

static void
every_row_is_changed_once_wherever_the_connection_is_cut(void **state)
{
    (void)state;
    static const char *const places[] = {"execute.batch-sent", "execute.batch-commit-sent",
                                         "execute.intent-sent", "execute.done-sent"};
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        CLEANUP(mem_free) char *wanted = mem_format("%s:%d:fail", places[i], i < 2 ? 5 : 1);
        scene_clear(scene);
        scene_tell(scene, TABLE);
        plan_file(scene, file);
        sitting_rest(scene->sitting);
        struct step_order order = scene_order(scene, 0, DIRECTION_UP);
        assert_int_equal(scene_execute_in_child(scene, &order, wanted), OUTCOME_DONE);
        assert_changed_once(scene);
    }
}

/* ---- what was not on disk yet is taken back ----------------------------------------------------
 */

/* Whether the journal still has a row with this hash, as hexadecimal digits. */
static long
count_hash(const struct scene *scene, const char *hash)
{
    CLEANUP(mem_free)
    char *sql = mem_format("SELECT count(*) FROM skein.journal WHERE hash = '\\x%s'", hash);
    return scene_count(scene, sql);
}

/* Nothing but a COMMIT that waits brings this server's WAL to the disk. */
static void
batches_that_a_crash_takes_back_are_done_again(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy)
    struct cluster *lazy =
        cluster_new("fsync = on\nwal_writer_delay = 10s\nwal_writer_flush_after = 1GB");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(lazy);
    struct target_facts facts;
    bool is_done = false;

    scene_tell(scene, TABLE);
    plan_file(scene, "-- skein: batch max=500 pause=50ms\nUPDATE t SET x = x * 2;\n"
                     "-- skein: batch\nINSERT INTO probe SELECT id FROM t;\n");
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);
    pid_t child = mortal_start(scene, &order);
    /* In one transaction: many would be an application, beside which it waits. */
    CLEANUP(mem_free)
    char *seen = cluster_ask(lazy, scene->database,
                             "DO $$ BEGIN WHILE (SELECT count(*) FROM t WHERE x = 2) < 5000 LOOP"
                             " PERFORM pg_sleep(0.01); END LOOP; END $$;"
                             "SELECT encode(hash, 'hex') FROM skein.journal ORDER BY number DESC"
                             " LIMIT 1");
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    cluster_stop(lazy, SIGQUIT);
    cluster_start(lazy);
    mortal_await_server(scene);
    assert_int_equal(count_hash(scene, seen), 0);
    while (!mortal_has_ended(child, &is_done)) {
        usleep(10000);
    }
    assert_true(is_done);
    assert_int_equal(count_hash(scene, seen), 0);
    assert_changed_once(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY); /* who has seen it goes on, too */
}

/* ---- all kinds of deaths at any moment ---------------------------------------------------------
 */

/* Small batches with a pause, so that there is always something to be killed. */
static const char slow_file[] = "-- skein: batch max=1000 pause=2ms\n"
                                "UPDATE t SET x = x * 2;\n"
                                "-- skein: batch max=1000 pause=2ms\n"
                                "INSERT INTO probe SELECT id FROM t;\n";

/* One life of the process that carries the step out; true when it came to its end by itself. */
static bool
live_and_let_die(struct scene *scene, const struct step_order *order, struct random *random,
                 int *died)
{
    enum death death = (enum death)random_below(random, DEATH_COUNT);
    pid_t child = mortal_start(scene, order);
    bool is_done = false, is_over = false;

    usleep((useconds_t)random_below(random, 150000));
    if (death != DEATH_PROCESS) {
        *died += mortal_kill(scene, death, child, random);
    }
    usleep((useconds_t)random_below(random, 100000));
    is_over = mortal_has_ended(child, &is_done);
    if (!is_over) {
        *died += mortal_kill(scene, DEATH_PROCESS, child, random);
    }
    return is_over && is_done;
}

static void
every_row_is_changed_once_whatever_dies(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new("fsync = on");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);
    struct random random = random_seeded(71);
    int died = 0;

    while (died < kills) {
        scene_clear(scene);
        scene_tell(scene, TABLE);
        plan_file(scene, slow_file);
        sitting_rest(scene->sitting);
        struct step_order order = scene_order(scene, 0, DIRECTION_UP);
        while (!live_and_let_die(scene, &order, &random, &died)) {
            scene_sit_anew(scene);
            mortal_await_server(scene);
            if (scene_resolve(scene, &order)) {
                break;
            }
            sitting_rest(scene->sitting);
            order.attempt++;
        }
        mortal_await_server(scene);
        assert_changed_once(scene);
    }
    print_message("%d deaths\n", died);
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_changed_once_wherever_the_process_is_killed),
        cmocka_unit_test(every_row_is_changed_once_wherever_the_connection_is_cut),
        cmocka_unit_test(batches_that_a_crash_takes_back_are_done_again),
        cmocka_unit_test(every_row_is_changed_once_whatever_dies),
    };

    if (count > 1) {
        kills = atoi(arguments[1]);
        setenv("SKEIN_TEST", "*whatever_dies", 1);
    }
    return RUN_TESTS_ON(cluster, NULL, tests);
}
