#include "common/sql/catalog.h"

#include "tests/unit/sql/history.h"

static void
knows_tables_columns_and_since_when(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "CREATE TABLE app.t (id bigint PRIMARY KEY, a varchar(10) DEFAULT 'x')",
                   "ALTER TABLE app.t ADD COLUMN b timestamptz(3)[]");
    const struct catalog_table *table = catalog_table(history.catalog, "app", "t");

    assert_non_null(table);
    assert_int_equal(table->file, 1);
    assert_true(table->is_complete);
    assert_false(catalog_is_new(history.catalog, "app", "t"));
    assert_null(catalog_table(history.catalog, NULL, "t"));
    assert_true(catalog_column(table, "id")->column.is_not_null);
    assert_string_equal(catalog_column(table, "a")->column.type, "character varying(10)");
    assert_string_equal(catalog_column(table, "a")->column.default_text, "x");
    assert_string_equal(catalog_column(table, "b")->column.type, "timestamp(3) with time zone[]");
    assert_int_equal(catalog_column(table, "b")->file, 2);
    assert_int_equal(catalog_made(history.catalog, OBJECT_COLUMN, "app", "t", "b"), 2);
}

static void
what_was_dropped_or_renamed_is_known_to_be_gone(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history = history_of(15, "CREATE TABLE t (a int, b int); CREATE TABLE u (a int)",
                                        "ALTER TABLE t DROP COLUMN a;"
                                        "ALTER TABLE t RENAME COLUMN b TO c;"
                                        "DROP TABLE u; ALTER TABLE t RENAME TO v");
    const struct catalog_loss *column =
        catalog_lost(history.catalog, OBJECT_COLUMN, NULL, "t", "b");

    assert_non_null(catalog_lost(history.catalog, OBJECT_COLUMN, NULL, "t", "a"));
    assert_string_equal(column->new_name, "c");
    assert_int_equal(column->file, 2);
    assert_null(catalog_lost(history.catalog, OBJECT_TABLE, NULL, "u", NULL)->new_name);
    assert_string_equal(catalog_lost(history.catalog, OBJECT_TABLE, NULL, "t", NULL)->new_name,
                        "v");
    assert_null(catalog_table(history.catalog, NULL, "t"));
    assert_non_null(catalog_column(catalog_table(history.catalog, NULL, "v"), "c"));
    history_add(&history, "CREATE TABLE u (a int)");
    assert_null(catalog_lost(history.catalog, OBJECT_TABLE, NULL, "u", NULL));
    assert_int_equal(catalog_made(history.catalog, OBJECT_TABLE, NULL, "u", NULL), 3);
}

static void
a_check_proves_not_null_once_it_is_validated(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "CREATE TABLE t (a int)",
                   "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID");

    assert_false(catalog_proves_not_null(catalog_table(history.catalog, NULL, "t"), "a"));
    history_add(&history, "ALTER TABLE t VALIDATE CONSTRAINT c");
    const struct catalog_table *table = catalog_table(history.catalog, NULL, "t");
    assert_true(catalog_proves_not_null(table, "a"));
    assert_int_equal(catalog_constraint(table, "c")->validated, 3);
    history_add(&history, "ALTER TABLE t ALTER COLUMN a SET NOT NULL");
    assert_false(history.effects.effects[0].scans);
    history_add(&history, "ALTER TABLE t DROP CONSTRAINT c");
    assert_false(catalog_proves_not_null(catalog_table(history.catalog, NULL, "t"), "a"));
}

