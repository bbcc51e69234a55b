#include "common/migration/layout.h"

#include <unistd.h>

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
which_tool_passes_ups_without_the_word_over_must_be_said(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a.up.sql");
    put_any(&folder, "1_a.down.sql");
    put_any(&folder, "2_b.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    CLEANUP(reads_release) struct reads sqlx = read_as(&folder, "sqlx");
    CLEANUP(reads_release) struct reads pairs = read_as(&folder, "pairs");
    struct migrations_source source = {
        .folder = folder.path, .service = "auth", .layout = "pairs", .accepted = ACCEPT_STRANGERS};
    CLEANUP(reads_release) struct reads accepted = {0};
    accepted.succeeded =
        migrations_read_source(&source, &accepted.bundle, &accepted.errors, &accepted.notes);

    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-LAYOUT");
    assert_string_equal(reads.errors.errors[0].found,
                        "pairs: 2, such as 1_a.down.sql; sqlx: 1, such as 2_b.sql");
    assert_non_null(strstr(reads.errors.errors[0].hint, "layout: sqlx"));
    assert_non_null(strstr(reads.errors.errors[0].hint, "accept: [E-MIG-NAME]"));
    assert_versions(&sqlx, (const char *const[]){"1", "2", NULL});
    assert_listed(&pairs.errors, "E-MIG-NAME", "2_b.sql", "");
    assert_versions(&accepted, (const char *const[]){"1", NULL});
    assert_listed(&accepted.notes, "E-MIG-NAME", "2_b.sql", "");
}

static void
without_any_way_back_ups_are_one_row_with_and_without_the_word(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "201701_a.up.sql");
    put_any(&folder, "201806_c.sql");
    put_any(&folder, "201704_b.up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"201701", "201704", "201806", NULL});
    assert_string_equal(reads.bundle->manifest.layout, "sqlx");
    assert_int_equal(reads.notes.count, 1);
    assert_string_equal(reads.notes.errors[0].code, "E-MIG-LAYOUT");
}

static void
ups_that_share_their_numbers_are_told_apart_by_their_names(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "0000_extension_b.up.sql");
    put_any(&folder, "0000_extension_a.up.sql");
    put_any(&folder, "0001_table_b.up.sql");
    put_any(&folder, "0001_table_a.up.sql");
    put_any(&folder, "0001_table_a.down.sql");
    put_any(&folder, "0001_table_b_down.sql");
    put_any(&folder, "10_later.up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads,
                    (const char *const[]){"0000_extension_a", "0000_extension_b", "0001_table_a",
                                          "0001_table_b", "10_later", NULL});
    assert_string_equal(reads.bundle->manifest.layout, "maragu");
    assert_true(migration_at(&reads, 2)->has_down);
    assert_false(migration_at(&reads, 3)->has_down);
    assert_listed(&reads.notes, "E-MIG-NAME", "0001_table_b_down.sql", "");
}

static void
one_shared_number_is_a_mistake(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "1_a.up.sql");
    put_any(&folder, "1_b.up.sql");
    put_any(&folder, "2_c.up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 1);
    assert_listed(&reads.errors, "E-MIG-DUP", "1_b.up.sql", "");
}

static void
files_that_say_nothing_are_no_other_half(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder pairs = folder_make();
    put_any(&pairs, "1_a.up.sql");
    put_any(&pairs, "1_a.down.sql");
    put(&pairs, "2_b.sql", "-- done by hand\n\n");
    CLEANUP(folder_remove) struct folder goose = folder_make();
    put(&goose, "2_a.sql", GOOSE);
    assert_int_equal(symlink("../elsewhere.sql", folder_path(&goose, "1_b.sql")), 0);

    CLEANUP(reads_release) struct reads reads = read_folder(&pairs);
    CLEANUP(reads_release) struct reads link = read_folder(&goose);

    assert_versions(&reads, (const char *const[]){"1", NULL});
    assert_listed(&reads.notes, "E-MIG-NAME", "2_b.sql", "");
    assert_int_equal(link.errors.count, 1);
    assert_listed(&link.errors, "E-MIG-OPEN", "1_b.sql", "");
}

static void
a_down_without_an_up_may_be_accepted(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "11_a.down.sql");
    put_any(&folder, "12_a.up.sql");

    CLEANUP(reads_release) struct reads refused = read_folder(&folder);
    CLEANUP(reads_release) struct reads reads = read_accepting(&folder, ACCEPT_LONELY);

    assert_listed(&refused.errors, "E-MIG-MISSING", "11_a.down.sql", "");
    assert_versions(&reads, (const char *const[]){"12", NULL});
    assert_listed(&reads.notes, "E-MIG-NAME", "11_a.down.sql", "");
}

