#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define FILE_NAME "1_a.sql"

static void
a_file_holds_an_up_and_a_down(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one("00007_add_email.sql", "-- +goose Up\nCREATE TABLE t (a int);\n\n-- +goose Down\n"
                                        "DROP TABLE t;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_string_equal(reads.bundle->manifest.layout, "goose");
    assert_string_equal(migration->version, "00007");
    assert_string_equal(migration->name, "add_email");
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE t (a int)", 2, 1);
    assert_statement(&reads, &migration->down, 0, "DROP TABLE t", 5, 1);
    assert_true(migration->up.is_transactional);
}

static void
order_is_by_number(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "9_a.sql", "-- +goose Up\nSELECT 1;\n");
    put(&folder, "10_b.sql", "-- +goose Up\nSELECT 1;\n");
    put(&folder, "20250101000000_c.sql", "-- +goose Up\nSELECT 1;\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"9", "10", "20250101000000", NULL});
}

static void
a_number_is_there_once(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "-- +goose Up\nSELECT 1;\n");
    put(&folder, "01_b.sql", "-- +goose Up\nSELECT 1;\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-DUP", "1_a.sql", "");
}

static void
no_transaction_is_about_the_whole_file_wherever_it_stands(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_one(FILE_NAME, "-- +goose Up\nALTER TYPE t ADD VALUE 'a';\n"
                                             "SELECT 1;\n-- +goose Down\nSELECT 1; SELECT 2;\n"
                                             "-- +goose no transaction\n");

    assert_false(migration_at(&reads, 0)->up.is_transactional);
    assert_false(migration_at(&reads, 0)->down.is_transactional);
}

static void
a_statement_between_its_marks_may_lack_its_semicolon(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "-- +goose Up\n-- +goose StatementBegin\nDO $$\nBEGIN\n  NULL;\nEND\n"
                            "$$\n-- +goose StatementEnd\n-- +goose StatementBegin\nSELECT 'ü'\n"
                            "-- +goose StatementEnd\nSELECT 3;\n");

    const struct migration *migration = migration_at(&reads, 0);
    assert_int_equal(migration->up.statement_count, 3);
    assert_int_equal(migration->up.statements[0].line, 3);
    assert_statement(&reads, &migration->up, 1, "SELECT 'ü'", 10, 1);
    assert_statement(&reads, &migration->up, 2, "SELECT 3", 12, 1);
}

static void
marks_may_be_written_in_any_case(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads =
        read_one(FILE_NAME, "--+GOOSE up\nSELECT 1;\n--  +goose DOWN\nSELECT 2;\n");

    assert_true(migration_at(&reads, 0)->has_down);
}

static void
marks_in_the_wrong_place_are_refused_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } rows[] = {
        {"-- +goose Up\nSELECT 1;\n-- +goose Up\n", "3:1"},
        {"-- +goose Down\nSELECT 1;\n-- +goose Up\n", "1:1"},
        {"-- +goose Up\n-- +goose Down\nSELECT 1;\n-- +goose Down\n", "4:1"},
        {"-- +goose StatementBegin\n-- +goose Up\nSELECT 1;\n", "1:1"},
        {"-- +goose Up\n-- +goose StatementEnd\nSELECT 1;\n", "2:1"},
        {"-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\n", "4:1"},
        {"-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", ""},
        {"-- +goose Upp\nSELECT 1;\n", "1:1"},
        {"-- +goose NO TRANSACTION\nSELECT 1;\n-- +goose Up\n", "2:1"},
        {"-- +goose NO TRANSACTION\n", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_file_refused(FILE_NAME, rows[i].text, "E-MIG-MARK", rows[i].place);
    }
}

static void
a_program_and_a_name_without_a_number_are_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", "-- +goose Up\nSELECT 1;\n");
    put(&folder, "2_b.go", "package migrations\n");
    put(&folder, "seed.sql", "-- +goose Up\nSELECT 1;\n");
    put(&folder, "embed.go", "package migrations\n");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 2);
    assert_listed(&reads.errors, "E-MIG-TYPE", "2_b.go", "");
    assert_listed(&reads.errors, "E-MIG-NAME", "seed.sql", "");
}

static void
placeholders_are_what_stands_in_the_environment_parts_alone(void **state)
{
    (void)state;
    static const struct substitution items[] = {{"${REGION}", "eu"}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, FILE_NAME,
        "-- +goose Up\nSELECT '${REGION}';\n-- +goose ENVSUB ON\n"
        "SELECT '${REGION}', 2;\n-- +goose ENVSUB OFF\nSELECT '${OTHER}';\n");
    CLEANUP(reads_release)
    struct reads reads = read_with(&folder, "auto", (struct substitutions){items, 1});
    put(&folder, FILE_NAME, "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '$REGION ${REGION}';\n");
    CLEANUP(reads_release)
    struct reads unknown = read_with(&folder, "auto", (struct substitutions){items, 1});

    const struct migration *migration = migration_at(&reads, 0);
    assert_statement(&reads, &migration->up, 0, "SELECT '${REGION}'", 2, 1);
    assert_statement(&reads, &migration->up, 1, "SELECT 'eu', 2", 4, 1);
    assert_statement(&reads, &migration->up, 2, "SELECT '${OTHER}'", 6, 1);
    assert_int_equal(unknown.errors.count, 1);
    assert_listed(&unknown.errors, "E-MIG-PLACEHOLDER", FILE_NAME, "3:9");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_holds_an_up_and_a_down),
    cmocka_unit_test(order_is_by_number),
    cmocka_unit_test(a_number_is_there_once),
    cmocka_unit_test(no_transaction_is_about_the_whole_file_wherever_it_stands),
    cmocka_unit_test(a_statement_between_its_marks_may_lack_its_semicolon),
    cmocka_unit_test(marks_may_be_written_in_any_case),
    cmocka_unit_test(marks_in_the_wrong_place_are_refused_with_it),
    cmocka_unit_test(a_program_and_a_name_without_a_number_are_refused),
    cmocka_unit_test(placeholders_are_what_stands_in_the_environment_parts_alone),
};

RUN_DEEP(tests)
