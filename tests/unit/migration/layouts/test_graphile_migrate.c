#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define FIRST "--! Previous: -\n--! Hash: sha1:aaaa\n\nSELECT 1;\n"
#define SECOND "--! Previous: sha1:aaaa\n--! Hash: sha1:bbbb\n--! Message: why\n\n"

static void
committed_files_are_a_chain(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "committed/000001.sql", FIRST);
    put(&folder, "committed/000002-add_email.sql", SECOND "CREATE TABLE t (a int);\n");
    put(&folder, "current.sql", "nonsense;");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"000001", "000002", NULL});
    const struct migration *migration = migration_at(&reads, 1);
    assert_string_equal(reads.bundle->manifest.layout, "graphile-migrate");
    assert_string_equal(migration->name, "add_email");
    assert_string_equal(migration->irreversible, "graphile-migrate knows no way back");
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE t (a int)", 5, 1);
}

static void
the_folder_may_be_the_committed_one_itself(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_one("000001.sql", FIRST);

    assert_string_equal(migration_at(&reads, 0)->up.path, "000001.sql");
    assert_string_equal(reads.bundle->manifest.layout, "graphile-migrate");
}

static void
no_transaction_is_the_first_line_of_the_body(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "committed/000001.sql", FIRST);
    put(&folder, "committed/000002.sql", SECOND "--! no-transaction\nSELECT 1; SELECT 2;\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_true(migration_at(&reads, 0)->up.is_transactional);
    assert_false(migration_at(&reads, 1)->up.is_transactional);
}

static void
a_broken_chain_is_refused_unless_it_is_allowed(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "committed/000001.sql", FIRST);
    put(&folder, "committed/000002.sql",
        "--! Previous: sha1:cccc\n--! Hash: sha1:bbbb\n\nSELECT 1;\n");
    CLEANUP(reads_release) struct reads broken = read_folder(&folder);
    put(&folder, "committed/000002.sql",
        "--! AllowInvalidHash\n--! Previous: sha1:cccc\n--! Hash: sha1:bbbb\n\nSELECT 1;\n");
    CLEANUP(reads_release) struct reads allowed = read_folder(&folder);
    put(&folder, "committed/000002.sql", "SELECT 1;\n");
    CLEANUP(reads_release) struct reads headless = read_folder(&folder);

    assert_listed(&broken.errors, "E-MIG-MARK", "committed/000002.sql", "1:1");
    assert_true(allowed.succeeded);
    assert_listed(&headless.errors, "E-MIG-MARK", "committed/000002.sql", "");
}

static void
placeholders_are_filled_in_where_they_are_words(void **state)
{
    (void)state;
    static const struct substitution items[] = {{":OWNER", "app"}, {":OWNER_ROLE", "boss"}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "committed/000001.sql",
        "--! Previous: -\n--! Hash: sha1:aaaa\n\nGRANT ALL ON t TO :OWNER, :OWNER_ROLE;\n"
        "SELECT 'x'::OWNER, ':OWNERS';\n");

    CLEANUP(reads_release)
    struct reads reads = read_with(&folder, "auto", (struct substitutions){items, 2});

    const struct script *up = &migration_at(&reads, 0)->up;
    assert_statement(&reads, up, 0, "GRANT ALL ON t TO app, boss", 4, 1);
    assert_statement(&reads, up, 1, "SELECT 'x'::OWNER, ':OWNERS'", 5, 1);
}

static void
a_placeholder_that_is_not_listed_is_named(void **state)
{
    (void)state;

    assert_file_refused("000001.sql",
                        "--! Previous: -\n--! Hash: sha1:aaaa\n\nGRANT ALL ON t TO :OWNER;\n",
                        "E-MIG-PSQL", "4:19");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(committed_files_are_a_chain),
    cmocka_unit_test(the_folder_may_be_the_committed_one_itself),
    cmocka_unit_test(no_transaction_is_the_first_line_of_the_body),
    cmocka_unit_test(a_broken_chain_is_refused_unless_it_is_allowed),
    cmocka_unit_test(placeholders_are_filled_in_where_they_are_words),
    cmocka_unit_test(a_placeholder_that_is_not_listed_is_named),
};

RUN_DEEP(tests)
