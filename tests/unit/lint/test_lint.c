#include "common/lint/lint.h"

#include "common/lint/repair.h"
#include "common/lint/settings.h"
#include "tests/unit/lint/lints.h"

static void
a_finding_says_its_place_and_its_line(void **state)
{
    (void)state;
    const struct finding *finding = NULL;
    CLEANUP(lints_release)
    struct lints lints = lints_of("-- é\nSELECT 1;  CREATE INDEX a ON users (é);\n", "SK010");

    assert_int_equal(lints_count(&lints, "SK010", &finding), 1);
    assert_true(text_ends_with(finding->path, "/0002_change.up.sql"));
    assert_int_equal(finding->place.line, 2);
    assert_true(finding->place.column >= 12);
    assert_true(finding->place.offset >= 17);
    assert_string_equal(finding->line, "SELECT 1;  CREATE INDEX a ON users (é);");
    assert_string_equal(finding->table, "users");
    assert_true(finding->columns > 0);
    assert_int_equal(lints.tally.files, 1);
    assert_int_equal(lints.tally.statements, 2);
}

static void
places_count_behind_a_byte_order_mark_and_in_crlf_files(void **state)
{
    (void)state;
    const struct finding *finding = NULL;
    CLEANUP(lints_release)
    struct lints lints =
        lints_of("\xef\xbb\xbfSELECT 1;\r\nCREATE INDEX a\r\n  ON users (b);\r\n", "SK010");

    assert_int_equal(lints_count(&lints, "SK010", &finding), 1);
    assert_int_equal(finding->place.line, 3);
    assert_int_equal(finding->place.column, 6);
    assert_string_equal(finding->line, "  ON users (b);");
}

static void
one_rule_is_allowed_at_one_place_only(void **state)
{
    (void)state;
    CLEANUP(lints_release)
    struct lints lints = lints_of("SELECT 1;\n"
                                  "-- skein: allow=SK010 reason=\"small\"\n"
                                  "CREATE INDEX a ON users (a);\n"
                                  "CREATE INDEX b ON users (b);\n",
                                  "SK010");
    const struct finding *finding = NULL;

    assert_int_equal(lints_count(&lints, "SK010", &finding), 1);
    assert_int_equal(finding->place.line, 4);
    assert_int_equal(lints_count(&lints, "SK003", NULL), 0);
    assert_int_equal(lints_count(&lints, "SK005", NULL), 0);
}

static void
an_allowance_inside_of_its_statement_counts(void **state)
{
    (void)state;
    CLEANUP(lints_release)
    struct lints lints = lints_of("CREATE INDEX a -- skein: allow=SK010 reason=\"small\"\n"
                                  "ON users (a);\n",
                                  "SK010");

    assert_int_equal(lints_count(&lints, "SK010", NULL), 0);
    assert_int_equal(lints_count(&lints, "SK003", NULL), 0);
}

static void
an_allowance_that_allows_nothing_is_found(void **state)
{
    (void)state;
    const struct finding *finding = NULL;
    CLEANUP(lints_release)
    struct lints lints = lints_of("SELECT 1;\n-- skein: allow=SK010 reason=\"small\"\n"
                                  "CREATE TABLE a (id bigint PRIMARY KEY);\n"
                                  "-- skein: allow=SK999 reason=\"?\"\nSELECT 2;\n",
                                  "SK003");

    assert_int_equal(lints_count(&lints, "SK003", &finding), 2);
    assert_int_equal(finding->place.line, 2);
    assert_int_equal(finding->severity, SEVERITY_WARNING);
}

static void
an_allowance_ends_the_day_after_its_last(void **state)
{
    (void)state;
    const char *text = "-- skein: allow=SK010 reason=\"small\" until=2026-05-31\n"
                       "CREATE INDEX a ON users (a);\n";
    const struct lint_wish last_day = {.today = "2026-05-31"}, next_day = {.today = "2026-06-01"};
    CLEANUP(lints_release) struct lints last = lints_wish(text, &last_day);
    CLEANUP(lints_release) struct lints next = lints_wish(text, &next_day);

    assert_int_equal(lints_count(&last, "SK010", NULL), 0);
    assert_int_equal(lints_count(&last, "SK004", NULL), 0);
    assert_int_equal(lints_count(&next, "SK010", NULL), 1);
    assert_int_equal(lints_count(&next, "SK004", NULL), 1);
}

