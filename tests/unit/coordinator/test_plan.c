/* What a plan says, whom it asks, and who cannot take part. */
#include "tests/unit/coordinator/plan_scene.h"

static void
a_plan_says_target_by_target_what_would_happen(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    struct share waves[] = {{1, false}, {100, true}};
    apply_versions(&scene.desk->targets[0], 5);
    apply_versions(&scene.desk->targets[1], 2);
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;

    desk_plan(scene.desk, &scene.spec);

    const struct planned *plan = planned(scene.desk);
    assert_int_equal(plan->target_count, 4);
    assert_int_equal(plan->step_count, 13);
    assert_int_equal(plan->wave_count, 2);
    assert_int_equal(plan->refused_count, 0);
    assert_int_equal(plan->leg_count, 4);
    assert_int_equal(plan->legs[0].wave, 0);
    assert_int_equal(plan->legs[0].step_count, 0);
    assert_int_equal(plan->legs[1].wave, 1);
    assert_string_equal(plan->legs[1].from_version, "2");
    assert_string_equal(plan->legs[1].first_version, "3");
    assert_string_equal(plan->legs[1].to_version, "5");
    assert_int_equal(plan->legs[2].wave, 2);
    assert_null(plan->legs[2].from_version);
}

static void
a_plan_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_forget(scene.desk);

    desk_plan(scene.desk, &scene.spec);

    assert_int_equal(scene.desk->save_count, 0);
}

static void
a_plan_asked_for_again_is_the_same_plan(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_PLAN};
    message.plan = (struct plan){desk_id(9000), scene.spec};
    desk_ask(scene.desk, DESK_OPERATOR, message);
    desk_work(scene.desk);
    struct id plan_id = planned(scene.desk)->plan_id;
    desk_forget(scene.desk);

    const struct message *again = desk_ask(scene.desk, DESK_OPERATOR, message);
    assert_true(again->planned.is_ready);
    assert_true(id_equal(&again->planned.plan_id, &plan_id));
    assert_null(desk_last(scene.desk, MESSAGE_SURVEY));

    again = desk_ask(scene.desk, DESK_ADMIN, message);
    assert_false(id_equal(&again->planned.plan_id, &plan_id));
}

static void
a_plan_has_pages(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(60);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    assert_int_equal(planned(scene.desk)->leg_count, PAGE_SIZE_MAX);

    struct message message = {.type = MESSAGE_PLAN_PAGE};
    message.plan_page.plan_id = plan_id;
    message.plan_page.offset = 50;
    const struct message *page = desk_ask(scene.desk, DESK_OPERATOR, message);
    assert_int_equal(page->planned.leg_count, 10);
    assert_int_equal(page->planned.offset, 50);

    message.plan_page.plan_id = desk_id(4711);
    page = desk_ask(scene.desk, DESK_OPERATOR, message);
    assert_string_equal(page->refused.fault.code, "E-PLAN-UNKNOWN");
}

static void
what_cannot_be_is_refused_at_once(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct service_bundle twice[] = {{"auth", scene.digest}, {"auth", scene.digest}};
    struct service_bundle other = {"policy", scene.digest};
    struct share wave = {10, true};
    struct run_spec spec;

#define REFUSED(code, change)                                                                      \
    spec = scene.spec;                                                                             \
    change;                                                                                        \
    assert_string_equal(desk_plan_refused(scene.desk, &spec), code)

    REFUSED("E-CLI-RANGE", spec.parallel = 0);
    REFUSED("E-CLI-RANGE", spec.parallel = 1000000000);
    REFUSED("E-PLAN-RANGE", spec.undo_run_id = desk_id(1));
    REFUSED("E-PLAN-RANGE", spec.kind = RUN_DOWN);
    REFUSED("E-PLAN-RANGE", (spec.waves = &wave, spec.wave_count = 1));
    REFUSED("E-PLAN-RANGE", (spec.budget = (struct share){101, true}));
    REFUSED("E-SEL-EMPTY", spec.service_count = 0);
    REFUSED("E-SEL-EMPTY", spec.select = "region=asia");
    REFUSED("E-SEL-SYNTAX", spec.select = "region");
    REFUSED("E-SEL-TOO-MANY", spec.targets_max = 1);
    REFUSED("E-PLAN-DUP", (spec.services = twice, spec.service_count = 2));
    REFUSED("E-BUNDLE-SERVICE", spec.services = &other);
    REFUSED("E-MIG-MISSING", spec.to_version = "99");
    REFUSED("E-RUN-UNKNOWN",
            (spec.kind = RUN_DOWN, spec.service_count = 0, spec.undo_run_id = desk_id(4711)));
    REFUSED("", spec.to_version = "5");
}

