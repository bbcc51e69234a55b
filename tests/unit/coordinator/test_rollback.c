/* Taking back what a run did, and going back to a version. */
#include "tests/unit/coordinator/steer_scene.h"

static struct run_spec
undo_spec(struct scene *scene, uint64_t number)
{
    return (struct run_spec){.kind = RUN_DOWN,
                             .undo_run_id = desk_stored_run(scene->desk, number)->run_id,
                             .parallel = 100};
}

static void
a_rollback_undoes_exactly_what_the_run_did(void **state)
{
    (void)state;
    for (int is_in_memory = 0; is_in_memory < 2; is_in_memory++) {
        CLEANUP(scene_release) struct scene scene = scene_make(3);
        scene.spec.to_version = "2";
        scene.spec.select = "region=eu";
        desk_run(scene.desk, &scene.spec);
        desk_work(scene.desk);
        scene.spec.to_version = NULL;
        scene.spec.select = NULL;
        desk_run(scene.desk, &scene.spec);
        desk_work(scene.desk);
        desk_pass(scene.desk, is_in_memory ? 100 : 11000);

        struct run_spec undo = undo_spec(&scene, 2);
        uint64_t number = desk_run(scene.desk, &undo);
        desk_work(scene.desk);

        assert_int_equal(state_of(&scene, number), RUN_DONE);
        assert_string_equal(desk_status(scene.desk, "last")->run_view.services, "auth");
        assert_int_equal(scene.desk->targets[0].applied_count, 2);
        assert_int_equal(scene.desk->targets[1].applied_count, 0);
        assert_int_equal(scene.desk->targets[2].applied_count, 2);
        assert_int_equal(desk_stored_run(scene.desk, 2)->rollback_number, number);
        assert_string_equal(desk_stored_leg(scene.desk, number, 0)->steps[0].version, "5");
        assert_int_equal(desk_stored_leg(scene.desk, number, 0)->step_count, 3);
    }
}

static void
what_a_run_found_done_already_is_not_undone(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    scene.desk->targets[0].applied[0] = (struct applied){"1", {1}};
    scene.desk->targets[0].applied_count = 1;
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    assert_int_equal(desk_stored_step(scene.desk, 1, 0, 0)->outcome.kind, OUTCOME_ALREADY);

    struct run_spec undo = undo_spec(&scene, 1);
    desk_run(scene.desk, &undo);
    desk_work(scene.desk);

    assert_int_equal(scene.desk->targets[0].applied_count, 1);
}

static void
a_rollback_can_be_narrowed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);

    struct run_spec undo = undo_spec(&scene, 1);
    undo.select = "target=t1";
    desk_run(scene.desk, &undo);
    desk_work(scene.desk);

    assert_int_equal(scene.desk->targets[0].applied_count, 5);
    assert_int_equal(scene.desk->targets[1].applied_count, 0);
}

static void
a_run_that_is_open_or_a_rollback_cannot_be_undone(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    struct run_spec undo = undo_spec(&scene, 1);
    assert_string_equal(desk_plan_refused(scene.desk, &undo), "E-RUN-OPEN");
    desk_work(scene.desk);
    desk_run(scene.desk, &undo);
    desk_work(scene.desk);

    undo = undo_spec(&scene, 2);
    assert_string_equal(desk_plan_refused(scene.desk, &undo), "E-RUN-KIND");
    desk_pass(scene.desk, 11000);
    assert_string_equal(desk_plan_refused(scene.desk, &undo), "E-RUN-KIND");
}

static void
a_run_that_was_rolled_back_is_not_retried(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[1].fails_at = "2";
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    struct run_spec undo = undo_spec(&scene, 1);
    desk_run(scene.desk, &undo);
    desk_work(scene.desk);

    assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-STEP-STATE");
}

static void
a_rollback_whose_bundle_is_lost_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    desk_restart(scene.desk);
    desk_connect_all(scene.desk);
    scene.desk->forgets_bundles = true;

    struct run_spec undo = undo_spec(&scene, 1);
    assert_string_equal(desk_plan_refused(scene.desk, &undo), "E-BUNDLE-UNKNOWN");
}

static void
a_service_goes_back_to_a_version(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);

    scene.spec.kind = RUN_DOWN;
    scene.spec.to_version = "3";
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    assert_int_equal(scene.desk->targets[0].applied_count, 3);
    assert_string_equal(desk_stored_target(scene.desk, 0)->applied_version, "3");

    scene.spec.to_version = "0";
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    assert_int_equal(scene.desk->targets[1].applied_count, 0);
    assert_null(desk_stored_target(scene.desk, 1)->applied_version);
}

static void
a_run_begun_again_after_its_rollback_was_planned_is_not_undone(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[1].fails_at = "2";
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    struct run_spec undo = undo_spec(&scene, 1);
    struct id plan_id = desk_plan(scene.desk, &undo);
    scene.desk->targets[1].is_silent = true;
    assert_null(desk_steer(scene.desk, "1", STEER_RETRY));

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-TARGET-BUSY");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollback_undoes_exactly_what_the_run_did),
        cmocka_unit_test(what_a_run_found_done_already_is_not_undone),
        cmocka_unit_test(a_rollback_can_be_narrowed),
        cmocka_unit_test(a_run_that_is_open_or_a_rollback_cannot_be_undone),
        cmocka_unit_test(a_run_that_was_rolled_back_is_not_retried),
        cmocka_unit_test(a_rollback_whose_bundle_is_lost_is_refused),
        cmocka_unit_test(a_service_goes_back_to_a_version),
        cmocka_unit_test(a_run_begun_again_after_its_rollback_was_planned_is_not_undone),
    };
    return RUN_TESTS(tests);
}
