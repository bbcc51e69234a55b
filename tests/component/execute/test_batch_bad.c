/* What a database does to a backfill, besides dying. */
#include "tests/component/execute/batch_scene.h"

#include <libpq-fe.h>

static struct cluster *cluster;

#define TABLE                                                                                      \
    "CREATE TABLE t (id bigint PRIMARY KEY, x bigint NOT NULL DEFAULT 1);"                         \
    "INSERT INTO t SELECT i FROM generate_series(1, 2000) i; ANALYZE t;"

static struct scene *
scene_with(const char *sql)
{
    struct scene *scene = scene_new(cluster);

    scene_tell(scene, sql);
    return scene;
}

static long
changed(const struct scene *scene)
{
    return scene_count(scene, "SELECT count(*) FROM t WHERE x = 2");
}

/* ---- deadlocks ------------------------------------------------------------------------------- */

/* Holds row 900, and wants row 1 as soon as somebody waits for it. */
struct rival {
    PGconn *pg;
    struct scene *scene;
    bool has_got_it;
};

static void
want_more(void *context)
{
    struct rival *rival = context;

    scene_await(rival->scene,
                "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype ="
                " 'transactionid'",
                "t");
    PGresult *result = PQexec(rival->pg, "SELECT FROM t WHERE id = 1 FOR UPDATE");
    rival->has_got_it = PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    PQclear(PQexec(rival->pg, "COMMIT"));
}

static void
a_deadlock_breaks_the_batch_off_and_it_is_tried_again(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    struct rival rival = {.pg = PQconnectdb(scene->conninfo), .scene = scene};

    /* The other one never looks for deadlocks, so it is the batch that is broken off. */
    PQclear(PQexec(rival.pg, "SET deadlock_timeout = '1h'; BEGIN;"
                             " SELECT FROM t WHERE id = 900 FOR UPDATE"));
    plan_file(scene, "-- skein: batch time=1s min=1000\nUPDATE t SET x = x * 2");
    struct helper *helper = helper_start(want_more, &rival);
    enum outcome_kind kind = scene_up(scene, 0);
    helper_join(&helper);
    PQfinish(rival.pg);

    assert_int_equal(kind, OUTCOME_DONE);
    assert_true(rival.has_got_it);
    assert_int_equal(changed(scene), 2000);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void
a_right_that_is_missing_is_named(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE "DROP ROLE IF EXISTS reader; CREATE ROLE reader;"
                                           "GRANT SELECT ON t TO reader");
    scene->config.role = "reader";
    scene_sit_anew(scene);

    plan_file(scene, "-- skein: batch max=500\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "42501");
    scene_assert_fault(scene, "E-SQL-PRIV", "001_m.up.sql:2:1");
    assert_int_equal(changed(scene), 0);

    scene_tell(scene, "GRANT UPDATE ON t TO reader");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(changed(scene), 2000);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void
an_error_in_the_middle_has_its_state_its_place_and_what_was_done(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    plan_file(scene, "-- größer\n-- skein: batch max=500\nUPDATE t SET x = 2 / (1200 - id)\n"
                     "  WHERE x = 1");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:3:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "22012");
    assert_false(scene->outcome.fault.is_retryable);
    scene_assert_says(scene->outcome.fault.hint, "1000 rows were changed, in 2 batches");
}

static void
the_statement_time_out_of_the_file_is_one_batchs(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION slow(bigint) RETURNS bigint VOLATILE LANGUAGE plpgsql AS"
                         " 'BEGIN IF $1 = 1500 THEN PERFORM pg_sleep(60); END IF; RETURN 2; END'");

    plan_file(scene, "-- skein: statement_timeout=100ms\n-- skein: batch min=500 max=500\n"
                     "UPDATE t SET x = x * slow(id)");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-ROW", "001_m.up.sql:3:1");
    assert_int_equal(changed(scene), 1000);
}

/* ---- partitions ------------------------------------------------------------------------------ */

#define PARTS                                                                                      \
    "CREATE TABLE t (id bigint, k int, x bigint NOT NULL DEFAULT 1, PRIMARY KEY (id, k))"          \
    " PARTITION BY LIST (k);"                                                                      \
    "CREATE TABLE t_0 PARTITION OF t FOR VALUES IN (0);"                                           \
    "CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);"                                           \
    "INSERT INTO t SELECT i, i % 2 FROM generate_series(1, 2000) i;"

static void
a_row_that_is_joined_twice_is_changed_once_in_every_partition(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(PARTS "CREATE TABLE s AS SELECT i % 1000 AS id FROM generate_series(1, 3000) i");

    plan_file(scene, "-- skein: batch max=100\nUPDATE t SET x = t.x * 2 FROM s WHERE s.id = t.id");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statements[0].rows, 999);
    assert_int_equal(changed(scene), 999);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x > 2"), 0);
}

/* The server itself keeps a batch in its partition; so nothing is met a second time elsewhere. */
static void
a_trigger_that_moves_a_row_to_another_partition_is_an_error(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        PARTS "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN IF new.id = 1000 THEN new.k = 1; END IF; RETURN new; END';"
              "CREATE TRIGGER away BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION away()");

    plan_file(scene, "-- skein: batch max=100\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "23514");
    scene_assert_fault(scene, "E-SQL", "001_m.up.sql:2:1");
    assert_int_equal(changed(scene), 400);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2 AND id >= 802"), 0);
}

