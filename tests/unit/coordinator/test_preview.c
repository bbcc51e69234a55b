#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/*
 * A target of "auth" and a bundle of three that each lock a table. The plan is asked for, and the
 * survey not answered yet.
 */
struct scene {
    struct desk *desk;
    struct digest digest;
    struct statement statements[3];
    struct wanted_lock locks[3];
};

static void
scene_begin(struct scene *scene, const char *first_tag)
{
    static char relations[3][8] = {"one", "two", "three"};

    scene->desk = desk_new(1);
    scene->digest = desk_add_bundle(scene->desk, "auth", 3);
    struct migration *migrations = scene->desk->bundles[0].manifest.migrations;
    for (size_t i = 0; i < 3; i++) {
        scene->locks[i] = (struct wanted_lock){relations[i], TABLE_LOCK_ACCESS_EXCLUSIVE};
        scene->statements[i] =
            (struct statement){.tag = "ALTER TABLE", .locks = &scene->locks[i], .lock_count = 1};
        migrations[i].up.statements = migrations[i].down.statements = &scene->statements[i];
        migrations[i].up.statement_count = migrations[i].down.statement_count = 1;
    }
    scene->statements[0].tag = first_tag;
    desk_add_target(scene->desk, 0, "auth");
    scene->desk->targets[0].is_silent = true;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static const struct survey *
plan(struct scene *scene, enum run_kind kind)
{
    struct message message = {.type = MESSAGE_PLAN};

    desk_connect_all(scene->desk);
    message.plan.spec = desk_spec(scene->desk, "auth", &scene->digest);
    message.plan.spec.kind = kind;
    message.plan.spec.to_version = kind == RUN_DOWN ? "0" : NULL;
    desk_ask(scene->desk, DESK_OPERATOR, message);
    return &desk_last(scene->desk, MESSAGE_SURVEY)->survey;
}

/* The survey is answered with one obstacle; what is planned then. */
static const struct planned *
answer(struct scene *scene, struct obstacle obstacle, size_t applied_count)
{
    const struct survey *survey = &desk_last(scene->desk, MESSAGE_SURVEY)->survey;
    struct applied applied[] = {{"1", {1}}, {"2", {2}}, {"3", {3}}};
    struct message message = {.type = MESSAGE_SURVEYED};

    obstacle.text = "a reason";
    obstacle.hint = "what to do";
    message.surveyed = (struct surveyed){.survey_id = survey->survey_id,
                                         .target_id = survey->target_id,
                                         .succeeded = true,
                                         .applied = applied,
                                         .applied_count = applied_count,
                                         .obstacles = &obstacle,
                                         .obstacle_count = 1};
    desk_hear(scene->desk, 0, message);
    return &desk_last(scene->desk, MESSAGE_PLANNED)->planned;
}

static void
apply_two(struct scene *scene)
{
    struct desk_target *target = &scene->desk->targets[0];

    target->applied[0] = (struct applied){"1", {1}};
    target->applied[1] = (struct applied){"2", {2}};
    target->applied_count = 2;
}

/* ---- what is asked --------------------------------------------------------------------------- */

static void
a_target_is_told_what_the_steps_to_come_concern(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};
    struct statement_work work = {.schema = "app", .table = "two", .kind = WORK_REWRITE};

    scene_begin(&scene, "ALTER TABLE");
    scene.statements[1].works = &work;
    scene.statements[1].work_count = 1;
    const struct survey *survey = plan(&scene, RUN_UP);

    assert_int_equal(survey->outline_count, 3);
    assert_string_equal(survey->outlines[0].version, "1");
    assert_int_equal(survey->outlines[0].direction, DIRECTION_UP);
    assert_int_equal(survey->outlines[0].table_count, 1);
    assert_string_equal(survey->outlines[0].tables[0].relation, "one");
    assert_true(survey->outlines[0].tables[0].needs_owner);
    assert_int_equal(survey->outlines[1].work_count, 1);
    assert_string_equal(survey->outlines[1].works[0].table, "two");
}

