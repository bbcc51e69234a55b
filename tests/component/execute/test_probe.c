#include "tests/component/execute/batch_scene.h"

#include <libpq-fe.h>

#include "common/base/mem.h"
#include "coordinator/core/known_bundle.h"

static struct cluster *cluster;

#define TABLE                                                                                      \
    "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, x bigint NOT NULL DEFAULT 1);"          \
    "INSERT INTO t (id, a, b) SELECT i, i % 7, 'b' || i FROM generate_series(1, 100) i;"

static struct scene *
scene_with(const char *sql)
{
    struct scene *scene = scene_new(cluster);

    scene_tell(scene, sql);
    return scene;
}

/* What the database says against the bundle, asked as a coordinator asks; null: nothing. */
static const struct batch_verdict *
ask_bundle(struct scene *scene, enum direction direction)
{
    struct batch_verdict *verdicts = arena_alloc(&scene->arena, VERDICTS_MAX * sizeof *verdicts);
    struct known_bundle *known = NULL;
    struct applied_migration *applied;
    size_t applied_count, count;

    known_bundle_learn(&known, &scene->bundle->digest, &scene->bundle->manifest);
    assert_int_equal(known->probe_counts[direction], 1);
    assert_true(
        sitting_survey(scene->sitting, &scene->arena, &applied, &applied_count, &scene->error));
    count = sitting_probe(scene->sitting, known->probes[direction], known->probe_counts[direction],
                          &scene->arena, verdicts);
    known_bundles_sweep(&known, 0);
    assert_true(count <= 1);
    return count ? &verdicts[0] : NULL;
}

static const struct batch_verdict *
ask(struct scene *scene, const char *up)
{
    plan_file(scene, up);
    return ask_bundle(scene, DIRECTION_UP);
}

static void
assert_verdict(struct scene *scene, const char *up, const char *code, bool is_warning)
{
    const struct batch_verdict *verdict = ask(scene, up);

    if (!verdict) {
        fail_msg("%s: nothing is said against it", up);
    }
    assert_string_equal(verdict->fault.code, code);
    assert_string_equal(verdict->fault.where, "001_m.up.sql:2:1");
    assert_string_equal(verdict->version, "001");
    assert_int_equal(verdict->is_warning, is_warning);
}

static void
assert_goes(struct scene *scene, const char *up)
{
    const struct batch_verdict *verdict = ask(scene, up);

    if (verdict) {
        fail_msg("%s: %s %s", up, verdict->fault.code, verdict->fault.text);
    }
}

static void
keys_that_cannot_be_gone_along_are_found(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE "CREATE TABLE bare (a int, x int); CREATE TABLE loose (a int UNIQUE, x int);"
              "CREATE TABLE part (a int NOT NULL UNIQUE, b int, x int) PARTITION BY RANGE (a);"
              "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (9);"
              "CREATE TABLE moves (a int NOT NULL, b int) PARTITION BY RANGE (b);"
              "CREATE TABLE moves_1 PARTITION OF moves (UNIQUE (a)) FOR VALUES FROM (0) TO (9)");

    assert_goes(scene, "-- skein: batch\nUPDATE t SET x = 2");
    assert_verdict(scene, "-- skein: batch\nUPDATE bare SET x = 2", "E-BATCH-KEY", false);
    assert_verdict(scene, "-- skein: batch key=a\nUPDATE loose SET x = 2", "E-BATCH-KEY", false);
    assert_verdict(scene, "-- skein: batch key=a\nUPDATE t SET x = 2", "E-BATCH-KEY", false);
    assert_goes(scene, "-- skein: batch key=ctid\nUPDATE bare SET x = 2 WHERE x IS NULL");
    assert_goes(scene, "-- skein: batch key=a\nUPDATE part SET x = 2");
    assert_verdict(scene, "-- skein: batch\nUPDATE part SET x = 2", "E-BATCH-KEY", false);
    assert_goes(scene, "-- skein: batch key=a\nDELETE FROM moves");
    assert_verdict(scene, "-- skein: batch key=a\nUPDATE moves SET b = b + 1", "E-BATCH-PARTITION",
                   false);
    assert_goes(scene, "-- skein: batch\nDELETE FROM t WHERE a = 3");
}

static void
what_is_no_table_is_found(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE "CREATE VIEW v AS SELECT * FROM t; CREATE TABLE r (id int PRIMARY KEY, x int);"
              "CREATE RULE r AS ON UPDATE TO r DO ALSO INSERT INTO probe VALUES ('x');"
              "CREATE FUNCTION f(int) RETURNS boolean VOLATILE LANGUAGE sql AS 'SELECT $1 > 3'");

    assert_verdict(scene, "-- skein: batch\nUPDATE v SET x = 1", "E-BATCH-VIEW", false);
    assert_verdict(scene, "-- skein: batch\nUPDATE nosuch SET x = 1", "E-BATCH-TABLE", false);
    assert_verdict(scene, "-- skein: batch\nUPDATE r SET x = 1", "E-BATCH-RULE", false);
    assert_verdict(scene, "-- skein: batch\nUPDATE t SET x = 1 WHERE f(a)", "E-BATCH-VOLATILE",
                   false);
}

static void
a_trigger_that_may_move_the_key_is_warned_of(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
                         " 'BEGIN RETURN new; END';"
                         "CREATE TRIGGER away BEFORE UPDATE ON t FOR EACH ROW"
                         " EXECUTE FUNCTION away()");

    assert_verdict(scene, "-- skein: batch\nUPDATE t SET x = 2", "E-BATCH-KEY-MOVED", true);
    assert_goes(scene, "-- skein: batch\nDELETE FROM t");
}