static void
what_is_about_the_file_is_allowed_at_its_top(void **state)
{
    (void)state;
    CLEANUP(lints_release)
    struct lints lints =
        lints_of("-- file: 0001_a.up.sql\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
                 "-- file: 0001_a.down.sql\nDROP TABLE a;\n"
                 "-- file: 0002_b.up.sql\n"
                 "-- skein: allow=SK084 reason=\"it is the first\"\n"
                 "CREATE TABLE b (id bigint PRIMARY KEY);\n",
                 "SK084");

    assert_int_equal(lints_count(&lints, "SK084", NULL), 0);
    assert_int_equal(lints_count(&lints, "SK003", NULL), 0);
}

static void
a_file_that_cannot_be_parsed_is_a_finding_and_the_others_are_read(void **state)
{
    (void)state;
    const struct finding *finding = NULL;
    CLEANUP(lints_release)
    struct lints lints = lints_of("-- file: 0001_a.up.sql\nSELECT 1;\n  CREATE TABEL a;\n"
                                  "-- file: 0002_b.up.sql\nCREATE INDEX a ON users (a);\n",
                                  "SK010");

    assert_int_equal(lints_count(&lints, "SK001", &finding), 1);
    assert_int_equal(finding->place.line, 2);
    assert_int_equal(finding->place.column, 10);
    assert_int_equal(lints_count(&lints, "SK010", NULL), 1);
}

static void
a_folder_without_migrations_is_an_error(void **state)
{
    (void)state;
    CLEANUP(lints_release) struct lints lints = lints_of("", "SK010");

    assert_false(lints.succeeded);
    assert_string_equal(lints.error.code, "E-MIG-MISSING");
}

/* ---- what has changed ------------------------------------------------------------------------ */

static bool
is_third(void *context, const char *path)
{
    (void)context;
    return strstr(path, "/0003_") != NULL;
}

static enum lint_change
adds_third(void *context, const char *path)
{
    return is_third(context, path) ? LINT_ADDED : LINT_UNCHANGED;
}

static enum lint_change
adds_second_and_third(void *context, const char *path)
{
    return strstr(path, "/0002_") ? LINT_ADDED : adds_third(context, path);
}

static const char history[] = "-- file: 0001_a.up.sql\nCREATE INDEX x ON users (a);\n"
                              "-- file: 0002_b.up.sql\nCREATE TABLE t (id bigint PRIMARY KEY);\n"
                              "-- file: 0003_c.up.sql\nCREATE INDEX y ON t (id);\n";

static void
only_what_is_asked_for_is_reported_with_the_whole_history_known(void **state)
{
    (void)state;
    const struct lint_wish alone = {
        .today = "2026-06-01", .is_reported = is_third, .change_of = adds_third};
    const struct lint_wish together = {
        .today = "2026-06-01", .is_reported = is_third, .change_of = adds_second_and_third};
    CLEANUP(lints_release) struct lints old = lints_wish(history, &alone);
    CLEANUP(lints_release) struct lints fresh = lints_wish(history, &together);

    assert_int_equal(lints_count(&old, "SK010", NULL), 1);
    assert_int_equal(old.tally.files, 1);
    assert_int_equal(old.tally.read, 3);
    assert_int_equal(lints_count(&fresh, "SK010", NULL), 0);
}

/* ---- severities ------------------------------------------------------------------------------ */

static void
severities_are_those_of_the_wish(void **state)
{
    (void)state;
    const struct finding *finding = NULL;
    const struct lint_level levels[] = {{rule_find("SK010"), SEVERITY_NOTE},
                                        {rule_find("SK014"), SEVERITY_OFF}};
    const struct lint_wish wish = {.today = "2026-06-01", .levels = levels, .level_count = 2};
    CLEANUP(lints_release) struct lints lints = lints_wish("CREATE INDEX ON users (a);\n", &wish);

    assert_int_equal(lints_count(&lints, "SK010", &finding), 1);
    assert_int_equal(finding->severity, SEVERITY_NOTE);
    assert_int_equal(lints_count(&lints, "SK014", NULL), 0);
}

