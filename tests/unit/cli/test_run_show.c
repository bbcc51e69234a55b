#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "coordinator/cli/milestone.h"
#include "coordinator/cli/run_show.h"
#include "tests/support/unit.h"
#include "tests/unit/cli/pictures.h"

static struct wave_view waves[] = {
    {.target_count = 1, .done_count = 1, .step_count = 10, .step_done_count = 10},
    {.target_count = 24,
     .done_count = 14,
     .failed_count = 1,
     .running_count = 2,
     .step_count = 240,
     .step_done_count = 155},
    {.target_count = 75, .step_count = 750},
};

static const struct leg_view failing[] = {
    {.target = "audit-eu-1",
     .service = "audit",
     .wave = 2,
     .state = LEG_FAILED,
     .done_count = 3,
     .step_count = 10,
     .version = "0007",
     .attempt = 1,
     .fault = {.code = "E-SQL",
               .text = "column \"nmae\" does not exist; rolled back",
               .where = "0007_add_name.up.sql:12:7",
               .sqlstate = "42703"}},
};

static const struct leg_view open_legs[] = {
    {.target = "auth-eu-1",
     .service = "auth",
     .wave = 2,
     .state = LEG_RUNNING,
     .done_count = 6,
     .step_count = 10,
     .version = "0007",
     .attempt = 2,
     .note = "waits for pid 4711"},
    {.target = "auth-eu-2",
     .service = "auth",
     .wave = 2,
     .state = LEG_RUNNING,
     .done_count = 9,
     .step_count = 10,
     .version = "0010",
     .attempt = 1,
     .unreachable_ms = 12000},
    {.target = "auth-eu-3", .service = "auth", .wave = 3, .state = LEG_WAITING, .step_count = 10},
};

static struct run_view
a_run(void)
{
    return (struct run_view){
        .number = 12,
        .kind = RUN_UP,
        .state = RUN_RUNNING,
        .why = "",
        .services = "auth, audit",
        .select = "env=prod",
        .operator_name = "alice",
        .started_wall_ms = 1769860805000,
        .elapsed_ms = 80000,
        .left_ms = 40000,
        .waves = waves,
        .wave_count = 3,
        .leg_total = 1,
    };
}

static struct run_picture
a_picture(const struct run_view *run)
{
    return (struct run_picture){
        .run = run,
        .failing = failing,
        .failing_count = 1,
        .failing_total = 1,
        .open = open_legs,
        .open_count = 3,
        .running_max = 20,
        .failing_max = 20,
    };
}

static void
draws_the_whole_run(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);
    struct terminal terminal = wide_terminal(80);
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    run_render(&picture, &terminal, &out);
    assert_string_equal(
        text_of(&out),
        "run 12  up  auth, audit  env=prod  running\n"
        "  begun 2026-01-31 12:00:05 by alice, for 1m 20s, about 40 s left\n"
        "\n"
        "  wave 1   █████████████████████████████████████    1/1  done\n"
        "  wave 2   ████████████████████████·············  14/24  2 running, 1 failed\n"
        "  wave 3   ·····································   0/75  waiting\n"
        "\n"
        "  running    migration   step\n"
        "  auth-eu-1  0007        7/10  try 2, waits for pid 4711\n"
        "  auth-eu-2  0010       10/10  agent silent for 12s\n"
        "\n"
        "  failed\n"
        "    audit-eu-1: E-SQL: column \"nmae\" does not exist; rolled back\n"
        "      0007_add_name.up.sql:12:7  SQLSTATE 42703\n");
}

static void
says_first_what_is_to_be_known_of_the_coordinator(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);
    struct terminal terminal = wide_terminal(60);
    CLEANUP(text_release) struct text out = {0};
    static const char begin[] = "nothing runs, the store is only shown: E-STORE-CORRUPT: ";

    (void)state;
    run.notice = "nothing runs, the store is only shown: E-STORE-CORRUPT: the store is damaged";
    run_render(&picture, &terminal, &out);
    assert_memory_equal(begin, text_of(&out), sizeof begin - 1);
    json_t *object = run_json(&run, NULL, 0);
    assert_string_equal(run.notice, json_string_value(json_object_get(object, "notice")));
    json_decref(object);
    run.notice = NULL;
    object = run_json(&run, NULL, 0);
    assert_true(json_is_null(json_object_get(object, "notice")));
    json_decref(object);
}

static void
is_never_wider_than_the_terminal(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);

    (void)state;
    picture.silent_ms = 5000;
    run.rollback_number = 13;
    run.notice = "nothing runs, the store is only shown: E-STORE-CORRUPT: the store is damaged";
    run.state = RUN_HALTED;
    run.why = "more targets have failed than its budget allows, and this sentence is far too long "
              "for any terminal that people use";
    for (size_t width = 60; width <= 200; width += 7) {
        struct terminal terminal = wide_terminal(width);
        CLEANUP(text_release) struct text out = {0};
        run_render(&picture, &terminal, &out);
        run_render_legs(open_legs, 3, &terminal, &out);
        if (widest_line(text_of(&out)) > width) {
            fail_msg("%zu columns:\n%s", width, text_of(&out));
        }
    }
}

