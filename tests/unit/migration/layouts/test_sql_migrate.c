#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define FILE_NAME "1_a.sql"
#define UP "-- +migrate Up\nSELECT 1;\n"

static void
the_version_is_the_files_name(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one("007_add_email.sql", "-- +migrate Up\nCREATE TABLE t (a int);\n-- +migrate Down\n"
                                      "DROP TABLE t;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_string_equal(reads.bundle->manifest.layout, "sql-migrate");
    assert_string_equal(migration->version, "007_add_email.sql");
    assert_string_equal(migration->name, "add_email");
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE t (a int)", 2, 1);
    assert_statement(&reads, &migration->down, 0, "DROP TABLE t", 4, 1);
}

static void
numbered_ones_come_first_by_number_then_the_others_by_text(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "b.sql", UP);
    put(&folder, "10_x.sql", UP);
    put(&folder, "a.sql", UP);
    put(&folder, "9_y.sql", UP);
    put(&folder, "9_x.sql", UP);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(
        &reads, (const char *const[]){"9_x.sql", "9_y.sql", "10_x.sql", "a.sql", "b.sql", NULL});
}

static void
each_direction_may_be_without_a_transaction(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one(FILE_NAME, "-- +migrate Up notransaction\nSELECT 1; SELECT 2;\n"
                                             "-- +migrate Down\nSELECT 1; SELECT 2;\n");

    assert_false(migration_at(&reads, 0)->up.is_transactional);
    assert_true(migration_at(&reads, 0)->down.is_transactional);
}

static void
parts_may_come_in_any_number_and_order(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one(FILE_NAME, "-- +migrate Down\nSELECT 'd';\n-- +migrate Up\n"
                                             "SELECT 'u';\n-- +migrate Down\nSELECT 'e';\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_int_equal(migration->up.statement_count, 1);
    assert_statement(&reads, &migration->up, 0, "SELECT 'u'", 4, 1);
    assert_statement(&reads, &migration->down, 1, "SELECT 'e'", 6, 1);
}

static void
a_statement_between_its_marks_may_lack_its_semicolon(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1\n"
                            "-- +migrate StatementEnd\nSELECT 2;\n");

    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 2);
}

static void
marks_in_the_wrong_place_are_refused_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } rows[] = {
        {"-- +migrate Upwards\n", "1:1"},
        {"-- +migrate Up now\nSELECT 1;\n", "1:1"},
        {"-- +migrate Up\n-- +migrate StatementEnd\n", "2:1"},
        {"-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1\n-- +migrate Down\n", "4:1"},
        {"-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1\n", ""},
        {"-- +migrate Down\nSELECT 1;\n", ""},
        {"-- +migrate StatementBegin\nSELECT 1\n", "1:1"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_file_refused(FILE_NAME, rows[i].text, "E-MIG-MARK", rows[i].place);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_version_is_the_files_name),
    cmocka_unit_test(numbered_ones_come_first_by_number_then_the_others_by_text),
    cmocka_unit_test(each_direction_may_be_without_a_transaction),
    cmocka_unit_test(parts_may_come_in_any_number_and_order),
    cmocka_unit_test(a_statement_between_its_marks_may_lack_its_semicolon),
    cmocka_unit_test(marks_in_the_wrong_place_are_refused_with_it),
};

RUN_DEEP(tests)
