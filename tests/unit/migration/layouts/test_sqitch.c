#include "common/migration/layouts/sqitch_plan.h"

#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define WHEN " 2025-01-02T03:04:05Z Anna Bell <anna@example.org>"
#define HEAD "%syntax-version=1.0.0\n%project=app\n%uri=https://example.org/app\n\n"

/* A folder with this plan, and scripts for a and b. */
static struct reads
read_plan(const char *plan)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "sqitch.plan", plan);
    put_any(&folder, "deploy/a.sql");
    put_any(&folder, "deploy/b.sql");
    return read_folder(&folder);
}

static void
the_plan_says_the_order(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "sqitch.plan",
        HEAD "# a comment\nzebra" WHEN " # first\ntables/apple [zebra]" WHEN "\n\n@v1.0" WHEN
             " # tag\n");
    put(&folder, "deploy/zebra.sql", "BEGIN;\nCREATE TABLE z (a int);\nCOMMIT;\n");
    put(&folder, "revert/zebra.sql", "BEGIN;\nDROP TABLE z;\nCOMMIT;\n");
    put(&folder, "verify/zebra.sql", "BEGIN;\nSELECT a FROM z WHERE false;\nROLLBACK;\n");
    put_any(&folder, "deploy/tables/apple.sql");
    put_any(&folder, "deploy/forgotten.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"zebra", "tables/apple", NULL});
    const struct migration *migration = migration_at(&reads, 0);
    assert_string_equal(reads.bundle->manifest.layout, "sqitch");
    assert_true(migration->has_down && migration->has_verify);
    assert_statement(&reads, &migration->up, 0, "CREATE TABLE z (a int)", 2, 1);
    assert_int_equal(migration->verify.statement_count, 1);
    assert_true(migration->up.is_transactional);
    assert_false(migration_at(&reads, 1)->has_down);
}

static void
what_the_plan_says_of_a_change_is_kept(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "sqitch.plan",
        HEAD "a" WHEN " # why\\nand how\nb [a !c other:d]" WHEN "\n@v1" WHEN "\n@v1.1" WHEN
             " # two\n");
    struct listing *listing = NULL;
    struct source_list sources = {0};
    struct error_list errors = {0}, notes = {0};
    struct error error;
    assert_true(listing_open(folder.path, &listing, &error));
    struct collection collection = {
        .listing = listing, .sources = &sources, .errors = &errors, .notes = &notes};
    struct listed_file *file = listing_file(listing, SQITCH_PLAN);
    struct sqitch_plan plan;

    assert_true(listing_load(listing, file, &error));
    assert_true(sqitch_plan_read(&collection, file, &plan));

    const struct sqitch_change *a = &plan.changes[0].change, *b = &plan.changes[1].change;
    assert_int_equal(plan.count, 2);
    assert_string_equal(a->project, "app");
    assert_string_equal(a->uri, "https://example.org/app");
    assert_string_equal(a->planning.date, "2025-01-02T03:04:05Z");
    assert_string_equal(a->planning.planner_name, "Anna Bell");
    assert_string_equal(a->planning.planner_mail, "anna@example.org");
    assert_string_equal(a->planning.note, "why\nand how");
    assert_int_equal(b->require_count, 2);
    assert_string_equal(b->requires[1], "other:d");
    assert_string_equal(b->conflicts[0], "c");
    assert_string_equal(b->planning.note, "");
    assert_int_equal(b->tag_count, 2);
    assert_string_equal(b->tags[1].name, "@v1.1");
    assert_string_equal(b->tags[1].planning.note, "two");
    source_list_release(&sources);
    listing_destroy(&listing);
}

