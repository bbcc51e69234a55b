/* How long a plan will take: what is thought at first, and what is learned. */
#include "coordinator/core/estimate.h"

#include "common/base/mem.h"
#include "coordinator/core/pace.h"
#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

#define GB ((uint64_t)1 << 30)
#define SECOND_US 1000000

/* ---- learning -------------------------------------------------------------------------------- */

static void
each_measurement_brings_the_pace_nearer(void **state)
{
    (void)state;
    struct pace pace = {0};
    uint64_t before = 0;

    pace_learn(&pace, 1000000, 0.5);
    assert_int_equal(pace.rate, 1000000);
    for (size_t i = 0; i < 12; i++) {
        before = pace.rate;
        pace_learn(&pace, 4000000, 0.5);
        assert_true(pace.rate > before && pace.rate <= 4000000);
    }
    assert_true(pace.rate > 3800000);
    assert_int_equal(pace.samples, 13);
}

static void
what_agrees_is_surer_and_what_differs_less(void **state)
{
    (void)state;
    struct pace steady = {0}, wild = {0};

    for (size_t i = 0; i < 8; i++) {
        pace_learn(&steady, 1000000, 0);
        pace_learn(&wild, i % 2 ? 500000 : 2000000, 0);
    }
    assert_true(pace_factor(&steady, ESTIMATE_OWN) < 1.3);
    assert_true(pace_factor(&wild, ESTIMATE_OWN) > 2);
    assert_true(pace_factor(&steady, ESTIMATE_FLEET) > pace_factor(&steady, ESTIMATE_OWN));
}

static void
one_outlier_does_not_spoil_it(void **state)
{
    (void)state;
    struct pace pace = {0};

    for (size_t i = 0; i < 8; i++) {
        pace_learn(&pace, 1000000, 0);
    }
    pace_learn(&pace, 1, 0);
    assert_true(pace.rate > 600000);
    pace_learn(&pace, 1e300, 0);
    assert_true(pace.rate < 1500000);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static struct statement_work index_work = {
    .schema = "public", .table = "orders", .kind = WORK_INDEX};
static struct statement index_statement = {
    .tag = "CREATE INDEX", .works = &index_work, .work_count = 1};

struct scene {
    struct desk *desk;
    struct digest digest;
    struct run_spec spec;
};

/* Three targets; migrations 2 and 3 of four each make an index. */
static struct scene
scene_make(void)
{
    struct scene scene = {.desk = desk_new(2)};

    scene.digest = desk_add_bundle(scene.desk, "auth", 4);
    for (size_t i = 1; i <= 2; i++) {
        struct script *up = &scene.desk->bundles[0].manifest.migrations[i].up;
        up->statements = &index_statement;
        up->statement_count = 1;
    }
    for (size_t i = 0; i < 3; i++) {
        desk_add_target(scene.desk, i % 2, "auth");
        scene.desk->targets[i].table_bytes = (i + 1) * GB;
    }
    desk_connect_all(scene.desk);
    scene.spec = desk_spec(scene.desk, "auth", &scene.digest);
    return scene;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static const struct planned *
plan_to(struct scene *scene, const char *version)
{
    scene->spec.to_version = version;
    desk_plan(scene->desk, &scene->spec);
    return &desk_last(scene->desk, MESSAGE_PLANNED)->planned;
}

static void
a_larger_table_takes_longer_and_nothing_known_is_said(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    const struct planned *plan = plan_to(&scene, "2");

    assert_int_equal(plan->estimate.basis, ESTIMATE_GUESS);
    assert_true(plan->legs[0].estimate.expected_ms < plan->legs[1].estimate.expected_ms);
    assert_true(plan->legs[1].estimate.expected_ms < plan->legs[2].estimate.expected_ms);
    assert_int_equal(plan->legs[2].estimate.bytes, 3 * GB);
    assert_int_equal(plan->legs[2].estimate.rewrite_bytes, 0);
    assert_true(plan->legs[2].estimate.low_ms < plan->legs[2].estimate.expected_ms);
    assert_true(plan->legs[2].estimate.high_ms > plan->legs[2].estimate.expected_ms);
    assert_true(plan->legs[2].estimate.wal_bytes > 0);
    assert_int_equal(plan->migration_count, 1);
    assert_int_equal(plan->migration_total, 1);
    assert_string_equal(plan->migrations[0].version, "2");
    assert_string_equal(plan->migrations[0].target, "t2");
    assert_int_equal(plan->migrations[0].target_count, 3);
}

static void
targets_side_by_side_take_as_long_as_the_longest(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    uint64_t together = plan_to(&scene, "2")->estimate.expected_ms;
    scene.spec.parallel = 1;
    uint64_t in_turn = plan_to(&scene, "2")->estimate.expected_ms;

    assert_int_equal(together,
                     desk_last(scene.desk, MESSAGE_PLANNED)->planned.legs[2].estimate.expected_ms);
    assert_true(in_turn > 19 * together / 10 && in_turn <= 2 * together + 100);
}

static void
what_goes_through_no_table_is_not_asked_after(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    const struct planned *plan = plan_to(&scene, "1");

    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 0);
    assert_int_equal(plan->estimate.basis, ESTIMATE_NOTHING);
    assert_int_equal(plan->migration_count, 0);
}

static void
what_the_plan_makes_itself_is_not_asked_after(void **state)
{
    (void)state;
    struct statement_work work = {.schema = "public", .table = "orders", .kind = WORK_INDEX};
    struct statement statement = {.tag = "CREATE INDEX", .works = &work, .work_count = 1};
    CLEANUP(scene_release) struct scene scene = scene_make();
    const struct migration *migrations = scene.desk->bundles[0].manifest.migrations;
    work.made_by = migrations[0].version;
    for (size_t i = 1; i <= 2; i++) {
        scene.desk->bundles[0].manifest.migrations[i].up.statements = &statement;
    }

    plan_to(&scene, "3");
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 0);

    scene.spec.to_version = "1"; /* from here on the table is there */
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    plan_to(&scene, "3");
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 3);
}

