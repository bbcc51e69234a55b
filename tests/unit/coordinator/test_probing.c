#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/*
 * A target of "auth" and a bundle of three; the second is to go in batches. The plan is asked for,
 * and the survey not answered yet.
 */
struct scene {
    struct desk *desk;
    struct digest digest;
    struct statement statements[3];
    struct batch batch;
    const char *last_tag; /* of the third's statement; null: UPDATE */
};

static void
plan(struct scene *scene, struct run_spec spec)
{
    struct message message = {.type = MESSAGE_PLAN};

    scene->desk->targets[0].is_silent = true;
    message.plan.spec = spec;
    desk_ask(scene->desk, DESK_OPERATOR, message);
}

static void
scene_make(struct scene *scene, const char *first_tag)
{
    scene->desk = desk_new(1);
    scene->digest = desk_add_bundle(scene->desk, "auth", 3);
    struct migration *migrations = scene->desk->bundles[0].manifest.migrations;
    scene->batch = (struct batch){.statement = 1, .subject = {.table = "users", .changed = "x"}};
    for (size_t i = 0; i < 3; i++) {
        scene->statements[i] = (struct statement){.line = 2, .column = 1, .tag = "UPDATE"};
        migrations[i].up.statements = migrations[i].down.statements = &scene->statements[i];
        migrations[i].up.statement_count = migrations[i].down.statement_count = 1;
    }
    scene->statements[0].tag = first_tag;
    scene->statements[2].tag = scene->last_tag ? scene->last_tag : "UPDATE";
    migrations[1].up.batches = migrations[1].down.batches = &scene->batch;
    migrations[1].up.batch_count = migrations[1].down.batch_count = 1;
    desk_add_target(scene->desk, 0, "auth");
    desk_connect_all(scene->desk);
}

static void
scene_begin(struct scene *scene, const char *first_tag)
{
    scene_make(scene, first_tag);
    plan(scene, desk_spec(scene->desk, "auth", &scene->digest));
}

/* All three are applied, and the way back of all is asked for. */
static void
scene_begin_back(struct scene *scene, const char *first_tag)
{
    struct run_spec spec;

    scene_make(scene, first_tag);
    spec = desk_spec(scene->desk, "auth", &scene->digest);
    spec.kind = RUN_DOWN;
    spec.to_version = "0";
    plan(scene, spec);
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

/* The survey is answered with one verdict; what is planned then. */
static const struct planned *
answer_when(struct scene *scene, size_t applied_count, const char *code, bool is_warning)
{
    const struct survey *survey = &desk_last(scene->desk, MESSAGE_SURVEY)->survey;
    struct applied applied[] = {{"1", {1}}, {"2", {2}}, {"3", {3}}};
    struct batch_verdict verdict = {
        .version = "2", .is_warning = is_warning, .fault = {.code = code, .text = "a reason"}};
    struct message message = {.type = MESSAGE_SURVEYED};

    message.surveyed = (struct surveyed){.survey_id = survey->survey_id,
                                         .target_id = survey->target_id,
                                         .succeeded = true,
                                         .applied = applied,
                                         .applied_count = applied_count,
                                         .verdicts = &verdict,
                                         .verdict_count = 1};
    desk_hear(scene->desk, 0, message);
    return &desk_last(scene->desk, MESSAGE_PLANNED)->planned;
}

static const struct planned *
answer(struct scene *scene, const char *code, bool is_warning)
{
    return answer_when(scene, 0, code, is_warning);
}

static void
a_target_is_asked_about_batches(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "UPDATE");

    const struct survey *survey = &desk_last(scene.desk, MESSAGE_SURVEY)->survey;
    assert_int_equal(survey->probe_count, 1);
    assert_string_equal(survey->probes[0].version, "2");
    assert_string_equal(survey->probes[0].path, "2_change.up.sql");
    assert_string_equal(survey->probes[0].subject.table, "users");
    assert_string_equal(survey->probes[0].subject.changed, "x");
    assert_int_equal(survey->probes[0].line, 2);
}