static bool
read_settings(const char *yaml, struct lint_settings *settings, struct error *error)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    return lint_settings_read(folder_text(&folder, "skein.yaml", yaml, 0644), settings, error);
}

static void
settings_are_read_from_the_project(void **state)
{
    (void)state;
    CLEANUP(lint_settings_release) struct lint_settings settings = {0};
    struct error error;

    assert_true(read_settings("services: { a: { migrations: m } }\n"
                              "lint:\n  fail_on: note\n"
                              "  rules: { SK010: off, add-check: note }\n",
                              &settings, &error));
    assert_int_equal(settings.fail_on, SEVERITY_NOTE);
    assert_int_equal(settings.level_count, 2);
    assert_string_equal(settings.levels[0].rule->id, "SK010");
    assert_int_equal(settings.levels[0].severity, SEVERITY_OFF);
    assert_string_equal(settings.levels[1].rule->id, "SK035");
}

static void
settings_that_mean_nothing_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *code, *where;
    } cases[] = {
        {"lint: { rules: { SK999: off } }\n", "E-CFG-UNKNOWN", ":1:"},
        {"lint: { rules: { SK010: loud } }\n", "E-CFG-RANGE", ":1:"},
        {"lint: { rule: { SK010: off } }\n", "E-CFG-UNKNOWN", ":1:"},
        {"lint:\n  fail_on: never\n", "E-CFG-RANGE", ":2:"},
        {"lint: { rules: { SK010: { a: b } } }\n", "E-CFG-RANGE", ":1:"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(lint_settings_release) struct lint_settings settings = {0};
        struct error error = {0};
        assert_false(read_settings(cases[i].yaml, &settings, &error));
        assert_string_equal(error.code, cases[i].code);
        assert_non_null(strstr(error.where, cases[i].where));
    }
}

/* ---- fixes ----------------------------------------------------------------------------------- */

static void
fixes_are_written_into_the_file_and_nothing_else_changes(void **state)
{
    (void)state;
    CLEANUP(lints_release)
    struct lints lints = lints_of("-- é CREATE INDEX here\r\nCREATE INDEX a ON users (a);\r\n"
                                  "create unique  index if not exists b ON users (b);\r\n",
                                  "SK010");
    struct error error;
    size_t count = 0;

    assert_true(repair_files(&lints.findings, &count, &error));
    assert_int_equal(count, 2);
    FILE *file = fopen(folder_path(&lints.folder, "0002_change.up.sql"), "r");
    char content[512] = "";
    assert_true(file && fread(content, 1, sizeof content - 1, file) > 0);
    fclose(file);
    assert_string_equal(content,
                        "-- é CREATE INDEX here\r\nCREATE INDEX CONCURRENTLY a ON users (a);\r\n"
                        "create unique  index CONCURRENTLY b ON users (b);\r\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_says_its_place_and_its_line),
        cmocka_unit_test(places_count_behind_a_byte_order_mark_and_in_crlf_files),
        cmocka_unit_test(one_rule_is_allowed_at_one_place_only),
        cmocka_unit_test(an_allowance_inside_of_its_statement_counts),
        cmocka_unit_test(an_allowance_that_allows_nothing_is_found),
        cmocka_unit_test(an_allowance_ends_the_day_after_its_last),
        cmocka_unit_test(what_is_about_the_file_is_allowed_at_its_top),
        cmocka_unit_test(a_file_that_cannot_be_parsed_is_a_finding_and_the_others_are_read),
        cmocka_unit_test(a_folder_without_migrations_is_an_error),
        cmocka_unit_test(only_what_is_asked_for_is_reported_with_the_whole_history_known),
        cmocka_unit_test(severities_are_those_of_the_wish),
        cmocka_unit_test(settings_are_read_from_the_project),
        cmocka_unit_test(settings_that_mean_nothing_are_refused_with_their_place),
        cmocka_unit_test(fixes_are_written_into_the_file_and_nothing_else_changes),
    };
    return RUN_TESTS(tests);
}