static void
a_target_that_does_not_tell_holds_nobody_up(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    scene.desk->targets[1].table_bytes = 0;
    const struct planned *plan = plan_to(&scene, "2");

    assert_int_equal(plan->refused_count, 0);
    assert_int_equal(plan->legs[1].estimate.basis, ESTIMATE_UNMEASURED);
    assert_int_equal(plan->legs[2].estimate.basis, ESTIMATE_GUESS);
    assert_int_equal(plan->estimate.basis, ESTIMATE_UNMEASURED);
    assert_true(desk_count(scene.desk, MESSAGE_MEASURE) >= 4); /* it was asked again */
}

/* What the run to version 2 on t0 alone has taught, and the plan of another index. */
static void
learn_on_first(struct scene *scene)
{
    scene->spec.select = "target=t0";
    scene->spec.to_version = "2";
    scene->desk->targets[0].takes_us = 4 * SECOND_US;
    scene->desk->targets[0].wal = GB / 4;
    desk_run(scene->desk, &scene->spec);
    desk_work(scene->desk);
    scene->spec.select = NULL;
}

static void
what_a_run_took_is_thought_of_the_next(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    learn_on_first(&scene);
    desk_restart(scene.desk);
    desk_connect_all(scene.desk);
    const struct planned *plan = plan_to(&scene, "3");

    assert_int_equal(plan->legs[0].estimate.basis, ESTIMATE_OWN);
    assert_in_range(plan->legs[0].estimate.expected_ms, 3900, 4100);
    assert_in_range(plan->legs[0].estimate.wal_bytes, GB / 8, GB / 4);
    assert_int_equal(plan->legs[1].estimate.basis, ESTIMATE_FLEET);
    assert_in_range(plan->legs[1].estimate.expected_ms, 15800, 16400); /* 2 × 2 GB at that pace */
    assert_int_equal(plan->estimate.basis, ESTIMATE_FLEET);
}

