#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/run.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* So many targets of "auth" on two agents, a bundle of five migrations, and a spec for it. */
struct scene {
    struct desk *desk;
    struct digest digest;
    struct run_spec spec;
};

static struct scene
scene_make(size_t target_count)
{
    struct scene scene = {.desk = desk_new(2)};

    scene.digest = desk_add_bundle(scene.desk, "auth", 5);
    for (size_t i = 0; i < target_count; i++) {
        desk_add_target(scene.desk, i % 2, "auth");
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

static enum run_state
state_of(const struct scene *scene, uint64_t number)
{
    return desk_stored_run(scene->desk, number)->state;
}

/* How many targets have steps assigned that are not answered. */
static size_t
running(struct scene *scene)
{
    const struct message *view = desk_status(scene->desk, "last");
    size_t count = 0;

    for (size_t i = 0; i < view->run_view.wave_count; i++) {
        count += view->run_view.waves[i].running_count;
    }
    return count;
}

static void
takes_every_target_to_the_newest_version(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);

    uint64_t number = desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, number), RUN_DONE);
    assert_int_equal(desk_stored_run(scene.desk, number)->done_count, 4);
    assert_int_equal(desk_stored_steps(scene.desk, number, STEP_DONE), 20);
    assert_true(desk_has_audit(scene.desk, "apply", "run 1"));
    assert_true(desk_has_audit(scene.desk, "run done", "run 1"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scene.desk->targets[i].effect_count, 5);
        assert_string_equal(desk_stored_target(scene.desk, i)->applied_version, "5");
        assert_int_equal(desk_stored_target(scene.desk, i)->applied_count, 5);
    }
}

static void
a_run_without_work_is_done_at_once(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    uint64_t number = desk_run(scene.desk, &scene.spec);

    assert_int_equal(state_of(&scene, number), RUN_DONE);
    assert_int_equal(desk_stored_run(scene.desk, number)->leg_count, 0);
    assert_string_equal(desk_stored_run(scene.desk, number)->why, "every target was there already");
}

static void
no_more_targets_run_than_may(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(10);
    scene.spec.parallel = 3;
    for (size_t i = 0; i < 10; i++) {
        scene.desk->targets[i].is_silent = true;
    }
    for (size_t i = 0; i < 10; i++) {
        scene.desk->targets[i].is_silent = false;
    }
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    for (size_t i = 0; i < 10; i++) {
        scene.desk->targets[i].is_silent = true;
    }

    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);

    assert_int_equal(running(&scene), 3);
    scene.desk->targets[0].is_silent = false;
    desk_work_for(scene.desk, 20000);
    assert_int_equal(running(&scene), 3);
    assert_non_null(desk_stored_step(scene.desk, 1, 3, 0));
    assert_null(desk_stored_step(scene.desk, 1, 4, 0));
}

static void
the_next_wave_begins_when_the_one_before_has_ended(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct share waves[] = {{1, false}, {100, true}};
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].is_silent = true;

    desk_apply(scene.desk, &plan_id);
    desk_work_for(scene.desk, 5000);
    assert_null(desk_stored_step(scene.desk, 1, 1, 0));

    scene.desk->targets[0].is_silent = false;
    desk_work_for(scene.desk, 5000);
    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    const struct message *view = desk_status(scene.desk, "1");
    assert_int_equal(view->type, MESSAGE_RUN_VIEW);
    assert_int_equal(view->run_view.wave_count, 2);
    assert_int_equal(view->run_view.waves[1].done_count, 3);
}

static void
a_wave_goes_on_without_waiting_for_who_is_not_there_but_does_not_end(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    desk_disconnect(scene.desk, 1);

    desk_apply(scene.desk, &plan_id);
    desk_work_for(scene.desk, 60000);
    assert_int_equal(state_of(&scene, 1), RUN_RUNNING);
    const struct message *view = desk_status(scene.desk, "1");
    assert_int_equal(view->run_view.legs[0].state, LEG_DONE);
    assert_int_equal(view->run_view.legs[1].state, LEG_WAITING);
    assert_true(view->run_view.legs[1].unreachable_ms > 50000);

    desk_connect(scene.desk, 1);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_DONE);
}

static void
a_failure_beyond_the_budget_halts_the_run(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.spec.parallel = 1;
    scene.desk->targets[1].fails_at = "3";

    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_string_equal(desk_stored_run(scene.desk, 1)->why,
                        "1 target has failed; the budget is 0");
    assert_int_equal(desk_stored_leg(scene.desk, 1, 0)->state, LEG_DONE);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 1)->state, LEG_FAILED);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 1)->done_count, 2);
    assert_string_equal(desk_stored_leg(scene.desk, 1, 1)->fault.code, "E-SQL");
    assert_int_equal(desk_stored_leg(scene.desk, 1, 2)->state, LEG_CANCELLED);
    assert_null(desk_stored_step(scene.desk, 1, 2, 0));
    assert_int_equal(desk_stored_step(scene.desk, 1, 1, 3)->state, STEP_CANCELLED);
    assert_true(desk_has_audit(scene.desk, "run halted", "run 1"));
}

