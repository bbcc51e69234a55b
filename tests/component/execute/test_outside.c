/* What PostgreSQL only runs outside a transaction, killed at every place, and what it leaves. */
#include "tests/component/execute/others.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"

static struct cluster *cluster;

struct story {
    const char *name, *before;
    struct sketch sketch;
    const char *effect, *answer; /* a query, and what it answers at the end */
};

static const struct story stories[] = {
    {.name = "reindex a table",
     .before = "INSERT INTO probe SELECT i FROM generate_series(1, 1000) i;"
               "CREATE INDEX probe_what ON probe (what); CREATE INDEX probe_upper ON probe"
               " (upper(what))",
     .sketch = {.version = "001", .up = "REINDEX TABLE CONCURRENTLY probe"},
     .effect = "SELECT count(*) || '/' || bool_and(indisvalid) FROM pg_index"
               " WHERE indrelid = 'probe'::regclass",
     .answer = "2/true"},
    {.name = "detach a partition",
     .before = "CREATE TABLE parent (i int) PARTITION BY LIST (i);"
               "CREATE TABLE part PARTITION OF parent FOR VALUES IN (1); INSERT INTO parent VALUES"
               " (1)",
     .sketch = {.version = "001", .up = "ALTER TABLE parent DETACH PARTITION part CONCURRENTLY"},
     .effect = "SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = 'parent'::regclass)"
               " || '/' || (SELECT count(*) FROM part)",
     .answer = "0/1"},
    {.name = "vacuum",
     .before = "INSERT INTO probe VALUES ('x'); DELETE FROM probe",
     .sketch = {.version = "001", .up = "VACUUM probe"},
     .effect = "SELECT count(*) FROM probe",
     .answer = "0"},
    {.name = "what its author tells the outcome of",
     .sketch = {.version = "001",
                .up = "INSERT INTO probe VALUES ('x')",
                .told_by = "SELECT count(*) = 1 FROM probe"},
     .effect = "SELECT count(*) FROM probe",
     .answer = "1"},
    {.name = "an index becomes a constraint",
     .before = "INSERT INTO probe SELECT i FROM generate_series(1, 1000) i",
     .sketch = {.version = "001",
                .up = "CREATE UNIQUE INDEX CONCURRENTLY probe_key ON probe (what);;"
                      "ALTER TABLE probe ADD CONSTRAINT probe_unique UNIQUE USING INDEX probe_key;;"
                      "INSERT INTO probe VALUES ('x')"},
     .effect = "SELECT string_agg(conname, ',') || '/' || (SELECT count(*) FROM pg_index WHERE"
               " indrelid = 'probe'::regclass) || '/' || (SELECT count(*) FROM probe WHERE what ="
               " 'x') FROM pg_constraint WHERE conrelid = 'probe'::regclass",
     .answer = "probe_unique/1/1"},
    {.name = "a constraint is validated later",
     .before = "INSERT INTO probe SELECT i FROM generate_series(1, 1000) i",
     .sketch = {.version = "001",
                .up = "ALTER TABLE probe ADD CONSTRAINT filled CHECK (what <> '') NOT VALID;;"
                      "ALTER TABLE probe VALIDATE CONSTRAINT filled;; VACUUM probe"},
     .effect = "SELECT string_agg(conname, ',') || '/' || bool_and(convalidated) FROM"
               " pg_constraint WHERE conrelid = 'probe'::regclass",
     .answer = "filled/true"},
};

#define STORY_COUNT (sizeof stories / sizeof *stories)

static void
check_end(struct scene *scene, const struct story *story)
{
    CLEANUP(mem_free) char *effect = cluster_ask(cluster, scene->database, story->effect);

    if (strcmp(effect, story->answer) != 0) {
        fail_msg("%s: %s, not %s", story->name, effect, story->answer);
    }
    assert_int_equal(scene_broken_rows(scene), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'done'"),
                     1);
}

static void
prepare(struct scene *scene, const struct story *story)
{
    scene_clear(scene);
    if (story->before) {
        scene_tell(scene, story->before);
    }
    SCENE_PLAN(scene, story->sketch);
    sitting_rest(scene->sitting);
}

static void
does_what_it_says(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < STORY_COUNT; i++) {
        prepare(scene, &stories[i]);
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
        check_end(scene, &stories[i]);
        assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    }
}

