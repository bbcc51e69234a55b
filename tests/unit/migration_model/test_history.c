#include "common/migration/history.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

static void
a_table_is_recognised_by_its_columns(void **state)
{
    static const struct history_found mark[] = {{"version", "bigint", false},
                                                {"dirty", "boolean", false}};
    static const struct history_found versions[] = {{"version", "character varying", false}};
    static const struct history_found more[] = {{"version", "character varying", false},
                                                {"applied_at", "timestamp with time zone", true}};
    static const struct history_found foreign[] = {{"version", "character varying", false},
                                                   {"author", "text", false}};

    (void)state;
    assert_true(history_fits(&history_golang_migrate, "public", "schema_migrations", mark, 2));
    assert_false(history_fits(&history_dbmate, "public", "schema_migrations", mark, 2));
    assert_true(history_fits(&history_dbmate, "public", "schema_migrations", versions, 1));
    assert_false(history_fits(&history_golang_migrate, "public", "schema_migrations", versions, 1));
    assert_true(history_fits(&history_dbmate, "public", "schema_migrations", more, 2));
    assert_false(history_fits(&history_dbmate, "public", "schema_migrations", foreign, 2));
    assert_false(history_fits(&history_dbmate, "public", "migrations", versions, 1));
    assert_true(history_fits(&history_dbmate, "public", NULL, versions, 1));
}

static void
two_tools_share_migrations(void **state)
{
    static const struct history_found typeorm[] = {{"id", "integer", true},
                                                   {"timestamp", "bigint", false},
                                                   {"name", "character varying", false}};
    static const struct history_found postgres[] = {
        {"id", "integer", false},
        {"name", "character varying", false},
        {"hash", "character varying", false},
        {"executed_at", "timestamp without time zone", true}};
    static const struct history_found graphile[] = {{"hash", "text", false},
                                                    {"previous_hash", "text", true},
                                                    {"filename", "text", false},
                                                    {"date", "timestamp with time zone", true}};

    (void)state;
    for (size_t i = 0; history_tools[i]; i++) {
        const struct history_tool *tool = history_tools[i];
        assert_int_equal(history_fits(tool, "public", "migrations", typeorm, 3),
                         tool == &history_typeorm);
        assert_int_equal(history_fits(tool, "public", "migrations", postgres, 4),
                         tool == &history_postgres_migrations);
        assert_int_equal(history_fits(tool, "graphile_migrate", "migrations", graphile, 4),
                         tool == &history_graphile_migrate);
        assert_false(history_fits(tool, "public", "migrations", graphile, 4));
    }
}

static void
the_third_of_them_has_one_row(void **state)
{
    static const struct history_found version[] = {{"version", "text", false}};
    CLEANUP(text_release) struct text up = {0}, down = {0};
    const struct history_place place = {
        .tool = &history_maragu, .schema = "public", .table = "migrations"};
    struct migration_key key = {.name = "version", .value = "0001_a"};
    const struct migration migration = {.keys = &key, .key_count = 1};
    struct history_step step = {.place = &place, .migration = &migration, .newest = &migration};

    (void)state;
    for (size_t i = 0; history_tools[i]; i++) {
        assert_int_equal(history_fits(history_tools[i], "public", "migrations", version, 1),
                         history_tools[i] == &history_maragu);
    }
    assert_int_equal(history_maragu.append_write(&step, &up), 1);
    assert_string_equal(text_of(&up), "UPDATE \"public\".\"migrations\" SET version = '0001_a';");
    step.direction = DIRECTION_DOWN;
    step.newest = NULL;
    assert_int_equal(history_maragu.append_write(&step, &down), 1);
    assert_string_equal(text_of(&down), "UPDATE \"public\".\"migrations\" SET version = '';");
}

