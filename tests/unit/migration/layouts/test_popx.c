#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
our_dialect_wins_over_the_general_file(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "20150101000001000000_networks.up.sql", "SELECT 'general';");
    put(&folder, "20150101000001000000_networks.postgres.up.sql", "SELECT 'ours';");
    put(&folder, "20150101000001000000_networks.mysql.up.sql", "no SQL of ours");
    put(&folder, "20150101000001000000_networks.down.sql", "SELECT 'back';");
    put(&folder, "20150101000002000000_other.sqlite3.up.sql", "no SQL of ours");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_string_equal(reads.bundle->manifest.layout, "popx");
    assert_versions(&reads, (const char *const[]){"20150101000001000000", NULL});
    assert_statement(&reads, &migration_at(&reads, 0)->up, 0, "SELECT 'ours'", 1, 1);
    assert_string_equal(migration_at(&reads, 0)->name, "networks");
    assert_true(migration_at(&reads, 0)->has_down);
}

static void
versions_of_twenty_digits_are_numbers(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "20150101000001000000_b.postgres.up.sql");
    put_any(&folder, "99999999999999999999_c.up.sql");
    put_any(&folder, "9_a.up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(
        &reads, (const char *const[]){"9", "20150101000001000000", "99999999999999999999", NULL});
}

static void
autocommit_is_without_a_transaction(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.autocommit.up.sql", "SELECT 1; SELECT 2;");
    put(&folder, "2_b.postgres.autocommit.up.sql", "SELECT 1; SELECT 2;");
    put(&folder, "3_c.up.sql", "SELECT 1; SELECT 2;");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_false(migration_at(&reads, 0)->up.is_transactional);
    assert_false(migration_at(&reads, 1)->up.is_transactional);
    assert_true(migration_at(&reads, 2)->up.is_transactional);
}

static void
an_empty_file_does_nothing_and_can_be_taken_back(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.postgres.up.sql", "");
    put(&folder, "1_a.postgres.down.sql", "-- nothing\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 0);
    assert_true(migration_at(&reads, 0)->has_down);
}

static void
templates_are_placeholders(void **state)
{
    (void)state;
    static const struct substitution items[] = {{"{{ .Schema }}", "app"}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.postgres.up.sql", "CREATE TABLE {{ .Schema }}.t (a int);\n");
    CLEANUP(reads_release)
    struct reads reads = read_with(&folder, "auto", (struct substitutions){items, 1});
    CLEANUP(reads_release) struct reads unknown = read_folder(&folder);

    assert_statement(&reads, &migration_at(&reads, 0)->up, 0, "CREATE TABLE app.t (a int)", 1, 1);
    assert_listed(&unknown.errors, "E-MIG-PLACEHOLDER", "1_a.postgres.up.sql", "1:14");
    assert_string_equal(unknown.errors.errors[0].found, "{{ .Schema }}");
}

static void
what_does_not_belong_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *code;
    } rows[] = {{"2_b.postgres.down.sql", "E-MIG-MISSING"},
                {"1_c.postgres.up.sql", "E-MIG-DUP"},
                {"2_b.Postgres.up.sql", "E-MIG-NAME"},
                {"seed.sql", "E-MIG-NAME"},
                {"2_.postgres.up.sql", "E-MIG-NAME"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        put_any(&folder, "1_a.postgres.up.sql");
        put_any(&folder, rows[i].name);
        CLEANUP(reads_release) struct reads reads = read_folder(&folder);
        assert_int_equal(reads.errors.count, 1);
        assert_string_equal(reads.errors.errors[0].code, rows[i].code);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(our_dialect_wins_over_the_general_file),
    cmocka_unit_test(versions_of_twenty_digits_are_numbers),
    cmocka_unit_test(autocommit_is_without_a_transaction),
    cmocka_unit_test(an_empty_file_does_nothing_and_can_be_taken_back),
    cmocka_unit_test(templates_are_placeholders),
    cmocka_unit_test(what_does_not_belong_together_is_refused),
};

RUN_DEEP(tests)
