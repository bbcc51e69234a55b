/* A run with a window: it waits for it, begins what ends in time, and stops when it closes. */
#include "coordinator/core/run_window.h"

#include <string.h>

#include "common/base/mem.h"
#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

#define GB ((uint64_t)1 << 30)
#define MINUTE 60000
#define HOUR ((int64_t)60 * MINUTE)
#define DAY_BEGIN ((int64_t)20001 * 24 * HOUR)

static struct statement_work index_work = {
    .schema = "public", .table = "orders", .kind = WORK_INDEX};
static struct statement index_statement = {
    .tag = "CREATE INDEX", .works = &index_work, .work_count = 1};
static struct batch some_batch = {.statement = 1};

struct scene {
    struct desk *desk;
    struct digest digest;
    struct run_spec spec;
    struct arena arena;
};

/* One target; three migrations, of which the second makes an index; it is `hour` o'clock. */
static struct scene
scene_make(const char *window, int64_t hour)
{
    struct scene scene = {.desk = desk_new(1)};
    struct error error;

    scene.digest = desk_add_bundle(scene.desk, "auth", 3);
    struct script *up = &scene.desk->bundles[0].manifest.migrations[1].up;
    up->statements = &index_statement;
    up->statement_count = 1;
    desk_add_target(scene.desk, 0, "auth");
    scene.desk->targets[0].table_bytes = GB;
    scene.desk->wall_ms = DAY_BEGIN + hour * HOUR;
    desk_connect_all(scene.desk);
    scene.spec = desk_spec(scene.desk, "auth", &scene.digest);
    assert_true(window_parse(window, 0, &scene.arena, &scene.spec.window, &error));
    return scene;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
    arena_release(&scene->arena);
}

static const struct leg_view *
only_leg(struct scene *scene)
{
    return &desk_status(scene->desk, "last")->run_view.legs[0];
}

static void
nothing_is_begun_before_it_opens(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-04:00", 20);
    desk_run(scene.desk, &scene.spec);
    desk_work_for(scene.desk, HOUR);

    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
    assert_int_equal(only_leg(&scene)->state, LEG_WAITING);
    assert_non_null(strstr(only_leg(&scene)->note, "(22:00-04:00 UTC) until 22:00 UTC, in 59 min"));

    desk_work_for(scene.desk, HOUR + MINUTE);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
}

static void
what_runs_is_stopped_when_it_closes_and_goes_on_in_the_next(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-04:00", 22);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].is_silent = true; /* its agent has them, and works on the first */
    desk_apply(scene.desk, &plan_id);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 3);
    desk_forget(scene.desk);

    desk_pass(scene.desk, 6 * HOUR - MINUTE);
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 0);
    desk_pass(scene.desk, 2 * MINUTE);
    assert_true(desk_count(scene.desk, MESSAGE_CANCEL) >= 3);
    assert_false(desk_last(scene.desk, MESSAGE_CANCEL)->cancel.spare_running);
    desk_lose(scene.desk);
    scene.desk->targets[0].is_silent = false;
    desk_work_for(scene.desk, HOUR); /* nothing of them is left */
    assert_int_equal(scene.desk->targets[0].effect_count, 0);
    assert_non_null(only_leg(&scene)->note);

    desk_work_for(scene.desk, 18 * HOUR);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
    assert_true(desk_has_audit(scene.desk, "window closes", "run 1"));
}

static void
the_window_holds_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-04:00", 20);
    desk_run(scene.desk, &scene.spec);
    desk_restart(scene.desk);
    desk_connect_all(scene.desk);
    desk_work_for(scene.desk, HOUR);
    assert_int_equal(scene.desk->targets[0].effect_count, 0);
    desk_work_for(scene.desk, HOUR + MINUTE);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
}