static void
constraints_are_known_of_tables_that_the_history_has_not_made(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history = history_of(
        15, "SELECT 1", "ALTER TABLE app.old ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID");

    assert_null(catalog_table(history.catalog, "app", "old"));
    const struct catalog_table *old = catalog_constrained(history.catalog, "app", "old");
    assert_false(catalog_proves_not_null(old, "a"));
    history_add(&history, "ALTER TABLE app.old VALIDATE CONSTRAINT c");
    assert_true(history.effects.effects[0].scans);
    assert_true(catalog_proves_not_null(old, "a"));
    history_add(&history, "ALTER TABLE app.old VALIDATE CONSTRAINT c");
    assert_false(history.effects.effects[0].scans);
    history_add(&history, "ALTER TABLE app.old ALTER COLUMN a SET NOT NULL");
    assert_false(history.effects.effects[0].scans);
    history_add(&history, "ALTER TABLE app.old ALTER COLUMN b SET NOT NULL");
    assert_true(history.effects.effects[0].scans);
    assert_null(catalog_table(history.catalog, "app", "old"));
}

static void
they_follow_what_becomes_of_the_table(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "ALTER TABLE old ADD CONSTRAINT c CHECK (a IS NOT NULL)",
                   "ALTER TABLE old RENAME COLUMN a TO b; ALTER TABLE old RENAME TO older;"
                   "ALTER TABLE older RENAME CONSTRAINT c TO d; ALTER TABLE older SET SCHEMA app");
    const struct catalog_table *older = catalog_constrained(history.catalog, "app", "older");

    assert_null(catalog_constrained(history.catalog, NULL, "old"));
    assert_non_null(catalog_constraint(older, "d"));
    assert_true(catalog_proves_not_null(older, "b"));
    history_add(&history, "ALTER TABLE app.older DROP COLUMN b");
    assert_null(catalog_constraint(older, "d"));
    history_add(&history, "ALTER TABLE app.older ADD CONSTRAINT e CHECK (x IS NOT NULL)");
    history_add(&history, "ALTER TABLE app.older DROP CONSTRAINT e");
    assert_false(catalog_proves_not_null(older, "x"));
    history_add(&history, "ALTER TABLE app.older ADD CONSTRAINT f CHECK (x IS NOT NULL)");
    history_add(&history, "DROP TABLE app.older");
    assert_null(catalog_constrained(history.catalog, "app", "older"));
    history_add(&history, "ALTER TABLE t ADD CONSTRAINT f CHECK (x IS NOT NULL)");
    history_add(&history, "CREATE TABLE t (y int)");
    assert_null(catalog_constrained(history.catalog, NULL, "t")->constraints);
}

static void
names_are_found_by_the_search_path_of_their_file(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "SET search_path = app, public; CREATE TABLE t (a int)", "SELECT 1");

    assert_non_null(catalog_table(history.catalog, "app", "t"));
    assert_null(catalog_table(history.catalog, NULL, "t"));
    history_add(&history, "SET search_path = \"$user\", app; ALTER TABLE t ADD COLUMN b int");
    assert_string_equal(history.effects.effects[0].schema, "app");
    assert_non_null(catalog_column(catalog_table(history.catalog, "app", "t"), "b"));
    assert_string_equal(catalog_schema(history.catalog), "app");
}

static void
indexes_and_constraints_keep_together(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX i ON t (a)",
                   "ALTER TABLE t ADD CONSTRAINT t_a UNIQUE USING INDEX i");

    assert_null(catalog_index(history.catalog, NULL, "i"));
    assert_string_equal(catalog_index(history.catalog, NULL, "t_a")->constraint, "t_a");
    history_add(&history, "ALTER TABLE t RENAME CONSTRAINT t_a TO t_b");
    assert_non_null(catalog_index(history.catalog, NULL, "t_b"));
    history_add(&history, "ALTER TABLE t DROP COLUMN a");
    assert_null(catalog_index(history.catalog, NULL, "t_b"));
    assert_null(catalog_constraint(catalog_table(history.catalog, NULL, "t"), "t_b"));
}

