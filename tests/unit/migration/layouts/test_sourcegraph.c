#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
put_migration(const struct folder *folder, const char *name, const char *metadata)
{
    CLEANUP(mem_free) char *up = mem_format("%s/up.sql", name);
    CLEANUP(mem_free) char *file = mem_format("%s/metadata.yaml", name);
    put_any(folder, up);
    put(folder, file, metadata);
}

static void
parents_come_before_their_children_and_smaller_numbers_first(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_migration(&folder, "100", "name: root\n");
    put_migration(&folder, "10_late", "name: late\nparents: [200, 300]\n");
    put_migration(&folder, "300", "name: right\nparent: 100\n");
    put_migration(&folder, "200", "name: left\nparents: [100]\ncreateIndexConcurrently: false\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_string_equal(reads.bundle->manifest.layout, "sourcegraph");
    assert_versions(&reads, (const char *const[]){"100", "200", "300", "10", NULL});
    assert_string_equal(migration_at(&reads, 3)->name, "late");
}

static void
parents_that_go_round_or_are_not_there_are_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder round = folder_make();
    put_migration(&round, "1", "name: a\n");
    put_migration(&round, "2", "name: b\nparents: [3]\n");
    put_migration(&round, "3", "name: c\nparents: [2]\n");
    CLEANUP(folder_remove) struct folder missing = folder_make();
    put_migration(&missing, "1", "name: a\nparents: [7]\n");

    CLEANUP(reads_release) struct reads goes_round = read_folder(&round);
    CLEANUP(reads_release) struct reads is_missing = read_folder(&missing);

    assert_listed(&goes_round.errors, "E-MIG-ORDER", "2/up.sql", "");
    assert_listed(&is_missing.errors, "E-MIG-MISSING", "1/up.sql", "");
    assert_string_equal(is_missing.errors.errors[0].found, "7");
}

static void
metadata_that_cannot_be_read_is_refused_with_its_place(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_migration(&folder, "1", "name: a\nparents: 7\n");
    CLEANUP(reads_release) struct reads typed = read_folder(&folder);
    put(&folder, "1/metadata.yaml", "name: [\n");
    CLEANUP(reads_release) struct reads broken = read_folder(&folder);
    put(&folder, "1/metadata.yaml", "name: a\n");
    put_any(&folder, "2_b/up.sql");
    CLEANUP(reads_release) struct reads without = read_as(&folder, "sourcegraph");

    assert_listed(&typed.errors, "E-CFG-TYPE", "1/metadata.yaml", "2:10");
    assert_int_equal(broken.errors.count, 1);
    assert_listed(&without.errors, "E-MIG-MISSING", "2_b/metadata.yaml", "");
}

static void
an_index_is_made_concurrently_in_a_file_of_its_own(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1/up.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);");
    put(&folder, "1/down.sql", "DROP INDEX IF EXISTS i;");
    put(&folder, "1/metadata.yaml", "name: index\nparents: []\ncreateIndexConcurrently: true\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_false(migration_at(&reads, 0)->up.is_transactional);
    assert_true(migration_at(&reads, 0)->has_down);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(parents_come_before_their_children_and_smaller_numbers_first),
    cmocka_unit_test(parents_that_go_round_or_are_not_there_are_refused),
    cmocka_unit_test(metadata_that_cannot_be_read_is_refused_with_its_place),
    cmocka_unit_test(an_index_is_made_concurrently_in_a_file_of_its_own),
};

RUN_DEEP(tests)
