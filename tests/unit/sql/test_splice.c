#include <string.h>

#include "common/base/mem.h"
#include "common/sql/splice.h"
#include "tests/support/unit.h"

/* One statement looked at, and what was found. */
struct look {
    struct arena arena;
    struct sql_splice splice;
    size_t place;
    struct error error;
    bool succeeded;
};

static struct look
look_at(const char *statement, struct splice_wish wish)
{
    struct look look = {0};

    look.succeeded = sql_splice(statement, strlen(statement), &wish, &look.arena, &look.splice,
                                &look.place, &look.error);
    return look;
}

/* The statement with the range K put in. */
static void
assert_spliced_as(const char *statement, struct splice_wish wish,
                  const struct seam_filling *filling, const char *expected)
{
    CLEANUP(text_release) struct text text = {0};
    struct look look = look_at(statement, wish);

    if (!look.succeeded) {
        fail_msg("%s: %s %s", statement, look.error.code, look.error.text);
    }
    seam_compose(&look.splice.seam, statement, strlen(statement), filling, &text);
    assert_string_equal(text_of(&text), expected);
    arena_release(&look.arena);
}

static void
assert_spliced(const char *statement, const char *expected)
{
    assert_spliced_as(statement, (struct splice_wish){0}, &(struct seam_filling){.range = "K"},
                      expected);
}

static void
assert_refused_as(const char *statement, struct splice_wish wish, const char *code, size_t place)
{
    struct look look = look_at(statement, wish);

    if (look.succeeded) {
        fail_msg("accepted: %s", statement);
    }
    assert_string_equal(look.error.code, code);
    assert_int_equal(look.place, place);
    arena_release(&look.arena);
}

static void
assert_refused(const char *statement, const char *code, size_t place)
{
    assert_refused_as(statement, (struct splice_wish){0}, code, place);
}

static void
the_range_stands_behind_the_condition(void **state)
{
    (void)state;
    assert_spliced("UPDATE t SET x = 1 WHERE y = 2", "UPDATE t SET x = 1 WHERE ( y = 2) AND (K)");
    assert_spliced("UPDATE t SET x = 1 WHERE y = 2 OR z",
                   "UPDATE t SET x = 1 WHERE ( y = 2 OR z) AND (K)");
    assert_spliced("UPDATE t SET x = 1 WHERE(y)", "UPDATE t SET x = 1 WHERE ((y)) AND (K)");
    assert_spliced("DELETE FROM t WHERE a AND b", "DELETE FROM t WHERE ( a AND b) AND (K)");
    assert_spliced("DELETE FROM t AS u WHERE u.a IN (1, 2)",
                   "DELETE FROM t AS u WHERE ( u.a IN (1, 2)) AND (K)");
    assert_spliced("update only app.\"T\" set x = 1 where not y",
                   "update only app.\"T\" set x = 1 where ( not y) AND (K)");
}

static void
without_a_condition_it_becomes_one(void **state)
{
    (void)state;
    assert_spliced("UPDATE t SET x = x * 2", "UPDATE t SET x = x * 2 WHERE (K)");
    assert_spliced("DELETE FROM t", "DELETE FROM t WHERE (K)");
    assert_spliced("DELETE FROM t USING s", "DELETE FROM t USING s WHERE (K)");
    assert_spliced("UPDATE t SET x = s.x FROM s", "UPDATE t SET x = s.x FROM s WHERE (K)");
    assert_spliced("INSERT INTO n SELECT * FROM t", "INSERT INTO n SELECT * FROM t WHERE (K)");
    assert_spliced("INSERT INTO n SELECT a FROM t ON CONFLICT DO NOTHING",
                   "INSERT INTO n SELECT a FROM t WHERE (K) ON CONFLICT DO NOTHING");
}

static void
comments_stay_where_they_are(void **state)
{
    (void)state;
    assert_spliced("UPDATE t SET x = 1 -- all of them",
                   "UPDATE t SET x = 1 WHERE (K) -- all of them");
    assert_spliced("UPDATE t SET x = 1 WHERE y -- WHERE z",
                   "UPDATE t SET x = 1 WHERE ( y) AND (K) -- WHERE z");
    assert_spliced("UPDATE t SET x = 1 /* WHERE ( */ WHERE /* a ) */ y /* b */",
                   "UPDATE t SET x = 1 /* WHERE ( */ WHERE ( /* a ) */ y) AND (K) /* b */");
    assert_spliced("DELETE FROM t -- )\nWHERE -- (\n a\n -- end",
                   "DELETE FROM t -- )\nWHERE ( -- (\n a) AND (K)\n -- end");
}

