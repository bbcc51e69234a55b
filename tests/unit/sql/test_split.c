#include "common/sql/split.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include "tests/support/deep.h"
#include "tests/unit/sql/sample.h"

static void
assert_statement(const struct sample *sample, const char *text, size_t index, size_t line,
                 size_t column, const char *wanted)
{
    assert_true(sample->is_split);
    assert_true(index < sample->script.statement_count);
    const struct stretch *stretch = &sample->script.statements[index].stretch;
    assert_int_equal(stretch->size, strlen(wanted));
    assert_memory_equal(text + stretch->place.offset, wanted, stretch->size);
    assert_int_equal(stretch->place.line, line);
    assert_int_equal(stretch->place.column, column);
}

static void
assert_error(const char *text, const char *code, size_t line, size_t column)
{
    CLEANUP(sample_release) struct sample sample = split(text);

    assert_false(sample.is_split);
    assert_string_equal(sample.error.code, code);
    assert_int_equal(sample.place.line, line);
    assert_int_equal(sample.place.column, column);
}

static void
a_statement_is_without_what_stands_around_it(void **state)
{
    (void)state;
    const char *text =
        "-- é\n  /* a /* b */ ; */ SELECT 1 ;;\n\tSELECT 'é;' , 2;-- end\nSELECT 3 \n";
    CLEANUP(sample_release) struct sample sample = split(text);

    assert_int_equal(sample.script.statement_count, 3);
    assert_statement(&sample, text, 0, 2, 21, "SELECT 1");
    assert_statement(&sample, text, 1, 3, 2, "SELECT 'é;' , 2");
    assert_statement(&sample, text, 2, 4, 1, "SELECT 3");
}

static void
semicolons_inside_a_statement_do_not_end_it(void **state)
{
    (void)state;
    const char *text =
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2;"
        " END;\nDO $x$ BEGIN PERFORM 1; END $x$;\n"
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);";
    CLEANUP(sample_release) struct sample sample = split(text);

    assert_true(sample.is_split);
    assert_int_equal(sample.script.statement_count, 3);
    assert_int_equal(sample.script.statements[1].stretch.place.line, 2);
    assert_int_equal(sample.script.statements[2].stretch.place.line, 3);
}

static void
a_byte_order_mark_and_crlf_are_accepted(void **state)
{
    (void)state;
    const char *text = "\xef\xbb\xbf"
                       "SELECT 1;\r\n-- skein: noop\r\n  SELECT 2;\r\n";
    CLEANUP(sample_release) struct sample sample = split(text);

    assert_int_equal(sample.script.statement_count, 2);
    assert_statement(&sample, text, 0, 1, 1, "SELECT 1");
    assert_statement(&sample, text, 1, 3, 3, "SELECT 2");
    assert_int_equal(sample.script.comment_count, 1);
    const struct stretch *comment = &sample.script.comments[0];
    assert_memory_equal(text + comment->place.offset, "-- skein: noop", comment->size);
    assert_int_equal(comment->size, strlen("-- skein: noop"));
    assert_int_equal(comment->place.line, 2);
}

static void
an_error_behind_a_byte_order_mark_has_its_place(void **state)
{
    (void)state;

    assert_error("\xef\xbb\xbfSELECT FROM FROM", "E-MIG-SYNTAX", 1, 13);
}

static void
nothing_in_a_file_is_no_statement(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " \n", "-- only a comment", "/* c */;;;",
                                        "\xef\xbb\xbf"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(sample_release) struct sample sample = split(texts[i]);
        assert_true(sample.is_split);
        assert_int_equal(sample.script.statement_count, 0);
    }
}

static void
comments_are_kept_when_they_hold_the_mark(void **state)
{
    (void)state;
    const char *text = "-- other\n-- SKEIN: x\nSELECT '-- skein: y', $$-- skein: z$$; -- skein: w\n"
                       "/* skein: v */";
    CLEANUP(sample_release) struct sample sample = split(text);

    assert_int_equal(sample.script.comment_count, 2);
    assert_int_equal(sample.script.comments[0].place.line, 2);
    assert_int_equal(sample.script.comments[1].place.line, 3);
    assert_int_equal(sample.script.comments[1].place.column, 40);
}