static struct reads
read_several(const struct folder *folder, const char *layout, const char *const *folders,
             size_t count)
{
    struct migrations_source source = {.folder = folder->path,
                                       .service = "auth",
                                       .layout = layout,
                                       .folders = folders,
                                       .folder_count = count};
    struct reads reads = {0};
    reads.succeeded = migrations_read_source(&source, &reads.bundle, &reads.errors, &reads.notes);
    return reads;
}

static void
dbmate_and_flyway_take_several_folders_as_one_row(void **state)
{
    (void)state;
    static const char *const folders[] = {"core", "shop/extra"};
    CLEANUP(folder_remove) struct folder dbmate = folder_make();
    put(&dbmate, "core/1_a.sql", DBMATE);
    put(&dbmate, "core/3_c.sql", DBMATE);
    put(&dbmate, "shop/extra/2_b.sql", DBMATE);
    put(&dbmate, "shop/4_not_listed.sql", DBMATE);
    put(&dbmate, "5_nor_this.sql", DBMATE);
    CLEANUP(folder_remove) struct folder flyway = folder_make();
    put_any(&flyway, "core/V2__b.sql");
    put_any(&flyway, "shop/extra/below/V1__a.sql");
    put_any(&flyway, "shop/V3__not_listed.sql");

    CLEANUP(reads_release) struct reads reads = read_several(&dbmate, "auto", folders, 2);
    CLEANUP(reads_release) struct reads reads_flyway = read_several(&flyway, "auto", folders, 2);

    assert_versions(&reads, (const char *const[]){"1", "2", "3", NULL});
    assert_string_equal(reads.bundle->manifest.layout, "dbmate");
    assert_string_equal(migration_at(&reads, 1)->up.path, "shop/extra/2_b.sql");
    assert_string_equal(migration_at(&reads, 1)->name, "b");
    assert_versions(&reads_flyway, (const char *const[]){"1", "2", NULL});
}

static void
what_is_wrong_with_several_folders_is_said(void **state)
{
    (void)state;
    static const char *const folders[] = {"a", "b"};
    CLEANUP(folder_remove) struct folder twice = folder_make();
    put(&twice, "a/1_a.sql", DBMATE);
    put(&twice, "b/1_b.sql", DBMATE);
    CLEANUP(folder_remove) struct folder goose = folder_make();
    put(&goose, "a/1_a.sql", GOOSE);
    put(&goose, "b/2_b.sql", GOOSE);
    CLEANUP(folder_remove) struct folder missing = folder_make();
    put(&missing, "a/1_a.sql", DBMATE);

    CLEANUP(reads_release) struct reads same = read_several(&twice, "auto", folders, 2);
    CLEANUP(reads_release) struct reads other = read_several(&goose, "auto", folders, 2);
    CLEANUP(reads_release) struct reads gone = read_several(&missing, "dbmate", folders, 2);

    assert_listed(&same.errors, "E-MIG-DUP", "b/1_b.sql", "");
    assert_string_equal(other.errors.errors[0].code, "E-MIG-LAYOUT");
    assert_listed(&gone.errors, "E-MIG-MISSING", "b", "");
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
a_folder_that_has_the_migrations_in_a_folder_is_told_so(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put_any(&folder, "seed.sql");
    put_any(&folder, "migrations/1_a.up.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_string_equal(reads.errors.errors[0].code, "E-MIG-MISSING");
    assert_non_null(strstr(reads.errors.errors[0].hint, "/migrations meant?"));
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
    cmocka_unit_test(which_tool_passes_ups_without_the_word_over_must_be_said),
    cmocka_unit_test(without_any_way_back_ups_are_one_row_with_and_without_the_word),
    cmocka_unit_test(ups_that_share_their_numbers_are_told_apart_by_their_names),
    cmocka_unit_test(one_shared_number_is_a_mistake),
    cmocka_unit_test(files_that_say_nothing_are_no_other_half),
    cmocka_unit_test(a_down_without_an_up_may_be_accepted),
    cmocka_unit_test(dbmate_and_flyway_take_several_folders_as_one_row),
    cmocka_unit_test(what_is_wrong_with_several_folders_is_said),
    cmocka_unit_test(what_a_layout_has_besides_its_own_marks_is_no_other_half),
    cmocka_unit_test(a_named_layout_judges_the_other_half_by_its_own_rules),
    cmocka_unit_test(a_folder_without_migrations_is_refused),
    cmocka_unit_test(a_folder_that_has_the_migrations_in_a_folder_is_told_so),
    cmocka_unit_test(a_folder_without_migrations_of_the_layout_that_was_named_is_refused),
    cmocka_unit_test(a_layout_can_be_named),
};

RUN_DEEP(tests)
