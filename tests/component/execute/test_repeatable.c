#include "agent/execute/execute.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/component/execute/scene.h"

static struct cluster *cluster;

#define APPLIED "SELECT count(*) FROM skein.migration"

static const struct sketch first = {.version = "R__view",
                                    .up = "CREATE OR REPLACE VIEW v AS SELECT 1 AS a;;"
                                          "INSERT INTO probe VALUES ('first')"};
static const struct sketch second = {.version = "R__view",
                                     .up = "CREATE OR REPLACE VIEW v AS SELECT 2 AS a;;"
                                           "INSERT INTO probe VALUES ('second')"};

static void
is_carried_out_again_when_it_has_changed_and_only_then(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    SCENE_PLAN(scene, first);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    SCENE_PLAN(scene, second);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);

    assert_int_equal(scene_count(scene, "SELECT a FROM v"), 2);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2);
    assert_int_equal(scene_count(scene, APPLIED), 1);
    assert_int_equal(scene_broken_rows(scene), 0);
}

static void
stays_as_it_was_when_its_new_text_fails(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, first);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);

    SCENE_PLAN(scene, {.version = "R__view", .up = "SELECT 1 / 0"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "R__view.up.sql:1:1");
    SCENE_PLAN(scene, first);

    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_count(scene, "SELECT a FROM v"), 1);
}

static void
has_its_effect_once_wherever_it_dies(void **state)
{
    (void)state;
    static const char *const points[] = {"execute.after-claim:1", "execute.statement-sent:2",
                                         "execute.before-commit:1", "execute.commit-sent:1",
                                         "execute.after-commit:1"};

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        SCENE_PLAN(scene, first);
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
        SCENE_PLAN(scene, second);
        scene_sit_anew(scene); /* the target's lock is the child's to take */
        struct step_order order = scene_order(scene, 0, DIRECTION_UP);

        assert_int_equal(scene_execute_in_child(scene, &order, points[i]), SCENE_KILLED);
        assert_int_equal(scene_settle(scene, &order), OUTCOME_DONE);

        assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe WHERE what = 'second'"), 1);
        assert_int_equal(scene_count(scene, APPLIED), 1);
        assert_int_equal(scene_broken_rows(scene), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_carried_out_again_when_it_has_changed_and_only_then),
        cmocka_unit_test(stays_as_it_was_when_its_new_text_fails),
        cmocka_unit_test(has_its_effect_once_wherever_it_dies),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