/* ---- triggers behind UPDATE -------------------------------------------------------------------
 */

#define TRIGGER(kind, body)                                                                        \
    "CREATE FUNCTION behind() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " body                  \
    "; RETURN NULL; END $$;"                                                                       \
    "CREATE " kind " EXECUTE FUNCTION behind()"

#define FOR_ROWS "TRIGGER behind AFTER UPDATE ON t FOR EACH ROW"

/* Moves a row to where a later batch would meet it again. */
#define MOVES_ON "UPDATE t SET id = id + 0.5 WHERE id = new.id AND id = 250"

#define DECIMALS                                                                                   \
    "CREATE TABLE t (id numeric PRIMARY KEY, x bigint NOT NULL DEFAULT 1);"                        \
    "INSERT INTO t SELECT i FROM generate_series(1, 2000) i; ANALYZE t;"

static void
a_trigger_that_changes_further_rows_of_the_table_is_found_out(void **state)
{
    (void)state;
    static const char *const tables[] = {
        DECIMALS TRIGGER(FOR_ROWS " WHEN (pg_trigger_depth() = 0)", MOVES_ON),
        DECIMALS TRIGGER("TRIGGER behind AFTER UPDATE ON t FOR EACH STATEMENT"
                         " WHEN (pg_trigger_depth() = 0)",
                         "UPDATE t SET x = x * 2 WHERE id = 1999"),
        DECIMALS TRIGGER("CONSTRAINT TRIGGER behind AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED"
                         " FOR EACH ROW WHEN (pg_trigger_depth() = 0)",
                         MOVES_ON),
        PARTS TRIGGER(FOR_ROWS " WHEN (pg_trigger_depth() = 0)",
                      "UPDATE t SET k = 1 WHERE id = new.id AND k = new.k AND id = 400"),
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with(tables[i]);
        plan_file(scene, "-- skein: batch max=100\nUPDATE t SET x = x * 2");
        assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
        scene_assert_fault(scene, "E-BATCH-TRIGGER", "001_m.up.sql:2:1");
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x > 2"), 0);
        assert_true(changed(scene) % 100 == 0 && changed(scene) <= 200);
    }
}

static void
a_trigger_that_leaves_the_table_alone_is_none_of_ours(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "ALTER TABLE t ADD up bigint REFERENCES t ON UPDATE CASCADE;"
                         "UPDATE t SET up = id - 1 WHERE id > 1;" TRIGGER(
                             FOR_ROWS, "INSERT INTO probe VALUES (new.id);"
                                       " PERFORM FROM t WHERE id = new.up FOR UPDATE"));

    plan_file(scene, "-- skein: batch max=300\nUPDATE t SET x = x * 2, up = up");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(changed(scene), 2000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2000);
}

static void
a_trigger_whose_changes_are_harmless_may_make_them(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE "ALTER TABLE t ADD seen int DEFAULT 0;" TRIGGER(
        FOR_ROWS " WHEN (pg_trigger_depth() = 0)",
        "UPDATE t SET seen = seen + 1 WHERE id = new.id % 2000 + 1"));

    plan_file(scene, "-- skein: batch max=300 self=allow\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(changed(scene), 2000);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE seen = 1"), 2000);
}

/* ---- the cursor ------------------------------------------------------------------------------ */

/* Somebody has written into the journal: nothing is built upon it. */
static void
a_cursor_that_is_none_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    plan_file(scene, "-- skein: batch max=500\nUPDATE t SET x = x * 2 / (1200 - id)");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    long before = scene_count(scene, "SELECT sum(x)::bigint FROM t");
    scene_tell(scene, "UPDATE skein.journal SET cursor = 'batch of bread' WHERE cursor LIKE"
                      " 'batch %'");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-HIST-SHAPE", NULL);
    assert_int_equal(scene_count(scene, "SELECT sum(x)::bigint FROM t"), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadlock_breaks_the_batch_off_and_it_is_tried_again),
        cmocka_unit_test(a_right_that_is_missing_is_named),
        cmocka_unit_test(an_error_in_the_middle_has_its_state_its_place_and_what_was_done),
        cmocka_unit_test(the_statement_time_out_of_the_file_is_one_batchs),
        cmocka_unit_test(a_row_that_is_joined_twice_is_changed_once_in_every_partition),
        cmocka_unit_test(a_trigger_that_moves_a_row_to_another_partition_is_an_error),
        cmocka_unit_test(a_trigger_that_changes_further_rows_of_the_table_is_found_out),
        cmocka_unit_test(a_trigger_that_leaves_the_table_alone_is_none_of_ours),
        cmocka_unit_test(a_trigger_whose_changes_are_harmless_may_make_them),
        cmocka_unit_test(a_cursor_that_is_none_is_refused),
    };

    return RUN_TESTS_ON(cluster, "fsync = off\ndeadlock_timeout = 50ms\n", tests);
}
