#include <string.h>

#include "common/base/mem.h"
#include "common/patterns/value.h"
#include "tests/support/unit.h"

static struct arena arena;

static struct value
made(enum value_of kind, const char *text)
{
    static struct pattern_parameter parameter;
    struct error error = {0};
    struct value value;

    parameter = (struct pattern_parameter){.name = "p", .kind = kind, .choices = "no|yes"};
    if (!value_make(&parameter, text, &arena, &value, &error)) {
        fail_msg("'%s' was refused: %s", text, error.text);
    }
    return value;
}

static void
refuses(enum value_of kind, const char *text, const char *why)
{
    struct pattern_parameter parameter = {.name = "p", .kind = kind, .choices = "no|yes"};
    struct error error = {0};
    struct value value;

    if (value_make(&parameter, text, &arena, &value, &error)) {
        fail_msg("'%s' was taken", text);
    }
    assert_string_equal(error.code, "E-PATTERN-VALUE");
    assert_string_equal(error.where, "--set p=…");
    if (!strstr(error.text, why)) {
        fail_msg("'%s' was refused because: %s", text, error.text);
    }
}

static int
forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void
a_name_is_quoted_where_it_must_be(void **state)
{
    (void)state;
    assert_string_equal(made(VALUE_OF_NAME, "email").sql, "email");
    assert_string_equal(made(VALUE_OF_NAME, "\"email\"").sql, "email");
    assert_string_equal(made(VALUE_OF_NAME, "order").sql, "\"order\"");
    assert_string_equal(made(VALUE_OF_NAME, "\"Order\"").sql, "\"Order\"");
    assert_string_equal(made(VALUE_OF_NAME, "\"a\"\"b c\"").sql, "\"a\"\"b c\"");
    assert_string_equal(made(VALUE_OF_NAME, "\"a\"\"b c\"").bare, "a\"b c");
    assert_string_equal(made(VALUE_OF_NAME, "größe").bare, "größe");
    assert_string_equal(made(VALUE_OF_NAME, " id ").sql, "id");
}

static void
a_table_may_have_a_schema(void **state)
{
    (void)state;
    struct value table = made(VALUE_OF_TABLE, "app.\"Order\"");

    assert_string_equal(table.sql, "app.\"Order\"");
    assert_string_equal(table.schema, "app.");
    assert_string_equal(table.name, "\"Order\"");
    assert_string_equal(table.bare, "Order");
    assert_string_equal(made(VALUE_OF_TABLE, "users").schema, "");
}

static void
what_is_no_name_is_refused_with_the_reason(void **state)
{
    char long_name[70] = "";
    (void)state;

    memset(long_name, 'a', 64);
    refuses(VALUE_OF_NAME, "Email", "folds capital letters");
    refuses(VALUE_OF_NAME, "1st", "does not begin with a digit");
    refuses(VALUE_OF_NAME, "\"open", "quotes do not end");
    refuses(VALUE_OF_NAME, "a.b", "more than a name");
    refuses(VALUE_OF_NAME, "a b", "more than a name");
    refuses(VALUE_OF_NAME, "a, b", "more than a name");
    refuses(VALUE_OF_NAME, "a; DROP TABLE users", "more than a name");
    refuses(VALUE_OF_NAME, "", "empty");
    refuses(VALUE_OF_NAME, "a\nb", "more than a line");
    refuses(VALUE_OF_NAME, long_name, "longer than 63 bytes");
    refuses(VALUE_OF_TABLE, "a.b.c", "more than a name");
    refuses(VALUE_OF_TABLE, "a.", "a name is missing");
    refuses(VALUE_OF_TABLE, "a -- b", "more than a name");
}

static void
lists_are_cut_at_commas_that_divide(void **state)
{
    (void)state;
    struct value names = made(VALUE_OF_NAMES, "tenant, \"a,b\"");
    struct value columns = made(VALUE_OF_COLUMNS, "price numeric(10, 2), tags text[]");
    struct value texts = made(VALUE_OF_LITERALS, "new, it's , sent");

    assert_int_equal(names.piece_count, 2);
    assert_string_equal(names.sql, "tenant, \"a,b\"");
    assert_int_equal(columns.piece_count, 2);
    assert_string_equal(columns.pieces[0], "price");
    assert_string_equal(columns.types[0], "numeric(10, 2)");
    assert_string_equal(columns.types[1], "text[]");
    assert_string_equal(columns.sql, "price, tags");
    assert_string_equal(texts.sql, "'new', 'it''s', 'sent'");
    refuses(VALUE_OF_NAMES, "a,,b", "a name is missing");
    refuses(VALUE_OF_COLUMNS, "price", "no type");
    refuses(VALUE_OF_COLUMNS, "price int NOT NULL", "a type is none");
    refuses(VALUE_OF_COLUMNS, "price int, x int DEFAULT 1", "a type is none");
    refuses(VALUE_OF_LITERALS, "new,,sent", "empty");
    refuses(VALUE_OF_LITERALS, "new,new", "twice");
}

