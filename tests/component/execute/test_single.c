#include "agent/execute/single.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/component/execute/scene.h"

static struct cluster *cluster;

#define EFFECTS "SELECT count(*) FROM probe"
#define INDEXES "SELECT count(*) FROM pg_index WHERE indrelid = 'probe'::regclass AND indisvalid"

/* Ordinary statements around one that cannot be in a transaction. */
static const struct sketch mixed = {
    .version = "001",
    .up = "INSERT INTO probe VALUES ('a');;"
          "CREATE INDEX CONCURRENTLY probe_what ON probe (what);;"
          "INSERT INTO probe VALUES ('b');;"
          "INSERT INTO probe SELECT 'c' FROM later",
    .down = "DELETE FROM probe;;DROP INDEX CONCURRENTLY probe_what",
};

static void
runs_a_mixed_file_statement_by_statement(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, mixed);
    scene_tell(scene, "CREATE TABLE later AS SELECT 1");

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statement_count, 4);
    assert_int_equal(scene_count(scene, EFFECTS), 3);
    assert_int_equal(scene_count(scene, INDEXES), 1);
    assert_int_equal(scene_broken_rows(scene), 0);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, EFFECTS), 0);
    assert_int_equal(scene_count(scene, INDEXES), 0);
}

static void
another_try_goes_on_behind_what_is_done(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, mixed);

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001.up.sql:1:153");
    scene_assert_says(scene->outcome.fault.hint, "3 statements before it have taken effect");
    assert_int_equal(scene_count(scene, EFFECTS), 2);
    scene_tell(scene, "CREATE TABLE later AS SELECT 1");
    scene_sit_anew(scene);

    /* A new step of the same migration, as `skein up` makes one. */
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, EFFECTS), 3);
    assert_int_equal(scene_count(scene, INDEXES), 1);
}

static void
what_was_done_before_a_success_is_not_taken_for_done_after_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, mixed);
    scene_tell(scene, "CREATE TABLE later AS SELECT 1");

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, EFFECTS), 3);
}

static void
settings_reach_the_statements_behind_them(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "CREATE SCHEMA app;;SET search_path = app;;"
                             "CREATE TABLE t (a int);;"
                             "CREATE INDEX CONCURRENTLY t_a ON t (a);;"
                             "RESET search_path;;CREATE TABLE u (a int)"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_index WHERE indexrelid ="
                                        " 'app.t_a'::regclass AND indisvalid"),
                     1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_class WHERE oid ="
                                        " 'public.u'::regclass"),
                     1);
}

static void
has_each_effect_once_wherever_it_dies(void **state)
{
    (void)state;
    static const char *const points[] = {
        "execute.before-single-commit:1", "execute.after-single-commit:1",
        "execute.before-single-commit:2", "execute.after-single-commit:2",
        "execute.single-sent:1",          "execute.single-commit-sent:1",
        "execute.single-commit-sent:3",   "execute.after-concurrent:1",
        "execute.after-single-commit:3",  "execute.before-done:1"};

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        SCENE_PLAN(scene, mixed);
        scene_tell(scene, "CREATE TABLE later AS SELECT 1");
        struct step_order order = scene_order(scene, 0, DIRECTION_UP);

        assert_int_equal(scene_execute_in_child(scene, &order, points[i]), SCENE_KILLED);
        assert_int_equal(scene_settle(scene, &order), OUTCOME_DONE);

        assert_int_equal(scene_count(scene, EFFECTS), 3);
        assert_int_equal(scene_count(scene, INDEXES), 1);
        assert_int_equal(scene_broken_rows(scene), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_mixed_file_statement_by_statement),
        cmocka_unit_test(another_try_goes_on_behind_what_is_done),
        cmocka_unit_test(what_was_done_before_a_success_is_not_taken_for_done_after_it),
        cmocka_unit_test(settings_reach_the_statements_behind_them),
        cmocka_unit_test(has_each_effect_once_wherever_it_dies),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
