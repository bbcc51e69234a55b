#include "common/migration/reader.h"

#include "tests/unit/migration/reads.h"

static const struct migration *
first(const struct reads *reads)
{
    if (!reads->succeeded) {
        fail_msg("%s: %s", reads->errors.errors[0].where, reads->errors.errors[0].text);
    }
    return &reads->bundle->manifest.migrations[0];
}

/* One migration with an up and a down. */
static struct reads
read_pair(const char *up, const char *down)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", up, 0644);
    folder_text(&folder, "1_a.down.sql", down, 0644);
    return read_folder(&folder);
}

static void
a_bundle_holds_the_files_as_they_are(void **state)
{
    (void)state;
    const char *up =
        "\xef\xbb\xbf-- é\r\nCREATE TABLE t (a int);\r\n\r\n  INSERT INTO t VALUES (1);";
    CLEANUP(reads_release) struct reads reads = read_pair(up, "DROP TABLE t");

    const struct migration *migration = first(&reads);
    const char *text = bundle_script_text(reads.bundle, &migration->up);
    struct digest checksum = digest_of(up, strlen(up));
    assert_int_equal(migration->up.size, strlen(up));
    assert_memory_equal(text, up, strlen(up));
    assert_memory_equal(migration->up.checksum, checksum.bytes, CHECKSUM_SIZE);
    assert_int_equal(migration->up.statement_count, 2);
    const struct statement *insert = &migration->up.statements[1];
    assert_memory_equal(text + insert->offset, "INSERT INTO t VALUES (1)", insert->size);
    assert_int_equal(insert->line, 4);
    assert_int_equal(insert->column, 3);
    assert_string_equal(insert->tag, "INSERT");
    text = bundle_script_text(reads.bundle, &migration->down);
    assert_memory_equal(text + migration->down.statements[0].offset, "DROP TABLE t", 12);
    assert_string_equal(reads.bundle->manifest.service, "auth");
}

static void
the_same_files_give_the_same_bundle(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder one = folder_make();
    CLEANUP(folder_remove) struct folder other = folder_make();
    char name[32];
    for (int i = 1; i <= 20; i++) {
        snprintf(name, sizeof name, "%d_m.up.sql", i);
        folder_text(&one, name, "SELECT 1;\nSELECT 2;", 0644);
        snprintf(name, sizeof name, "%d_m.up.sql", 21 - i);
        folder_text(&other, name, "SELECT 1;\nSELECT 2;", 0600);
    }
    folder_text(&other, "README", "x", 0644);

    CLEANUP(reads_release) struct reads first_reads = read_folder(&one);
    CLEANUP(reads_release) struct reads second_reads = read_folder(&other);

    assert_true(first_reads.succeeded && second_reads.succeeded);
    assert_int_equal(first_reads.bundle->bytes.size, second_reads.bundle->bytes.size);
    assert_memory_equal(first_reads.bundle->bytes.data, second_reads.bundle->bytes.data,
                        first_reads.bundle->bytes.size);
}

static void
one_changed_byte_gives_another_bundle(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads one = read_up("SELECT 1;");
    CLEANUP(reads_release) struct reads other = read_up("SELECT 1; ");

    assert_memory_not_equal(one.bundle->digest.bytes, other.bundle->digest.bytes, DIGEST_SIZE);
    assert_memory_not_equal(migration_checksum(first(&one)), migration_checksum(first(&other)),
                            CHECKSUM_SIZE);
}

