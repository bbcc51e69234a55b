#include "common/sql/effect.h"

#include <stdio.h>

#include "tests/unit/sql/history.h"

/* ---- versions: the release notes of 12 to 18, https://www.postgresql.org/docs/release/
 * -------------
 */

struct version {
    const char *before, *statement, *name;
    int last_old, first_new; /* two versions next to each other */
    enum lock_mode old, new;
};

static enum lock_mode
lock_on(const char *name, int major, const char *before, const char *statement)
{
    CLEANUP(history_end) struct history history = history_of(major, before, statement);
    const struct sql_relation *relation = effects_relation(&history.effects, NULL, name);

    return relation ? relation->lock : LOCK_NONE;
}

static void
locks_follow_the_version_of_the_server(void **state)
{
    (void)state;
    static const struct version versions[] = {
        {"CREATE TABLE a (i int); CREATE TABLE b () INHERITS (a)", "ANALYZE a", "b", 17, 18,
         LOCK_ACCESS_SHARE, LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"CREATE TABLE a (i int); CREATE TABLE b () INHERITS (a)", "VACUUM a", "b", 17, 18,
         LOCK_NONE, LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"CREATE TABLE a (i int) PARTITION BY LIST (i); CREATE TABLE b PARTITION OF a DEFAULT",
         "ALTER TRIGGER x ON a RENAME TO y", "b", 14, 15, LOCK_NONE, LOCK_ACCESS_EXCLUSIVE},
    };

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const struct version *version = &versions[i];
        assert_int_equal(
            lock_on(version->name, version->last_old, version->before, version->statement),
            version->old);
        assert_int_equal(
            lock_on(version->name, version->first_new, version->before, version->statement),
            version->new);
    }
}

static void
what_all_versions_do_alike_is_the_same_from_12_to_18(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        enum lock_mode lock;
    } alike[] = {
        {"ALTER TABLE t ADD COLUMN x int", LOCK_ACCESS_EXCLUSIVE},
        {"ALTER TABLE t VALIDATE CONSTRAINT c", LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u", LOCK_SHARE_ROW_EXCLUSIVE},
        {"ALTER TABLE t ATTACH PARTITION p DEFAULT", LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"ALTER TABLE t SET (fillfactor = 70)", LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"CREATE INDEX ON t (a)", LOCK_SHARE},
        {"CREATE INDEX CONCURRENTLY ON t (a)", LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"REINDEX TABLE CONCURRENTLY t", LOCK_SHARE_UPDATE_EXCLUSIVE},
        {"CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()", LOCK_SHARE_ROW_EXCLUSIVE},
        {"TRUNCATE t", LOCK_ACCESS_EXCLUSIVE},
        {"UPDATE t SET a = 1", LOCK_ROW_EXCLUSIVE},
        {"SELECT * FROM t FOR SHARE", LOCK_ROW_SHARE},
    };

    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        for (int major = SQL_MAJOR_MIN - 1; major <= SQL_MAJOR_MAX + 1; major++) {
            if (lock_on("t", major, NULL, alike[i].statement) != alike[i].lock) {
                fail_msg("%s on %d", alike[i].statement, major);
            }
        }
    }
}