/* Die at the place's n-th passing; false when it is passed less often. */
static bool
die_and_settle(struct scene *scene, const struct story *story, const char *failpoint, int turn)
{
    prepare(scene, story);
    CLEANUP(mem_free) char *wanted = mem_format("%s:%d", failpoint, turn);
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    if (scene_execute_in_child(scene, &order, wanted) != SCENE_KILLED) {
        return false;
    }
    enum outcome_kind kind = scene_settle(scene, &order);
    if (kind != OUTCOME_DONE) {
        fail_msg("%s, killed at %s: %d", story->name, wanted, kind);
    }
    check_end(scene, story);
    return true;
}

static void
takes_effect_once_wherever_its_process_is_killed(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    int kills = 0;

    for (size_t story = 0; story < STORY_COUNT; story++) {
        for (size_t i = 0; execute_failpoints[i]; i++) {
            for (int turn = 1; turn <= 3; turn++) {
                if (!die_and_settle(scene, &stories[story], execute_failpoints[i], turn)) {
                    break;
                }
                kills++;
            }
        }
    }
    assert_true(kills >= 60);
}

static void
takes_effect_once_wherever_its_connection_is_cut(void **state)
{
    static const char *const places[] = {"execute.intent-sent", "execute.concurrent-sent",
                                         "execute.done-sent", "execute.single-sent",
                                         "execute.single-commit-sent"};
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t story = 0; story < STORY_COUNT; story++) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            CLEANUP(mem_free) char *wanted = mem_format("%s:1:fail", places[i]);
            prepare(scene, &stories[story]);
            struct step_order order = scene_order(scene, 0, DIRECTION_UP);

            assert_int_equal(scene_execute_in_child(scene, &order, wanted), OUTCOME_DONE);
            check_end(scene, &stories[story]);
        }
    }
}

/* ---- what is left half done ------------------------------------------------------------------ */

static PGconn *
reader_of(const struct scene *scene, const char *sql)
{
    PGconn *pg = PQconnectdb(scene->conninfo);

    PQclear(PQexec(pg, sql));
    assert_int_equal(PQtransactionStatus(pg), PQTRANS_INTRANS);
    return pg;
}

/* The backend is ended while it waits between its two transactions: the partition is pending. */
static void
a_half_detached_partition_is_brought_to_its_end(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    prepare(scene, &stories[1]);
    PGconn *reader = reader_of(scene, "BEGIN; SELECT * FROM parent");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT inhdetachpending FROM pg_inherits", "t");
    scene_await(scene,
                "SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE query LIKE"
                " '%DETACH PARTITION part CONCURRENTLY' AND state = 'active' AND wait_event_type ="
                " 'Lock' AND datname = current_database()",
                "t");
    PQclear(PQexec(reader, "COMMIT"));
    helper_join(&helper);
    PQfinish(reader);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    check_end(scene, &stories[1]);
}

static void
half_made_indexes_of_a_reindex_go_and_those_of_others_stay(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    prepare(scene, &stories[0]);
    scene_tell(scene, "CREATE INDEX probe_old_ccnew ON probe (lower(what)); UPDATE pg_index SET"
                      " indisvalid = false WHERE indexrelid = 'probe_old_ccnew'::regclass");
    PGconn *reader = reader_of(scene, "BEGIN; INSERT INTO probe VALUES ('r')");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, "SELECT count(*) > 0 FROM pg_class WHERE relname ~ 'probe_what_ccnew'", "t");
    scene_await(scene,
                "SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE query LIKE"
                " 'REINDEX TABLE%' AND state = 'active' AND datname = current_database()",
                "t");
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REINDEX TABLE%'"
                " AND state = 'active' AND datname = current_database()",
                "0");
    PQclear(PQexec(reader, "COMMIT"));
    helper_join(&helper);
    PQfinish(reader);
    assert_int_equal(scene->outcome.kind, OUTCOME_FAILED);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_class WHERE relname ~ '_ccnew'"),
                     1);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

static void
cleans_up_as_its_author_says_before_it_is_tried_again(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "INSERT INTO probe SELECT 'x' FROM wanted",
                       .told_by = "SELECT count(*) = 2 FROM probe",
                       .cleanup = "DELETE FROM probe"});
    scene_tell(scene, "CREATE TABLE wanted (i int); INSERT INTO wanted VALUES (1)");

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-VERIFY", "001.up.sql:1:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    scene_tell(scene, "INSERT INTO wanted VALUES (2)");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_it_says),
        cmocka_unit_test(takes_effect_once_wherever_its_process_is_killed),
        cmocka_unit_test(takes_effect_once_wherever_its_connection_is_cut),
        cmocka_unit_test(a_half_detached_partition_is_brought_to_its_end),
        cmocka_unit_test(half_made_indexes_of_a_reindex_go_and_those_of_others_stay),
        cmocka_unit_test(cleans_up_as_its_author_says_before_it_is_tried_again),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
