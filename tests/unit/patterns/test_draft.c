#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/patterns/draft.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define WALL_MS 1767225599000 /* 2025-12-31T23:59:59Z */

static struct arena arena;
static struct folder files;

static int
begin(void **state)
{
    (void)state;
    files = folder_make();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    folder_remove(&files);
    arena_release(&arena);
    return 0;
}

static struct draft_folder
opened(bool is_counted)
{
    struct draft_folder folder;
    struct error error;

    if (!draft_open(files.path, "auto", is_counted, &arena, &folder, &error)) {
        fail_msg("%s", error.text);
    }
    return folder;
}

static const char *
next_behind(const char *file, bool is_counted)
{
    if (file) {
        folder_text(&files, file, "SELECT 1;\n", 0644);
    }
    struct draft_folder folder = opened(is_counted);
    const char *version = draft_version(&folder, WALL_MS, &arena);
    if (file) {
        (void)unlink(folder_path(&files, file));
    }
    return version;
}

static void
a_version_is_the_time(void **state)
{
    (void)state;
    assert_string_equal(next_behind(NULL, false), "20251231235959");
    assert_string_equal(next_behind("0007_a.up.sql", false), "20251231235959");
    assert_string_equal(next_behind("20251231235958_a.up.sql", false), "20251231235959");
}

static void
a_version_is_above_the_newest(void **state)
{
    (void)state;
    assert_string_equal(next_behind("20251231235959_a.up.sql", false), "20251231235960");
    assert_string_equal(next_behind("20991231235999_a.up.sql", false), "20991231236000");
    assert_string_equal(next_behind("99999999999999_a.up.sql", false), "100000000000000");
    assert_string_equal(next_behind("184467440737095516160000_a.up.sql", false),
                        "184467440737095516160001");
}

static void
numbers_without_gaps_are_gone_on_with(void **state)
{
    (void)state;
    assert_string_equal(next_behind(NULL, true), "1");
    assert_string_equal(next_behind("0009_a.up.sql", true), "0010");
    assert_string_equal(next_behind("9_a.up.sql", true), "10");
}

static struct filled
two_migrations(void)
{
    static struct filled_migration migrations[] = {
        {.name = "first", .up = "SELECT 1;\n", .down = "SELECT 2;\n", .verify = "SELECT true;\n"},
        {.name = NULL, .up = "SELECT 3;\n"},
    };
    return (struct filled){.migrations = migrations, .count = 2};
}

static void
writes_a_file_for_each_script(void **state)
{
    struct draft_folder folder = opened(true);
    struct filled filled = two_migrations();
    struct draft draft;
    struct error error;

    (void)state;
    assert_true(draft_write(&folder, "x", &filled, WALL_MS, &arena, &draft, &error));
    assert_int_equal(draft.path_count, 4);
    assert_int_equal(access(folder_path(&files, "1_x_first.up.sql"), R_OK), 0);
    assert_int_equal(access(folder_path(&files, "1_x_first.down.sql"), R_OK), 0);
    assert_int_equal(access(folder_path(&files, "1_x_first.verify.sql"), R_OK), 0);
    assert_int_equal(access(folder_path(&files, "2_x.up.sql"), R_OK), 0);
}

static void
what_is_there_is_not_overwritten_and_nothing_is_left_behind(void **state)
{
    struct draft_folder folder = opened(true);
    struct filled filled = two_migrations();
    struct draft draft;
    struct error error;

    (void)state;
    folder_text(&files, "2_x.up.sql", "precious", 0644);
    assert_false(draft_write(&folder, "x", &filled, WALL_MS, &arena, &draft, &error));
    assert_string_equal(error.code, "E-PATTERN-EXISTS");
    assert_int_not_equal(access(folder_path(&files, "1_x_first.up.sql"), F_OK), 0);
    assert_int_equal(access(folder_path(&files, "2_x.up.sql"), R_OK), 0);
}

static void
another_layout_is_refused_with_what_is_supported(void **state)
{
    struct draft_folder folder;
    struct error error;

    (void)state;
    assert_false(draft_open(files.path, "dbmate", false, &arena, &folder, &error));
    assert_string_equal(error.code, "E-PATTERN-LAYOUT");
    assert_non_null(strstr(error.found, "pairs"));
    folder_text(&files, "20250101000000_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n",
                0644);
    assert_false(draft_open(files.path, "auto", false, &arena, &folder, &error));
    assert_string_equal(error.code, "E-PATTERN-LAYOUT");
    assert_non_null(strstr(error.text, "dbmate"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_version_is_the_time, begin, end),
        cmocka_unit_test_setup_teardown(a_version_is_above_the_newest, begin, end),
        cmocka_unit_test_setup_teardown(numbers_without_gaps_are_gone_on_with, begin, end),
        cmocka_unit_test_setup_teardown(writes_a_file_for_each_script, begin, end),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_overwritten_and_nothing_is_left_behind,
                                        begin, end),
        cmocka_unit_test_setup_teardown(another_layout_is_refused_with_what_is_supported, begin,
                                        end),
    };
    return RUN_TESTS(tests);
}
