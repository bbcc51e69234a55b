#include "coordinator/core/forecast.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

#define MIGRATIONS 8

/* A bundle with migrations "1" … "8", number 5 without a way back, and a history. */
struct scene {
    struct known_bundle *bundles, *bundle;
    struct history *histories;
    struct arena arena;
    struct forecast forecast;
    struct error error;
};

static void
scene_release(struct scene *scene)
{
    histories_release(&scene->histories);
    known_bundles_sweep(&scene->bundles, 0);
    arena_release(&scene->arena);
}

static struct scene
scene_make(void)
{
    static const char *const versions[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    struct migration migrations[MIGRATIONS] = {0};
    struct manifest manifest = {
        .service = "auth", .migrations = migrations, .migration_count = MIGRATIONS};
    struct scene scene = {0};

    for (size_t i = 0; i < MIGRATIONS; i++) {
        migrations[i].version = versions[i];
        migrations[i].name = "change";
        migrations[i].has_up = true;
        migrations[i].has_down = i != 4;
        migrations[i].up.path = "auth/change.up.sql";
        migrations[i].up.checksum[0] = (uint8_t)(i + 1);
    }
    migrations[6].irreversible = "rows are gone";
    scene.bundle = known_bundle_learn(&scene.bundles, &(struct digest){{1}}, &manifest);
    return scene;
}

/* "123": applied in this order, each with the checksum of the bundle. */
static const struct history *
history_of(struct scene *scene, const char *applied)
{
    struct applied list[16] = {0};
    size_t count = strlen(applied);

    for (size_t i = 0; i < count; i++) {
        list[i].version = arena_format(&scene->arena, "%c", applied[i]);
        list[i].checksum[0] = (uint8_t)(applied[i] - '0');
    }
    return history_intern(&scene->histories, list, count);
}

static bool
up(struct scene *scene, const char *applied, const struct forecast_wish *wish)
{
    return forecast_up(scene->bundle, history_of(scene, applied), wish, &scene->arena,
                       &scene->forecast, &scene->error);
}

static bool
down(struct scene *scene, const char *applied, const char *to_version)
{
    struct forecast_wish wish = {.to_version = to_version};
    return forecast_down(scene->bundle, history_of(scene, applied), &wish, &scene->arena,
                         &scene->forecast, &scene->error);
}

/* The steps' versions in a row: "321". */
static const char *
steps(struct scene *scene)
{
    const char *text = "";

    for (size_t i = 0; i < scene->forecast.draft.step_count; i++) {
        text = arena_format(&scene->arena, "%s%s", text, scene->forecast.draft.steps[i].version);
    }
    return text;
}

static void
up_takes_what_is_not_applied_in_order(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(up(&scene, "123", &(struct forecast_wish){.to_version = "6"}));

    assert_string_equal(steps(&scene), "456");
    assert_string_equal(scene.forecast.draft.from_version, "3");
    assert_string_equal(scene.forecast.draft.to_version, "6");
    assert_null(scene.forecast.note);
}

static void
up_from_nothing_takes_everything(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(up(&scene, "", &(struct forecast_wish){0}));

    assert_string_equal(steps(&scene), "12345678");
    assert_null(scene.forecast.draft.from_version);
}

static void
up_to_where_it_is_takes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(up(&scene, "12345678", &(struct forecast_wish){0}));
    assert_string_equal(steps(&scene), "");
    assert_string_equal(scene.forecast.draft.to_version, "8");

    assert_true(up(&scene, "123", &(struct forecast_wish){.to_version = "2"}));
    assert_string_equal(steps(&scene), "");
}

static void
a_file_that_changed_after_it_was_applied_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct applied applied[] = {{"1", {1}}, {"2", {77}}};
    const struct history *history = history_intern(&scene.histories, applied, 2);

    assert_false(forecast_up(scene.bundle, history, &(struct forecast_wish){0}, &scene.arena,
                             &scene.forecast, &scene.error));

    assert_string_equal(scene.error.code, "E-MIG-CHECKSUM");
    assert_string_equal(scene.error.where, "auth/change.up.sql");
    assert_non_null(strstr(scene.error.found, "02"));
    assert_non_null(strstr(scene.error.found, "recorded 4d"));
}

static void
a_version_below_the_newest_applied_is_refused_unless_allowed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_false(up(&scene, "124", &(struct forecast_wish){0}));
    assert_string_equal(scene.error.code, "E-MIG-ORDER");

    assert_true(
        up(&scene, "124", &(struct forecast_wish){.out_of_order = true, .to_version = "5"}));
    assert_string_equal(steps(&scene), "35");
}

/* The same, with number 8 repeatable. */
static void
make_last_repeatable(struct scene *scene)
{
    scene->bundle->migrations[MIGRATIONS - 1].is_repeatable = true;
}

static void
a_repeatable_migration_is_taken_again_when_it_has_changed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    make_last_repeatable(&scene);
    struct applied applied[] = {{"1", {1}}, {"2", {2}}, {"8", {77}}};
    const struct history *history = history_intern(&scene.histories, applied, 3);

    assert_true(forecast_up(scene.bundle, history, &(struct forecast_wish){0}, &scene.arena,
                            &scene.forecast, &scene.error));
    assert_string_equal(steps(&scene), "345678");

    assert_true(up(&scene, "128", &(struct forecast_wish){0}));
    assert_string_equal(steps(&scene), "34567"); /* and nothing is out of order */
}

static void
a_repeatable_migration_stays_when_others_are_taken_back(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    make_last_repeatable(&scene);

    assert_true(down(&scene, "1234", "2"));
    assert_string_equal(steps(&scene), "43");
    assert_true(down(&scene, "12384", "2"));
    assert_string_equal(steps(&scene), "43");
}