static void
subqueries_have_conditions_of_their_own(void **state)
{
    (void)state;
    assert_spliced("UPDATE t SET x = (SELECT max(a) FROM s WHERE s.b = t.b)",
                   "UPDATE t SET x = (SELECT max(a) FROM s WHERE s.b = t.b) WHERE (K)");
    assert_spliced(
        "UPDATE t SET x = (SELECT a FROM s WHERE s.b = t.b LIMIT 1) WHERE t.c IN (SELECT "
        "c FROM u WHERE d)",
        "UPDATE t SET x = (SELECT a FROM s WHERE s.b = t.b LIMIT 1) WHERE ( t.c IN (SELECT "
        "c FROM u WHERE d)) AND (K)");
    assert_spliced(
        "WITH w AS (SELECT a FROM s WHERE b) UPDATE t SET x = w.a FROM w WHERE w.a = t.a",
        "WITH w AS (SELECT a FROM s WHERE b) UPDATE t SET x = w.a FROM w WHERE ( w.a = "
        "t.a) AND (K)");
    assert_spliced("WITH update AS (SELECT 1 AS a) DELETE FROM t",
                   "WITH update AS (SELECT 1 AS a) DELETE FROM t WHERE (K)");
    assert_spliced("UPDATE t SET x = a[(SELECT 1 WHERE true)] WHERE y",
                   "UPDATE t SET x = a[(SELECT 1 WHERE true)] WHERE ( y) AND (K)");
    assert_spliced("UPDATE t SET x = count(*) FILTER (WHERE a) WHERE b",
                   "UPDATE t SET x = count(*) FILTER (WHERE a) WHERE ( b) AND (K)");
}

static void
strings_and_odd_names_are_no_keywords(void **state)
{
    (void)state;
    assert_spliced("UPDATE t SET x = ' WHERE (', \"WHERE\" = $q$ WHERE $q$",
                   "UPDATE t SET x = ' WHERE (', \"WHERE\" = $q$ WHERE $q$ WHERE (K)");
    assert_spliced(
        "INSERT INTO n SELECT a FROM t JOIN b ON conflict WHERE a ON CONFLICT DO NOTHING",
        "INSERT INTO n SELECT a FROM t JOIN b ON conflict WHERE ( a) AND (K) ON CONFLICT "
        "DO NOTHING");
    assert_spliced("INSERT INTO n SELECT a FROM t JOIN b ON conflict",
                   "INSERT INTO n SELECT a FROM t JOIN b ON conflict WHERE (K)");
    assert_spliced(
        "INSERT INTO n (a) SELECT a FROM t WHERE b > 'é' ON CONFLICT (a) WHERE c DO "
        "UPDATE SET d = 1 WHERE n.e",
        "INSERT INTO n (a) SELECT a FROM t WHERE ( b > 'é') AND (K) ON CONFLICT (a) WHERE "
        "c DO UPDATE SET d = 1 WHERE n.e");
}

static void
assert_table(const char *statement, const char *from, const char *expected)
{
    struct seam_filling filling = {.range = "K", .table = "ONLY p.\"1\""};

    assert_spliced_as(statement, (struct splice_wish){.from = from}, &filling, expected);
}

