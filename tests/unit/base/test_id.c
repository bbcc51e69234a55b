#include "common/base/id.h"

#include <ctype.h>
#include <string.h>

#include "tests/support/unit.h"

static void
an_id_is_written_and_read_again(void **state)
{
    (void)state;
    struct random random = random_seeded(1);
    char text[ID_TEXT_SIZE];

    for (int i = 0; i < 1000; i++) {
        struct id id = i % 2 ? id_random() : id_draw(&random), read;
        assert_true(id_parse(id_text(&id, text), &read));
        assert_true(id_equal(&id, &read));
        assert_false(id_is_none(&id));
        assert_int_equal(text[14], '4'); /* RFC 4122: version, variant */
        assert_non_null(strchr("89ab", text[19]));
    }
}

static void
the_text_is_the_usual_one(void **state)
{
    (void)state;
    struct id id = {{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14,
                     0x17, 0x40, 0x00}};
    char text[ID_TEXT_SIZE];

    assert_ptr_equal(id_text(&id, text), text);
    assert_string_equal(text, "123e4567-e89b-42d3-a456-426614174000");
}

static void
the_same_seed_draws_the_same_ids(void **state)
{
    (void)state;
    struct random one = random_seeded(7), two = random_seeded(7), three = random_seeded(8);

    for (int i = 0; i < 100; i++) {
        struct id first = id_draw(&one), second = id_draw(&two), third = id_draw(&three);
        assert_true(id_equal(&first, &second));
        assert_false(id_equal(&first, &third));
    }
}

static void
zero_is_none(void **state)
{
    (void)state;
    struct id none = {{0}}, one = {{[15] = 1}};

    assert_true(id_is_none(&none));
    assert_false(id_is_none(&one));
}

static void
what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "last",
        "123e4567-e89b-42d3-a456-42661417400",
        "123e4567-e89b-42d3-a456-4266141740000",
        "123e4567e89b42d3a456426614174000",
        "123e4567-e89b-42d3-a456-42661417400g",
        "{123e4567-e89b-42d3-a456-426614174000}",
        " 123e4567-e89b-42d3-a456-426614174000",
    };
    struct id id;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(id_parse(texts[i], &id));
    }
}

static void
ids_that_are_drawn_later_are_larger(void **state)
{
    struct random random = random_seeded(4);
    struct id former = id_draw_at(&random, 0);
    (void)state;

    for (int64_t wall_ms = 1; wall_ms < ((int64_t)1 << 47); wall_ms = wall_ms * 3 / 2 + 1) {
        struct id id = id_draw_at(&random, wall_ms), again = id_draw_at(&random, wall_ms);
        assert_true(memcmp(&former, &id, sizeof id) < 0);
        assert_false(id_equal(&id, &again));
        assert_int_equal(0x70, id.bytes[6] & 0xf0);
        assert_int_equal(0x80, id.bytes[8] & 0xc0);
        former = memcmp(&id, &again, sizeof id) < 0 ? again : id;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_written_and_read_again),
        cmocka_unit_test(the_text_is_the_usual_one),
        cmocka_unit_test(the_same_seed_draws_the_same_ids),
        cmocka_unit_test(ids_that_are_drawn_later_are_larger),
        cmocka_unit_test(zero_is_none),
        cmocka_unit_test(what_is_no_id_is_refused),
    };
    return RUN_TESTS(tests);
}
