#include <locale.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/plan_show.h"
#include "tests/support/unit.h"
#include "tests/unit/cli/pictures.h"

static struct plan_leg legs[] = {
    {.target = "auth-eu-1",
     .service = "auth",
     .wave = 1,
     .from_version = NULL,
     .to_version = "0003",
     .step_count = 3,
     .first_version = "0001"},
    {.target = "auth-eu-2",
     .service = "auth",
     .wave = 2,
     .from_version = "0002",
     .to_version = "0003",
     .step_count = 1,
     .first_version = "0003"},
    {.target = "auth-eu-3", .service = "auth", .from_version = "0003", .to_version = "0003"},
    {.target = "auth-us-1",
     .service = "auth",
     .fault = {.code = "E-MIG-CHECKSUM",
               .text = "migration 0001 was changed after it was applied",
               .where = "0001_users.up.sql",
               .hint = "restore the file, or write a new migration"}},
};

static struct planned
a_plan(void)
{
    return (struct planned){
        .is_ready = true,
        .kind = RUN_UP,
        .target_count = 4,
        .step_count = 4,
        .wave_count = 2,
        .refused_count = 1,
        .parallel = 8,
        .legs = legs,
        .leg_count = 4,
    };
}

static void
shows_every_wave_and_who_cannot_take_part(void **state)
{
    struct planned planned = a_plan();
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    plan_render(&planned, &terminal, 20, &out);
    assert_string_equal(
        text_of(&out),
        "2 targets, 4 steps, 2 waves, 8 at a time\n"
        "1 target is there already\n"
        "\n"
        "wave 1  1 target\n"
        "  target     service  from     to    steps\n"
        "  auth-eu-1  auth     nothing  0003      3\n"
        "\n"
        "wave 2  1 target\n"
        "  target     service  from  to    steps\n"
        "  auth-eu-2  auth     0002  0003      1\n"
        "\n"
        "cannot take part  1 target\n"
        "  auth-us-1\n"
        "    error[E-MIG-CHECKSUM]: migration 0001 was changed after it was applied\n"
        "      where: 0001_users.up.sql\n"
        "      hint:  restore the file, or write a new migration\n");
}

static void
ends_with_the_gravest_reason_not_with_the_first(void **state)
{
    struct plan_leg many[] = {
        {.target = "fine"},
        {.target = "away", .fault = {.code = "E-TARGET-UNREACHABLE"}},
        {.target = "busy", .fault = {.code = "E-TARGET-BUSY"}},
        {.target = "changed", .fault = {.code = "E-MIG-CHECKSUM"}},
        {.target = "changed too", .fault = {.code = "E-MIG-CHECKSUM"}},
        {.target = "busy too", .fault = {.code = "E-TARGET-BUSY"}},
    };
    struct planned planned = {.legs = many};

    (void)state;
    assert_null(plan_gravest(&planned));
    planned.leg_count = 1;
    assert_null(plan_gravest(&planned));
    planned.leg_count = 2;
    assert_string_equal(plan_gravest(&planned)->target, "away");
    planned.leg_count = 3;
    assert_string_equal(plan_gravest(&planned)->target, "busy");
    planned.leg_count = 6;
    assert_string_equal(plan_gravest(&planned)->target, "changed");
}

static void
shows_the_first_of_many(void **state)
{
    struct plan_leg many[50];
    struct planned planned = a_plan();
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        many[i] = legs[0];
    }
    planned.legs = many;
    planned.leg_count = planned.target_count = 50;
    planned.refused_count = 0;
    plan_render(&planned, &terminal, 20, &out);
    assert_non_null(strstr(text_of(&out), "and 30 more (--all shows them)"));
}

static void
shows_once_what_a_preflight_finds_at_many_targets(void **state)
{
    struct obstacle obstacles[] = {
        {"wraparound", POLICY_HOLD, "0002", false, "autovacuum works on users", "let it finish"},
        {"slots", POLICY_WARN, NULL, false, "the slot old holds 12000 MiB", NULL}};
    struct obstacle late = {
        "rights", POLICY_REFUSE, "0003", true, "app does not own users", "GRANT owner TO app"};
    struct plan_leg found[] = {legs[0], legs[1], legs[0], legs[0]};
    struct planned planned = a_plan();
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    found[0].obstacles = obstacles;
    found[0].obstacle_count = 2;
    found[2].target = "auth-eu-9";
    found[2].obstacles = &obstacles[1];
    found[2].obstacle_count = 1;
    found[3].target = "late";
    found[3].obstacles = &late;
    found[3].obstacle_count = 1;
    planned.legs = found;
    planned.leg_count = 4;
    planned.refused_count = 0;
    plan_render(&planned, &terminal, 20, &out);
    assert_non_null(strstr(text_of(&out),
                           "\nwhat the preflight would find now\n"
                           "  refuses  late, migration 0003: app does not own users, unless what "
                           "comes before it changes that\n"
                           "           GRANT owner TO app\n"
                           "  holds    auth-eu-1, migration 0002: autovacuum works on users\n"
                           "           let it finish\n"
                           "  warns    auth-eu-1 and 1 more: the slot old holds 12000 MiB\n"));

    text_clear(&out);
    plan_render(&planned, &terminal, 1, &out);
    assert_null(strstr(text_of(&out), "holds"));
    assert_non_null(strstr(text_of(&out), "GRANT owner TO app\n    and 2 more (--all"));
}