static void
another_table_can_take_its_place(void **state)
{
    (void)state;
    assert_table("UPDATE t SET x = t.y", NULL, "UPDATE ONLY p.\"1\" AS t SET x = t.y WHERE (K)");
    assert_table("UPDATE app.t SET x = 1", NULL, "UPDATE ONLY p.\"1\" AS t SET x = 1 WHERE (K)");
    assert_table("UPDATE ONLY (app . t) AS u SET x = 1", NULL,
                 "UPDATE ONLY p.\"1\" AS u SET x = 1 WHERE (K)");
    assert_table("DELETE FROM t * u WHERE u.a", NULL,
                 "DELETE FROM ONLY p.\"1\" u WHERE ( u.a) AND (K)");
    assert_table("INSERT INTO t SELECT * FROM a, b AS c WHERE a.x = c.x", "c",
                 "INSERT INTO t SELECT * FROM a, ONLY p.\"1\" AS c WHERE ( a.x = c.x) AND (K)");
    assert_table("INSERT INTO n SELECT * FROM \"T\" JOIN s USING (i)", NULL,
                 "INSERT INTO n SELECT * FROM ONLY p.\"1\" AS \"T\" JOIN s USING (i) WHERE (K)");
}

static void
a_batch_can_be_wrapped(void **state)
{
    (void)state;
    struct seam_filling filling = {
        .range = "K", .returning = "r", .before = "WITH c AS (", .behind = ") SELECT"};

    assert_spliced_as(
        "UPDATE t SET x = 1 WHERE a -- b", (struct splice_wish){0}, &filling,
        "WITH c AS (UPDATE t SET x = 1 WHERE ( a) AND (K) RETURNING r -- b\n) SELECT");
}

static void
a_place_in_a_batch_is_a_place_in_the_statement(void **state)
{
    (void)state;
    const char *statement = "UPDATE app.t SET x = nosuch WHERE missing -- é";
    struct seam_filling filling = {.range = "K", .table = "ONLY p.t", .before = "WITH c AS ("};
    CLEANUP(text_release) struct text text = {0};
    struct look look = look_at(statement, (struct splice_wish){0});
    size_t size = strlen(statement);

    assert_true(look.succeeded);
    seam_compose(&look.splice.seam, statement, size, &filling, &text);
    static const char *const words[] = {"nosuch", "missing", "UPDATE", "-- é"};
    for (size_t i = 0; i < 4; i++) {
        size_t composed = (size_t)(strstr(text.data, words[i]) - text.data);
        size_t origin = seam_origin(&look.splice.seam, size, &filling, composed);
        assert_int_equal(origin, (size_t)(strstr(statement, words[i]) - statement));
    }
    assert_int_equal(seam_origin(&look.splice.seam, size, &filling, 0), 0);
    assert_int_equal(seam_origin(&look.splice.seam, size, &filling, text.size + 5), size);
    arena_release(&look.arena);
}

static void
what_cannot_be_done_in_batches_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("SELECT 1", "E-BATCH-KIND", 0);
    assert_refused("CREATE TABLE t (i int)", "E-BATCH-KIND", 0);
    assert_refused("INSERT INTO t VALUES (1)", "E-BATCH-KIND", 0);
    assert_refused("INSERT INTO t DEFAULT VALUES", "E-BATCH-KIND", 0);
    assert_refused("DELETE FROM t WHERE CURRENT OF c", "E-BATCH-KIND", 0);
    assert_refused("UPDATE t SET x = 1 RETURNING x", "E-BATCH-RETURNING", 0);
    assert_refused("INSERT INTO n SELECT a FROM t LIMIT 10", "E-BATCH-LIMIT", 0);
    assert_refused("INSERT INTO n SELECT a FROM t FETCH FIRST ROW ONLY", "E-BATCH-LIMIT", 0);
    assert_refused("INSERT INTO n SELECT a FROM t OFFSET 1", "E-BATCH-LIMIT", 0);
    assert_refused("INSERT INTO n SELECT a FROM t ORDER BY a", "E-BATCH-ORDER", 0);
    assert_refused("INSERT INTO n SELECT a FROM t GROUP BY a", "E-BATCH-GROUP", 0);
    assert_refused("INSERT INTO n SELECT DISTINCT a FROM t", "E-BATCH-GROUP", 0);
    assert_refused("INSERT INTO n SELECT count(*) FROM t", "E-BATCH-GROUP", 21);
    assert_refused("INSERT INTO n SELECT max(a) FROM t", "E-BATCH-GROUP", 21);
    assert_refused("INSERT INTO n SELECT my(a) OVER () FROM t", "E-BATCH-GROUP", 21);
    assert_refused("INSERT INTO n SELECT a FROM t UNION ALL SELECT a FROM s", "E-BATCH-GROUP", 0);
    assert_refused("INSERT INTO n SELECT a FROM t FOR UPDATE", "E-BATCH-LOCKING", 0);
    assert_refused("WITH d AS (DELETE FROM t RETURNING *) INSERT INTO n SELECT * FROM s",
                   "E-BATCH-CTE", 5);
    assert_refused("INSERT INTO n (SELECT a FROM t WHERE b)", "E-BATCH-COMPLEX", 0);
    assert_refused("INSERT INTO n TABLE t", "E-BATCH-COMPLEX", 0);
    assert_refused("INSERT INTO n SELECT x FROM t AS u (x)", "E-BATCH-COMPLEX", 28);
}

