#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
a_file_is_an_up_or_one_of_two_halves(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_first.sql", "SELECT 1;");
    put(&folder, "10_third.up.sql", "SELECT 3;");
    put(&folder, "10_third.down.sql", "SELECT -3;");
    put(&folder, "2_second.sql", "SELECT 2;");

    CLEANUP(reads_release) struct reads reads = read_as(&folder, "sqlx");

    assert_versions(&reads, (const char *const[]){"1", "2", "10", NULL});
    assert_string_equal(migration_at(&reads, 2)->name, "third");
    assert_true(migration_at(&reads, 2)->has_down);
    assert_false(migration_at(&reads, 0)->has_down);
}

static void
a_file_that_begins_with_no_transaction_has_none(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads marked = read_one("1_a.sql", "-- no-transaction\nSELECT 1; SELECT 2;");
    CLEANUP(reads_release)
    struct reads late = read_one("1_a.sql", "\n-- no-transaction\nSELECT 1; SELECT 2;");

    assert_false(migration_at(&marked, 0)->up.is_transactional);
    assert_true(migration_at(&late, 0)->up.is_transactional);
}

static void
what_needs_no_transaction_is_found_without_a_mark(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one("1_a.sql", "CREATE TABLE t (a int);\n"
                                             "CREATE INDEX CONCURRENTLY i ON t (a);\n");

    const struct script *up = &migration_at(&reads, 0)->up;
    assert_false(up->is_transactional);
    assert_int_equal(up->statements[0].kind, STATEMENT_TRANSACTIONAL);
    assert_int_equal(up->statements[1].kind, STATEMENT_CREATE_INDEX_CONCURRENTLY);
    assert_listed(&reads.notes, "E-MIG-MIXED", "1_a.sql", "2:1");
}

static void
who_begins_a_transaction_in_a_file_without_one_gets_one(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one("1_a.sql", "-- no-transaction\nBEGIN;\nSELECT 1;\nSELECT 2;\nCOMMIT;\n");

    assert_true(migration_at(&reads, 0)->up.is_transactional);
    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 2);
}

static void
names_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *code;
    } rows[] = {{"seed.sql", "E-MIG-NAME"}, {"2b.sql", "E-MIG-NAME"},
                {"1_b.sql", "E-MIG-DUP"},   {"01_a.sql", "E-MIG-DUP"},
                {"1_A.sql", "E-MIG-CASE"},  {"3_b.down.sql", "E-MIG-MISSING"},
                {"2_b.SQL", "E-MIG-CASE"},  {"2_b.rs", "E-MIG-TYPE"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        put_any(&folder, "1_a.sql");
        put_any(&folder, rows[i].name);
        CLEANUP(reads_release) struct reads reads = read_as(&folder, "sqlx");
        assert_int_equal(reads.errors.count, 1);
        assert_string_equal(reads.errors.errors[0].code, rows[i].code);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_is_an_up_or_one_of_two_halves),
    cmocka_unit_test(a_file_that_begins_with_no_transaction_has_none),
    cmocka_unit_test(what_needs_no_transaction_is_found_without_a_mark),
    cmocka_unit_test(who_begins_a_transaction_in_a_file_without_one_gets_one),
    cmocka_unit_test(names_that_do_not_fit_are_refused),
};

RUN_DEEP(tests)