static void
what_runs_when_a_run_halts_comes_to_its_end(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[0].fails_at = "1";
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_HALTED);
    assert_true(desk_last(scene.desk, MESSAGE_CANCEL)->cancel.spare_running);

    const struct step_record *step = desk_stored_step(scene.desk, 1, 1, 0);
    struct message message = {.type = MESSAGE_STATE};
    message.state =
        (struct state){.step_id = step->step_id, .attempt = 1, .report = STEP_REPORT_RUNNING};
    desk_hear(scene.desk, 1, message);
    message.type = MESSAGE_RESULT;
    message.result =
        (struct result){.step_id = step->step_id, .target_id = step->target_id, .attempt = 1};
    desk_hear(scene.desk, 1, message);
    for (uint64_t i = 1; i < 5; i++) {
        message.type = MESSAGE_STATE;
        message.state = (struct state){.step_id = desk_stored_step(scene.desk, 1, 1, i)->step_id,
                                       .attempt = 1,
                                       .report = STEP_REPORT_NOT_STARTED};
        desk_hear(scene.desk, 1, message);
    }

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_int_equal(desk_stored_step(scene.desk, 1, 1, 0)->state, STEP_DONE);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 1)->state, LEG_CANCELLED);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 1)->done_count, 1);
}

static void
failures_within_the_budget_do_not_stop_the_others(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct share waves[] = {{1, false}, {100, true}};
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;
    scene.spec.budget = (struct share){25, true};
    scene.desk->targets[0].fails_at = "1";

    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_int_equal(desk_stored_run(scene.desk, 1)->done_count, 3);
    assert_int_equal(desk_stored_run(scene.desk, 1)->failed_count, 1);
}

static void
a_run_may_go_on_whatever_fails(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.spec.on_failure = ON_FAILURE_CONTINUE;
    scene.spec.parallel = 1;
    for (size_t i = 0; i < 3; i++) {
        scene.desk->targets[i].fails_at = "2";
    }

    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_int_equal(desk_stored_run(scene.desk, 1)->failed_count, 3);
    assert_int_equal(desk_stored_run(scene.desk, 1)->done_count, 1);
}

static void
a_run_that_fails_rolls_itself_back(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    scene.spec.on_failure = ON_FAILURE_ROLLBACK;
    scene.spec.parallel = 1;
    scene.desk->targets[2].fails_at = "4";
    scene.desk->targets[0].applied[0] = (struct applied){"1", {1}};
    scene.desk->targets[0].applied_count = 1;

    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_int_equal(desk_stored_run(scene.desk, 1)->rollback_number, 2);
    const struct run_record *rollback = desk_stored_run(scene.desk, 2);
    assert_int_equal(rollback->state, RUN_DONE);
    assert_int_equal(rollback->spec.kind, RUN_DOWN);
    assert_int_equal(rollback->leg_count, 3);
    assert_int_equal(desk_stored_leg(scene.desk, 2, 0)->step_count, 4);
    assert_string_equal(desk_stored_leg(scene.desk, 2, 0)->steps[0].version, "5");
    assert_string_equal(desk_stored_leg(scene.desk, 2, 0)->to_version, "1");
    assert_int_equal(scene.desk->targets[0].applied_count, 1);
    assert_int_equal(scene.desk->targets[1].applied_count, 0);
    assert_int_equal(scene.desk->targets[2].applied_count, 0);
    assert_true(desk_has_audit(scene.desk, "rollback", "run 2"));
}

static void
nothing_done_is_nothing_to_roll_back(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    scene.spec.on_failure = ON_FAILURE_ROLLBACK;
    scene.desk->targets[0].fails_at = "1";

    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_FAILED);
    assert_null(desk_stored_run(scene.desk, 2));
}

static void
a_run_goes_on_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(6);
    struct share waves[] = {{2, false}, {100, true}};
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);

    desk_restart(scene.desk);
    scene.desk->targets[1].is_silent = false;
    desk_connect_all(scene.desk);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(scene.desk->targets[i].effect_count, 5);
    }
}

static void
a_restart_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);
    desk_forget(scene.desk);

    for (int i = 0; i < 5; i++) {
        desk_restart(scene.desk);
        desk_connect_all(scene.desk);
    }

    assert_int_equal(scene.desk->save_count, 0);
    assert_null(desk_last(scene.desk, MESSAGE_ASSIGN));
}