static void
a_name_that_is_planned_again_keeps_its_first_version(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "sqitch.plan",
        HEAD "a" WHEN "\n@v0" WHEN "\nb" WHEN "\n@v1" WHEN "\na [a@v1]" WHEN "\n@v2" WHEN
             "\na [a@v2]" WHEN "\n");
    put(&folder, "deploy/a@v1.sql", "SELECT 'first';");
    put(&folder, "deploy/a@v2.sql", "SELECT 'second';");
    put(&folder, "revert/a@v2.sql", "SELECT 'back to first';");
    put(&folder, "deploy/a.sql", "SELECT 'third';");
    put_any(&folder, "deploy/b.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"a", "b", "a@2", "a@3", NULL});
    assert_string_equal(migration_at(&reads, 0)->up.path, "deploy/a@v1.sql");
    assert_string_equal(migration_at(&reads, 2)->up.path, "deploy/a@v2.sql");
    assert_true(migration_at(&reads, 2)->has_down);
    assert_string_equal(migration_at(&reads, 3)->up.path, "deploy/a.sql");
}

static void
what_is_wrong_with_the_plan_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *code, *place;
    } rows[] = {
        {HEAD "a" WHEN "\nb [c]" WHEN "\n", "E-MIG-ORDER", "6:1"},
        {HEAD "a" WHEN "\nb [!a]" WHEN "\n", "E-MIG-ORDER", "6:1"},
        {HEAD "a [b]" WHEN "\nb" WHEN "\n", "E-MIG-ORDER", "5:1"},
        {HEAD "a" WHEN "\na" WHEN "\nb" WHEN "\n", "E-MIG-MARK", "5:1"},
        {HEAD "a yesterday\n", "E-MIG-MARK", "5:3"},
        {HEAD "a 2025-01-02T03:04:05Z\n", "E-MIG-MARK", "5:23"},
        {HEAD "a 2025-01-02T03:04:05Z Anna <anna\n", "E-MIG-MARK", "5:34"},
        {HEAD "a [b" WHEN "\n", "E-MIG-MARK", "5:55"},
        {HEAD "a" WHEN " note\n", "E-MIG-MARK", "5:53"},
        {HEAD "@v1" WHEN "\na" WHEN "\n", "E-MIG-MARK", "5:4"},
        {HEAD "-a" WHEN "\n", "E-MIG-MARK", "5:1"},
        {HEAD "../a" WHEN "\n", "E-MIG-MARK", "5:1"},
        {"a" WHEN "\n", "E-MIG-MARK", ""},
        {HEAD "a" WHEN " # \xe9t\xe9\n", "E-MIG-ENCODING", "5:55"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(reads_release) struct reads reads = read_plan(rows[i].plan);
        assert_false(reads.succeeded);
        assert_listed(&reads.errors, rows[i].code, "sqitch.plan", rows[i].place);
    }
}

static void
a_change_without_a_script_is_refused(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_plan(HEAD "a" WHEN "\nc" WHEN "\n");

    assert_listed(&reads.errors, "E-MIG-MISSING", "deploy/c.sql", "");
}

static void
harmless_commands_of_psql_stay_and_others_are_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, "sqitch.plan", HEAD "a" WHEN "\n");
    put(&folder, "deploy/a.sql", "\\set ON_ERROR_STOP on\nSELECT 1;\n\\echo done\n");
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    put(&folder, "deploy/a.sql", "SELECT 1;\n\\ir other.sql\n");
    CLEANUP(reads_release) struct reads refused = read_folder(&folder);

    assert_int_equal(migration_at(&reads, 0)->up.statement_count, 1);
    assert_listed(&refused.errors, "E-MIG-PSQL", "deploy/a.sql", "2:1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_plan_says_the_order),
    cmocka_unit_test(what_the_plan_says_of_a_change_is_kept),
    cmocka_unit_test(a_name_that_is_planned_again_keeps_its_first_version),
    cmocka_unit_test(what_is_wrong_with_the_plan_is_refused_with_its_place),
    cmocka_unit_test(a_change_without_a_script_is_refused),
    cmocka_unit_test(harmless_commands_of_psql_stay_and_others_are_refused),
};

RUN_DEEP(tests)