static void
a_statement_says_the_oldest_version_that_knows_it(void **state)
{
    (void)state;
    static const struct {
        int major;
        const char *statement;
    } needs[] = {
        {12, "REINDEX TABLE CONCURRENTLY t"},
        {12, "ALTER TABLE t ADD COLUMN x int"},
        {13, "ALTER TABLE t ALTER COLUMN a DROP EXPRESSION"},
        {13, "ALTER STATISTICS s SET STATISTICS 5"},
        {13, "ALTER TYPE s SET (STORAGE = plain)"},
        {14, "ALTER TABLE t DETACH PARTITION p CONCURRENTLY"},
        {14, "ALTER TABLE t ALTER COLUMN a SET COMPRESSION lz4"},
        {14, "CREATE OR REPLACE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()"},
        {14, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END"},
        {15, "MERGE INTO t USING u ON u.a = t.a WHEN MATCHED THEN DELETE"},
        {15, "CREATE UNIQUE INDEX ON t (a) NULLS NOT DISTINCT"},
        {15, "ALTER TABLE t SET ACCESS METHOD heap"},
        {15, "CREATE PUBLICATION p FOR TABLES IN SCHEMA public"},
        {15, "CREATE VIEW v WITH (security_invoker = true) AS SELECT 1"},
    };

    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        CLEANUP(history_end) struct history history = history_of(15, NULL, needs[i].statement);
        if (history.effects.major_min != needs[i].major) {
            fail_msg("%s: %d", needs[i].statement, history.effects.major_min);
        }
    }
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void
locks_conflict_as_the_table_of_the_documentation_says(void **state)
{
    (void)state;
    /* Table 13.2, a row for each requested mode in the order of the existing ones. */
    static const char *const rows[] = {"       #", "      ##", "    ####", "   #####",
                                       "  ## ###", "  ######", " #######", "########"};

    for (int one = 0; one < 8; one++) {
        for (int other = 0; other < 8; other++) {
            enum lock_mode a = (enum lock_mode)(LOCK_ACCESS_SHARE + one);
            enum lock_mode b = (enum lock_mode)(LOCK_ACCESS_SHARE + other);
            assert_int_equal(lock_mode_conflicts(a, b), rows[one][other] == '#');
            assert_int_equal(lock_mode_conflicts(a, b), lock_mode_conflicts(b, a));
        }
    }
    assert_false(lock_mode_conflicts(LOCK_NONE, LOCK_ACCESS_EXCLUSIVE));
    assert_true(lock_mode_blocks_reads(LOCK_ACCESS_EXCLUSIVE));
    assert_false(lock_mode_blocks_reads(LOCK_EXCLUSIVE));
    assert_true(lock_mode_blocks_writes(LOCK_SHARE));
    assert_false(lock_mode_blocks_writes(LOCK_SHARE_UPDATE_EXCLUSIVE));
}

static void
a_table_of_the_same_file_is_new_and_blocks_nobody(void **state)
{
    (void)state;
    static const char script[] = "CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int";
    CLEANUP(history_end) struct history same = history_of(15, NULL, script);
    CLEANUP(history_end)
    struct history other =
        history_of(15, "CREATE TABLE t (a int)", "ALTER TABLE t ADD COLUMN b int");

    assert_true(effects_relation(&same.effects, NULL, "t")->is_new);
    assert_false(effects_relation(&same.effects, NULL, "t")->blocks_reads);
    assert_int_equal(same.effects.strongest, LOCK_NONE);
    assert_false(effects_relation(&other.effects, NULL, "t")->is_new);
    assert_true(effects_relation(&other.effects, NULL, "t")->is_in_history);
    assert_true(effects_relation(&other.effects, NULL, "t")->blocks_reads);
    assert_int_equal(other.effects.strongest, LOCK_ACCESS_EXCLUSIVE);
}

static void
without_a_history_the_worst_is_said(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history type = history_of(15, NULL, "ALTER TABLE t ALTER a TYPE text");
    CLEANUP(history_end)
    struct history null = history_of(15, NULL, "ALTER TABLE t ALTER a SET NOT NULL");

    assert_true(effects_relation(&type.effects, NULL, "t")->rewrites);
    assert_true(type.effects.effects[0].rewrites);
    assert_null(type.effects.effects[0].old_type);
    assert_true(effects_relation(&null.effects, NULL, "t")->scans);
    assert_false(effects_relation(&null.effects, NULL, "t")->is_in_history);
}

/* ---- what a statement is ----------------------------------------------------------------------
 */

struct judgement {
    const char *statement;
    enum sql_class class;
    bool loses_data, can_undo, is_opaque, in_transaction;
};

static void
statements_are_filed_by_what_they_change(void **state)
{
    (void)state;
    static const struct judgement judgements[] = {
        {"CREATE TABLE t (a int)", CLASS_SCHEMA, false, true, false, true},
        {"DROP TABLE t", CLASS_SCHEMA, true, false, false, true},
        {"ALTER TABLE t DROP COLUMN a", CLASS_SCHEMA, true, false, false, true},
        {"ALTER TABLE t RENAME COLUMN a TO b", CLASS_SCHEMA, false, true, false, true},
        {"ALTER TYPE t ADD VALUE 'x'", CLASS_SCHEMA, false, false, false, true},
        {"CREATE INDEX CONCURRENTLY i ON t (a)", CLASS_SCHEMA, false, true, false, false},
        {"INSERT INTO t VALUES (1)", CLASS_DATA, false, false, false, true},
        {"DELETE FROM t WHERE a = 1", CLASS_DATA, true, false, false, true},
        {"WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x", CLASS_DATA, true, false, false,
         true},
        {"TRUNCATE t", CLASS_DATA, true, false, false, true},
        {"SELECT setval('s', 3)", CLASS_DATA, false, false, false, true},
        {"SELECT 1", CLASS_READ, false, true, false, true},
        {"SELECT do_it()", CLASS_BOTH, false, false, true, true},
        {"DO 'BEGIN END'", CLASS_READ, false, true, false, true},
        {"DO 'BEGIN EXECUTE x; END'", CLASS_BOTH, false, false, true, true},
        {"DO 'BEGIN PERFORM f(); END'", CLASS_BOTH, false, false, true, true},
        {"DO 'BEGIN IF x() THEN'", CLASS_BOTH, false, false, true, true},
        {"DO LANGUAGE plperl 'x'", CLASS_BOTH, false, false, true, true},
        {"DO 'BEGIN DELETE FROM t; END'", CLASS_DATA, true, false, false, true},
        {"DO 'BEGIN CREATE TABLE t (); INSERT INTO t DEFAULT VALUES; END'", CLASS_BOTH, false,
         false, false, true},
        {"DO 'BEGIN IF true THEN ALTER TABLE t ADD a int; END IF; END'", CLASS_SCHEMA, false, true,
         false, true},
        {"CREATE TABLE t AS SELECT 1", CLASS_BOTH, false, true, false, true},
        {"CREATE TEMP TABLE t (a int)", CLASS_SCHEMA, false, true, false, true},
        {"VACUUM t", CLASS_UPKEEP, false, true, false, false},
        {"REINDEX INDEX i", CLASS_UPKEEP, false, true, false, true},
        {"SET search_path = app", CLASS_SESSION, false, true, false, true},
        {"EXPLAIN DELETE FROM t", CLASS_READ, false, true, false, true},
        {"EXPLAIN ANALYZE DELETE FROM t", CLASS_DATA, true, false, false, true},
    };

    for (size_t i = 0; i < sizeof judgements / sizeof *judgements; i++) {
        const struct judgement *judgement = &judgements[i];
        CLEANUP(history_end)
        struct history history = history_of(15, NULL, judgement->statement);
        const struct effects *effects = &history.effects;
        if (effects->class != judgement->class || effects->loses_data != judgement->loses_data ||
            effects->can_undo != judgement->can_undo ||
            effects->is_opaque != judgement->is_opaque ||
            effects->in_transaction != judgement->in_transaction) {
            fail_msg("%s: class %d, loses %d, undo %d, opaque %d, transaction %d",
                     judgement->statement, (int)effects->class, effects->loses_data,
                     effects->can_undo, effects->is_opaque, effects->in_transaction);
        }
    }
}

static void
calls_whose_value_is_not_always_the_same_are_told_with_their_place(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, NULL, "INSERT INTO t SELECT now(), lower('A'), random(), CURRENT_DATE, f()");
    const struct effects *effects = &history.effects;

    assert_int_equal(effects->call_count, 4);
    assert_string_equal(effects->calls[0].name, "now");
    assert_int_equal(effects->calls[0].volatility, VOLATILITY_STABLE);
    assert_int_equal(effects->calls[0].offset, 21);
    assert_string_equal(effects->calls[1].name, "random");
    assert_int_equal(effects->calls[1].volatility, VOLATILITY_VOLATILE);
    assert_string_equal(effects->calls[2].name, "current_date");
    assert_string_equal(effects->calls[3].name, "f");
    assert_true(effects->is_opaque);
}

