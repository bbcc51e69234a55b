/* What becomes of a plan: applied once, by nobody else, or not any more. */
#include "tests/unit/coordinator/plan_scene.h"

static void
a_plan_with_refused_targets_is_not_applied(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct applied changed[] = {{"1", {77}}};
    for (size_t i = 0; i < 4; i += 3) {
        memcpy(scene.desk->targets[i].applied, changed, sizeof changed);
        scene.desk->targets[i].applied_count = 1;
    }
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    const struct fault *fault = &desk_try_apply(scene.desk, &plan_id)->refused.fault;

    assert_string_equal(fault->code, "E-MIG-CHECKSUM");
    assert_non_null(strstr(fault->found, "recorded 4d"));
    assert_non_null(strstr(fault->found, "on 2 targets (t0, t3)"));
    assert_null(desk_stored_run(scene.desk, 1));
}

static void
different_reasons_are_named_as_such(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.desk->targets[0].applied[0] = (struct applied){"1", {77}};
    scene.desk->targets[0].applied_count = 1;
    scene.desk->targets[1].is_broken = true;
    desk_report(scene.desk, 1);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-PLAN-REFUSED");
}

static void
a_plan_may_go_without_the_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.desk->targets[1].is_broken = true;
    desk_report(scene.desk, 1);
    scene.spec.skip_refused = true;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    uint64_t number = desk_apply(scene.desk, &plan_id);
    desk_work(scene.desk);

    assert_int_equal(desk_stored_run(scene.desk, number)->state, RUN_DONE);
    assert_int_equal(desk_stored_run(scene.desk, number)->leg_count, 3);
}

static void
a_plan_without_anybody_left_is_not_applied(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    scene.desk->targets[0].is_broken = true;
    desk_report(scene.desk, 0);
    scene.spec.skip_refused = true;
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code,
                        "E-DB-UNREACHABLE");
}

static void
a_target_has_one_open_run(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id early = desk_plan(scene.desk, &scene.spec);
    desk_run(scene.desk, &scene.spec);

    const struct fault *fault = &desk_try_apply(scene.desk, &early)->refused.fault;
    assert_string_equal(fault->code, "E-TARGET-BUSY");
    assert_non_null(strstr(fault->text, "run 1"));

    scene.desk->targets[0].is_silent = scene.desk->targets[1].is_silent = true;
    struct id late = desk_plan(scene.desk, &scene.spec);
    assert_string_equal(planned(scene.desk)->legs[0].fault.code, "E-TARGET-BUSY");
    assert_string_equal(desk_try_apply(scene.desk, &late)->refused.fault.code, "E-TARGET-BUSY");
}

static void
a_plan_is_applied_once(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    uint64_t number = desk_apply(scene.desk, &plan_id);

    assert_int_equal(desk_apply(scene.desk, &plan_id), number);
    desk_work(scene.desk);
    assert_int_equal(desk_apply(scene.desk, &plan_id), number);
    desk_restart(scene.desk);
    assert_int_equal(desk_apply(scene.desk, &plan_id), number);
    assert_null(desk_stored_run(scene.desk, number + 1));
}

static void
an_old_apply_never_means_a_new_plan(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_PLAN};
    message.plan = (struct plan){desk_id(9000), scene.spec};
    desk_ask(scene.desk, DESK_OPERATOR, message);
    desk_work(scene.desk);
    struct id old_id = planned(scene.desk)->plan_id;
    uint64_t number = desk_apply(scene.desk, &old_id);
    desk_work(scene.desk);

    desk_restart(scene.desk);
    desk_connect_all(scene.desk);
    desk_ask(scene.desk, DESK_OPERATOR, message); /* the very same request, said again */
    desk_work(scene.desk);

    assert_false(id_equal(&planned(scene.desk)->plan_id, &old_id));
    assert_int_equal(desk_apply(scene.desk, &old_id), number);
    assert_null(desk_stored_run(scene.desk, number + 1));
}

static void
an_open_run_answers_for_its_plan_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    uint64_t number = desk_apply(scene.desk, &plan_id);

    desk_restart(scene.desk);

    assert_int_equal(desk_apply(scene.desk, &plan_id), number);
}

static void
a_plan_that_is_not_known_or_not_ready_is_not_applied(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_PLAN};
    struct id unknown = desk_id(4711);
    message.plan = (struct plan){desk_id(9000), scene.spec};
    struct id plan_id = desk_ask(scene.desk, DESK_OPERATOR, message)->planned.plan_id;

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code,
                        "E-PLAN-NOT-READY");
    assert_string_equal(desk_try_apply(scene.desk, &unknown)->refused.fault.code, "E-PLAN-UNKNOWN");
}

static void
a_plan_is_forgotten_after_an_hour(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    desk_pass(scene.desk, 3600000 + 10);

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-PLAN-UNKNOWN");
}

static void
an_operator_keeps_a_few_plans(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plans[10];

    for (size_t i = 0; i < 10; i++) {
        plans[i] = desk_plan(scene.desk, &scene.spec);
        desk_pass(scene.desk, 10);
    }

    assert_string_equal(desk_try_apply(scene.desk, &plans[0])->refused.fault.code,
                        "E-PLAN-UNKNOWN");
    assert_string_equal(desk_try_apply(scene.desk, &plans[1])->refused.fault.code,
                        "E-PLAN-UNKNOWN");
    assert_int_equal(desk_apply(scene.desk, &plans[2]), 1);
}

static void
a_plan_whose_database_was_replaced_is_not_applied(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].id = desk_id(777);
    desk_report(scene.desk, 1);

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-PLAN-STALE");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_with_refused_targets_is_not_applied),
        cmocka_unit_test(different_reasons_are_named_as_such),
        cmocka_unit_test(a_plan_may_go_without_the_refused),
        cmocka_unit_test(a_plan_without_anybody_left_is_not_applied),
        cmocka_unit_test(a_target_has_one_open_run),
        cmocka_unit_test(a_plan_is_applied_once),
        cmocka_unit_test(an_old_apply_never_means_a_new_plan),
        cmocka_unit_test(an_open_run_answers_for_its_plan_after_a_restart),
        cmocka_unit_test(a_plan_that_is_not_known_or_not_ready_is_not_applied),
        cmocka_unit_test(a_plan_is_forgotten_after_an_hour),
        cmocka_unit_test(an_operator_keeps_a_few_plans),
        cmocka_unit_test(a_plan_whose_database_was_replaced_is_not_applied),
    };
    return RUN_TESTS(tests);
}