static void
a_run_that_has_ended_leaves_memory(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    assert_int_equal(desk_status(scene.desk, "1")->run_view.state, RUN_DONE);

    desk_pass(scene.desk, 11000);
    desk_forget(scene.desk);

    assert_null(desk_status(scene.desk, "1"));
    assert_int_equal(scene.desk->others[0].kind, ACTION_RECALL);
    assert_int_equal(scene.desk->others[0].message->type, MESSAGE_STATUS);
}

static void
a_run_is_named_by_number_id_or_as_the_last(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    char text[ID_TEXT_SIZE];
    desk_run(scene.desk, &scene.spec);

    id_text(&desk_stored_run(scene.desk, 1)->run_id, text);
    assert_int_equal(desk_status(scene.desk, text)->run_view.number, 1);
    assert_int_equal(desk_status(scene.desk, "last")->run_view.number, 1);
    assert_int_equal(desk_status(scene.desk, NULL)->run_view.number, 1);
    desk_forget(scene.desk);
    assert_null(desk_status(scene.desk, "nonsense"));
    assert_int_equal(scene.desk->others[0].kind, ACTION_RECALL);
}

static void
the_estimate_follows_what_is_done(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);
    desk_pass(scene.desk, 3000);

    const struct message *view = desk_status(scene.desk, "1");

    assert_int_equal(view->run_view.elapsed_ms, 3000);
    assert_int_equal(view->run_view.left_ms, 3000);
    assert_int_equal(view->run_view.waves[0].step_done_count, 5);
    assert_int_equal(view->run_view.waves[0].step_count, 10);
}

static void
legs_are_shown_by_page_and_filter(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(60);
    scene.spec.on_failure = ON_FAILURE_CONTINUE;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[7].is_silent = true;
    scene.desk->targets[8].fails_at = "2";
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);
    struct message message = {.type = MESSAGE_STATUS};

    message.status.offset = 50;
    const struct message *view = desk_ask(scene.desk, DESK_VIEWER, message);
    assert_int_equal(view->run_view.leg_total, 60);
    assert_int_equal(view->run_view.leg_count, 10);
    message.status.offset = 0;
    message.status.filter = LEGS_FAILING;
    view = desk_ask(scene.desk, DESK_VIEWER, message);
    assert_int_equal(view->run_view.leg_count, 1);
    assert_string_equal(view->run_view.legs[0].target, "t8");
    assert_string_equal(view->run_view.legs[0].version, "2");
    assert_string_equal(view->run_view.legs[0].fault.code, "E-SQL");
    message.status.filter = LEGS_OPEN;
    view = desk_ask(scene.desk, DESK_VIEWER, message);
    assert_int_equal(view->run_view.leg_count, 1);
    assert_string_equal(view->run_view.legs[0].target, "t7");
    assert_string_equal(view->run_view.legs[0].version, "1");
    assert_int_equal(view->run_view.legs[0].attempt, 1);
}

static void
what_only_the_store_has_is_recalled_after_the_counts_are_saved(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);
    desk_forget(scene.desk);

    assert_null(desk_ask(scene.desk, DESK_VIEWER, (struct message){.type = MESSAGE_RUNS}));
    assert_null(desk_ask(scene.desk, DESK_VIEWER, (struct message){.type = MESSAGE_LOG}));
    assert_null(desk_ask(scene.desk, DESK_OPERATOR, (struct message){.type = MESSAGE_OFFER}));

    assert_int_equal(desk_stored_run(scene.desk, 1)->done_count, 2);
    assert_int_equal(scene.desk->save_count, 1);
    assert_int_equal(scene.desk->other_count, 3);
    assert_int_equal(scene.desk->others[2].message->type, MESSAGE_OFFER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_target_to_the_newest_version),
        cmocka_unit_test(a_run_without_work_is_done_at_once),
        cmocka_unit_test(no_more_targets_run_than_may),
        cmocka_unit_test(the_next_wave_begins_when_the_one_before_has_ended),
        cmocka_unit_test(a_wave_goes_on_without_waiting_for_who_is_not_there_but_does_not_end),
        cmocka_unit_test(a_failure_beyond_the_budget_halts_the_run),
        cmocka_unit_test(what_runs_when_a_run_halts_comes_to_its_end),
        cmocka_unit_test(failures_within_the_budget_do_not_stop_the_others),
        cmocka_unit_test(a_run_may_go_on_whatever_fails),
        cmocka_unit_test(a_run_that_fails_rolls_itself_back),
        cmocka_unit_test(nothing_done_is_nothing_to_roll_back),
        cmocka_unit_test(a_run_goes_on_after_a_restart),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(a_run_that_has_ended_leaves_memory),
        cmocka_unit_test(a_run_is_named_by_number_id_or_as_the_last),
        cmocka_unit_test(the_estimate_follows_what_is_done),
        cmocka_unit_test(legs_are_shown_by_page_and_filter),
        cmocka_unit_test(what_only_the_store_has_is_recalled_after_the_counts_are_saved),
    };
    return RUN_TESTS(tests);
}