static void
what_stands_in_a_block_is_read_as_what_may_happen(void **state)
{
    (void)state;
    static const char block[] =
        "DO $$ DECLARE r record; BEGIN"
        " IF NOT EXISTS (SELECT FROM pg_type) THEN CREATE TYPE mood AS ENUM ('a\"b', E'c\\n'); END "
        "IF;"
        " ALTER TABLE t ADD COLUMN b text DEFAULT 'it''s'; CREATE TABLE t (x int);"
        " FOR r IN SELECT * FROM u LOOP UPDATE t SET a = 1 WHERE a = r.a; END LOOP;"
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$";
    CLEANUP(history_end)
    struct history history = history_of(15, "CREATE TABLE t (a int); CREATE TABLE u ()", block);
    const struct effects *effects = &history.effects;
    const struct catalog_table *table = catalog_table(history.catalog, NULL, "t");

    assert_false(effects->is_opaque);
    assert_int_equal(effects->strongest, LOCK_ACCESS_EXCLUSIVE);
    assert_int_equal(effects_relation(effects, NULL, "u")->lock, LOCK_ACCESS_SHARE);
    for (size_t i = 1; i < effects->effect_count; i++) {
        assert_true(effects->effects[i].is_conditional);
        assert_int_equal(effects->effects[i].offset, 0);
    }
    assert_string_equal(catalog_column(table, "b")->column.default_text, "it's");
    assert_non_null(catalog_column(table, "a"));
    assert_null(catalog_column(table, "x"));
    assert_string_equal(catalog_type(history.catalog, NULL, "mood")->values[0], "a\"b");
}

