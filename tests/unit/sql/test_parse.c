#include "common/sql/parse.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

/* What libpg_query itself packs of a text, and what its copy would be packed to. */
static void
assert_same(const char *text)
{
    CLEANUP(arena_release) struct arena arena = {0};
    PgQueryProtobufParseResult own = pg_query_parse_protobuf(text), said;
    const PgQuery__ParseResult *tree = parse(text, &arena, &said);

    assert_null(own.error);
    assert_non_null(tree);
    size_t size = protobuf_c_message_get_packed_size(&tree->base);
    uint8_t *packed = arena_alloc(&arena, size + 1);
    assert_int_equal(size, own.parse_tree.len);
    assert_int_equal(protobuf_c_message_pack(&tree->base, packed), size);
    assert_memory_equal(packed, own.parse_tree.data, size);
    pg_query_free_protobuf_parse_result(own);
    pg_query_free_protobuf_parse_result(said);
}

static void
the_copy_of_a_tree_is_the_tree(void **state)
{
    (void)state;

    assert_same("");
    assert_same("SELECT 1, -2.5, 'x', NULL, true, b'101', $1, ARRAY[1, 2]");
    assert_same("CREATE TABLE \"T\" (a int DEFAULT 0 CHECK (a > 0), b text[] COLLATE \"C\")");
    assert_same("WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT * FROM x");
    assert_same(
        "INSERT INTO t VALUES (1), (2) ON CONFLICT (a) DO UPDATE SET b = excluded.b; ; COMMIT");
}

/* Every statement of the component test, as far as one text holds them. */
static void
whole_files_are_copied_as_they_are(void **state)
{
    (void)state;
    static const char *const names[] = {"world.sql", "statements.sql"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP(text_release) struct text text = {0};
        char path[4096], piece[4096];
        snprintf(path, sizeof path, "%s/tests/component/sql/%s", getenv("SKEIN_SOURCE"), names[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        for (size_t size; (size = fread(piece, 1, sizeof piece, file)) > 0;) {
            text_append_bytes(&text, piece, size);
        }
        fclose(file);
        assert_same(text_of(&text));
    }
}

static void
a_tree_is_taken_before_it_is_packed(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    PgQueryProtobufParseResult said;

    assert_non_null(parse("SELECT 1", &arena, &said));
    assert_int_equal(said.parse_tree.len, 0);
    pg_query_free_protobuf_parse_result(said);
}

static void
what_cannot_be_parsed_is_said(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    PgQueryProtobufParseResult said;

    assert_null(parse("SELECT FROM FROM", &arena, &said));
    assert_non_null(said.error);
    assert_int_equal(said.error->cursorpos, 13);
    pg_query_free_protobuf_parse_result(said);
    assert_same("SELECT 1"); /* and nothing is caught afterwards */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_of_a_tree_is_the_tree),
        cmocka_unit_test(whole_files_are_copied_as_they_are),
        cmocka_unit_test(a_tree_is_taken_before_it_is_packed),
        cmocka_unit_test(what_cannot_be_parsed_is_said),
    };
    return RUN_TESTS(tests);
}
