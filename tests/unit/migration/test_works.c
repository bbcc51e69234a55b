/* What the manifest says of the tables whose content a statement goes through. */
#include "tests/unit/migration/reads.h"

static const char first[] = "CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(10), n int);"
                            "CREATE TABLE customers (id bigint PRIMARY KEY);"
                            "CREATE TABLE copies (id bigint);"
                            "CREATE VIEW few AS SELECT id FROM orders";

/* The works of each statement of a second migration, "index public.orders; scan public.orders". */
static void
expect(const char *sql, const char *works)
{
    static const char *const words[] = {"scan", "index", "write", "rewrite"};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text said = {0};
    folder_text(&folder, "1_a.up.sql", first, 0644);
    folder_text(&folder, "2_b.up.sql", sql, 0644);
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    assert_non_null(reads.bundle);

    const struct script *script = &reads.bundle->manifest.migrations[1].up;
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        text_append(&said, i ? "; " : "");
        for (size_t work = 0; work < statement->work_count; work++) {
            text_format(&said, "%s%s%s %s.%s", work ? ", " : "",
                        statement->works[work].is_partial ? "some " : "",
                        words[statement->works[work].kind], statement->works[work].schema,
                        statement->works[work].table);
        }
    }
    assert_string_equal(text_of(&said), works);
}

static void
the_kind_of_work_is_told_table_by_table(void **state)
{
    (void)state;
    expect("CREATE INDEX ON orders (n)", "index public.orders");
    expect("CREATE INDEX CONCURRENTLY orders_n ON public.orders (n)", "index public.orders");
    expect("ALTER TABLE orders ADD UNIQUE (n)", "index public.orders");
    expect("ALTER TABLE orders ADD CHECK (n > 0)", "scan public.orders");
    expect("ALTER TABLE orders ALTER n SET NOT NULL", "scan public.orders");
    expect("ALTER TABLE orders ALTER n TYPE bigint", "rewrite public.orders");
    expect("UPDATE orders SET n = 1", "write public.orders");
    expect("UPDATE orders SET n = 1 WHERE n IS NULL", "some write public.orders");
    expect("DELETE FROM orders WHERE id < 5", "some write public.orders");
    expect("INSERT INTO copies SELECT id FROM orders", "write public.orders");
    expect("CLUSTER orders USING orders_pkey", "rewrite public.orders");
}

static void
what_goes_through_no_rows_is_no_work(void **state)
{
    (void)state;
    expect("ALTER TABLE orders ADD COLUMN more int DEFAULT 1", "");
    expect("ALTER TABLE orders ALTER note TYPE varchar(20)", "");
    expect("ALTER TABLE orders ADD CHECK (n > 0) NOT VALID", "");
    expect("DROP TABLE orders CASCADE", "");
    expect("TRUNCATE orders", "");
    expect("INSERT INTO copies VALUES (1)", "");
    expect("DROP INDEX orders_pkey", "");
}

static void
what_a_file_makes_holds_no_rows_yet(void **state)
{
    (void)state;
    expect("CREATE TABLE fresh (id int); CREATE INDEX ON fresh (id); UPDATE fresh SET id = 1;"
           "INSERT INTO copies SELECT id FROM fresh; CREATE INDEX ON copies (id)",
           "; ; ; ; index public.copies");
}

static void
a_down_is_read_against_its_own_up(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", first, 0644);
    folder_text(&folder, "1_a.down.sql", "DROP VIEW few; DROP TABLE orders, customers, copies",
                0644);
    folder_text(&folder, "2_b.up.sql", "ALTER TABLE orders ALTER n TYPE bigint", 0644);
    folder_text(&folder, "2_b.down.sql", "ALTER TABLE orders ALTER n TYPE int", 0644);
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    assert_non_null(reads.bundle);

    const struct migration *migrations = reads.bundle->manifest.migrations;
    assert_int_equal(migrations[0].down.statements[1].work_count, 0);
    assert_int_equal(migrations[1].down.statements[0].work_count, 1);
    assert_int_equal(migrations[1].down.statements[0].works[0].kind, WORK_REWRITE);
}

static void
where_something_is_made_is_told_when_it_is_sure(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *schema;
    } cases[] = {{"CREATE TABLE fresh (id int PRIMARY KEY)", ""},
                 {"CREATE TABLE app.fresh AS SELECT 1", "app"},
                 {"CREATE VIEW \"App\".seen AS SELECT 1", "App"},
                 {"CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "app"},
                 {"CREATE TYPE mood AS ENUM ('sad')", ""},
                 {"CREATE TABLE IF NOT EXISTS fresh (id int)", NULL},
                 {"CREATE TEMP TABLE fresh (id int)", NULL},
                 {"CREATE SCHEMA app", NULL},
                 {"ALTER TABLE orders ADD UNIQUE (n)", NULL},
                 {"UPDATE orders SET n = 1", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        folder_text(&folder, "1_a.up.sql", first, 0644);
        folder_text(&folder, "2_b.up.sql", cases[i].sql, 0644);
        CLEANUP(reads_release) struct reads reads = read_folder(&folder);
        assert_non_null(reads.bundle);
        const char *schema = reads.bundle->manifest.migrations[1].up.statements[0].creates_in;
        if (!text_equal(schema, cases[i].schema)) {
            fail_msg("%s: %s", cases[i].sql, schema ? schema : "(none)");
        }
    }
}

/* Of the table that a third migration goes through. */
static const char *
maker_in_third(const char *making)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", first, 0644);
    folder_text(&folder, "2_b.up.sql", making, 0644);
    folder_text(&folder, "3_c.up.sql", "ALTER TABLE made ALTER n TYPE bigint", 0644);
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    assert_non_null(reads.bundle);
    const struct statement *statement = &reads.bundle->manifest.migrations[2].up.statements[0];
    assert_int_equal(statement->work_count, 1);
    const char *maker = statement->works[0].made_by;
    for (size_t i = 0; maker && i < 2; i++) {
        if (strcmp(maker, reads.bundle->manifest.migrations[i].version) == 0) {
            return i ? "2" : "1";
        }
    }
    return NULL;
}

static void
who_makes_the_table_is_told_unless_it_may_have_been_there(void **state)
{
    (void)state;
    assert_string_equal(maker_in_third("CREATE TABLE made (n int)"), "2");
    assert_string_equal(maker_in_third("ALTER TABLE orders RENAME TO made"), "1");
    assert_null(maker_in_third("CREATE TABLE IF NOT EXISTS made (n int)"));
    assert_null(maker_in_third("DO $$ BEGIN CREATE TABLE made (n int); END $$"));
    assert_null(maker_in_third("SELECT 1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_of_work_is_told_table_by_table),
        cmocka_unit_test(what_goes_through_no_rows_is_no_work),
        cmocka_unit_test(what_a_file_makes_holds_no_rows_yet),
        cmocka_unit_test(where_something_is_made_is_told_when_it_is_sure),
        cmocka_unit_test(a_down_is_read_against_its_own_up),
        cmocka_unit_test(who_makes_the_table_is_told_unless_it_may_have_been_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