static void
what_a_step_went_through_is_learned_by_who_takes_its_run_over(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct desk_target *target = &scene.desk->targets[0];
    scene.spec.select = "target=t0";
    scene.spec.to_version = "2";
    target->takes_us = 4 * SECOND_US;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    target->is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_restart(scene.desk);
    target->is_silent = false;
    desk_connect_all(scene.desk);
    desk_work_for(scene.desk, 60000);
    assert_int_equal(target->effect_count, 2);

    scene.spec.select = NULL;
    const struct planned *plan = plan_to(&scene, "3");
    assert_int_equal(plan->legs[0].estimate.basis, ESTIMATE_OWN);
    assert_in_range(plan->legs[0].estimate.expected_ms, 3900, 4100);
}

/* A row of these tables is 100 bytes. */
static void
update_some(struct scene *scene, uint64_t rows)
{
    static struct statement_work work = {
        .schema = "public", .table = "orders", .kind = WORK_WRITE, .is_partial = true};
    static struct statement update = {.tag = "UPDATE", .works = &work, .work_count = 1};

    for (size_t i = 1; i <= 2; i++) {
        scene->desk->bundles[0].manifest.migrations[i].up.statements = &update;
    }
    scene->desk->targets[0].updated_rows = rows;
    learn_on_first(scene);
}

static void
what_a_where_finds_is_at_most_all_of_it(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    update_some(&scene, GB / 200); /* half of them */
    const struct planned *plan = plan_to(&scene, "3");

    assert_true(plan->estimate.is_most && plan->legs[0].estimate.is_most);
    assert_int_equal(plan->legs[0].estimate.bytes, GB);
    assert_int_equal(plan->legs[0].estimate.basis, ESTIMATE_OWN);
    assert_in_range(plan->legs[0].estimate.expected_ms, 7800, 8200); /* twice the 4 s of a half */
}

static void
to_find_a_few_rows_teaches_nothing_of_writing_them(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    update_some(&scene, 7);
    const struct planned *plan = plan_to(&scene, "3");

    assert_int_equal(plan->legs[0].estimate.basis, ESTIMATE_GUESS);
}

static void
rows_that_perhaps_need_no_writing_need_no_time_of_a_window(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    const struct id *target_id = &scene.desk->targets[0].id;
    struct load load = {.bytes = {[WORK_WRITE] = 100 * GB, [WORK_SCAN] = GB}};
    uint64_t all_ms = estimate_least_ms(scene.desk->core, target_id, &load);
    load.partial_bytes = load.bytes[WORK_WRITE];
    uint64_t some_ms = estimate_least_ms(scene.desk->core, target_id, &load);

    assert_true(all_ms > 10000);
    assert_true(some_ms > 0 && some_ms < all_ms / 10); /* the scan */
}

static void
what_failed_or_was_there_teaches_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    scene.desk->targets[0].fails_at = "2";
    scene.desk->targets[0].takes_us = SECOND_US;
    scene.spec.to_version = "2";
    scene.spec.select = "target=t0";
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    scene.desk->targets[0].fails_at = NULL;
    const struct planned *plan = plan_to(&scene, "2");

    assert_int_equal(plan->estimate.basis, ESTIMATE_GUESS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_measurement_brings_the_pace_nearer),
        cmocka_unit_test(what_agrees_is_surer_and_what_differs_less),
        cmocka_unit_test(one_outlier_does_not_spoil_it),
        cmocka_unit_test(a_larger_table_takes_longer_and_nothing_known_is_said),
        cmocka_unit_test(targets_side_by_side_take_as_long_as_the_longest),
        cmocka_unit_test(what_goes_through_no_table_is_not_asked_after),
        cmocka_unit_test(what_the_plan_makes_itself_is_not_asked_after),
        cmocka_unit_test(a_target_that_does_not_tell_holds_nobody_up),
        cmocka_unit_test(what_a_run_took_is_thought_of_the_next),
        cmocka_unit_test(what_a_step_went_through_is_learned_by_who_takes_its_run_over),
        cmocka_unit_test(what_a_where_finds_is_at_most_all_of_it),
        cmocka_unit_test(to_find_a_few_rows_teaches_nothing_of_writing_them),
        cmocka_unit_test(rows_that_perhaps_need_no_writing_need_no_time_of_a_window),
        cmocka_unit_test(what_failed_or_was_there_teaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
