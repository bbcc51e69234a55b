#include "tests/component/execute/batch_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

static struct cluster *cluster;

/* Rows with x = 1; a statement that is not done twice to any of them makes it 2. */
#define TABLE                                                                                      \
    "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, x bigint NOT NULL DEFAULT 1);"          \
    "INSERT INTO t (id, a, b) SELECT i, i % 7, 'b' || i FROM generate_series(1, 10000) i;"         \
    "ANALYZE t"

static long
wrong_rows(const struct scene *scene)
{
    return scene_count(scene, "SELECT count(*) FROM t WHERE x <> 2");
}

static long
batches_of(const struct scene *scene)
{
    return scene_count(scene, "SELECT count(*) FROM skein.journal WHERE cursor LIKE 'batch %'");
}

static void
assert_done(struct scene *scene, const char *up)
{
    plan_file(scene, up);
    enum outcome_kind kind = scene_up(scene, 0);
    if (kind != OUTCOME_DONE) {
        fail_msg("%s: %s %s (%s)", up, scene->outcome.fault.code, scene->outcome.fault.text,
                 scene->outcome.fault.found ? scene->outcome.fault.found : "");
    }
    assert_int_equal(scene_broken_rows(scene), 0);
}

static void
assert_refused(struct scene *scene, const char *up, const char *code, const char *where)
{
    plan_file(scene, up);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, code, where);
    assert_true(scene->outcome.fault.hint != NULL);
    assert_int_equal(batches_of(scene), 0);
}

