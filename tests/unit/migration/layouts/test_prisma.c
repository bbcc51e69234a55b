#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
the_version_is_the_folders_name_and_there_is_no_way_back(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "20240101000000_init/migration.sql");
    put_any(&folder, "20240201000000_add_email/migration.sql");
    put(&folder, "migration_lock.toml", "# comment\nprovider = \"postgresql\"\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads,
                    (const char *const[]){"20240101000000_init", "20240201000000_add_email", NULL});
    const struct migration *migration = migration_at(&reads, 1);
    assert_string_equal(reads.bundle->manifest.layout, "prisma");
    assert_string_equal(migration->name, "add_email");
    assert_string_equal(migration->irreversible, "Prisma knows no way back");
    assert_string_equal(migration->up.path, "20240201000000_add_email/migration.sql");
}

static void
order_is_that_of_the_text(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "9_a/migration.sql");
    put_any(&folder, "10_b/migration.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"10_b", "9_a", NULL});
}

static void
an_empty_migration_is_noted(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one("1_a/migration.sql", "-- This is an empty migration.\n");

    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 0);
    assert_listed(&reads.notes, "E-MIG-EMPTY", "migration.sql", "");
}

static void
a_concurrent_index_beside_others_is_refused(void **state)
{
    (void)state;

    assert_file_refused("1_a/migration.sql", "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (a);",
                        "E-MIG-MIXED", "2:1");
}

static void
what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a/migration.sql");
    put_any(&folder, "2_b/up.sql");
    CLEANUP(reads_release) struct reads missing = read_as(&folder, "prisma");
    put(&folder, "migration_lock.toml", "provider = \"mysql\"\n");
    CLEANUP(reads_release) struct reads mysql = read_as(&folder, "prisma");

    assert_listed(&missing.errors, "E-MIG-MISSING", "2_b/migration.sql", "");
    assert_listed(&mysql.errors, "E-MIG-LAYOUT", "migration_lock.toml", "1:1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_version_is_the_folders_name_and_there_is_no_way_back),
    cmocka_unit_test(order_is_that_of_the_text),
    cmocka_unit_test(an_empty_migration_is_noted),
    cmocka_unit_test(a_concurrent_index_beside_others_is_refused),
    cmocka_unit_test(what_cannot_be_read_is_refused),
};

RUN_DEEP(tests)
