#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
files_of_a_version_belong_together(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "0007_add_email.up.sql");
    put_any(&folder, "7_drop.email.down.sql");
    put_any(&folder, "0007_add_email.verify.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    const struct migration *migration = migration_at(&reads, 0);
    assert_int_equal(reads.bundle->manifest.migration_count, 1);
    assert_string_equal(reads.bundle->manifest.layout, "pairs");
    assert_string_equal(migration->version, "0007");
    assert_string_equal(migration->name, "add_email");
    assert_true(migration->has_up && migration->has_down && migration->has_verify);
    assert_string_equal(migration->down.path, "7_drop.email.down.sql");
    assert_string_equal(migration->verify.path, "0007_add_email.verify.sql");
}

static void
order_is_by_number_of_any_length(void **state)
{
    (void)state;
    static const char *const names[] = {"10_b.up.sql", "9_a.up.sql", "0000_z.up.sql",
                                        "123456789012345678901234567890_d.up.sql",
                                        "20250810120000_c.up.sql"};
    static const char *const wanted[] = {"0000", "9", "10", "20250810120000",
                                         "123456789012345678901234567890"};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    for (size_t i = 0; i < 5; i++) {
        put_any(&folder, names[i]);
    }

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(migration_at(&reads, i)->version, wanted[i]);
    }
}

static void
what_is_no_sql_is_passed_over(void **state)
{
    (void)state;
    static const char *const names[] = {"README.md",   "migrations.go",   ".hidden.sql",
                                        "1_a.up.sql~", "1_a.up.sql.orig", "embed_test.go"};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a.up.sql");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put_any(&folder, names[i]);
    }

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_true(reads.succeeded);
    assert_int_equal(reads.bundle->manifest.migration_count, 1);
    assert_int_equal(reads.notes.count, 0);
}

static void
names_that_fit_no_pattern_are_refused_with_the_pattern(void **state)
{
    (void)state;
    static const struct {
        const char *name, *code;
    } rows[] = {{"seed.sql", "E-MIG-NAME"},        {"v2_b.up.sql", "E-MIG-NAME"},
                {"2-b.up.sql", "E-MIG-NAME"},      {"2_b.UP.sql", "E-MIG-CASE"},
                {"2_b.up.SQL", "E-MIG-CASE"},      {"2_b\n.up.sql", "E-MIG-NAME"},
                {"2_b\xff.up.sql", "E-MIG-NAME"},  {"2_b.up.go", "E-MIG-TYPE"},
                {"2_b.down.py", "E-MIG-TYPE"},     {"1_other.up.sql", "E-MIG-DUP"},
                {"01_a.up.sql", "E-MIG-DUP"},      {"1_A.up.sql", "E-MIG-CASE"},
                {"2_b.down.sql", "E-MIG-MISSING"}, {"2_b.verify.sql", "E-MIG-MISSING"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        put_any(&folder, "1_a.up.sql");
        put_any(&folder, rows[i].name);
        CLEANUP(reads_release) struct reads reads = read_folder(&folder);
        assert_int_equal(reads.errors.count, 1);
        assert_string_equal(reads.errors.errors[0].code, rows[i].code);
        assert_true(
            text_is_utf8(reads.errors.errors[0].where, strlen(reads.errors.errors[0].where)));
        assert_true(reads.errors.errors[0].hint[0]);
    }
}

static void
a_version_is_at_most_128_digits(void **state)
{
    (void)state;
    char name[160] = "";
    memset(name, '1', 128);
    strcpy(name + 128, "_a.up.sql");
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, name);
    CLEANUP(reads_release) struct reads fits = read_folder(&folder);
    memset(name, '2', 129);
    strcpy(name + 129, "_a.up.sql");
    put_any(&folder, name);
    CLEANUP(reads_release) struct reads passes = read_folder(&folder);

    assert_int_equal(strlen(migration_at(&fits, 0)->version), 128);
    assert_string_equal(passes.errors.errors[0].code, "E-MIG-NAME");
}

static void
there_are_at_most_a_thousand_migrations(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char name[32];

    for (int i = 1; i <= MIGRATIONS_MAX; i++) {
        snprintf(name, sizeof name, "%d_a.up.sql", i);
        put_any(&folder, name);
    }
    CLEANUP(reads_release) struct reads fits = read_folder(&folder);
    put_any(&folder, "5000_a.up.sql");
    CLEANUP(reads_release) struct reads passes = read_folder(&folder);

    assert_int_equal(fits.bundle->manifest.migration_count, MIGRATIONS_MAX);
    assert_int_equal(passes.errors.count, 1);
    assert_listed(&passes.errors, "E-MIG-COUNT", "5000_a.up.sql", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(files_of_a_version_belong_together),
    cmocka_unit_test(order_is_by_number_of_any_length),
    cmocka_unit_test(what_is_no_sql_is_passed_over),
    cmocka_unit_test(names_that_fit_no_pattern_are_refused_with_the_pattern),
    cmocka_unit_test(a_version_is_at_most_128_digits),
    cmocka_unit_test(there_are_at_most_a_thousand_migrations),
};

RUN_DEEP(tests)