/* An hour for each GB was measured. */
static void
teach(struct scene *scene)
{
    const struct outcome outcome = {
        .kind = OUTCOME_DONE, .duration_us = (uint64_t)HOUR * 1000, .wal_bytes = GB};
    struct run_spec spec = scene->spec;

    spec.window = (struct window){0};
    spec.to_version = "2";
    scene->desk->targets[0].takes_us = outcome.duration_us;
    desk_run(scene->desk, &spec);
    desk_work(scene->desk);
    assert_int_equal(scene->desk->targets[0].effect_count, 2);
    spec.kind = RUN_DOWN;
    spec.to_version = "0";
    scene->desk->targets[0].takes_us = 0;
    desk_run(scene->desk, &spec);
    desk_work(scene->desk);
    scene->desk->targets[0].effect_count = 0;
}

static void
a_step_is_not_begun_that_would_not_end_in_time(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-04:00", 3);
    teach(&scene);
    desk_work_for(scene.desk, 30 * MINUTE);
    desk_run(scene.desk, &scene.spec);
    desk_work_for(scene.desk, MINUTE);

    assert_int_equal(scene.desk->targets[0].effect_count, 1); /* the small one was */
    assert_non_null(strstr(only_leg(&scene)->note, "until 22:00 UTC"));
    assert_non_null(strstr(only_leg(&scene)->note, "would not end before it closes"));
    desk_work_for(scene.desk, 19 * HOUR);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
}

static void
nor_by_a_coordinator_that_takes_the_run_over(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-04:00", 3);
    teach(&scene);
    desk_work_for(scene.desk, 30 * MINUTE);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].is_silent = true; /* its agent hears of nothing */
    desk_apply(scene.desk, &plan_id);
    desk_restart(scene.desk);
    scene.desk->targets[0].is_silent = false;
    desk_connect_all(scene.desk);
    desk_work_for(scene.desk, MINUTE);

    assert_int_equal(scene.desk->targets[0].effect_count, 1);
    assert_non_null(strstr(only_leg(&scene)->note, "would not end before it closes"));
}

static void
a_step_longer_than_the_window_is_refused_by_the_plan(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-22:30", 3);
    teach(&scene);
    desk_plan(scene.desk, &scene.spec);
    const struct planned *plan = &desk_last(scene.desk, MESSAGE_PLANNED)->planned;
    assert_int_equal(plan->refused_count, 1);
    assert_string_equal(plan->legs[0].fault.code, "E-PLAN-WINDOW");
}

static void
batches_are_begun_in_any_case(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("22:00-22:30", 22);
    struct script *up = &scene.desk->bundles[0].manifest.migrations[1].up;
    up->batches = &some_batch;
    up->batch_count = 1;
    teach(&scene);
    desk_run(scene.desk, &scene.spec);
    desk_work(scene.desk);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
}

/* ---- of a target ----------------------------------------------------------------------------- */

/* A run without a window on two targets, of which the second has one, in a zone of its own. */
static struct scene
scene_make_with_targets(const char *window, int64_t hour)
{
    struct scene scene = scene_make("00:00-00:00", hour);
    struct error error;

    scene.spec.window = (struct window){0};
    desk_add_target(scene.desk, 0, "auth");
    assert_true(
        window_parse(window, DAY_BEGIN, &scene.arena, &scene.desk->targets[1].window, &error));
    desk_connect_all(scene.desk);
    return scene;
}

static void
a_targets_window_holds_for_each_run(void **state)
{
    (void)state;
    /* 2024-10-05, a Saturday: Berlin is two hours ahead. */
    CLEANUP(scene_release)
    struct scene scene = scene_make_with_targets("Sat 22:00-04:00 Europe/Berlin", 18);
    desk_run(scene.desk, &scene.spec);
    desk_work_for(scene.desk, HOUR);

    assert_int_equal(scene.desk->targets[0].effect_count, 3);
    assert_int_equal(scene.desk->targets[1].effect_count, 0);
    const struct leg_view *leg = &desk_status(scene.desk, "last")->run_view.legs[1];
    assert_int_equal(leg->state, LEG_WAITING);
    assert_non_null(strstr(leg->note, "(Sat 22:00-04:00 Europe/Berlin) until 22:00 Europe/Berlin"));
    assert_non_null(strstr(leg->note, "in 59 min"));

    desk_work_for(scene.desk, HOUR + MINUTE);
    assert_int_equal(scene.desk->targets[1].effect_count, 3);
}

