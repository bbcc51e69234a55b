#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
the_version_is_the_folders_name_without_dashes(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "2024-01-02-030405_add_email/up.sql", "CREATE TABLE t (a int);");
    put(&folder, "2024-01-02-030405_add_email/down.sql", "DROP TABLE t;");
    put(&folder, "00000000000000_diesel_initial_setup/up.sql", "SELECT 1;");
    put(&folder, "20230101000000_first/up.sql", "SELECT 1;");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(
        &reads, (const char *const[]){"00000000000000", "20230101000000", "20240102030405", NULL});
    const struct migration *last = migration_at(&reads, 2);
    assert_string_equal(reads.bundle->manifest.layout, "diesel");
    assert_string_equal(last->name, "add_email");
    assert_string_equal(last->up.path, "2024-01-02-030405_add_email/up.sql");
    assert_true(last->has_down);
    assert_false(migration_at(&reads, 0)->has_down);
}

static void
a_folder_without_a_name_is_called_by_its_version(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_/up.sql");
    put_any(&folder, "2024-01-02/up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_string_equal(migration_at(&reads, 0)->name, "1");
    assert_string_equal(migration_at(&reads, 1)->name, "20240102");
}

static void
order_is_that_of_the_text(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "9_a/up.sql");
    put_any(&folder, "10_b/up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"10", "9", NULL});
}

static void
metadata_decides_about_the_transaction_and_says_no_when_it_says_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *metadata;
        bool is_transactional;
    } rows[] = {{NULL, true},
                {"run_in_transaction = true\n", true},
                {"# run_in_transaction = true\nrun_in_transaction=false # why\n", false},
                {"", false},
                {"[other]\nkey = 1\n", false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        put(&folder, "1_a/up.sql", "SELECT 1; SELECT 2;");
        if (rows[i].metadata) {
            put(&folder, "1_a/metadata.toml", rows[i].metadata);
        }
        CLEANUP(reads_release) struct reads reads = read_folder(&folder);
        assert_int_equal(migration_at(&reads, 0)->up.is_transactional, rows[i].is_transactional);
    }
}

static void
what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a/up.sql");
    put_any(&folder, "2_b/down.sql");
    put_any(&folder, "3_c/up.sql");
    put(&folder, "3_c/metadata.toml", "run_in_transaction = maybe\n");
    put_any(&folder, "1-_d/up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 3);
    assert_listed(&reads.errors, "E-MIG-MISSING", "2_b/up.sql", "");
    assert_listed(&reads.errors, "E-MIG-MARK", "3_c/metadata.toml", "");
    assert_listed(&reads.errors, "E-MIG-DUP", "1_a/up.sql", "");
}

static void
a_link_out_of_the_folder_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder other = folder_make();
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&other, "up.sql");
    put_any(&folder, "1_a/up.sql");
    put_any(&folder, "1_a/x");
    assert_int_equal(symlink(folder_path(&other, "up.sql"), folder_path(&folder, "1_a/down.sql")),
                     0);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-PATH", "1_a/down.sql", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_version_is_the_folders_name_without_dashes),
    cmocka_unit_test(a_folder_without_a_name_is_called_by_its_version),
    cmocka_unit_test(order_is_that_of_the_text),
    cmocka_unit_test(metadata_decides_about_the_transaction_and_says_no_when_it_says_nothing),
    cmocka_unit_test(what_cannot_be_read_is_refused),
    cmocka_unit_test(a_link_out_of_the_folder_is_refused),
};

RUN_DEEP(tests)
