/* docs/locks.md: what the component test proves against a server, as a page for people. */
#include <stdio.h>
#include <string.h>

#include "tests/component/sql/kinds.h"
#include "tests/support/golden.h"
#include "tests/unit/sql/history.h"

#define PAGE "docs/locks.md"
#define MAJOR 15

static const char preface[] =
    "# What statements lock\n"
    "\n"
    "What `common/sql` predicts of each kind of statement on PostgreSQL 15, printed by its tests "
    "(do not edit;\n"
    "`SKEIN_GOLDEN=write ctest --preset dev -R golden` writes it anew). "
    "`tests/component/sql/test_effects` runs every one of\n"
    "them on a server and compares: the locks with `pg_locks`, \"written anew\" with the "
    "relations' files, \"read whole\" with the\n"
    "counters of sequential scans. The tables are those of "
    "[world.sql](../tests/component/sql/world.sql), the statements stand in\n"
    "[statements.sql](../tests/component/sql/statements.sql), with what was done before.\n"
    "\n"
    "Left out: what the statement makes itself (nobody sees it before the end), locks of indexes "
    "weaker than SHARE UPDATE\n"
    "EXCLUSIVE, PostgreSQL's own catalogs. A query reads as its plan has it; \"read whole\" is "
    "said where no plan can avoid it.\n"
    "What blocks what: ACCESS EXCLUSIVE everything; EXCLUSIVE, SHARE ROW EXCLUSIVE and SHARE all "
    "writes; SHARE UPDATE\n"
    "EXCLUSIVE neither reads nor writes, but VACUUM and other changes of the table.\n"
    "\n"
    "| kind | statement | locks | read whole | written anew |\n"
    "|---|---|---|---|---|\n";

/* SQL in one cell: no line breaks, no bar that ends the cell. */
static void
append_statement(struct text *page, const char *sql)
{
    size_t size = strlen(sql);

    while (size && strchr("\n ;", sql[size - 1])) {
        size--;
    }
    text_append(page, "`");
    for (size_t i = 0; i < size; i++) {
        if (sql[i] == '|') {
            text_append(page, "\\");
        }
        text_append_bytes(page, sql[i] == '\n' ? " " : sql + i, 1);
    }
    text_append(page, "`");
}

static bool
is_told(const struct sql_relation *relation)
{
    return !relation->is_new && !relation->is_temporary;
}

/* Of a table that is written anew all indexes are; they are named once. */
static bool
goes_along(const struct sql_relation *relation)
{
    return relation->object == OBJECT_INDEX && relation->rewrites;
}

static size_t
along_count(const struct effects *effects)
{
    size_t count = 0;

    for (size_t i = 0; i < effects->relation_count; i++) {
        count += goes_along(&effects->relations[i]);
    }
    return count;
}

static void
append_name(struct text *page, const char *name)
{
    if (name) {
        text_format(page, "`%s`", name);
    } else {
        text_append(page, "indexes");
    }
}

static void
append_locks(struct text *page, const struct effects *effects)
{
    const char *between = "";
    bool is_folded = along_count(effects) > 1, is_said = false;

    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        bool is_index = is_folded && goes_along(relation);
        if (!is_told(relation) || (is_index && is_said)) {
            continue;
        }
        text_append(page, between);
        append_name(page, is_index ? NULL : relation->name);
        text_format(page, " %s", lock_mode_name(relation->lock));
        is_said = is_said || is_index;
        between = "<br>";
    }
}

static void
append_names(struct text *page, const struct effects *effects, bool rewrites)
{
    const char *between = "";
    bool is_folded = along_count(effects) > 1, is_said = false;

    text_append(page, " | ");
    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        bool is_index = is_folded && goes_along(relation);
        bool is_meant = rewrites ? relation->rewrites : relation->scans;
        if (!is_told(relation) || !is_meant || (is_index && is_said)) {
            continue;
        }
        text_append(page, between);
        append_name(page, is_index ? NULL : relation->name);
        is_said = is_said || is_index;
        between = ", ";
    }
}

static void
append_kind(struct text *page, const char *world, const struct kind *kind)
{
    CLEANUP(history_end)
    struct history history = {.catalog = catalog_new(), .major = MAJOR};

    history_add(&history, world);
    if (kind->given) {
        history_add(&history, kind->given);
    }
    history_add(&history, kind->when);
    text_format(page, "| %s | ", kind->title);
    append_statement(page, kind->when);
    text_append(page, " | ");
    append_locks(page, &history.effects);
    append_names(page, &history.effects, false);
    append_names(page, &history.effects, true);
    text_append(page, " |\n");
}

static void
the_page_of_locks_says_what_is_predicted(void **state)
{
    (void)state;
    CLEANUP(kinds_release) struct kinds kinds = kinds_read("statements.sql");
    CLEANUP(mem_free) char *world = kinds_read_text("world.sql");
    CLEANUP(text_release) struct text page = {0};

    text_append(&page, preface);
    for (size_t i = 0; i < kinds.count; i++) {
        append_kind(&page, world, &kinds.kinds[i]);
    }
    assert_true(golden_matches(PAGE, text_of(&page)));
}

/* All on one deep stack: memcheck takes its time for each. */
static void
run(void *failures)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_locks_says_what_is_predicted),
    };
    *(int *)failures = RUN_TESTS(tests);
}

int
main(void)
{
    int failures = 1;

    deep_stack_run(run, &failures);
    return failures;
}