static void
what_does_not_end_is_a_lexical_error_where_it_begins(void **state)
{
    (void)state;

    assert_error("SELECT 1;\nSELECT é, 'abc", "E-MIG-LEX", 2, 11);
    assert_error("SELECT $x$ abc", "E-MIG-LEX", 1, 8);
    assert_error("SELECT \"abc", "E-MIG-LEX", 1, 8);
    assert_error("SELECT 1; /* abc", "E-MIG-LEX", 1, 11);
}

static void
what_psql_understands_is_told_apart(void **state)
{
    (void)state;

    assert_error("SELECT 1;\n\\connect other\n", "E-MIG-PSQL", 2, 1);
    assert_error("SELECT 1;\n  \\copy t from 'x'\n", "E-MIG-PSQL", 2, 3);
    assert_error("SELECT :name", "E-MIG-PSQL", 1, 8);
    assert_error("SELECT :'name'", "E-MIG-PSQL", 1, 8);
    assert_error("SELECT 1;\n/* é */ COPY t (a, b) FROM stdin;\n1\tit's; one\n\\.\nSELECT 2;\n",
                 "E-MIG-PSQL", 2, 9);
    assert_error("COPY t FROM STDIN;\n1\t2\n\\.\n", "E-MIG-PSQL", 1, 1);
}

static void
other_syntax_errors_have_their_place_in_characters(void **state)
{
    (void)state;

    assert_error("SELECT 'é';\n SELECT 'ééé' FROM FROM t;", "E-MIG-SYNTAX", 2, 20);
    assert_error("CREATE TABLE t (a int", "E-MIG-SYNTAX", 1, 22);
    assert_error("SELECT {{.Name}}", "E-MIG-SYNTAX", 1, 8);
    assert_error("SELECT ${NAME}", "E-MIG-SYNTAX", 1, 8);
}

static void
an_error_does_not_repeat_what_may_be_a_secret(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER ROLE a PASWORD 'hunter2'", "ALTER ROLE a PASSWORD PASSWORD 'hunter2'",
        "ALTER ROLE a 'hunter2'", "ALTER ROLE a PASSWORD 'hunter2", "ALTER ROLE a $$hunter2$$"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(sample_release) struct sample sample = split(texts[i]);
        assert_false(sample.is_split);
        assert_null(strstr(sample.error.text, "hunter2"));
        assert_null(strstr(sample.error.found, "hunter2"));
        assert_null(strstr(sample.error.hint, "hunter2"));
    }
}

static void
names_that_would_be_cut_off_are_found(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};
    char name[80] = "";

    memset(name, 'a', 63);
    text_format(&text, "SELECT %s;\n", name); /* just fits */
    name[63] = 'a';
    text_format(&text, "SELECT '%s', %s;\n", name, name); /* a string, and a name */
    text_format(&text, "SELECT \"%s\";\n", name);
    name[61] = '\0';
    text_format(&text, "SELECT \"%s\"\"b\";\n", name); /* 63: a doubled quote is one */
    text_format(&text, "SELECT \"%s\"\"bc\";\n", name);
    CLEANUP(sample_release) struct sample sample = split(text_of(&text));

    assert_true(sample.is_split);
    assert_int_equal(sample.script.long_name_count, 3);
    assert_int_equal(sample.script.long_names[0].place.line, 2);
    assert_int_equal(sample.script.long_names[0].place.column, 76);
    assert_int_equal(sample.script.long_names[1].place.line, 3);
    assert_int_equal(sample.script.long_names[2].place.line, 5);
}

/* ---- properties ------------------------------------------------------------------------------ */

/* Whether only blanks, comments and semicolons stand in a gap. */
static bool
is_gap(const char *text, size_t size)
{
    CLEANUP(mem_free) char *copy = mem_zalloc(size + 1);
    memcpy(copy, text, size);
    CLEANUP(sample_release) struct sample sample = split(copy);
    return sample.is_split && sample.script.statement_count == 0;
}

