#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define FILE_NAME "1_a.sql"

static void
a_file_holds_an_up_and_a_down(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one("20250101_add_email.sql",
                                  "-- a comment\n\n-- migrate:up\nCREATE TABLE t (a int);\n"
                                  "\n-- migrate:down\nDROP TABLE t;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_string_equal(reads.bundle->manifest.layout, "dbmate");
    assert_string_equal(migration->version, "20250101");
    assert_string_equal(migration->name, "add_email");
    assert_int_equal(migration->up.statement_count, 1);
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE t (a int)", 4, 1);
    assert_statement(&reads, &migration->down, 0, "DROP TABLE t", 7, 1);
}

static void
order_is_that_of_the_files_names_not_of_the_numbers(void **state)
{
    (void)state;
    static const char text[] = "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n";
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "9_a.sql", text);
    put(&folder, "10_b.sql", text);
    put(&folder, "010_c.sql", text);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"010", "10", "9", NULL});
}

static void
a_version_is_the_digits_alone_and_may_be_there_once(void **state)
{
    (void)state;
    static const char text[] = "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n";
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", text);
    put(&folder, "1-b.sql", text);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-DUP", "1_a.sql", "");
}

static void
a_block_can_be_without_a_transaction(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- migrate:up transaction:false\nALTER TYPE t ADD VALUE 'a';\n"
                            "INSERT INTO u VALUES ('a');\n-- migrate:down\nSELECT 1; SELECT 2;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_false(migration->up.is_transactional);
    assert_true(migration->down.is_transactional);
}

static void
several_blocks_are_one_migration_whose_downs_go_backwards(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- migrate:up\nSELECT 'up 1';\n-- migrate:down\nSELECT 'down 1';\n"
                            "-- migrate:up\nSELECT 'up 2';\n-- migrate:down\nSELECT 'down 2';\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_int_equal(migration->up.statement_count, 2);
    assert_statement(&reads, &migration->up, 1, "SELECT 'up 2'", 6, 1);
    assert_statement(&reads, &migration->down, 0, "SELECT 'down 2'", 8, 1);
    assert_statement(&reads, &migration->down, 1, "SELECT 'down 1'", 4, 1);
}

static void
without_a_down_block_there_is_no_way_back(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_one(FILE_NAME, "-- migrate:up\nSELECT 1;\n");

    assert_false(migration_at(&reads, 0)->has_down);
}

static void
a_mark_begins_its_line_and_is_a_word(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one(FILE_NAME, "--migrate:up\nSELECT '\n  -- migrate:down';\n"
                                             "-- migrate:downwards\nSELECT 2;\n");

    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 2);
}

static void
marks_in_the_wrong_place_are_refused_with_it(void **state)
{
    (void)state;

    assert_file_refused(FILE_NAME, "-- migrate:down\nSELECT 1;\n-- migrate:up\nSELECT 2;\n",
                        "E-MIG-MARK", "1:1");
    assert_file_refused(FILE_NAME, "-- migrate:up transaction:no\nSELECT 1;\n", "E-MIG-ANNOTATION",
                        "1:14");
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, FILE_NAME, "\nSELECT 1;\n-- migrate:up\nSELECT 2;\n");
    CLEANUP(reads_release) struct reads above = read_as(&folder, "dbmate");
    put(&folder, FILE_NAME, "-- only a comment\n");
    CLEANUP(reads_release) struct reads none = read_as(&folder, "dbmate");
    assert_listed(&above.errors, "E-MIG-MARK", FILE_NAME, "2:1");
    assert_listed(&none.errors, "E-MIG-MARK", FILE_NAME, "");
}

static void
other_files_are_passed_over_with_a_note(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "-- migrate:up\nSELECT 1;\n");
    put_any(&folder, "schema.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_true(reads.succeeded);
    assert_listed(&reads.notes, "E-MIG-NAME", "schema.sql", "");
}

static void
places_of_errors_are_those_in_the_file(void **state)
{
    (void)state;

    assert_file_refused(FILE_NAME,
                        "\xef\xbb\xbf-- migrate:up\r\nSELECT 1;\r\n-- migrate:down\r\nSELECT 1;\r\n"
                        "-- migrate:up\r\nSELECT 'ä', 'not ended;\r\n",
                        "E-MIG-LEX", "6:13");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_holds_an_up_and_a_down),
    cmocka_unit_test(order_is_that_of_the_files_names_not_of_the_numbers),
    cmocka_unit_test(a_version_is_the_digits_alone_and_may_be_there_once),
    cmocka_unit_test(a_block_can_be_without_a_transaction),
    cmocka_unit_test(several_blocks_are_one_migration_whose_downs_go_backwards),
    cmocka_unit_test(without_a_down_block_there_is_no_way_back),
    cmocka_unit_test(a_mark_begins_its_line_and_is_a_word),
    cmocka_unit_test(marks_in_the_wrong_place_are_refused_with_it),
    cmocka_unit_test(other_files_are_passed_over_with_a_note),
    cmocka_unit_test(places_of_errors_are_those_in_the_file),
};

RUN_DEEP(tests)