static void
what_the_bundle_does_not_know_is_noted(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(up(&scene, "129", &(struct forecast_wish){.to_version = "3"}));
    assert_string_equal(scene.forecast.note, "1 applied version is not in the bundle: 9");
    assert_string_equal(steps(&scene), "3");
}

static void
many_unknown_versions_are_not_all_named(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(up(&scene, "abcdefg", &(struct forecast_wish){.to_version = "1"}));
    assert_string_equal(scene.forecast.note,
                        "7 applied versions are not in the bundle: a, b, c, d, e and 2 more");
}

static void
a_run_that_may_roll_back_needs_ways_back(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct forecast_wish wish = {.must_have_way_back = true, .to_version = "4"};

    assert_true(up(&scene, "", &wish));
    wish.to_version = NULL;
    assert_false(up(&scene, "", &wish));
    assert_string_equal(scene.error.code, "E-MIG-NO-DOWN");
    assert_non_null(strstr(scene.error.text, "5 (no down), 7 (rows are gone)"));
}

static void
down_undoes_what_is_above_in_reverse(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(down(&scene, "1234", "2"));

    assert_string_equal(steps(&scene), "43");
    assert_string_equal(scene.forecast.draft.from_version, "4");
    assert_string_equal(scene.forecast.draft.to_version, "2");
}

static void
down_to_zero_undoes_everything(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(down(&scene, "1324", "0"));

    assert_string_equal(steps(&scene), "4231");
    assert_null(scene.forecast.draft.to_version);
}

static void
down_refuses_what_has_no_way_back(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_false(down(&scene, "12345", "3"));
    assert_string_equal(scene.error.code, "E-MIG-NO-DOWN");
    assert_false(down(&scene, "12367", "3"));
    assert_non_null(strstr(scene.error.text, "rows are gone"));
}

static void
down_refuses_what_the_bundle_does_not_know(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_false(down(&scene, "1239", "2"));
    assert_string_equal(scene.error.code, "E-MIG-MISSING");
    assert_true(down(&scene, "9123", "2"));
    assert_string_equal(steps(&scene), "3");
}

static void
down_refuses_a_file_that_has_changed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct applied applied[] = {{"1", {1}}, {"2", {77}}};
    const struct history *history = history_intern(&scene.histories, applied, 2);

    assert_false(forecast_down(scene.bundle, history, &(struct forecast_wish){.to_version = "1"},
                               &scene.arena, &scene.forecast, &scene.error));
    assert_string_equal(scene.error.code, "E-MIG-CHECKSUM");
}

static bool
undo(struct scene *scene, const char *applied, const char *done)
{
    struct leg_step list[16];
    size_t count = strlen(done);

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct leg_step){arena_format(&scene->arena, "%c", done[i]), "change", {{1}}};
    }
    return forecast_undo(scene->bundles, history_of(scene, applied), list, count, &scene->arena,
                         &scene->forecast, &scene->error);
}

static void
undo_takes_back_exactly_what_was_done(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(undo(&scene, "1234", "34"));

    assert_string_equal(steps(&scene), "43");
    assert_string_equal(scene.forecast.draft.to_version, "2");
    assert_null(scene.forecast.note);
}

static void
undo_leaves_out_what_is_undone_already(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_true(undo(&scene, "123", "34"));
    assert_string_equal(steps(&scene), "3");
    assert_string_equal(scene.forecast.note, "1 of its steps is undone already");

    assert_true(undo(&scene, "12", "34"));
    assert_string_equal(steps(&scene), "");
}

static void
undo_refuses_when_something_was_applied_on_top(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_false(undo(&scene, "12346", "34"));
    assert_string_equal(scene.error.code, "E-MIG-ORDER");
    assert_non_null(strstr(scene.error.text, "6 was applied"));
}

static void
undo_refuses_without_a_way_back_or_a_bundle(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct leg_step foreign = {"4", "change", {{9}}};

    assert_false(undo(&scene, "12345", "5"));
    assert_string_equal(scene.error.code, "E-MIG-NO-DOWN");
    assert_false(forecast_undo(scene.bundles, history_of(&scene, "1234"), &foreign, 1, &scene.arena,
                               &scene.forecast, &scene.error));
    assert_string_equal(scene.error.code, "E-MIG-MISSING");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_takes_what_is_not_applied_in_order),
        cmocka_unit_test(up_from_nothing_takes_everything),
        cmocka_unit_test(up_to_where_it_is_takes_nothing),
        cmocka_unit_test(a_file_that_changed_after_it_was_applied_is_refused),
        cmocka_unit_test(a_version_below_the_newest_applied_is_refused_unless_allowed),
        cmocka_unit_test(a_repeatable_migration_is_taken_again_when_it_has_changed),
        cmocka_unit_test(a_repeatable_migration_stays_when_others_are_taken_back),
        cmocka_unit_test(what_the_bundle_does_not_know_is_noted),
        cmocka_unit_test(many_unknown_versions_are_not_all_named),
        cmocka_unit_test(a_run_that_may_roll_back_needs_ways_back),
        cmocka_unit_test(down_undoes_what_is_above_in_reverse),
        cmocka_unit_test(down_to_zero_undoes_everything),
        cmocka_unit_test(down_refuses_what_has_no_way_back),
        cmocka_unit_test(down_refuses_what_the_bundle_does_not_know),
        cmocka_unit_test(down_refuses_a_file_that_has_changed),
        cmocka_unit_test(undo_takes_back_exactly_what_was_done),
        cmocka_unit_test(undo_leaves_out_what_is_undone_already),
        cmocka_unit_test(undo_refuses_when_something_was_applied_on_top),
        cmocka_unit_test(undo_refuses_without_a_way_back_or_a_bundle),
    };
    return RUN_TESTS(tests);
}
