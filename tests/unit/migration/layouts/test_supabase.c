#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

/* The folder supabase/migrations in one of the test's own. */
static struct folder
migrations_in(const struct folder *folder)
{
    struct folder below = *folder;
    assert_true(strlen(folder->path) + sizeof "/supabase/migrations" <= sizeof below.path);
    strcat(below.path, "/supabase/migrations");
    return below;
}

static void
where_the_folder_lies_tells_it_from_others(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "supabase/migrations/20240101000000_a.sql");
    put_any(&folder, "supabase/migrations/9_b.sql");
    put_any(&folder, "supabase/migrations/notes.sql");
    struct folder below = migrations_in(&folder);

    CLEANUP(reads_release) struct reads reads = read_folder(&below);

    assert_string_equal(reads.bundle->manifest.layout, "supabase");
    assert_versions(&reads, (const char *const[]){"20240101000000", "9", NULL});
    assert_string_equal(migration_at(&reads, 0)->irreversible,
                        "Supabase's migrations know no way back");
    assert_listed(&reads.notes, "E-MIG-NAME", "notes.sql", "");
}

static void
the_old_init_of_the_tool_itself_is_passed_over(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "20200101000000_init.sql");
    put_any(&folder, "20220101000000_init.sql");

    CLEANUP(reads_release) struct reads reads = read_as(&folder, "supabase");

    assert_versions(&reads, (const char *const[]){"20220101000000", NULL});
    assert_listed(&reads.notes, "E-MIG-NAME", "20200101000000_init.sql", "");
}

static void
a_concurrent_index_beside_others_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "SELECT 1;\nDROP INDEX CONCURRENTLY i;");

    CLEANUP(reads_release) struct reads reads = read_as(&folder, "supabase");

    assert_listed(&reads.errors, "E-MIG-MIXED", "1_a.sql", "2:1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(where_the_folder_lies_tells_it_from_others),
    cmocka_unit_test(the_old_init_of_the_tool_itself_is_passed_over),
    cmocka_unit_test(a_concurrent_index_beside_others_is_refused),
};

RUN_DEEP(tests)