static void
a_trigger_that_seems_to_change_its_table_is_warned_of(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION behind() RETURNS trigger LANGUAGE plpgsql AS"
                         " 'BEGIN INSERT INTO probe VALUES (new.b); RETURN NULL; END';"
                         "CREATE TRIGGER behind AFTER UPDATE ON t FOR EACH ROW"
                         " EXECUTE FUNCTION behind()");

    assert_goes(scene, "-- skein: batch\nUPDATE t SET x = 2");
    scene_tell(scene, "CREATE OR REPLACE FUNCTION behind() RETURNS trigger LANGUAGE plpgsql AS"
                      " 'BEGIN Update T SET a = 1 WHERE id = new.a; RETURN NULL; END'");
    assert_verdict(scene, "-- skein: batch\nUPDATE t SET x = 2", "E-BATCH-TRIGGER", true);
    assert_goes(scene, "-- skein: batch self=allow\nUPDATE t SET x = 2");
    assert_goes(scene, "-- skein: batch\nDELETE FROM t");
}

static void
values_for_columns_that_have_none_to_be_given_are_found(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(
        TABLE "CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int,"
              " x int, twice int GENERATED ALWAYS AS (x * 2) STORED, y int,"
              " z int GENERATED BY DEFAULT AS IDENTITY);"
              "ALTER TABLE made DROP COLUMN gone; CREATE SCHEMA other;"
              "CREATE TABLE other.made (twice int PRIMARY KEY, id int)");
    static const char *const refused[] = {
        "UPDATE made SET x = 1, twice = 2",
        "UPDATE made m SET (y, twice) = (1, x) WHERE m.x = 1",
        "INSERT INTO made (id, x) SELECT id, a FROM t",
        "INSERT INTO made (twice) SELECT a FROM t",
        "INSERT INTO made SELECT id, a FROM t",
        "INSERT INTO made (x, twice) OVERRIDING SYSTEM VALUE SELECT a, a FROM t",
    };
    static const char *const going[] = {
        "UPDATE made SET x = 1, twice = DEFAULT, z = 5",
        "UPDATE made SET (y, twice) = (1, DEFAULT)",
        "UPDATE other.made SET id = 3",
        "INSERT INTO made (x, y) SELECT a, a FROM t",
        "INSERT INTO made OVERRIDING SYSTEM VALUE SELECT id + 1000, a FROM t",
        "INSERT INTO other.made SELECT a, a FROM t WHERE id < 7",
        "DELETE FROM made WHERE twice = 2",
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CLEANUP(mem_free) char *up = mem_format("-- skein: batch\n%s", refused[i]);
        assert_verdict(scene, up, "E-BATCH-GENERATED", false);
        assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED); /* the step says the same */
        scene_assert_fault(scene, "E-BATCH-GENERATED", "001_m.up.sql:2:1");
    }
    for (size_t i = 0; i < sizeof going / sizeof *going; i++) {
        CLEANUP(mem_free) char *up = mem_format("-- skein: batch\n%s", going[i]);
        assert_goes(scene, up);
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
        scene_tell(scene, "DROP SCHEMA skein CASCADE");
        scene_sit_anew(scene);
    }
}

/* The way back is asked about when it can be gone: as long as the way there is not undone. */
static void
the_way_back_is_asked_about(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE "CREATE TABLE bare (x int, y int)");

    plan_both(scene, &folder, "INSERT INTO bare SELECT id FROM t",
              "-- back\n-- skein: batch\nUPDATE bare SET y = 0");
    assert_null(ask_bundle(scene, DIRECTION_DOWN));
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    const struct batch_verdict *verdict = ask_bundle(scene, DIRECTION_DOWN);
    assert_non_null(verdict);
    assert_string_equal(verdict->fault.code, "E-BATCH-KEY");
    assert_string_equal(verdict->fault.where, "001_m.down.sql:3:1");
    scene_tell(scene, "ALTER TABLE bare ADD PRIMARY KEY (x)");
    assert_null(ask_bundle(scene, DIRECTION_DOWN));
}

static void
what_is_applied_is_not_asked_about(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    const char *up = "-- skein: batch\nUPDATE t SET x = 2";

    plan_file(scene, up);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    scene_tell(scene, "ALTER TABLE t DROP CONSTRAINT t_pkey");
    assert_goes(scene, up);
}

/* Somebody has the table for himself: the plan does not wait, and the connection is as it was. */
static void
a_locked_table_is_left_to_the_step(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with("CREATE TABLE bare (a int, x int);"
                                     "INSERT INTO bare VALUES (1, 1)");
    const char *up = "-- skein: batch\nUPDATE bare SET x = 2";
    PGconn *holder = PQconnectdb(scene->conninfo);

    PQclear(PQexec(holder, "BEGIN; LOCK TABLE bare"));
    assert_goes(scene, up);
    assert_int_equal(
        scene_count(scene, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
    PQclear(PQexec(holder, "ROLLBACK"));
    assert_verdict(scene, up, "E-BATCH-KEY", false);
    PQfinish(holder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_cannot_be_gone_along_are_found),
        cmocka_unit_test(what_is_no_table_is_found),
        cmocka_unit_test(a_trigger_that_may_move_the_key_is_warned_of),
        cmocka_unit_test(a_trigger_that_seems_to_change_its_table_is_warned_of),
        cmocka_unit_test(values_for_columns_that_have_none_to_be_given_are_found),
        cmocka_unit_test(the_way_back_is_asked_about),
        cmocka_unit_test(what_is_applied_is_not_asked_about),
        cmocka_unit_test(a_locked_table_is_left_to_the_step),
    };

    return RUN_TESTS_ON(cluster, "fsync = off\n", tests);
}