/* The statements and what stands between them give the text back, and each statement is one. */
static void
assert_covers(const char *text, size_t statement_count)
{
    CLEANUP(sample_release) struct sample sample = split(text);
    size_t at = 0;

    assert_true(sample.is_split);
    assert_int_equal(sample.script.statement_count, statement_count);
    for (size_t i = 0; i < sample.script.statement_count; i++) {
        const struct stretch *stretch = &sample.script.statements[i].stretch;
        assert_true(stretch->place.offset >= at);
        assert_true(is_gap(text + at, stretch->place.offset - at));
        struct place counted = place_after(place_start(), text, stretch->place.offset);
        assert_int_equal(counted.line, stretch->place.line);
        assert_int_equal(counted.column, stretch->place.column);
        CLEANUP(sample_release)
        struct sample alone = split_bytes(text + stretch->place.offset, stretch->size);
        assert_true(alone.is_split);
        assert_int_equal(alone.script.statement_count, 1);
        assert_string_equal(alone.script.statements[0].facts.tag,
                            sample.script.statements[i].facts.tag);
        at = stretch->place.offset + stretch->size;
    }
    assert_true(is_gap(text + at, strlen(text) - at));
}

static void
statements_and_gaps_give_the_file_back(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "SELECT 1",
        "INSERT INTO t VALUES ('a;b', $$c;d$$)",
        "CREATE TABLE \"é;\" (a int)",
        "DO $x$ BEGIN END; $x$",
        "UPDATE t SET a = E'\\';' WHERE b = U&'\\0041'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
        "SELECT 1 -- é;\n + 2",
        "ALTER TABLE t /* ; */ ADD COLUMN b int"};
    static const char *const gaps[] = {"",     " ", "\n", "-- c;\n", "/* ; /* é */ */",
                                       "\r\n", ";", "\t"};
    struct random random = random_seeded(20260131);

    for (int round = 0; round < 300; round++) {
        CLEANUP(text_release) struct text text = {0};
        size_t count = random_below(&random, 9);
        for (size_t i = 0; i < count; i++) {
            for (uint64_t more = random_below(&random, 4); more > 0; more--) {
                text_append(&text, gaps[random_below(&random, sizeof gaps / sizeof *gaps)]);
            }
            text_append(&text,
                        statements[random_below(&random, sizeof statements / sizeof *statements)]);
            text_append(&text, random_chance(&random, 50) ? ";" : "\n;");
        }
        assert_covers(text_of(&text), count);
    }
}

static void
any_bytes_are_read_or_refused(void **state)
{
    (void)state;
    static const char alphabet[] = "SELECT'$\"();-*/\\:,.é\n\r skein:1a";
    struct random random = random_seeded(7);

    for (int round = 0; round < 3000; round++) {
        char text[64];
        size_t size = random_below(&random, sizeof text - 2);
        for (size_t i = 0; i < size; i++) {
            text[i] = alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        text[size] = '\0';
        text_mend_utf8(text);
        CLEANUP(sample_release) struct sample sample = split(text);
        assert_true(sample.is_split || text_starts_with(sample.error.code, "E-MIG-"));
        assert_true(sample.place.offset <= strlen(text));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_statement_is_without_what_stands_around_it),
    cmocka_unit_test(semicolons_inside_a_statement_do_not_end_it),
    cmocka_unit_test(a_byte_order_mark_and_crlf_are_accepted),
    cmocka_unit_test(an_error_behind_a_byte_order_mark_has_its_place),
    cmocka_unit_test(nothing_in_a_file_is_no_statement),
    cmocka_unit_test(comments_are_kept_when_they_hold_the_mark),
    cmocka_unit_test(what_does_not_end_is_a_lexical_error_where_it_begins),
    cmocka_unit_test(what_psql_understands_is_told_apart),
    cmocka_unit_test(other_syntax_errors_have_their_place_in_characters),
    cmocka_unit_test(an_error_does_not_repeat_what_may_be_a_secret),
    cmocka_unit_test(names_that_would_be_cut_off_are_found),
    cmocka_unit_test(statements_and_gaps_give_the_file_back),
    cmocka_unit_test(any_bytes_are_read_or_refused),
};

RUN_DEEP(tests)