static void
a_bundle_that_the_store_does_not_have_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->forgets_bundles = true;

    assert_string_equal(desk_plan_refused(scene.desk, &scene.spec), "E-BUNDLE-UNKNOWN");
}

static void
a_selection_narrows_the_plan(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.spec.select = "region=us";

    desk_plan(scene.desk, &scene.spec);

    assert_int_equal(planned(scene.desk)->target_count, 2);
    assert_string_equal(planned(scene.desk)->legs[0].target, "t1");
}

static void
a_target_that_is_not_there_is_waited_for_and_then_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_disconnect(scene.desk, 1);

    desk_plan(scene.desk, &scene.spec);

    assert_int_equal(planned(scene.desk)->refused_count, 1);
    const struct fault *fault = &planned(scene.desk)->legs[1].fault;
    assert_string_equal(fault->code, "E-TARGET-UNREACHABLE");
    assert_non_null(strstr(fault->hint, "skein target remove t1"));
    assert_non_null(strstr(fault->hint, "--skip-refused"));
    assert_true(desk_count(scene.desk, MESSAGE_PLANNED) >= 5);
}

static void
a_target_of_a_removed_agent_is_refused_until_it_is_removed_too(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message expel = {.type = MESSAGE_EXPEL}, forget = {.type = MESSAGE_FORGET};
    expel.expel = (struct expel){.party = PARTY_AGENT, .name = "a1"};
    forget.forget.target = "t1";
    desk_ask(scene.desk, DESK_ADMIN, expel);
    scene.desk->agents[1].is_up = false;

    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    const struct fault *fault = &planned(scene.desk)->legs[1].fault;
    assert_string_equal(fault->code, "E-TARGET-UNREACHABLE");
    assert_non_null(strstr(fault->text, "a1 is not enrolled any more"));
    const struct message *refused = desk_try_apply(scene.desk, &plan_id);
    assert_string_equal(refused->refused.fault.code, "E-TARGET-UNREACHABLE");
    assert_non_null(strstr(refused->refused.fault.hint, "skein target remove t1"));
    assert_int_equal(desk_ask(scene.desk, DESK_OPERATOR, forget)->type, MESSAGE_DONE);

    desk_plan(scene.desk, &scene.spec);
    assert_int_equal(planned(scene.desk)->target_count, 1);
    assert_int_equal(planned(scene.desk)->refused_count, 0);
}

static void
a_target_that_is_removed_while_it_is_planned_is_said_to_be_gone(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message forget = {.type = MESSAGE_FORGET};
    forget.forget.target = "t1";
    struct id plan_id = desk_plan(scene.desk, &scene.spec);

    desk_ask(scene.desk, DESK_OPERATOR, forget);

    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-PLAN-STALE");
}

static void
a_target_that_comes_in_time_takes_part(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_PLAN};
    message.plan.spec = scene.spec;
    desk_disconnect(scene.desk, 1);
    assert_non_null(desk_ask(scene.desk, DESK_OPERATOR, message));
    desk_work_for(scene.desk, 2000);

    desk_connect(scene.desk, 1);
    desk_work(scene.desk);

    assert_true(planned(scene.desk)->is_ready);
    assert_int_equal(planned(scene.desk)->refused_count, 0);
}

static void
a_database_that_does_not_answer_is_asked_again_and_then_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[1].is_silent = true;

    desk_plan(scene.desk, &scene.spec);

    assert_int_equal(planned(scene.desk)->refused_count, 1);
    assert_string_equal(planned(scene.desk)->legs[1].fault.text, "its database did not answer");
    assert_true(desk_count(scene.desk, MESSAGE_SURVEY) > 2);
}

static void
a_database_that_is_down_is_refused_with_its_own_reason(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[1].is_broken = true;
    desk_report(scene.desk, 1);

    desk_plan(scene.desk, &scene.spec);

    assert_string_equal(planned(scene.desk)->legs[1].fault.code, "E-DB-UNREACHABLE");
}