static struct scene *
scene_with(const char *sql)
{
    struct scene *scene = scene_new(cluster);

    scene_tell(scene, sql);
    return scene;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void
every_row_is_changed_once_along_the_primary_key(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    assert_done(scene, "-- skein: batch max=999\nUPDATE t SET x = x * 2;");
    assert_int_equal(wrong_rows(scene), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
    assert_int_equal(scene->outcome.statement_count, 1);
    assert_int_equal(scene->outcome.statements[0].rows, 10000);
    assert_int_equal(batches_of(scene), 1 + 11); /* the beginning, and 10000 / 999 */
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
}

static void
conditions_tables_and_ways_of_writing_are_kept(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    static const struct {
        const char *statement, *effect;
        long answer;
    } rows[] = {
        {"UPDATE t SET x = 2 WHERE a = 3 OR a = 4 -- or", "SELECT count(*) FROM t WHERE x = 2",
         2858},
        {"UPDATE public.t AS u SET x = x * 2 FROM (SELECT 3 AS a) s WHERE u.a = s.a",
         "SELECT count(*) FROM t WHERE x = 2", 1429},
        {"WITH s AS (SELECT 3 AS a) UPDATE t SET x = 2 FROM s WHERE t.a = s.a",
         "SELECT count(*) FROM t WHERE x = 2", 1429},
        {"DELETE FROM t WHERE a = 3", "SELECT count(*) FROM t", 8571},
        {"DELETE FROM t USING (VALUES (3), (3), (4)) v(a) WHERE v.a = t.a",
         "SELECT count(*) FROM t", 7142},
        {"UPDATE t SET x = x * 2 FROM (VALUES (3), (3), (3)) v(a) WHERE v.a = t.a",
         "SELECT count(*) FROM t WHERE x = 2", 1429},
        {"INSERT INTO probe SELECT b FROM t WHERE a = 3", "SELECT count(*) FROM probe", 1429},
        {"INSERT INTO probe SELECT t.b FROM t LEFT JOIN (VALUES (3), (3)) v(a) USING (a)",
         "SELECT count(*) FROM probe", 11429},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(mem_free) char *up = mem_format("-- skein: batch max=777\n%s", rows[i].statement);
        scene_clear(scene);
        scene_tell(scene, TABLE);
        assert_done(scene, up);
        assert_int_equal(scene_count(scene, rows[i].effect), rows[i].answer);
        assert_int_equal(scene->outcome.statements[0].rows,
                         rows[i].answer < 8571 || i > 5 ? (uint64_t)(i == 4 ? 2858 : rows[i].answer)
                                                        : 1429);
    }
}

/* A key of every kind that has an order; its text must mean the same when it comes back. */
static void
keys_of_any_orderable_type_work(void **state)
{
    (void)state;
    static const char *const types[][2] = {
        {"smallint", "i::smallint"},
        {"numeric(12,3)", "i / 7.0"},
        {"real", "i / 7.0::real"},
        {"double precision", "CASE WHEN i = 5 THEN 'NaN' ELSE exp(i / 100.0::float8) END"},
        {"text", "chr(32 + i % 95) || E' \\'\"\\\\{},() ' || i || 'é'"},
        {"text COLLATE \"en-x-icu\"", "chr(32 + i % 95) || i"},
        {"varchar(20)", "md5(i::text)::varchar(20)"},
        {"char(9)", "lpad(i::text, 4 + i % 5)"},
        {"bytea", "decode(md5(i::text), 'hex')"},
        {"uuid", "md5(i::text)::uuid"},
        {"date", "'0044-03-15 BC'::date + i * 1000"},
        {"timestamp", "'2000-01-01'::timestamp + i * interval '1.000001 s'"},
        {"timestamptz",
         "CASE WHEN i = 7 THEN 'infinity' ELSE now() + i * interval '1.000001 s' END"},
        {"time", "'00:00'::time + i * interval '1.000001 s'"},
        {"interval", "i * interval '1 month 2 days 0.000001 s'"},
        {"inet", "'10.0.0.0'::inet + i"},
        {"bit(16)", "i::bit(16)"},
        {"boolean[]", "ARRAY[i & 1 > 0, i & 2 > 0, i & 4 > 0, i & 8 > 0, i & 16 > 0, i & 32 > 0,"
                      " i & 64 > 0, i & 128 > 0, i & 256 > 0, i & 512 > 0]"},
        {"int4range", "int4range(i, i + 5)"},
        {"jsonb", "jsonb_build_object('i', i)"},
        {"\"Mood\"", "enum_range(NULL::\"Mood\")"},
        {"money", "i::money"},
        {"oid", "i::oid"},
        {"name", "('n' || i)::name"},
    };
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        bool is_enum = strstr(types[i][0], "Mood") != NULL;
        CLEANUP(mem_free)
        char *sql = mem_format(
            "SET client_min_messages = error; DROP TABLE IF EXISTS t; DROP TYPE IF EXISTS \"Mood\";"
            "CREATE TYPE \"Mood\" AS ENUM ('z', 'it''s', 'B \"', 'a');"
            "CREATE TABLE t (\"The Key\" %s PRIMARY KEY, x bigint NOT NULL DEFAULT 1);"
            "INSERT INTO t SELECT %s FROM generate_series(1, %d) i;",
            types[i][0], is_enum ? "unnest(enum_range(NULL::\"Mood\"))" : types[i][1],
            is_enum ? 1 : 1000);
        scene_clear(scene);
        scene_tell(scene, sql);
        assert_done(scene, is_enum ? "-- skein: batch max=1\nUPDATE t SET x = x * 2"
                                   : "-- skein: batch max=99\nUPDATE t SET x = x * 2");
        if (wrong_rows(scene)) {
            fail_msg("%s: %ld rows", types[i][0], wrong_rows(scene));
        }
        assert_int_equal(batches_of(scene), is_enum ? 5 : 12);
    }
}

static void
composite_keys_are_compared_as_rows(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with("CREATE TABLE t (x bigint DEFAULT 1, \"B\" text, a int, c date,"
                   " PRIMARY KEY (a, \"B\", c));"
                   "INSERT INTO t SELECT 1, 'b' || i % 5, i % 13,"
                   " date '2020-01-01' + i FROM generate_series(1, 5000) i");

    assert_done(scene, "-- skein: batch max=333\nUPDATE t AS u SET x = x * 2");
    assert_int_equal(wrong_rows(scene), 0);
    assert_int_equal(batches_of(scene), 1 + 16);
}

static void
any_unique_key_can_be_named(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";CREATE TABLE u (x int DEFAULT 1, a int NOT NULL,"
                                           " b int NOT NULL, n int);"
                                           "INSERT INTO u SELECT 1, i % 9, i, i FROM"
                                           " generate_series(1, 1000) i;"
                                           "CREATE UNIQUE INDEX u_ab ON u (a DESC, b DESC);"
                                           "CREATE UNIQUE INDEX u_mix ON u (b, a DESC);"
                                           "CREATE UNIQUE INDEX u_part ON u (b) WHERE n > 0;"
                                           "CREATE UNIQUE INDEX u_null ON u (n)");

    assert_done(scene, "-- skein: batch key=a,b max=100\nUPDATE u SET x = x * 2");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM u WHERE x <> 2"), 0);
    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    assert_refused(scene, "-- skein: batch\nUPDATE u SET x = 1", "E-BATCH-KEY", "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch key=b\nUPDATE u SET x = 1", "E-BATCH-KEY",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch key=n\nUPDATE u SET x = 1", "E-BATCH-KEY",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch key=b,a\nUPDATE u SET x = 1", "E-BATCH-KEY",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\n\n UPDATE t SET x = 2, id = id + 1",
                   "E-BATCH-KEY-CHANGED", "001_m.up.sql:3:2");
}