/* As sqitch finds them: of a reworked change the oldest, or what the tag says. */
static void
sqitch_requires_the_oldest_of_a_name_without_a_tag(void **state)
{
    CLEANUP(text_release) struct text sql = {0};
    const struct history_place place = {
        .tool = &history_sqitch, .schema = "sqitch", .table = "changes"};
    struct migration_key keys[] = {{.name = "change_id", .value = "1"},
                                   {.name = "project", .value = "shop"},
                                   {.name = "requires", .value = "users\x1eposts@v1\x1e"}};
    const struct migration migration = {.keys = keys, .key_count = 3};
    const struct history_step step = {.place = &place, .migration = &migration};

    (void)state;
    assert_int_equal(history_sqitch.append_write(&step, &sql), 5);
    const char *users = strstr(text_of(&sql), "c.change = 'users'");
    const char *posts = strstr(text_of(&sql), "c.change = 'posts'");
    assert_true(users && posts);
    assert_true(text_starts_with(users, "c.change = 'users' ORDER BY c.committed_at ASC"));
    assert_non_null(strstr(posts, "t.tag = '@v1') ORDER BY c.committed_at DESC"));
}

/* Every layout's tool can be written; none is there twice. */
static void
every_tool_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; history_tools[i]; i++) {
        const struct history_tool *tool = history_tools[i];
        assert_non_null(tool->append_rows);
        assert_int_equal(tool->append_write != NULL, tool->layout != NULL);
        assert_true(tool->name && tool->table && tool->key && tool->fields[0].name);
        assert_true(!tool->layout || history_of_layout(tool->layout) == tool);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(tool->name, history_tools[j]->name);
        }
    }
    assert_null(history_of_layout("unheard-of"));
}

static void
lock_must_be(const struct history_place *place, const char *expected)
{
    CLEANUP(text_release) struct text sql = {0};

    place->tool->append_lock(place, &sql);
    assert_string_equal(text_of(&sql), expected);
}

/* The values that golang-migrate's own tests have, and Java's and Rust's arithmetic. */
static void
locks_are_the_tools_own(void **state)
{
    struct history_place place = {.tool = &history_golang_migrate,
                                  .schema = "schema_name_1",
                                  .table = "schema_name_2",
                                  .database = "database_name"};

    (void)state;
    lock_must_be(&place, "3743845847");
    place.tool = &history_sqlx;
    lock_must_be(&place, "764271479395923884");
    place.tool = &history_flyway;
    place.schema = "public";
    place.table = "flyway_schema_history";
    lock_must_be(&place, "77433833903597");
}

static void
values_are_quoted_under_every_setting(void **state)
{
    CLEANUP(text_release) struct text sql = {0};
    const struct history_place place = {.schema = "we\"ird", .table = "t"};

    (void)state;
    history_literal(&sql, "it's");
    text_append(&sql, ",");
    history_literal(&sql, "a\\'b");
    text_append(&sql, ",");
    history_literal(&sql, NULL);
    text_append(&sql, ",");
    history_table(&place, &sql);
    assert_string_equal(text_of(&sql), "'it''s', E'a\\\\''b',NULL,\"we\"\"ird\".\"t\"");
}

static void
numbers_are_the_same_with_zeros_before_them(void **state)
{
    (void)state;
    assert_true(history_same_key("0012", "12"));
    assert_true(history_same_key("0", "000"));
    assert_false(history_same_key("120", "12"));
    assert_false(history_same_key("a12", "12"));
    assert_true(history_same_key("20240101000000000001", "20240101000000000001"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_recognised_by_its_columns),
        cmocka_unit_test(two_tools_share_migrations),
        cmocka_unit_test(the_third_of_them_has_one_row),
        cmocka_unit_test(sqitch_requires_the_oldest_of_a_name_without_a_tag),
        cmocka_unit_test(every_tool_is_whole),
        cmocka_unit_test(locks_are_the_tools_own),
        cmocka_unit_test(values_are_quoted_under_every_setting),
        cmocka_unit_test(numbers_are_the_same_with_zeros_before_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