static void
says_that_there_is_nothing_to_do(void **state)
{
    struct planned planned = a_plan();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    planned.refused_count = 0;
    planned.target_count = 100;
    plan_render_nothing(&planned, &out);
    assert_string_equal(text_of(&out), "nothing to do: 100 targets are there already\n");
}

static void
stays_within_the_terminal(void **state)
{
    struct planned planned = a_plan();

    (void)state;
    legs[1].to_version = "20250810120000_a_version_that_is_as_long_as_some_people_like_them_to_be";
    for (size_t width = 50; width < 140; width += 9) {
        struct terminal terminal = wide_terminal(width);
        CLEANUP(text_release) struct text out = {0};
        plan_render(&planned, &terminal, 20, &out);
        assert_true(widest_line(text_of(&out)) <= width);
    }
    legs[1].to_version = "0003";
}

/* ---- SQL ----------------------------------------------------------------------------------- */

static const char content[] = "CREATE TABLE a();\n"
                              "CREATE TABLE b();"
                              "CREATE TABLE c();\n"
                              "DROP TABLE c;\n";

static struct migration
a_migration(const char *version, const char *path, uint64_t offset, uint64_t size)
{
    return (struct migration){
        .version = version, .has_up = true, .up = {.path = path, .offset = offset, .size = size}};
}

static void
shows_the_sql_that_is_taken_once_each(void **state)
{
    struct migration migrations[] = {a_migration("0001", "0001_a.up.sql", 0, 18),
                                     a_migration("0002", "0002_b.up.sql", 18, 17),
                                     a_migration("0003", "0003_c.up.sql", 35, 18)};
    struct bundle bundle = {
        .manifest = {.service = "auth", .migrations = migrations, .migration_count = 3},
        .content = content,
        .content_size = sizeof content - 1};
    struct bundle *bundles[] = {&bundle};
    struct rollout rollout = {.services = {.bundles = bundles, .count = 1}, .planned = a_plan()};
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};

    (void)state;
    plan_render_sql(&rollout, &terminal, &out);
    assert_string_equal(text_of(&out), "\n-- auth  0001_a.up.sql  up: 1 target\n"
                                       "CREATE TABLE a();\n"
                                       "\n-- auth  0002_b.up.sql  up: 1 target\n"
                                       "CREATE TABLE b();\n"
                                       "\n-- auth  0003_c.up.sql  up: 2 targets\n"
                                       "CREATE TABLE c();\n");
}

/* ---- errors -------------------------------------------------------------------------------- */

static void
complains_in_one_form(void **state)
{
    struct terminal terminal = pipe_terminal();
    CLEANUP(text_release) struct text out = {0};
    struct error error;

    (void)state;
    error_set(&error, "E-MIG-CHECKSUM", "migration 0001 was changed");
    error_where(&error, "a.up.sql");
    error_found(&error, "b3a1…");
    error_hint(&error, "restore\033[2J it");
    complain_render(&error, &terminal, 0, &out);
    assert_string_equal(text_of(&out), "error[E-MIG-CHECKSUM]: migration 0001 was changed\n"
                                       "  where: a.up.sql\n"
                                       "  found: b3a1…\n"
                                       "  hint:  restore?[2J it\n");
    json_t *object = complain_json(&error);
    assert_string_equal(json_string_value(json_object_get(object, "code")), "E-MIG-CHECKSUM");
    assert_string_equal(json_string_value(json_object_get(object, "where")), "a.up.sql");
    assert_int_equal(json_integer_value(json_object_get(object, "exit")), 3);
    json_decref(object);
}

static void
folds_long_errors(void **state)
{
    struct terminal terminal = wide_terminal(60);
    CLEANUP(text_release) struct text out = {0};
    struct error error;

    (void)state;
    error_set(&error, "E-SQL",
              "a long story that goes on and on, because PostgreSQL has much to "
              "say about what is wrong here; rolled back");
    error_hint(&error, "and a hint that is not any shorter than the story itself, by no means");
    complain_render(&error, &terminal, 2, &out);
    assert_string_equal(text_of(&out),
                        "  error[E-SQL]: a long story that goes on and on, because\n"
                        "    PostgreSQL has much to say about what is wrong here;\n"
                        "    rolled back\n"
                        "    hint:  and a hint that is not any shorter than the story\n"
                        "           itself, by no means\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_every_wave_and_who_cannot_take_part),
        cmocka_unit_test(ends_with_the_gravest_reason_not_with_the_first),
        cmocka_unit_test(shows_the_first_of_many),
        cmocka_unit_test(shows_once_what_a_preflight_finds_at_many_targets),
        cmocka_unit_test(says_that_there_is_nothing_to_do),
        cmocka_unit_test(stays_within_the_terminal),
        cmocka_unit_test(shows_the_sql_that_is_taken_once_each),
        cmocka_unit_test(complains_in_one_form),
        cmocka_unit_test(folds_long_errors),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return RUN_TESTS(tests);
}
