#include "common/migration/layouts/flyway.h"

#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

static void
versions_have_parts_and_are_compared_as_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"V1.10__f.sql",
                                        "V1_9__e.sql",
                                        "V1__a.sql",
                                        "V1.0.1__b.sql",
                                        "V02__g.sql",
                                        "V1.2__c.sql",
                                        "V20250101120000123456789__h.sql"};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put_any(&folder, names[i]);
    }

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_string_equal(reads.bundle->manifest.layout, "flyway");
    assert_versions(&reads, (const char *const[]){"1", "1.0.1", "1.2", "1.9", "1.10", "02",
                                                  "20250101120000123456789", NULL});
}

static void
zeros_at_the_end_of_a_version_say_nothing(void **state)
{
    (void)state;

    assert_int_equal(flyway_compare("1.0", "1"), 0);
    assert_int_equal(flyway_compare("1", "1.0.0"), 0);
    assert_int_equal(flyway_compare("01.002", "1.2"), 0);
    assert_true(flyway_compare("1.0.1", "1") > 0);
    assert_true(flyway_compare("1.9", "1.10") < 0);
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "V1__a.sql");
    put_any(&folder, "V1.0__b.sql");
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    assert_listed(&reads.errors, "E-MIG-DUP", "V1__a.sql", "");
}

static void
an_undo_file_is_the_way_back(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "V1.1__add_email.sql", "CREATE TABLE t (a int);");
    put(&folder, "U1_1__other_words.sql", "DROP TABLE t;");
    put_any(&folder, "U7__lonely.sql");
    CLEANUP(reads_release) struct reads lonely = read_folder(&folder);
    (void)remove(folder_path(&folder, "U7__lonely.sql"));
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_true(migration_at(&reads, 0)->has_down);
    assert_string_equal(migration_at(&reads, 0)->name, "add_email");
    assert_listed(&lonely.errors, "E-MIG-MISSING", "U7__lonely.sql", "");
}

static void
repeatables_come_last_by_their_description(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "R__views_b.sql");
    put_any(&folder, "V2__b.sql");
    put_any(&folder, "R__views_a.sql");
    put_any(&folder, "V1__a.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"1", "2", "R__views_a", "R__views_b", NULL});
}

static void
files_may_lie_in_folders_below(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "V1__a.sql");
    put_any(&folder, "2025/q1/V2__b.sql");
    put_any(&folder, ".git/V3__hidden.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"1", "2", NULL});
    assert_string_equal(migration_at(&reads, 1)->up.path, "2025/q1/V2__b.sql");
}

static void
a_conf_beside_a_file_decides_about_its_transaction_and_placeholders(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "V1__a.sql", "SELECT '${x}'; SELECT 2;");
    put(&folder, "V1__a.sql.conf",
        "# comment\nexecuteInTransaction=false\nplaceholderReplacement = false\nencoding=UTF-8\n");
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    put(&folder, "V1__a.sql.conf", "executeInTransaction=true\nshouldExecute=${x}==1\n");
    CLEANUP(reads_release) struct reads refused = read_folder(&folder);

    assert_false(migration_at(&reads, 0)->up.is_transactional);
    assert_listed(&refused.errors, "E-MIG-MARK", "V1__a.sql.conf", "2:1");
}

static void
placeholders_are_filled_in_from_the_list_and_nothing_else(void **state)
{
    (void)state;
    static const struct substitution items[] = {
        {"${schema}", "app"}, {"${long}", "a value\nof two lines"}, {"${kept}", "${kept}"}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "V1__a.sql",
        "CREATE TABLE ${schema}.t (a int); SELECT '${kept}', '${long}'; "
        "SELECT 3;\nSELECT 4;");
    CLEANUP(reads_release)
    struct reads reads = read_with(&folder, "auto", (struct substitutions){items, 3});
    put(&folder, "V1__a.sql", "SELECT '${schema}',\n  '${flyway:timestamp}';");
    CLEANUP(reads_release)
    struct reads unknown = read_with(&folder, "auto", (struct substitutions){items, 3});

    const struct script *up = &migration_at(&reads, 0)->up;
    assert_statement(&reads, up, 0, "CREATE TABLE app.t (a int)", 1, 1);
    assert_statement(&reads, up, 1, "SELECT '${kept}', 'a value\nof two lines'", 1, 35);
    assert_statement(&reads, up, 2, "SELECT 3", 1, 64);
    assert_statement(&reads, up, 3, "SELECT 4", 2, 1);
    assert_int_equal(unknown.errors.count, 1);
    assert_listed(&unknown.errors, "E-MIG-PLACEHOLDER", "V1__a.sql", "2:4");
    assert_string_equal(unknown.errors.errors[0].found, "${flyway:timestamp}");
}