static void
a_down_that_cannot_be_used_closes_the_way_back(void **state)
{
    (void)state;
    static const struct {
        const char *down, *code, *place;
    } rows[] = {{"DROP TABLE IF NOT EXISTS t", "E-MIG-SYNTAX", "1:15"},
                {"SELECT 1; ROLLBACK", "E-MIG-TXCTL", "1:11"},
                {"-- nothing to do", "E-MIG-EMPTY", ""},
                {"SELECT 'a", "E-MIG-LEX", "1:8"},
                {"\xff", "E-MIG-ENCODING", "1:1"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(reads_release) struct reads reads = read_pair("SELECT 1", rows[i].down);
        const struct migration *migration = first(&reads);
        assert_false(migration->has_down);
        assert_null(migration_script(migration, DIRECTION_DOWN));
        assert_non_null(strstr(migration->irreversible, "its down file cannot be used: "));
        assert_listed(&reads.notes, rows[i].code, "1_a.down.sql", rows[i].place);
    }
}

static void
a_down_that_does_nothing_on_purpose_is_a_way_back(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_pair("SELECT 1", "-- skein: noop");

    assert_true(first(&reads)->has_down);
    assert_int_equal(first(&reads)->down.statement_count, 0);
    assert_int_equal(reads.notes.count, 0);
}

static void
what_is_irreversible_has_no_down(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_pair("-- skein: irreversible=\"gone is gone\"\nSELECT 1", "SELECT 2");

    assert_false(first(&reads)->has_down);
    assert_string_equal(first(&reads)->irreversible, "gone is gone");
    assert_listed(&reads.notes, "E-MIG-IRREVERSIBLE", "1_a.down.sql", "");
}

static void
a_missing_down_says_nothing(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_up("SELECT 1");

    assert_false(first(&reads)->has_down);
    assert_null(first(&reads)->irreversible);
    assert_int_equal(reads.notes.count, 0);
}

static void
a_verify_is_held_to_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *verify, *code, *place;
    } rows[] = {{"CREATE INDEX CONCURRENTLY i ON t (a)", "E-MIG-NOTX", "1:1"},
                {"SELECT 1; COMMIT", "E-MIG-TXCTL", "1:11"},
                {"", "E-MIG-EMPTY", ""},
                {"SELECT FROM FROM", "E-MIG-SYNTAX", "1:13"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        folder_text(&folder, "1_a.up.sql", "SELECT 1", 0644);
        folder_text(&folder, "1_a.verify.sql", rows[i].verify, 0644);
        CLEANUP(reads_release) struct reads reads = read_folder(&folder);
        assert_false(reads.succeeded);
        assert_listed(&reads.errors, rows[i].code, "1_a.verify.sql", rows[i].place);
    }
}

static void
a_service_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"", "-x", "a b", "../a"};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", "SELECT 1", 0644);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP(reads_release) struct reads reads = {0};
        assert_false(migrations_read(folder.path, names[i], "auto", &reads.bundle, &reads.errors,
                                     &reads.notes));
        assert_string_equal(reads.errors.errors[0].code, "E-NAME-SYNTAX");
    }
}

static void
numbers_that_are_left_out_can_be_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "0009_a.up.sql", "SELECT 1", 0644);
    folder_text(&folder, "0010_a.up.sql", "SELECT 1", 0644);
    CLEANUP(reads_release) struct reads whole = read_folder(&folder);
    folder_text(&folder, "12_a.up.sql", "SELECT 1", 0644);
    CLEANUP(reads_release) struct reads gapped = read_folder(&folder);

    assert_true(migrations_check_gaps(whole.bundle, folder.path, &whole.errors));
    assert_false(migrations_check_gaps(gapped.bundle, folder.path, &gapped.errors));
    assert_listed(&gapped.errors, "E-MIG-GAP", "12_a.up.sql", "");
}

static void
a_list_of_errors_has_an_end(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text up = {0};
    for (int i = 0; i < ERROR_LIST_MAX + 5; i++) {
        text_append(&up, "SET ROLE x;\n");
    }

    CLEANUP(reads_release) struct reads reads = read_up(text_of(&up));

    assert_int_equal(reads.errors.count, ERROR_LIST_MAX);
    assert_int_equal(reads.errors.dropped, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_holds_the_files_as_they_are),
        cmocka_unit_test(the_same_files_give_the_same_bundle),
        cmocka_unit_test(one_changed_byte_gives_another_bundle),
        cmocka_unit_test(a_down_that_cannot_be_used_closes_the_way_back),
        cmocka_unit_test(a_down_that_does_nothing_on_purpose_is_a_way_back),
        cmocka_unit_test(what_is_irreversible_has_no_down),
        cmocka_unit_test(a_missing_down_says_nothing),
        cmocka_unit_test(a_verify_is_held_to_the_same),
        cmocka_unit_test(a_service_has_a_name),
        cmocka_unit_test(numbers_that_are_left_out_can_be_refused),
        cmocka_unit_test(a_list_of_errors_has_an_end),
    };
    return RUN_TESTS(tests);
}