static void
an_index_of_a_whole_is_valid_when_its_parts_are_attached(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history = history_of(
        15,
        "CREATE TABLE t (a int) PARTITION BY LIST (a);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);",
        "CREATE INDEX i ON ONLY t (a); CREATE INDEX i1 ON t1 (a); CREATE INDEX i2 ON t2 (a)");

    assert_false(catalog_index(history.catalog, NULL, "i")->index.is_valid);
    history_add(&history, "ALTER INDEX i ATTACH PARTITION i1");
    assert_false(catalog_index(history.catalog, NULL, "i")->index.is_valid);
    history_add(&history, "ALTER INDEX i ATTACH PARTITION i2");
    assert_true(catalog_index(history.catalog, NULL, "i")->index.is_valid);
    history_add(&history, "DROP TABLE t");
    assert_null(catalog_table(history.catalog, NULL, "t1"));
    assert_null(catalog_index(history.catalog, NULL, "i1"));
}

static void
what_is_dropped_takes_along_what_depends_on_it(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15,
                   "CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE u (t int REFERENCES t);"
                   "CREATE VIEW v AS SELECT * FROM t; CREATE VIEW w AS SELECT * FROM v",
                   "DROP TABLE t CASCADE");

    assert_null(catalog_table(history.catalog, NULL, "t_id_seq"));
    assert_null(catalog_table(history.catalog, NULL, "v"));
    assert_null(catalog_table(history.catalog, NULL, "w"));
    assert_null(catalog_constraint(catalog_table(history.catalog, NULL, "u"), "u_t_fkey"));
}

static void
enums_domains_and_schemas_are_followed(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS int CHECK (VALUE > 0)",
                   "ALTER TYPE mood ADD VALUE 'b'; ALTER TYPE mood RENAME VALUE 'a' TO 'c'");
    const struct catalog_type *mood = catalog_type(history.catalog, NULL, "mood");

    assert_int_equal(mood->value_count, 2);
    assert_string_equal(mood->values[0], "c");
    assert_int_equal(mood->value_files[1], 2);
    assert_true(catalog_type(history.catalog, NULL, "d")->is_constrained);
    history_add(&history, "CREATE SCHEMA s CREATE TABLE x (a mood); ALTER SCHEMA s RENAME TO z");
    assert_non_null(catalog_table(history.catalog, "z", "x"));
    history_add(&history, "DROP SCHEMA z CASCADE; ALTER TYPE mood RENAME TO feeling");
    assert_null(catalog_table(history.catalog, "z", "x"));
    assert_non_null(catalog_type(history.catalog, NULL, "feeling"));
}

static void
making_what_is_there_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(history_end)
    struct history history =
        history_of(15, "CREATE TABLE t (a int)", "CREATE TABLE IF NOT EXISTS t (b int)");

    assert_true(history.effects.effects[0].is_noop);
    assert_int_equal(history.effects.relation_count, 0);
    assert_null(catalog_column(catalog_table(history.catalog, NULL, "t"), "b"));
    history_add(&history, "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text");
    assert_true(history.effects.effects[0].is_noop);
    assert_string_equal(catalog_column(catalog_table(history.catalog, NULL, "t"), "a")->column.type,
                        "integer");
}

/* All on one deep stack: memcheck takes its time for each. */
static void
run(void *failures)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_tables_columns_and_since_when),
        cmocka_unit_test(what_was_dropped_or_renamed_is_known_to_be_gone),
        cmocka_unit_test(a_check_proves_not_null_once_it_is_validated),
        cmocka_unit_test(constraints_are_known_of_tables_that_the_history_has_not_made),
        cmocka_unit_test(they_follow_what_becomes_of_the_table),
        cmocka_unit_test(names_are_found_by_the_search_path_of_their_file),
        cmocka_unit_test(indexes_and_constraints_keep_together),
        cmocka_unit_test(an_index_of_a_whole_is_valid_when_its_parts_are_attached),
        cmocka_unit_test(what_is_dropped_takes_along_what_depends_on_it),
        cmocka_unit_test(enums_domains_and_schemas_are_followed),
        cmocka_unit_test(making_what_is_there_changes_nothing),
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