static void
what_its_catalog_says_refuses_the_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "UPDATE");
    const struct planned *planned = answer(&scene, "E-BATCH-KEY", false);
    assert_true(planned->is_ready);
    assert_int_equal(planned->refused_count, 1);
    assert_string_equal(planned->legs[0].fault.code, "E-BATCH-KEY");
}

static void
what_a_migration_before_it_may_mend_is_a_note(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "ALTER TABLE");
    const struct planned *planned = answer(&scene, "E-BATCH-KEY", false);
    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->step_count, 3);
    assert_string_equal(planned->legs[0].note,
                        "2: a reason (E-BATCH-KEY), unless what comes before "
                        "it in the plan changes that");
}

static void
a_table_that_is_made_before_it_is_not_missed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "CREATE TABLE");
    const struct planned *planned = answer(&scene, "E-BATCH-TABLE", false);
    assert_int_equal(planned->refused_count, 0);
    assert_null(planned->legs[0].note);
}

static void
a_warning_is_a_note(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "UPDATE");
    const struct planned *planned = answer(&scene, "E-BATCH-KEY-MOVED", true);
    assert_int_equal(planned->refused_count, 0);
    assert_string_equal(planned->legs[0].note, "2: a reason (E-BATCH-KEY-MOVED)");
}

static void
what_is_of_no_step_is_not_heard(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin(&scene, "UPDATE");
    const struct planned *planned = answer_when(&scene, 2, "E-BATCH-KEY", false);
    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->step_count, 1);
    assert_null(planned->legs[0].note);
}

/* ---- the way back ---------------------------------------------------------------------------- */

static void
assert_asked_back(const struct scene *scene)
{
    const struct survey *survey = &desk_last(scene->desk, MESSAGE_SURVEY)->survey;

    assert_int_equal(survey->probe_count, 1);
    assert_string_equal(survey->probes[0].version, "2");
    assert_true(survey->probes[0].is_down);
}

static void
the_way_back_is_asked_about_and_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_begin_back(&scene, "ALTER TABLE"); /* which is undone behind it */
    assert_asked_back(&scene);
    const struct planned *planned = answer_when(&scene, 3, "E-BATCH-KEY", false);
    assert_int_equal(planned->refused_count, 1);
    assert_string_equal(planned->legs[0].fault.code, "E-BATCH-KEY");
}

static void
what_is_undone_before_it_may_mend_it(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {.last_tag = "ALTER TABLE"};

    scene_begin_back(&scene, "UPDATE");
    const struct planned *planned = answer_when(&scene, 3, "E-BATCH-KEY", false);
    assert_int_equal(planned->refused_count, 0);
    assert_int_equal(planned->step_count, 3);
    assert_non_null(strstr(planned->legs[0].note, "unless what comes before"));
}

static void
what_undoes_a_run_is_asked_about(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = {0};

    scene_make(&scene, "UPDATE");
    struct run_spec spec = desk_spec(scene.desk, "auth", &scene.digest);
    uint64_t number = desk_run(scene.desk, &spec);
    desk_work(scene.desk);
    spec = (struct run_spec){.kind = RUN_DOWN,
                             .undo_run_id = desk_stored_run(scene.desk, number)->run_id,
                             .parallel = 100};
    plan(&scene, spec);
    assert_asked_back(&scene);
    const struct planned *planned = answer_when(&scene, 3, "E-BATCH-VIEW", false);
    assert_int_equal(planned->refused_count, 1);
    assert_string_equal(planned->legs[0].fault.code, "E-BATCH-VIEW");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_asked_about_batches),
        cmocka_unit_test(what_its_catalog_says_refuses_the_target),
        cmocka_unit_test(what_a_migration_before_it_may_mend_is_a_note),
        cmocka_unit_test(a_table_that_is_made_before_it_is_not_missed),
        cmocka_unit_test(a_warning_is_a_note),
        cmocka_unit_test(what_is_of_no_step_is_not_heard),
        cmocka_unit_test(the_way_back_is_asked_about_and_refused),
        cmocka_unit_test(what_is_undone_before_it_may_mend_it),
        cmocka_unit_test(what_undoes_a_run_is_asked_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
