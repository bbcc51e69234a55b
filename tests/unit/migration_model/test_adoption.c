#include "common/migration/adoption.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

#define COUNT 5

/* Five migrations, 1 to 5, with a checksum each. */
struct scene {
    struct migration migrations[COUNT];
    struct migration_key keys[COUNT][2];
    struct manifest manifest;
    struct adoption_wish wish;
    struct adoption adoption;
    struct error_list problems;
    struct arena arena;
};

static void
set_scene(struct scene *scene, const struct history_tool *tool)
{
    static const char *const versions[] = {"1", "2", "3", "4", "5"};
    static const char *const sums[] = {"sum1", "sum2", "sum3", "sum4", "sum5"};

    *scene = (struct scene){0};
    for (size_t i = 0; i < COUNT; i++) {
        scene->keys[i][0] = (struct migration_key){tool->key, versions[i]};
        scene->keys[i][1] = (struct migration_key){"checksum", sums[i]};
        scene->migrations[i] = (struct migration){.version = versions[i],
                                                  .name = "m",
                                                  .has_up = true,
                                                  .up.path = "m.sql",
                                                  .keys = scene->keys[i],
                                                  .key_count = 2};
    }
    scene->manifest = (struct manifest){.migrations = scene->migrations, .migration_count = COUNT};
    scene->wish =
        (struct adoption_wish){.manifest = &scene->manifest, .tool = tool, .where = "a.b"};
}

static void
end_scene(struct scene *scene)
{
    error_list_release(&scene->problems);
    arena_release(&scene->arena);
}

static bool
decide(struct scene *scene)
{
    error_list_release(&scene->problems);
    return adoption_decide(&scene->wish, &scene->arena, &scene->adoption, &scene->problems);
}

/* "1 2 3" */
static const char *
versions_of(struct scene *scene, const struct migration *const *list, size_t count)
{
    CLEANUP(text_release) struct text text = {0};

    for (size_t i = 0; i < count; i++) {
        text_format(&text, "%s%s", i ? " " : "", list[i]->version);
    }
    return arena_text(&scene->arena, text_of(&text));
}

#define LIST(scene, what) versions_of(scene, (scene)->adoption.what, (scene)->adoption.what##_count)

static void
a_row_is_one_migration(void **state)
{
    const struct history_row rows[] = {{.key = "2"}, {.key = "0001"}, {.key = "4"}};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_dbmate);
    scene.wish.rows = rows;
    scene.wish.row_count = 3;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "1 2 4");
    assert_int_equal(scene.adoption.pending_count, 2);
    assert_int_equal(scene.adoption.late_count, 1);
    end_scene(&scene);
}

static void
a_mark_is_all_up_to_it(void **state)
{
    const struct history_row rows[] = {{.key = "3"}};
    const char *const journal[] = {"1", "2"};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_golang_migrate);
    scene.wish.rows = rows;
    scene.wish.row_count = 1;
    scene.wish.journal = journal;
    scene.wish.journal_count = 2;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "3");
    assert_int_equal(scene.adoption.agreed_count, 2);
    assert_int_equal(scene.adoption.pending_count, 2);
    end_scene(&scene);
}

static void
a_baseline_is_all_up_to_it_and_needs_no_file(void **state)
{
    const struct history_row rows[] = {{.key = "2.5", .is_below = true}, {.key = "4"}};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_flyway);
    scene.wish.rows = rows;
    scene.wish.row_count = 2;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "1 2 4");
    end_scene(&scene);
}

static void
dotted_versions_are_compared_by_number(void **state)
{
    const struct history_row rows[] = {{.key = "1.9", .is_below = true}};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_flyway);
    scene.keys[0][0].value = "1.09.0";
    scene.keys[1][0].value = "1.10";
    scene.keys[2][0].value = "0.11";
    scene.wish.rows = rows;
    scene.wish.row_count = 1;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "1 3");
    end_scene(&scene);
}

static void
a_repeatable_with_another_text_is_to_be_carried_out_again(void **state)
{
    const struct history_row rows[] = {
        {.key = "R views", .checksum = "sum1", .is_repeatable = true},
        {.key = "R functions", .checksum = "old", .is_repeatable = true}};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_flyway);
    scene.keys[0][0].value = "R views";
    scene.keys[1][0].value = "R functions";
    scene.wish.rows = rows;
    scene.wish.row_count = 2;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "1");
    end_scene(&scene);
}

static void
a_short_key_of_old_times_stands_for_all_that_begin_with_it(void **state)
{
    const struct history_row rows[] = {{.key = "20240101000000"}};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_popx);
    scene.keys[0][0].value = "20240101000000000001";
    scene.keys[1][0].value = "20240101000000000002";
    scene.keys[2][0].value = "20240101000001000000";
    scene.wish.rows = rows;
    scene.wish.row_count = 1;

    assert_true(decide(&scene));

    assert_string_equal(LIST(&scene, record), "1 2");
    end_scene(&scene);
}

static void
says_all_that_does_not_agree(void **state)
{
    const struct history_row rows[] = {{.key = "1", .checksum = "other"},
                                       {.key = "2", .checksum = "sum2"},
                                       {.key = "9"},
                                       {.key = "3", .label = "3 it", .has_failed = true}};
    static const char *const codes[] = {"E-ADOPT-CHECKSUM", "E-ADOPT-UNKNOWN", "E-ADOPT-FAILED"};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_sqlx);
    scene.wish.rows = rows;
    scene.wish.row_count = 4;

    assert_false(decide(&scene));

    assert_int_equal(scene.problems.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(scene.problems.errors[i].code, codes[i]);
        assert_true(scene.problems.errors[i].hint[0]);
        assert_true(scene.problems.errors[i].where[0]);
    }
    scene.wish.row_count = 2;
    scene.wish.takes_edited = true;
    assert_true(decide(&scene));
    assert_string_equal(LIST(&scene, record), "1 2");
    assert_int_equal(scene.adoption.edited_count, 1);
    end_scene(&scene);
}

static void
asks_whose_word_counts_where_the_table_is_behind(void **state)
{
    const struct history_row rows[] = {{.key = "1"}};
    const char *const journal[] = {"1", "2", "3", "gone"};
    struct scene scene;

    (void)state;
    set_scene(&scene, &history_dbmate);
    scene.wish.rows = rows;
    scene.wish.row_count = 1;
    scene.wish.journal = journal;
    scene.wish.journal_count = 4;

    assert_false(decide(&scene));
    assert_int_equal(scene.problems.count, 2);
    assert_string_equal(scene.problems.errors[0].code, "E-ADOPT-BEHIND");
    scene.wish.trust = ADOPTION_TRUST_TABLE;
    assert_true(decide(&scene));
    assert_string_equal(LIST(&scene, forget), "2 3");
    scene.wish.trust = ADOPTION_TRUST_JOURNAL;
    assert_true(decide(&scene));
    assert_string_equal(LIST(&scene, mirror), "2 3");
    assert_int_equal(scene.adoption.forget_count, 0);
    end_scene(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_one_migration),
        cmocka_unit_test(a_mark_is_all_up_to_it),
        cmocka_unit_test(a_baseline_is_all_up_to_it_and_needs_no_file),
        cmocka_unit_test(dotted_versions_are_compared_by_number),
        cmocka_unit_test(a_repeatable_with_another_text_is_to_be_carried_out_again),
        cmocka_unit_test(a_short_key_of_old_times_stands_for_all_that_begin_with_it),
        cmocka_unit_test(says_all_that_does_not_agree),
        cmocka_unit_test(asks_whose_word_counts_where_the_table_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