static void
by_ctid_goes_what_leaves_changed_rows_alone(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with("CREATE TABLE t (x bigint, y numeric(9, 1), n int DEFAULT 0);"
                                     "INSERT INTO t SELECT NULL, i FROM"
                                     " generate_series(1, 20000) i; ANALYZE t");

    assert_done(scene,
                "-- skein: batch key=ctid max=1000\nUPDATE t SET x = 2, n = n + 1 WHERE x IS "
                "NULL");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE n = 1 AND x = 2"), 20000);
    assert_true(batches_of(scene) > 10);
    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    assert_done(scene, "-- skein: batch key=ctid\nDELETE FROM t");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t"), 0);
}

/* What seems to leave a row alone, and does not, because the column rounds. */
static void
by_ctid_it_is_checked_in_every_batch(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with("CREATE TABLE t (y numeric(9, 1), n int DEFAULT 0);"
                                     "INSERT INTO t SELECT i FROM generate_series(1, 5000) i");

    plan_file(scene, "-- skein: batch key=ctid\nUPDATE t SET y = 0.55, n = n + 1 WHERE y <> 0.55");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-CTID", "001_m.up.sql:2:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE n > 0"), 0);
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define PARTITIONS                                                                                 \
    "CREATE TABLE t (id bigint NOT NULL, at date NOT NULL, x bigint DEFAULT 1) PARTITION BY RANGE" \
    " (at);"                                                                                       \
    "CREATE SCHEMA \"Old\";"                                                                       \
    "CREATE TABLE \"Old\".t PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"       \
    " PARTITION BY LIST (at);"                                                                     \
    "CREATE TABLE \"Old\".\"t 1\" PARTITION OF \"Old\".t DEFAULT;"                                 \
    "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');"             \
    "CREATE TABLE t3 (x bigint DEFAULT 1, at date NOT NULL, gone int, id bigint NOT NULL);"        \
    "ALTER TABLE t3 DROP COLUMN gone;"                                                             \
    "ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');"          \
    "INSERT INTO t SELECT i, date '2020-01-01' + i % 1000 FROM generate_series(1, 6000) i;"

static void
partitions_are_gone_through_one_by_one(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "ALTER TABLE t ADD PRIMARY KEY (id, at)",
        /* No key of the whole; each partition has its own. */
        "ALTER TABLE \"Old\".\"t 1\" ADD PRIMARY KEY (at, id); ALTER TABLE t2 ADD PRIMARY KEY (id);"
        "ALTER TABLE t3 ADD PRIMARY KEY (id, at)"};
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < 2; i++) {
        scene_clear(scene);
        scene_tell(scene, "DROP SCHEMA IF EXISTS \"Old\" CASCADE");
        scene_tell(scene, PARTITIONS);
        scene_tell(scene, keys[i]);
        assert_done(scene, "-- skein: batch max=500\nUPDATE t SET x = t.x * 2 WHERE t.id > 0");
        assert_int_equal(wrong_rows(scene), 0);
        assert_true(batches_of(scene) >= 13);
        assert_int_equal(scene->outcome.statements[0].rows, 6000);
    }
    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    assert_refused(scene, "-- skein: batch\nUPDATE t SET at = at + 1", "E-BATCH-PARTITION",
                   "001_m.up.sql:2:1");
}