static void
names_chosen_for_constraints_and_indexes_are_postgresqls(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history = history_of(
        15, NULL,
        "CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE CHECK (a > 0), b int REFERENCES t);"
        "CREATE INDEX ON t (a, lower(b::text));"
        "ALTER TABLE t ADD CHECK (a > 1);"
        "CREATE TABLE a_table_whose_name_is_rather_long_for_a_table "
        "(a_column_as_long_as_that_table_"
        "there int UNIQUE)");
    const struct catalog_table *table = catalog_table(history.catalog, NULL, "t");

    assert_non_null(catalog_constraint(table, "t_pkey"));
    assert_non_null(catalog_constraint(table, "t_a_key"));
    assert_non_null(catalog_constraint(table, "t_a_check"));
    assert_non_null(catalog_constraint(table, "t_a_check1"));
    assert_non_null(catalog_constraint(table, "t_b_fkey"));
    assert_non_null(catalog_index(history.catalog, NULL, "t_a_lower_idx"));
    assert_non_null(catalog_table(history.catalog, NULL, "t_id_seq"));
    assert_non_null(catalog_index(
        history.catalog, NULL, "a_table_whose_name_is_rather__a_column_as_long_as_that_tabl_key"));
}

static void
every_word_has_a_name(void **state)
{
    (void)state;

    for (int i = 0; i < LOCK_MODE_COUNT; i++) {
        assert_true(lock_mode_name((enum lock_mode)i)[0]);
    }
    for (int i = 0; i < OBJECT_COUNT; i++) {
        assert_true(sql_object_name((enum sql_object)i)[0]);
    }
    for (int i = 0; i < EFFECT_VERB_COUNT; i++) {
        assert_true(effect_verb_name((enum effect_verb)i)[0]);
    }
}

/* All on one deep stack: memcheck takes its time for each. */
static size_t
rows_of(const char *statement)
{
    CLEANUP(history_end)
    struct history history = history_of(15, "CREATE TABLE t (a int)", statement);
    size_t rows = 0;

    for (size_t i = 0; i < history.effects.effect_count; i++) {
        rows += history.effects.effects[i].row_count;
    }
    return rows;
}

static void
rows_that_are_written_out_are_counted(void **state)
{
    (void)state;
    assert_int_equal(rows_of("INSERT INTO t VALUES (1)"), 1);
    assert_int_equal(rows_of("INSERT INTO t VALUES (1), (2), (3)"), 3);
    assert_int_equal(rows_of("INSERT INTO t SELECT 1"), 0);
    assert_int_equal(rows_of("INSERT INTO t DEFAULT VALUES"), 0);
}

static void
run(void *failures)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_follow_the_version_of_the_server),
        cmocka_unit_test(what_all_versions_do_alike_is_the_same_from_12_to_18),
        cmocka_unit_test(a_statement_says_the_oldest_version_that_knows_it),
        cmocka_unit_test(locks_conflict_as_the_table_of_the_documentation_says),
        cmocka_unit_test(a_table_of_the_same_file_is_new_and_blocks_nobody),
        cmocka_unit_test(without_a_history_the_worst_is_said),
        cmocka_unit_test(statements_are_filed_by_what_they_change),
        cmocka_unit_test(calls_whose_value_is_not_always_the_same_are_told_with_their_place),
        cmocka_unit_test(what_stands_in_a_block_is_read_as_what_may_happen),
        cmocka_unit_test(names_chosen_for_constraints_and_indexes_are_postgresqls),
        cmocka_unit_test(rows_that_are_written_out_are_counted),
        cmocka_unit_test(every_word_has_a_name),
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