static void
a_piece_of_sql_is_one_and_nothing_more(void **state)
{
    (void)state;
    assert_string_equal(made(VALUE_OF_EXPRESSION, "lower(email) || ')'").sql,
                        "lower(email) || ')'");
    assert_string_equal(made(VALUE_OF_EXPRESSION, "CASE WHEN a THEN 1 END").sql,
                        "CASE WHEN a THEN 1 END");
    refuses(VALUE_OF_EXPRESSION, "1) FROM users WHERE (true", "syntax error");
    refuses(VALUE_OF_EXPRESSION, "1), (2", "more than belongs there");
    refuses(VALUE_OF_EXPRESSION, "1 -- ", "syntax error");
    refuses(VALUE_OF_EXPRESSION, "1; DROP TABLE users", "syntax error");
    refuses(VALUE_OF_EXPRESSION, "lower(", "syntax error");
    refuses(VALUE_OF_EXPRESSION, "'$skein$'", "more than a line of text");

    assert_string_equal(made(VALUE_OF_TYPE, "timestamp with time zone").sql,
                        "timestamp with time zone");
    refuses(VALUE_OF_TYPE, "int NOT NULL", "syntax error");
    refuses(VALUE_OF_TYPE, "int + 1", "more than belongs there");
    refuses(VALUE_OF_TYPE, "int AS x, 1", "more than belongs there");
    refuses(VALUE_OF_TYPE, "int --", "more than belongs there");

    assert_string_equal(made(VALUE_OF_ASSIGNMENTS, "a = 1, b = lower(c)").sql,
                        "a = 1, b = lower(c)");
    refuses(VALUE_OF_ASSIGNMENTS, "a = 1 WHERE b", "syntax error");
    refuses(VALUE_OF_ASSIGNMENTS, "a = 1 FROM x", "more than belongs there");
    refuses(VALUE_OF_ASSIGNMENTS, "a = 1 --", "more than belongs there");

    assert_string_equal(made(VALUE_OF_ELEMENTS, "lower(email), id DESC").bare,
                        "lower_email_id_desc");
    refuses(VALUE_OF_ELEMENTS, "a) WHERE (b", "syntax error");
    refuses(VALUE_OF_ELEMENTS, "a) INCLUDE (b", "syntax error");
}

static void
a_constant_is_the_same_for_every_row(void **state)
{
    static const char *const constants[] = {"0",     "-1",          "'new'",
                                            "false", "now()",       "current_timestamp",
                                            "NULL",  "'{}'::jsonb", "ARRAY[1, 2]"};
    (void)state;

    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        made(VALUE_OF_CONSTANT, constants[i]);
    }
    refuses(VALUE_OF_CONSTANT, "gen_random_uuid()", "computed for every row");
    refuses(VALUE_OF_CONSTANT, "clock_timestamp()", "computed for every row");
    refuses(VALUE_OF_CONSTANT, "email", "computed for every row");
    refuses(VALUE_OF_CONSTANT, "1), (2", "more than belongs there");
}

static void
times_and_choices_are_checked(void **state)
{
    (void)state;
    assert_string_equal(made(VALUE_OF_DURATION, "250ms").sql, "250ms");
    assert_true(made(VALUE_OF_CHOICE, "yes").is_set);
    assert_false(made(VALUE_OF_CHOICE, "no").is_set);
    refuses(VALUE_OF_DURATION, "soon", "no time");
    refuses(VALUE_OF_CHOICE, "ye", "not among the words");
    refuses(VALUE_OF_CHOICE, "yes|no", "not among the words");
}

static void
a_made_name_that_is_too_long_stays_one_of_its_own(void **state)
{
    char first[80] = "", second[80] = "";
    (void)state;

    memset(first, 'a', 70);
    memset(second, 'a', 71);
    const char *one = value_fitting_name(first, &arena), *two = value_fitting_name(second, &arena);
    assert_int_equal(strlen(one), 63);
    assert_string_not_equal(one, two);
    assert_string_equal(value_fitting_name("short", &arena), "short");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_name_is_quoted_where_it_must_be, forget),
        cmocka_unit_test_teardown(a_table_may_have_a_schema, forget),
        cmocka_unit_test_teardown(what_is_no_name_is_refused_with_the_reason, forget),
        cmocka_unit_test_teardown(lists_are_cut_at_commas_that_divide, forget),
        cmocka_unit_test_teardown(a_piece_of_sql_is_one_and_nothing_more, forget),
        cmocka_unit_test_teardown(a_constant_is_the_same_for_every_row, forget),
        cmocka_unit_test_teardown(times_and_choices_are_checked, forget),
        cmocka_unit_test_teardown(a_made_name_that_is_too_long_stays_one_of_its_own, forget),
    };
    return RUN_TESTS(tests);
}