static void
a_condition_that_answers_differently_is_refused(void **state)
{
    (void)state;
    assert_refused("UPDATE t SET x = 1 WHERE random() < 0.5", "E-BATCH-VOLATILE", 25);
    assert_refused("DELETE FROM t WHERE a < pg_catalog.clock_timestamp()", "E-BATCH-VOLATILE", 24);
    assert_refused("UPDATE t SET x = 1 WHERE a IN (SELECT nextval('s'))", "E-BATCH-VOLATILE", 38);
    assert_refused("INSERT INTO n SELECT a FROM t JOIN s ON random() < 1", "E-BATCH-VOLATILE", 40);
    assert_spliced("UPDATE t SET x = random()", "UPDATE t SET x = random() WHERE (K)");
    assert_spliced("UPDATE t SET x = 1 WHERE a < now()",
                   "UPDATE t SET x = 1 WHERE ( a < now()) AND (K)");
}

static void
a_query_that_takes_any_rows_is_refused(void **state)
{
    (void)state;
    assert_refused("DELETE FROM t USING (SELECT i FROM s LIMIT 9) v WHERE v.i = t.i",
                   "E-BATCH-LIMIT", 0);
    assert_refused("UPDATE t SET x = 1 WHERE i IN (SELECT i FROM s OFFSET 9)", "E-BATCH-LIMIT", 0);
    assert_refused("WITH v AS (SELECT i FROM s FETCH FIRST 9 ROWS ONLY) UPDATE t SET x = 1 FROM v"
                   " WHERE v.i = t.i",
                   "E-BATCH-LIMIT", 0);
    assert_refused("UPDATE t SET x = 1 WHERE EXISTS (SELECT FROM (SELECT i FROM s LIMIT 9) v"
                   " WHERE v.i = t.i)",
                   "E-BATCH-LIMIT", 0);
    static const char *const going[] = {
        "UPDATE t SET x = 1 WHERE i IN (SELECT i FROM s ORDER BY i LIMIT 9)",
        "UPDATE t SET x = 1 WHERE EXISTS (SELECT FROM s WHERE s.i = t.i LIMIT 1)",
        "UPDATE t SET x = (SELECT a FROM s WHERE s.i = t.i LIMIT 1) WHERE y",
    };
    for (size_t i = 0; i < sizeof going / sizeof *going; i++) {
        struct look look = look_at(going[i], (struct splice_wish){0});
        assert_true(look.succeeded);
        arena_release(&look.arena);
    }
}

static void
a_source_must_be_a_table_whose_rows_count(void **state)
{
    (void)state;
    assert_refused("INSERT INTO n SELECT 1", "E-BATCH-SOURCE", 0);
    assert_refused("INSERT INTO n SELECT i FROM generate_series(1, 9) i", "E-BATCH-SOURCE", 0);
    assert_refused("INSERT INTO n SELECT * FROM (SELECT * FROM t) u", "E-BATCH-SOURCE", 0);
    assert_refused("WITH w AS (SELECT 1) INSERT INTO n SELECT * FROM w", "E-BATCH-SOURCE", 0);
    assert_refused_as("INSERT INTO n SELECT * FROM t", (struct splice_wish){.from = "u"},
                      "E-BATCH-SOURCE", 0);
    assert_refused("INSERT INTO n SELECT * FROM t FULL JOIN s USING (i)", "E-BATCH-JOIN", 28);
    assert_refused_as("INSERT INTO n SELECT * FROM t LEFT JOIN s USING (i)",
                      (struct splice_wish){.from = "s"}, "E-BATCH-JOIN", 40);
    assert_table("INSERT INTO n SELECT * FROM t RIGHT JOIN s USING (i)", "s",
                 "INSERT INTO n SELECT * FROM t RIGHT JOIN ONLY p.\"1\" AS s USING (i) WHERE (K)");
}