static void
children_are_gone_through_unless_only_is_said(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";CREATE TABLE child (PRIMARY KEY (id)) INHERITS (t);"
                                           "INSERT INTO child (id) SELECT i FROM"
                                           " generate_series(1, 500) i");

    assert_done(scene, "-- skein: batch\nUPDATE t SET x = x * 2");
    assert_int_equal(wrong_rows(scene), 0);
    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    assert_done(scene, "-- skein: batch\nUPDATE ONLY t SET x = x * 2");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM ONLY t WHERE x = 4"), 10000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM child WHERE x = 2"), 500);
}

static void
what_is_no_table_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE ";CREATE VIEW v AS SELECT * FROM t; CREATE TABLE r (id int PRIMARY KEY, x int);"
              "CREATE RULE r AS ON UPDATE TO r DO ALSO INSERT INTO probe VALUES ('x');"
              "CREATE FUNCTION f(int) RETURNS boolean VOLATILE LANGUAGE sql AS 'SELECT $1 > 3';"
              "CREATE AGGREGATE app_last(text) (SFUNC = textcat, STYPE = text);"
              "CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER"
              " file_fdw; CREATE FOREIGN TABLE g (i int) SERVER s OPTIONS (filename '/dev/null')");

    assert_refused(scene, "-- skein: batch\nUPDATE v SET x = 1", "E-BATCH-VIEW",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\nUPDATE nosuch SET x = 1", "E-BATCH-TABLE",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\nUPDATE r SET x = 1", "E-BATCH-RULE",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\nUPDATE t SET x = 1 WHERE f(a)", "E-BATCH-VOLATILE",
                   "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\nINSERT INTO probe SELECT app_last(b) FROM t",
                   "E-BATCH-GROUP", "001_m.up.sql:2:1");
    assert_refused(scene, "-- skein: batch\nINSERT INTO probe SELECT i FROM g", "E-BATCH-FOREIGN",
                   "001_m.up.sql:2:1");
}

static void
a_trigger_that_moves_the_key_is_found_out(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE ";CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN IF new.id = 5000 THEN new.id = 90000; END IF; RETURN new; END';"
              "CREATE TRIGGER away BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION away()");

    plan_file(scene, "-- skein: batch max=1000\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-KEY-MOVED", "001_m.up.sql:2:1");
    scene_assert_says(scene->outcome.fault.found, "4000 rows were changed");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x > 2"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 4000);

    /* Once it does not, any step goes on behind what was done. */
    scene_tell(scene, "CREATE OR REPLACE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
                      " 'BEGIN RETURN new; END'");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
    assert_int_equal(scene->outcome.statements[0].rows, 10000);
}

static void
a_table_without_rows_is_done_at_once(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with("CREATE TABLE t (id int PRIMARY KEY)");

    assert_done(scene, "-- skein: batch\nDELETE FROM t");
    assert_int_equal(scene->outcome.statements[0].rows, 0);
    assert_int_equal(batches_of(scene), 1);
}

/* ---- errors, and going on ---------------------------------------------------------------------
 */

static void
an_error_has_its_place_in_the_file(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    plan_file(scene, "-- skein: batch\nUPDATE t SET x = 'é' || nosuch\n WHERE a = 1");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:2:25");
    plan_file(scene, "-- skein: batch\nUPDATE t SET x = 1\n WHERE 'é' < b AND nosuch = 1");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-CHANGED", "001_m.up.sql"); /* it is another file now */
    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:3:20");
}

static void
after_an_error_it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";ALTER TABLE t ADD CHECK (x < 2 OR id <> 7777)");

    plan_file(scene, "-- skein: batch max=500\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:2:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 7500);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_tell(scene, "ALTER TABLE t DROP CONSTRAINT t_check");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
    assert_int_equal(scene_broken_rows(scene), 0);
}