static void
what_runs_on_a_target_is_stopped_when_its_own_window_closes(void **state)
{
    (void)state;
    CLEANUP(scene_release)
    struct scene scene = scene_make_with_targets("22:00-04:00 Europe/Berlin", 21);
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].is_silent = scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 6);
    desk_forget(scene.desk);

    desk_pass(scene.desk, 5 * HOUR - MINUTE);
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 0);
    desk_pass(scene.desk, 2 * MINUTE);
    assert_true(desk_count(scene.desk, MESSAGE_CANCEL) >= 3);
    const struct cancel *cancel = &desk_last(scene.desk, MESSAGE_CANCEL)->cancel;
    assert_true(id_equal(&cancel->target_id, &scene.desk->targets[1].id));
    assert_false(cancel->spare_running);
    assert_true(desk_has_audit(scene.desk, "window closes", "t1"));

    desk_lose(scene.desk);
    scene.desk->targets[0].is_silent = scene.desk->targets[1].is_silent = false;
    desk_work_for(scene.desk, HOUR);
    assert_int_equal(scene.desk->targets[0].effect_count, 3);
    assert_int_equal(scene.desk->targets[1].effect_count, 0);
    desk_work_for(scene.desk, 18 * HOUR);
    assert_int_equal(scene.desk->targets[1].effect_count, 3);
}

static void
a_targets_window_holds_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(scene_release)
    struct scene scene = scene_make_with_targets("22:00-04:00 Europe/Berlin", 18);
    desk_run(scene.desk, &scene.spec);
    desk_restart(scene.desk);
    desk_connect_all(scene.desk);
    desk_work_for(scene.desk, HOUR);
    assert_int_equal(scene.desk->targets[1].effect_count, 0);
    desk_work_for(scene.desk, HOUR + MINUTE);
    assert_int_equal(scene.desk->targets[1].effect_count, 3);
}

static void
a_target_goes_on_when_its_agent_says_that_its_window_is_gone(void **state)
{
    (void)state;
    CLEANUP(scene_release)
    struct scene scene = scene_make_with_targets("22:00-04:00 Europe/Berlin", 10);
    desk_run(scene.desk, &scene.spec);
    desk_work_for(scene.desk, HOUR);
    assert_int_equal(scene.desk->targets[1].effect_count, 0);

    scene.desk->targets[1].window = (struct window){0};
    desk_report(scene.desk, 1);
    desk_work_for(scene.desk, MINUTE);
    assert_int_equal(scene.desk->targets[1].effect_count, 3);
}

static void
both_windows_hold(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make_with_targets("22:00-04:00", 21);
    struct error error;
    assert_true(window_parse("23:00-05:00", 0, &scene.arena, &scene.spec.window, &error));
    desk_run(scene.desk, &scene.spec);
    desk_work_for(scene.desk, HOUR + 30 * MINUTE);
    assert_int_equal(scene.desk->targets[1].effect_count, 0);
    desk_work_for(scene.desk, HOUR);
    assert_int_equal(scene.desk->targets[1].effect_count, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_begun_before_it_opens),
        cmocka_unit_test(what_runs_is_stopped_when_it_closes_and_goes_on_in_the_next),
        cmocka_unit_test(the_window_holds_after_a_restart),
        cmocka_unit_test(a_step_is_not_begun_that_would_not_end_in_time),
        cmocka_unit_test(nor_by_a_coordinator_that_takes_the_run_over),
        cmocka_unit_test(a_step_longer_than_the_window_is_refused_by_the_plan),
        cmocka_unit_test(batches_are_begun_in_any_case),
        cmocka_unit_test(a_targets_window_holds_for_each_run),
        cmocka_unit_test(what_runs_on_a_target_is_stopped_when_its_own_window_closes),
        cmocka_unit_test(a_targets_window_holds_after_a_restart),
        cmocka_unit_test(a_target_goes_on_when_its_agent_says_that_its_window_is_gone),
        cmocka_unit_test(both_windows_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