static void
what_reads_itself_is_refused_unless_it_is_meant_so(void **state)
{
    (void)state;
    struct splice_wish allowed = {.may_read_itself = true};
    struct seam_filling filling = {.range = "K"};
    const char *twins = "DELETE FROM t a USING t b WHERE a.i > b.i AND a.e = b.e";

    assert_refused(twins, "E-BATCH-SELF", 22);
    assert_refused("UPDATE t SET x = (SELECT sum(x) FROM app.t)", "E-BATCH-SELF", 37);
    assert_refused("UPDATE t SET x = 1 WHERE i IN (SELECT i FROM t LIMIT 9)", "E-BATCH-SELF", 45);
    assert_refused("INSERT INTO t SELECT a FROM t", "E-BATCH-SELF", 28);
    assert_spliced_as(twins, allowed, &filling,
                      "DELETE FROM t a USING t b WHERE ( a.i > b.i AND a.e = b.e) AND (K)");
    assert_spliced("UPDATE a.t SET x = (SELECT 1 FROM b.t)",
                   "UPDATE a.t SET x = (SELECT 1 FROM b.t) WHERE (K)");
    assert_spliced("INSERT INTO n SELECT a FROM t WHERE NOT EXISTS (SELECT FROM n WHERE n.a = t.a)",
                   "INSERT INTO n SELECT a FROM t WHERE ( NOT EXISTS (SELECT FROM n WHERE n.a = "
                   "t.a)) AND (K)");
}

static void
a_key_that_is_changed_is_refused(void **state)
{
    (void)state;
    assert_refused_as("UPDATE t SET id = id + 1", (struct splice_wish){.key = "id"},
                      "E-BATCH-KEY-CHANGED", 0);
    assert_refused_as("UPDATE t SET (a, b) = (1, 2)", (struct splice_wish){.key = "x\nb"},
                      "E-BATCH-KEY-CHANGED", 0);
    struct look look = look_at("UPDATE t SET (a, b) = (1, 2)", (struct splice_wish){.key = "bb"});
    assert_true(look.succeeded);
    assert_string_equal(look.splice.changed, "a\nb");
    arena_release(&look.arena);
}

/* What a statement gives values, one after the other, and of how many columns that have no name. */
static void
assert_writes(const char *statement, const char *written, size_t first)
{
    struct look look = look_at(statement, (struct splice_wish){0});

    assert_true(look.succeeded);
    assert_string_equal(look.splice.written ? look.splice.written : "", written);
    assert_int_equal(look.splice.first_written, first);
    arena_release(&look.arena);
}

static void
it_is_known_which_columns_get_values(void **state)
{
    (void)state;
    assert_writes("UPDATE t SET a = 1, b = DEFAULT, c = a", "a\nc", 0);
    assert_writes("UPDATE t SET (a, b, c) = (DEFAULT, 1, DEFAULT)", "b", 0);
    assert_writes("UPDATE t SET (a, b) = (SELECT 1, 2)", "a\nb", 0);
    assert_writes("DELETE FROM t", "", 0);
    assert_writes("INSERT INTO n (a, b) SELECT * FROM t", "a\nb", 0);
    assert_writes("INSERT INTO n SELECT a, b + 1, 'x' FROM t", "", 3);
    assert_writes("INSERT INTO n SELECT a, t.* FROM t", "", 0);
    struct look look = look_at("INSERT INTO s.n (a) OVERRIDING SYSTEM VALUE SELECT a FROM t",
                               (struct splice_wish){0});
    assert_true(look.succeeded && look.splice.overrides);
    assert_string_equal(look.splice.into_schema, "s");
    assert_string_equal(look.splice.into, "n");
    arena_release(&look.arena);
}

static enum exclusion
exclusion_of(const char *statement)
{
    struct look look = look_at(statement, (struct splice_wish){0});

    assert_true(look.succeeded);
    arena_release(&look.arena);
    return look.splice.excludes;
}