static void
a_file_that_was_changed_says_what_is_meant(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";ALTER TABLE t ADD CHECK (x < 2 OR id <> 7777)");

    plan_file(scene, "-- skein: batch max=500\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_tell(scene, "ALTER TABLE t DROP CONSTRAINT t_check");
    plan_file(scene, "-- skein: batch max=501\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-CHANGED", "001_m.up.sql");
    plan_file(scene, "-- skein: batch on_change=continue\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
}

/* A way back can be a backfill, too; and on_change=restart begins anew. */
static void
a_down_goes_in_batches_and_can_begin_anew(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";ALTER TABLE t ADD CHECK (x < 6 OR id <> 7777)");
    CLEANUP(folder_remove) struct folder folder = folder_make();

    plan_both(scene, &folder, "SELECT 1", "-- skein: batch max=500\nUPDATE t SET x = x + 5");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_down(scene, 0), OUTCOME_FAILED);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 6"), 7500);
    plan_both(scene, &folder, "SELECT 1", "-- skein: batch max=501\nUPDATE t SET x = 2");
    assert_int_equal(scene_down(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-CHANGED", "001_m.down.sql");
    plan_both(scene, &folder, "SELECT 1", "-- skein: batch on_change=restart\nUPDATE t SET x = 2");
    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

static void
several_statements_go_one_after_the_other(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE ";ALTER TABLE t ADD CHECK (x < 8 OR id <> 7777)");

    plan_file(scene, "-- skein: batch\nUPDATE t SET x = x * 4;\n"
                     "-- skein: batch max=500\nUPDATE t SET x = x * 3;\n"
                     "-- skein: batch\nUPDATE t SET x = x / 6;");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:4:1");
    scene_tell(scene, "ALTER TABLE t DROP CONSTRAINT t_check");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
}

/* ---- afterwards -------------------------------------------------------------------------------
 */

static void
the_check_has_the_last_word(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    plan_file(scene, "-- skein: batch check=\"SELECT count(*) = 0 FROM t WHERE b IS NULL\"\n"
                     "UPDATE t SET x = x * 2, b = nullif(b, 'b5')");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-CHECK", "001_m.up.sql:2:1");
    scene_tell(scene, "UPDATE t SET b = '' WHERE b IS NULL");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(wrong_rows(scene), 0);
}

/* Rows that others add behind the cursor are gone after, as long as that has an end. */
static void
rows_that_come_up_behind_are_gone_after(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE ";UPDATE t SET b = NULL; CREATE SEQUENCE late START -1 INCREMENT -1 MINVALUE -99999;"
              "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF old.id = 5000"
              " THEN INSERT INTO t (id) VALUES (nextval(''late'')); END IF; RETURN NULL; END';"
              "CREATE TRIGGER more AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION more()");

    assert_done(scene, "-- skein: batch max=1000\nUPDATE t SET b = 'new', x = 2 WHERE b IS NULL");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE b IS NULL"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE id = -1 AND x = 2"), 1);

    scene_tell(scene, "DROP SCHEMA skein CASCADE; UPDATE t SET b = NULL;"
                      "CREATE OR REPLACE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                      " 'BEGIN IF old.id = 5000 OR old.id < 0 THEN INSERT INTO t (id)"
                      " VALUES (nextval(''late'')); END IF; RETURN NULL; END'");
    scene_sit_anew(scene);
    plan_file(scene, "-- skein: batch max=1000\nUPDATE t SET b = 'new' WHERE b IS NULL");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-LEFT", "001_m.up.sql:2:1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_changed_once_along_the_primary_key),
        cmocka_unit_test(conditions_tables_and_ways_of_writing_are_kept),
        cmocka_unit_test(keys_of_any_orderable_type_work),
        cmocka_unit_test(composite_keys_are_compared_as_rows),
        cmocka_unit_test(any_unique_key_can_be_named),
        cmocka_unit_test(by_ctid_goes_what_leaves_changed_rows_alone),
        cmocka_unit_test(by_ctid_it_is_checked_in_every_batch),
        cmocka_unit_test(partitions_are_gone_through_one_by_one),
        cmocka_unit_test(children_are_gone_through_unless_only_is_said),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(a_trigger_that_moves_the_key_is_found_out),
        cmocka_unit_test(a_table_without_rows_is_done_at_once),
        cmocka_unit_test(an_error_has_its_place_in_the_file),
        cmocka_unit_test(after_an_error_it_goes_on_where_it_stopped),
        cmocka_unit_test(a_file_that_was_changed_says_what_is_meant),
        cmocka_unit_test(a_down_goes_in_batches_and_can_begin_anew),
        cmocka_unit_test(several_statements_go_one_after_the_other),
        cmocka_unit_test(the_check_has_the_last_word),
        cmocka_unit_test(rows_that_come_up_behind_are_gone_after),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
