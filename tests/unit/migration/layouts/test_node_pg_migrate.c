#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define FILE_NAME "1700000000000_add-email.sql"

static void
marks_divide_a_file_into_up_and_down(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- a header\n-- Up Migration\nCREATE TABLE t (a int);\n"
                            "\n ---- DOWN   migration here\nDROP TABLE t;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_string_equal(reads.bundle->manifest.layout, "node-pg-migrate");
    assert_string_equal(migration->version, "1700000000000");
    assert_string_equal(migration->name, "add-email");
    assert_int_equal(migration->up.statement_count, 1);
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE t (a int)", 3, 1);
    assert_statement(&reads, &migration->down, 0, "DROP TABLE t", 6, 1);
}

static void
the_down_may_come_first(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- Down Migration\nSELECT 'd';\n-- Up Migration\nSELECT 'u';\n");

    assert_statement(&reads, &migration_at(&reads, 0)->up, 0, "SELECT 'u'", 4, 1);
    assert_int_equal(migration_at(&reads, 0)->down.statement_count, 1);
}

static void
a_file_without_marks_is_all_up(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n");
    put(&folder, "10_c.sql", "SELECT 1;\n");
    put(&folder, "9_b.sql", "SELECT 1;\n-- the up migration is above\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"1", "9", "10", NULL});
    assert_false(migration_at(&reads, 2)->has_down);
}

static void
a_down_without_an_up_is_refused(void **state)
{
    (void)state;

    assert_file_refused(FILE_NAME, "CREATE TABLE t (a int);\n-- Down Migration\nDROP TABLE t;\n",
                        "E-MIG-MARK", "2:1");
}

static void
a_program_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "-- Up Migration\nSELECT 1;\n");
    put_any(&folder, "2_b.js");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-TYPE", "2_b.js", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(marks_divide_a_file_into_up_and_down),
    cmocka_unit_test(the_down_may_come_first),
    cmocka_unit_test(a_file_without_marks_is_all_up),
    cmocka_unit_test(a_down_without_an_up_is_refused),
    cmocka_unit_test(a_program_is_refused),
};

RUN_DEEP(tests)