static void
what_is_known_to_be_applied_is_not_told(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "ALTER TABLE");
    apply_two(&scene);
    const struct survey *survey = plan(&scene, RUN_UP);

    assert_int_equal(survey->outline_count, 1);
    assert_string_equal(survey->outlines[0].version, "3");
}

static void
on_the_way_back_it_is_what_is_applied_the_last_first(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "ALTER TABLE");
    apply_two(&scene);
    const struct survey *survey = plan(&scene, RUN_DOWN);

    assert_int_equal(survey->outline_count, 2);
    assert_string_equal(survey->outlines[0].version, "2");
    assert_int_equal(survey->outlines[0].direction, DIRECTION_DOWN);
    assert_string_equal(survey->outlines[1].version, "1");
}

/* ---- what is found --------------------------------------------------------------------------- */

static void
what_would_be_warned_of_or_held_for_is_in_the_plan(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "ALTER TABLE");
    plan(&scene, RUN_UP);
    const struct planned *planned = answer(
        &scene, (struct obstacle){.check = "wraparound", .policy = POLICY_HOLD, .version = "2"}, 0);

    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->legs[0].obstacle_count, 1);
    assert_string_equal(planned->legs[0].obstacles[0].check, "wraparound");
    assert_int_equal(planned->legs[0].obstacles[0].policy, POLICY_HOLD);
    assert_string_equal(planned->legs[0].obstacles[0].version, "2");
    assert_string_equal(planned->legs[0].obstacles[0].text, "a reason");
    assert_string_equal(planned->legs[0].obstacles[0].hint, "what to do");
}

static void
what_a_policy_refuses_refuses_the_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "ALTER TABLE");
    plan(&scene, RUN_UP);
    const struct planned *planned = answer(
        &scene, (struct obstacle){.check = "prepared", .policy = POLICY_REFUSE, .version = "2"}, 0);

    assert_int_equal(planned->refused_count, 1);
    assert_string_equal(planned->legs[0].fault.code, "E-DB-PREFLIGHT");
    assert_string_equal(planned->legs[0].fault.found, "a reason");
    assert_string_equal(planned->legs[0].fault.hint, "what to do");
}

static void
what_a_step_before_it_may_mend_refuses_nothing(void **state)
{
    static const struct {
        const char *first_tag;
        size_t refused_count;
    } cases[] = {{"ALTER TABLE", 0}, {"UPDATE", 1}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(scene_release) struct scene scene = {0};
        scene_begin(&scene, cases[i].first_tag);
        plan(&scene, RUN_UP);
        const struct planned *planned = answer(
            &scene,
            (struct obstacle){
                .check = "rights", .policy = POLICY_REFUSE, .version = "2", .is_of_catalog = true},
            0);
        assert_int_equal(planned->refused_count, cases[i].refused_count);
        assert_int_equal(planned->legs[0].obstacle_count, 1);
    }
}

static void
what_stands_against_no_step_is_not_told(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};
    const struct obstacle obstacle = {.check = "lag", .policy = POLICY_REFUSE};

    scene_begin(&scene, "ALTER TABLE");
    plan(&scene, RUN_UP);
    const struct planned *planned = answer(&scene, obstacle, 3);
    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->legs[0].obstacle_count, 0);

    plan(&scene, RUN_UP);
    planned = answer(
        &scene, (struct obstacle){.check = "prepared", .policy = POLICY_REFUSE, .version = "1"}, 2);
    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->legs[0].obstacle_count, 0);
    assert_int_equal(planned->step_count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_told_what_the_steps_to_come_concern),
        cmocka_unit_test(what_is_known_to_be_applied_is_not_told),
        cmocka_unit_test(on_the_way_back_it_is_what_is_applied_the_last_first),
        cmocka_unit_test(what_would_be_warned_of_or_held_for_is_in_the_plan),
        cmocka_unit_test(what_a_policy_refuses_refuses_the_target),
        cmocka_unit_test(what_a_step_before_it_may_mend_refuses_nothing),
        cmocka_unit_test(what_stands_against_no_step_is_not_told),
    };

    return RUN_TESTS(tests);
}