static struct message
survey_answer(const struct desk *desk, bool succeeded)
{
    const struct survey *survey = &desk_last(desk, MESSAGE_SURVEY)->survey;
    struct message message = {.type = MESSAGE_SURVEYED};

    message.surveyed = (struct surveyed){.survey_id = survey->survey_id,
                                         .target_id = survey->target_id,
                                         .succeeded = succeeded,
                                         .fault = {.code = "E-DB-PRIV", .text = "no rights"}};
    return message;
}

static void
a_survey_that_failed_refuses_its_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    struct message message = {.type = MESSAGE_PLAN};
    message.plan.spec = scene.spec;
    desk_ask(scene.desk, DESK_OPERATOR, message);

    struct message answer = survey_answer(scene.desk, false);
    answer.surveyed.fault.code = NULL;
    desk_hear(scene.desk, 0, answer);
    assert_false(planned(scene.desk)->is_ready);
    desk_hear(scene.desk, 0, survey_answer(scene.desk, false));

    assert_true(planned(scene.desk)->is_ready);
    assert_string_equal(planned(scene.desk)->legs[0].fault.code, "E-DB-PRIV");
}

static void
a_survey_of_anothers_target_is_not_heard(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    struct message message = {.type = MESSAGE_PLAN};
    message.plan.spec = scene.spec;
    desk_ask(scene.desk, DESK_OPERATOR, message);

    desk_hear(scene.desk, 1, survey_answer(scene.desk, true));
    assert_false(planned(scene.desk)->is_ready);
    struct message other = survey_answer(scene.desk, true);
    other.surveyed.survey_id = desk_id(4711);
    desk_hear(scene.desk, 0, other);
    assert_false(planned(scene.desk)->is_ready);
}

static void
a_target_without_an_id_is_refused_for_what_it_lacks(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    struct message down = {.type = MESSAGE_TARGET};
    down.target = (struct target_report){
        .name = "new", .service = "auth", .state = TARGET_BROKEN, .fault = {.code = "E-DB-AUTH"}};
    desk_hear(scene.desk, 0, down);

    desk_plan(scene.desk, &scene.spec);

    assert_string_equal(planned(scene.desk)->legs[0].target, "new");
    assert_string_equal(planned(scene.desk)->legs[0].fault.code, "E-DB-AUTH");
}

static void
two_services_are_planned_together(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct digest policy = desk_add_bundle(scene.desk, "policy", 2);
    desk_add_target(scene.desk, 0, "policy");
    desk_report(scene.desk, 2);
    struct service_bundle services[] = {{"auth", scene.digest}, {"policy", policy}};
    scene.spec.services = services;
    scene.spec.service_count = 2;

    uint64_t number = desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);

    assert_int_equal(desk_stored_run(scene.desk, number)->state, RUN_DONE);
    assert_int_equal(scene.desk->targets[0].applied_count, 5);
    assert_int_equal(scene.desk->targets[2].applied_count, 2);
    const struct message *view = desk_status(scene.desk, "last");
    assert_string_equal(view->run_view.services, "auth, policy");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_says_target_by_target_what_would_happen),
        cmocka_unit_test(a_plan_changes_nothing),
        cmocka_unit_test(a_plan_asked_for_again_is_the_same_plan),
        cmocka_unit_test(a_plan_has_pages),
        cmocka_unit_test(what_cannot_be_is_refused_at_once),
        cmocka_unit_test(a_bundle_that_the_store_does_not_have_is_refused),
        cmocka_unit_test(a_selection_narrows_the_plan),
        cmocka_unit_test(a_target_that_is_not_there_is_waited_for_and_then_refused),
        cmocka_unit_test(a_target_of_a_removed_agent_is_refused_until_it_is_removed_too),
        cmocka_unit_test(a_target_that_is_removed_while_it_is_planned_is_said_to_be_gone),
        cmocka_unit_test(a_target_that_comes_in_time_takes_part),
        cmocka_unit_test(a_database_that_does_not_answer_is_asked_again_and_then_refused),
        cmocka_unit_test(a_database_that_is_down_is_refused_with_its_own_reason),
        cmocka_unit_test(a_survey_that_failed_refuses_its_target),
        cmocka_unit_test(a_survey_of_anothers_target_is_not_heard),
        cmocka_unit_test(a_target_without_an_id_is_refused_for_what_it_lacks),
        cmocka_unit_test(two_services_are_planned_together),
    };
    return RUN_TESTS(tests);
}
