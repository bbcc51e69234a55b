/* What a plan tells of a step, so that whoever has no bundle can look before it comes. */
#include "common/migration/outline.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

static struct wanted_lock one = {"one", TABLE_LOCK_ACCESS_EXCLUSIVE};
static struct wanted_lock one_weaker = {"one", TABLE_LOCK_SHARE};
static struct wanted_lock two_weak = {"two", TABLE_LOCK_SHARE_UPDATE_EXCLUSIVE};
static struct wanted_lock other = {"app.other", TABLE_LOCK_ACCESS_EXCLUSIVE};

static struct statement
locking(const char *tag, struct wanted_lock *lock)
{
    return (struct statement){.tag = tag, .locks = lock, .lock_count = 1};
}

static struct outline
outlined(struct statement *statements, size_t count, struct arena *arena)
{
    struct migration migration = {
        .version = "7",
        .has_up = true,
        .up = {.path = "7.up.sql", .statements = statements, .statement_count = count}};

    return outline_of(&migration, DIRECTION_UP, arena);
}

static void
a_table_is_told_once_with_its_strongest_lock(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct statement statements[] = {locking("CREATE INDEX", &one_weaker),
                                     locking("DROP TRIGGER", &other),
                                     locking("DROP TRIGGER", &one)};
    struct outline outline = outlined(statements, 3, &arena);

    assert_string_equal(outline.version, "7");
    assert_int_equal(outline.table_count, 2);
    assert_string_equal(outline.tables[0].relation, "one");
    assert_int_equal(outline.tables[0].mode, TABLE_LOCK_ACCESS_EXCLUSIVE);
    assert_true(outline.tables[0].needs_owner);
    assert_int_equal(outline.tables[0].statement, 0);
    assert_string_equal(outline.tables[1].relation, "app.other");
    assert_false(outline.tables[1].needs_owner);
    assert_int_equal(outline.tables[1].statement, 1);
}

static void
what_nobody_waits_for_is_not_told(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct statement statements[] = {locking("VACUUM", &two_weak), {.tag = "CREATE TABLE"}};
    struct outline outline = outlined(statements, 2, &arena);

    assert_true(outline_is_empty(&outline));
}

static void
behind_a_set_only_names_with_their_schema_are_sure(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct statement statements[] = {
        {.tag = "SET"}, locking("ALTER TABLE", &one), locking("ALTER TABLE", &other)};
    struct outline outline = outlined(statements, 3, &arena);

    assert_int_equal(outline.table_count, 2);
    assert_false(outline.tables[0].needs_owner);
    assert_true(outline.tables[1].needs_owner);
}

static void
what_cannot_be_the_name_of_a_table_is_left_out(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct wanted_lock longest = {name, TABLE_LOCK_ACCESS_EXCLUSIVE};
    struct statement_work works[] = {{.schema = "app", .table = name, .kind = WORK_SCAN},
                                     {.schema = "app", .table = "two", .kind = WORK_INDEX}};
    struct statement statements[] = {locking("ALTER TABLE", &longest), locking("DROP", &one)};
    statements[1].works = works;
    statements[1].work_count = 2;
    struct outline outline = outlined(statements, 2, &arena);

    assert_int_equal(outline.table_count, 1);
    assert_string_equal(outline.tables[0].relation, "one");
    assert_int_equal(outline.work_count, 1);
    assert_string_equal(outline.works[0].table, "two");
    assert_int_equal(outline.works[0].kind, WORK_INDEX);
}

static void
more_than_has_room_is_left_to_the_step(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct statement statements[OUTLINE_TABLES_MAX + 5];
    struct wanted_lock locks[OUTLINE_TABLES_MAX + 5];
    for (size_t i = 0; i < OUTLINE_TABLES_MAX + 5; i++) {
        locks[i] = (struct wanted_lock){arena_format(&arena, "t%zu", i), TABLE_LOCK_EXCLUSIVE};
        statements[i] = locking("LOCK TABLE", &locks[i]);
    }
    struct outline outline = outlined(statements, OUTLINE_TABLES_MAX + 5, &arena);

    assert_int_equal(outline.table_count, OUTLINE_TABLES_MAX);
    assert_string_equal(outline.tables[OUTLINE_TABLES_MAX - 1].relation, "t31");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_told_once_with_its_strongest_lock),
        cmocka_unit_test(what_nobody_waits_for_is_not_told),
        cmocka_unit_test(behind_a_set_only_names_with_their_schema_are_sure),
        cmocka_unit_test(what_cannot_be_the_name_of_a_table_is_left_out),
        cmocka_unit_test(more_than_has_room_is_left_to_the_step),
    };

    return RUN_TESTS(tests);
}