static void
errors_behind_a_placeholder_are_where_they_stand_in_the_file(void **state)
{
    (void)state;
    static const struct substitution items[] = {{"${schema}", "a_much_longer_name"}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "V1__a.sql", "SELECT 1 FROM ${schema}.t;\nSELECT ${schema}.f() FROMM x y z;\n");

    CLEANUP(reads_release)
    struct reads reads = read_with(&folder, "auto", (struct substitutions){items, 1});

    assert_listed(&reads.errors, "E-MIG-SYNTAX", "V1__a.sql", "2:28");
}

static void
what_flyway_would_do_and_we_cannot_is_named(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "V1__a.sql");
    put_any(&folder, "V2__b.java");
    put_any(&folder, "afterMigrate.sql");
    put_any(&folder, "B5__baseline.sql");
    put_any(&folder, "V3_no_description.sql");
    put_any(&folder, "V4__case.SQL");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 2);
    assert_listed(&reads.errors, "E-MIG-TYPE", "V2__b.java", "");
    assert_listed(&reads.errors, "E-MIG-CASE", "V4__case.SQL", "");
    assert_int_equal(reads.notes.count, 3);
    assert_listed(&reads.notes, "E-MIG-NAME", "afterMigrate.sql", "");
    assert_listed(&reads.notes, "E-MIG-NAME", "B5__baseline.sql", "");
    assert_listed(&reads.notes, "E-MIG-NAME", "V3_no_description.sql", "");
}

static void
versions_need_no_description(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "V1.sql");
    put_any(&folder, "V2__.sql");
    put_any(&folder, "R__.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"1", "2", NULL});
    assert_string_equal(migration_at(&reads, 0)->name, "1");
    assert_string_equal(migration_key(migration_at(&reads, 0), "description"), "");
    assert_listed(&reads.notes, "E-MIG-NAME", "R__.sql", "");
}

static struct reads
read_named(const struct folder *folder, const char *layout, const struct naming *naming)
{
    struct migrations_source source = {
        .folder = folder->path, .service = "auth", .layout = layout, .naming = naming};
    struct reads reads = {0};
    reads.succeeded = migrations_read_source(&source, &reads.bundle, &reads.errors, &reads.notes);
    return reads;
}

static void
files_are_called_as_the_naming_says(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".ddl", ".pg.sql"};
    static const struct naming naming = {.versioned = "",
                                         .undo = "UNDO",
                                         .repeatable = "REP",
                                         .separator = "-",
                                         .suffixes = suffixes,
                                         .suffix_count = 2};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1.1-create_orders.ddl");
    put_any(&folder, "UNDO1.1-create_orders.ddl");
    put_any(&folder, "below/1.2-more.pg.sql");
    put_any(&folder, "REP-views.pg.sql");
    put_any(&folder, "V9__other.sql");

    CLEANUP(reads_release) struct reads reads = read_named(&folder, "auto", &naming);

    assert_versions(&reads, (const char *const[]){"1.1", "1.2", "R__views", NULL});
    assert_string_equal(reads.bundle->manifest.layout, "flyway");
    assert_string_equal(migration_at(&reads, 0)->name, "create_orders");
    assert_string_equal(migration_at(&reads, 1)->name, "more");
    assert_true(migration_at(&reads, 0)->has_down);
    assert_string_equal(migration_key(migration_at(&reads, 1), "script"), "below/1.2-more.pg.sql");
}

static void
the_longest_prefix_says_what_a_file_is(void **state)
{
    (void)state;
    struct naming naming = naming_flyway;
    naming.versioned = "db";
    naming.repeatable = "dbr";
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "db1__a.sql");
    put_any(&folder, "dbr__b.sql");

    CLEANUP(reads_release) struct reads reads = read_named(&folder, "flyway", &naming);

    assert_versions(&reads, (const char *const[]){"1", "R__b", NULL});
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(versions_have_parts_and_are_compared_as_numbers),
    cmocka_unit_test(zeros_at_the_end_of_a_version_say_nothing),
    cmocka_unit_test(an_undo_file_is_the_way_back),
    cmocka_unit_test(repeatables_come_last_by_their_description),
    cmocka_unit_test(files_may_lie_in_folders_below),
    cmocka_unit_test(a_conf_beside_a_file_decides_about_its_transaction_and_placeholders),
    cmocka_unit_test(placeholders_are_filled_in_from_the_list_and_nothing_else),
    cmocka_unit_test(errors_behind_a_placeholder_are_where_they_stand_in_the_file),
    cmocka_unit_test(what_flyway_would_do_and_we_cannot_is_named),
    cmocka_unit_test(versions_need_no_description),
    cmocka_unit_test(files_are_called_as_the_naming_says),
    cmocka_unit_test(the_longest_prefix_says_what_a_file_is),
};

RUN_DEEP(tests)
