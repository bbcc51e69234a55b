#include "common/migration/layout.h"

#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define GOOSE "-- +goose Up\nSELECT 1;\n"
#define DBMATE "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"

static void
a_folder_is_read_as_what_it_looks_like(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *layout;
    } rows[] = {{"1_a.up.sql", "SELECT 1", "pairs"},  {"1_a.sql", "SELECT 1", "sqlx"},
                {"1_a.sql", GOOSE, "goose"},          {"1_a.sql", DBMATE, "dbmate"},
                {"1_a/up.sql", "SELECT 1", "diesel"}, {"1_a/migration.sql", "SELECT 1", "prisma"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        struct listing *listing = NULL;
        struct error error;
        put(&folder, rows[i].name, rows[i].text);
        assert_true(listing_open(folder.path, &listing, &error));
        const struct layout *layout = layout_find("auto", listing, &error);
        assert_true(!layout == !rows[i].layout);
        if (layout) {
            assert_string_equal(layout->name, rows[i].layout);
        }
        listing_destroy(&listing);
    }
}

static void
a_folder_that_is_half_one_thing_and_half_another_is_refused_with_both_explained(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", GOOSE);
    put(&folder, "2_b.sql", GOOSE);
    put(&folder, "3_c.sql", DBMATE);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-LAYOUT");
    assert_string_equal(reads.errors.errors[0].where, folder.path);
    assert_string_equal(reads.errors.errors[0].found,
                        "goose: 2, such as 1_a.sql; dbmate: 1, such as 3_c.sql");
    assert_non_null(strstr(reads.errors.errors[0].hint, "layout: NAME"));
}

static void
what_a_layout_has_besides_its_own_marks_is_no_other_half(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder popx = folder_make();
    put_any(&popx, "1_a.up.sql");
    put_any(&popx, "2_b.sqlite.up.sql");
    CLEANUP(folder_remove) struct folder node = folder_make();
    put_any(&node, "1_a.sql");
    put(&node, "2_b.sql", "-- Up Migration\nSELECT 1;\n");
    CLEANUP(folder_remove) struct folder drizzle = folder_make();
    put_any(&drizzle, "0000_a.sql");
    put(&drizzle, "meta/_journal.json", "{\"entries\": [{\"tag\": \"0000_a\", \"when\": 1}]}");

    CLEANUP(reads_release) struct reads reads_popx = read_folder(&popx);
    CLEANUP(reads_release) struct reads reads_node = read_folder(&node);
    CLEANUP(reads_release) struct reads reads_drizzle = read_folder(&drizzle);

    assert_string_equal(migration_at(&reads_popx, 0)->name, "a");
    assert_string_equal(reads_popx.bundle->manifest.layout, "popx");
    assert_string_equal(reads_node.bundle->manifest.layout, "node-pg-migrate");
    assert_int_equal(reads_node.bundle->manifest.migration_count, 2);
    assert_string_equal(reads_drizzle.bundle->manifest.layout, "drizzle");
}

static void
a_named_layout_judges_the_other_half_by_its_own_rules(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "1_a.sql", GOOSE);
    put(&folder, "3_c.sql", DBMATE);

    CLEANUP(reads_release) struct reads reads = read_as(&folder, "goose");

    assert_false(reads.succeeded);
    assert_listed(&reads.errors, "E-MIG-MARK", "3_c.sql", "2:1");
}

static void
a_folder_without_migrations_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "README.md");
    put_any(&folder, "seed.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-MISSING");
    assert_non_null(strstr(reads.errors.errors[0].found, "<version>_<name>.up.sql"));
}

static void
a_folder_without_migrations_of_the_layout_that_was_named_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "README.md");

    CLEANUP(reads_release) struct reads reads = read_as(&folder, "dbmate");

    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-MISSING");
}

static void
a_layout_can_be_named(void **state)
{
    (void)state;
    static const struct {
        const char *layout;
        bool succeeds;
    } rows[] = {{"pairs", true}, {"golang-migrate", true}, {"sqlx", true}, {"nonsense", false}};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a.up.sql");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(reads_release) struct reads reads = read_as(&folder, rows[i].layout);
        assert_int_equal(reads.succeeded, rows[i].succeeds);
        if (!reads.succeeded) {
            assert_string_equal(reads.errors.errors[0].code, "E-MIG-LAYOUT");
            assert_non_null(strstr(reads.errors.errors[0].hint, "goose"));
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_folder_is_read_as_what_it_looks_like),
    cmocka_unit_test(
        a_folder_that_is_half_one_thing_and_half_another_is_refused_with_both_explained),
    cmocka_unit_test(what_a_layout_has_besides_its_own_marks_is_no_other_half),
    cmocka_unit_test(a_named_layout_judges_the_other_half_by_its_own_rules),
    cmocka_unit_test(a_folder_without_migrations_is_refused),
    cmocka_unit_test(a_folder_without_migrations_of_the_layout_that_was_named_is_refused),
    cmocka_unit_test(a_layout_can_be_named),
};

RUN_DEEP(tests)
