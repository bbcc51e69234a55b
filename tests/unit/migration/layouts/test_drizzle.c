#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define JOURNAL "meta/_journal.json"
#define ENTRY(idx, when, tag)                                                                      \
    "{\"idx\": " #idx ", \"version\": \"7\", \"when\": " #when ", \"tag\": \"" tag                 \
    "\", \"breakpoints\": true}"
#define ENTRIES(...)                                                                               \
    "{\"version\": \"7\", \"dialect\": \"postgresql\", \"entries\": [" __VA_ARGS__ "]}"

static void
the_journal_says_the_order(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, JOURNAL, ENTRIES(ENTRY(0, 100, "0001_b") "," ENTRY(1, 200, "0000_a")));
    put_any(&folder, "0000_a.sql");
    put_any(&folder, "0001_b.sql");
    put_any(&folder, "0002_not_in_it.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_versions(&reads, (const char *const[]){"0001_b", "0000_a", NULL});
    assert_string_equal(reads.bundle->manifest.layout, "drizzle");
    assert_string_equal(migration_at(&reads, 0)->irreversible, "drizzle knows no way back");
    assert_listed(&reads.notes, "E-MIG-NAME", "0002_not_in_it.sql", "");
}

static void
statements_stand_apart_by_breakpoints_and_may_lack_their_semicolon(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, JOURNAL, ENTRIES(ENTRY(0, 100, "0000_a")));
    put(&folder, "0000_a.sql",
        "CREATE TABLE t (a int)\n--> statement-breakpoint\nCREATE TABLE u (a int);--> "
        "statement-breakpoint\nSELECT 1 --> statement-breakpoint\nSELECT 'ä'");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    const struct script *up = &migration_at(&reads, 0)->up;
    assert_int_equal(up->statement_count, 4);
    assert_statement(&reads, up, 0, "CREATE TABLE t (a int)", 1, 1);
    assert_statement(&reads, up, 1, "CREATE TABLE u (a int)", 3, 1);
    assert_statement(&reads, up, 2, "SELECT 1", 4, 1);
    assert_statement(&reads, up, 3, "SELECT 'ä'", 5, 1);
}

static void
an_entry_that_drizzle_would_pass_over_is_noted(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, JOURNAL, ENTRIES(ENTRY(0, 200, "0000_a") "," ENTRY(1, 100, "0001_b")));
    put_any(&folder, "0000_a.sql");
    put_any(&folder, "0001_b.sql");

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.notes.count, 1);
    assert_listed(&reads.notes, "E-MIG-ORDER", JOURNAL, "");
    assert_string_equal(reads.notes.errors[0].found, "0001_b");
}

static void
a_journal_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *journal, *code;
    } rows[] = {
        {"", "E-MIG-MARK"},
        {"{\"entries\": [", "E-MIG-MARK"},
        {"{\"entries\": {}}", "E-MIG-MARK"},
        {"{\"entries\": [], \"entries\": []}", "E-MIG-MARK"},
        {"{\"entries\": [{\"when\": 1}]}", "E-MIG-MARK"},
        {"{\"entries\": [{\"tag\": \"0000_a\"}]}", "E-MIG-MARK"},
        {"{\"entries\": [{\"tag\": \"../x\", \"when\": 1}]}", "E-MIG-MARK"},
        {"{\"dialect\": \"mysql\", \"entries\": []}", "E-MIG-LAYOUT"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(reads_release) struct reads reads = read_one(JOURNAL, rows[i].journal);
        assert_int_equal(reads.errors.count, 1);
        assert_listed(&reads.errors, rows[i].code, JOURNAL, "");
    }
    CLEANUP(reads_release) struct reads missing = read_one(JOURNAL, ENTRIES(ENTRY(0, 1, "0000_a")));
    assert_listed(&missing.errors, "E-MIG-MISSING", "0000_a.sql", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_journal_says_the_order),
    cmocka_unit_test(statements_stand_apart_by_breakpoints_and_may_lack_their_semicolon),
    cmocka_unit_test(an_entry_that_drizzle_would_pass_over_is_noted),
    cmocka_unit_test(a_journal_that_is_none_is_refused),
};

RUN_DEEP(tests)