static void
names_what_runs_and_what_has_failed(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    run_render(&picture, &terminal, &out);
    assert_non_null(strstr(text_of(&out), "auth-eu-1  0007"));
    assert_non_null(strstr(text_of(&out), "try 2"));
    assert_non_null(strstr(text_of(&out), "agent silent for 12s"));
    assert_null(strstr(text_of(&out), "auth-eu-3"));
    assert_non_null(strstr(text_of(&out), "audit-eu-1: E-SQL: column \"nmae\" does not exist"));
    assert_non_null(strstr(text_of(&out), "0007_add_name.up.sql:12:7"));
    assert_non_null(strstr(text_of(&out), "42703"));
}

static void
says_how_many_more_there_are(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    picture.running_max = 1;
    picture.failing_total = 1200;
    run_render(&picture, &terminal, &out);
    assert_non_null(strstr(text_of(&out), "and 1 more running"));
    assert_non_null(strstr(text_of(&out), "and 1,199 more failed"));
}

static void
tells_how_it_ended(void **state)
{
    struct run_view run = a_run();
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    run.state = RUN_FAILED;
    run_render_end(&run, &terminal, &out);
    assert_string_equal(text_of(&out), "run 12: failed, 15 of 100 targets, 1 failed, 1m 20s\n"
                                       "  skein log 12 --failing  shows every error in full\n");
    assert_true(run_view_has_ended(&run));
    run.state = RUN_HALTED;
    assert_false(run_view_has_ended(&run));
}

static void
has_all_of_it_as_json(void **state)
{
    struct run_view run = a_run();
    json_t *object = run_json(&run, failing, 1);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(object, "number")), 12);
    assert_string_equal(json_string_value(json_object_get(object, "state")), "running");
    assert_int_equal(json_integer_value(json_object_get(object, "targets")), 100);
    assert_int_equal(json_array_size(json_object_get(object, "waves")), 3);
    const json_t *leg = json_array_get(json_object_get(object, "legs"), 0);
    assert_string_equal(json_string_value(json_object_get(leg, "target")), "audit-eu-1");
    const json_t *error = json_object_get(leg, "error");
    assert_string_equal(json_string_value(json_object_get(error, "sqlstate")), "42703");
    json_decref(object);
}

/* Everything that milestones say, in a file. */
static char *
told(struct milestones *milestones, const struct run_picture *picture)
{
    char *content = NULL;
    size_t size = 0;
    struct terminal terminal = pipe_terminal();

    terminal.out = open_memstream(&content, &size);
    assert_non_null(terminal.out);
    milestones_tell(milestones, picture, &terminal);
    fclose(terminal.out);
    return content;
}

static void
says_every_milestone_once(void **state)
{
    struct run_view run = a_run();
    struct run_picture picture = a_picture(&run);
    struct milestones milestones = {0};

    (void)state;
    CLEANUP(mem_free) char *first = told(&milestones, &picture);
    assert_string_equal(
        first, "   1m 20s  run 12: running, 100 targets in 3 waves\n"
               "   1m 20s  failed: audit-eu-1: E-SQL: column \"nmae\" does not exist; rolled back "
               "(0007_add_name.up.sql:12:7)\n"
               "   1m 20s  wave 1: begun, 1 target\n"
               "   1m 20s  wave 1: ended, 1 done\n"
               "   1m 20s  wave 2: begun, 24 targets\n");
    CLEANUP(mem_free) char *again = told(&milestones, &picture);
    assert_string_equal(again, "");
    run.state = RUN_HALTED;
    run.why = "more targets have failed than its budget allows";
    CLEANUP(mem_free) char *halted = told(&milestones, &picture);
    assert_string_equal(halted, "   1m 20s  halted: more targets have failed than its budget "
                                "allows\n");
    picture.silent_ms = 1;
    CLEANUP(mem_free) char *silent = told(&milestones, &picture);
    assert_string_equal(silent, "   1m 20s  the coordinator does not answer; waiting for it\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_whole_run),
        cmocka_unit_test(says_first_what_is_to_be_known_of_the_coordinator),
        cmocka_unit_test(is_never_wider_than_the_terminal),
        cmocka_unit_test(names_what_runs_and_what_has_failed),
        cmocka_unit_test(says_how_many_more_there_are),
        cmocka_unit_test(tells_how_it_ended),
        cmocka_unit_test(has_all_of_it_as_json),
        cmocka_unit_test(says_every_milestone_once),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    tzset();
    return RUN_TESTS(tests);
}