static void
it_is_known_whether_changed_rows_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(exclusion_of("UPDATE t SET x = x * 2"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = x * 2 WHERE y"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = 1 WHERE x IS NULL"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = NULL WHERE x IS NOT NULL AND y"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = NULL WHERE x IS NULL"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = lower(y) WHERE t.x IS NULL"), EXCLUDES_MAYBE);
    assert_int_equal(exclusion_of("UPDATE t SET x = 1 WHERE x IS NULL OR y"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = 1 WHERE s.x IS NULL"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = 'new' WHERE x = 'old'"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = 'old' WHERE x = 'old'"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = 'a' WHERE x <> 'a'"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = 'a' WHERE x <> 'b'"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("UPDATE t SET x = y WHERE x IS DISTINCT FROM y"), EXCLUDES_MAYBE);
    assert_int_equal(exclusion_of("UPDATE t SET x = true WHERE NOT x"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = false WHERE x AND y > 3"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("UPDATE t SET x = x + 1 WHERE x = 1"), EXCLUDES_NO);
    assert_int_equal(exclusion_of("DELETE FROM t WHERE a"), EXCLUDES_YES);
    assert_int_equal(exclusion_of("DELETE FROM t"), EXCLUDES_MAYBE);
}

static void
by_ctid_goes_only_what_leaves_changed_rows_alone(void **state)
{
    (void)state;
    struct splice_wish by_place = {.key = "ctid"};

    assert_refused_as("UPDATE t SET x = x * 2", by_place, "E-BATCH-CTID", 0);
    assert_refused_as("UPDATE t SET x = 1 WHERE y", by_place, "E-BATCH-CTID", 0);
    assert_refused_as("INSERT INTO n SELECT a FROM t", by_place, "E-BATCH-CTID", 0);
    assert_spliced_as("UPDATE t SET x = 1 WHERE x IS NULL", by_place,
                      &(struct seam_filling){.range = "K"},
                      "UPDATE t SET x = 1 WHERE ( x IS NULL) AND (K)");
}

static void
what_is_called_is_listed_for_the_database_to_judge(void **state)
{
    (void)state;
    struct look look =
        look_at("INSERT INTO n SELECT lower(a), (SELECT max(b) FROM s) FROM app.\"T\" "
                "WHERE app.\"isOld\"(a) AND f(lower(c))",
                (struct splice_wish){0});

    assert_true(look.succeeded);
    assert_string_equal(look.splice.predicate, "app.\"isOld\"\nf\nlower");
    assert_string_equal(look.splice.outputs, "lower");
    assert_string_equal(look.splice.schema, "app");
    assert_string_equal(look.splice.table, "T");
    assert_string_equal(look.splice.seam.reference, "\"T\"");
    assert_true(look.splice.is_insert);
    arena_release(&look.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_range_stands_behind_the_condition),
        cmocka_unit_test(without_a_condition_it_becomes_one),
        cmocka_unit_test(comments_stay_where_they_are),
        cmocka_unit_test(subqueries_have_conditions_of_their_own),
        cmocka_unit_test(strings_and_odd_names_are_no_keywords),
        cmocka_unit_test(another_table_can_take_its_place),
        cmocka_unit_test(a_batch_can_be_wrapped),
        cmocka_unit_test(a_place_in_a_batch_is_a_place_in_the_statement),
        cmocka_unit_test(what_cannot_be_done_in_batches_is_refused_with_its_place),
        cmocka_unit_test(a_condition_that_answers_differently_is_refused),
        cmocka_unit_test(a_query_that_takes_any_rows_is_refused),
        cmocka_unit_test(a_source_must_be_a_table_whose_rows_count),
        cmocka_unit_test(what_reads_itself_is_refused_unless_it_is_meant_so),
        cmocka_unit_test(a_key_that_is_changed_is_refused),
        cmocka_unit_test(it_is_known_which_columns_get_values),
        cmocka_unit_test(it_is_known_whether_changed_rows_are_left_alone),
        cmocka_unit_test(by_ctid_goes_only_what_leaves_changed_rows_alone),
        cmocka_unit_test(what_is_called_is_listed_for_the_database_to_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
