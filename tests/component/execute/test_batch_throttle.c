/* Backfills that give way, hold, rest, are stopped and told how far they are. */
#include "tests/component/execute/batch_scene.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/base/clock.h"
#include "common/base/text.h"

static struct cluster *cluster;

#define TABLE                                                                                      \
    "CREATE TABLE t (id bigint PRIMARY KEY, x bigint NOT NULL DEFAULT 1);"                         \
    "INSERT INTO t SELECT i FROM generate_series(1, 10000) i; ANALYZE t;"

/* A backfill in a thread of its own, and the last that it said. */
struct work {
    struct scene *scene;
    struct step_order order;
    enum outcome_kind kind;
    pthread_mutex_t mutex;
    char note[256];
    unsigned notes;
};

static void
on_note(void *context, const char *note)
{
    struct work *work = context;

    pthread_mutex_lock(&work->mutex);
    snprintf(work->note, sizeof work->note, "%s", note);
    work->notes++;
    pthread_mutex_unlock(&work->mutex);
}

static void
go(void *context)
{
    struct work *work = context;

    work->kind = scene_execute(work->scene, &work->order);
}

static void
prepare(struct work *work, struct scene *scene, const char *up)
{
    *work = (struct work){.scene = scene};
    pthread_mutex_init(&work->mutex, NULL);
    plan_file(scene, up);
    work->order = scene_order(scene, 0, DIRECTION_UP);
    work->order.note = on_note;
    work->order.context = work;
}

/* Wait until it says something with this in it. */
static void
await_note(struct work *work, const char *part)
{
    int64_t deadline_ms = clock_now_ms() + 20000;

    for (bool is_said = false; !is_said;) {
        pthread_mutex_lock(&work->mutex);
        is_said = strstr(work->note, part) != NULL;
        if (!is_said && clock_now_ms() > deadline_ms) {
            print_error("last said: %s\n", work->note);
        }
        pthread_mutex_unlock(&work->mutex);
        assert_true(is_said || clock_now_ms() < deadline_ms);
    }
}

static void
assert_changed_once(const struct scene *scene)
{
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 10000);
    assert_int_equal(scene_broken_rows(scene), 0);
}

static struct scene *
scene_with(const char *sql)
{
    struct scene *scene = scene_new(cluster);

    scene_tell(scene, sql);
    return scene;
}

/* It holds for a reason, and goes on when that is gone. */
static void
assert_holds(struct scene *scene, const char *up, const char *reason,
             void (*release)(void *context), void *context)
{
    struct work work;

    prepare(&work, scene, up);
    struct helper *helper = helper_start(go, &work);
    await_note(&work, reason);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 0);
    release(context);
    helper_join(&helper);
    assert_int_equal(work.kind, OUTCOME_DONE);
    assert_changed_once(scene);
}

static void
tell_flag(void *context)
{
    scene_tell(context, "UPDATE flag SET is_set = false");
}

static void
holds_while_its_query_says_so(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE "CREATE TABLE flag AS SELECT true AS is_set");

    assert_holds(scene, "-- skein: batch hold=\"SELECT is_set FROM flag\"\nUPDATE t SET x = x * 2",
                 "holds: the query", tell_flag, scene);
}

static void
make_flag(void *context)
{
    scene_tell(context, "CREATE TABLE flag AS SELECT false AS is_set");
}

static void
holds_while_its_query_cannot_be_asked(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    assert_holds(scene, "-- skein: batch hold=\"SELECT is_set FROM flag\"\nUPDATE t SET x = x * 2",
                 "cannot be read", make_flag, scene);
}

static void
grant_monitor(void *context)
{
    scene_tell(context, "GRANT pg_monitor TO backfiller");
}

static void
holds_while_a_signal_cannot_be_read(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene = scene_with(TABLE "CREATE ROLE backfiller LOGIN; ALTER TABLE t OWNER TO"
                                           " backfiller; GRANT EXECUTE ON FUNCTION"
                                           " pg_control_system() TO backfiller");
    CLEANUP(mem_free)
    char *grant = mem_format("GRANT CREATE ON DATABASE %s TO backfiller", scene->database);
    scene_tell(scene, grant);
    free(scene->conninfo);
    scene->conninfo = cluster_conninfo(cluster, scene->database, "backfiller");
    scene->config.conninfo = scene->conninfo;
    scene_sit_anew(scene);

    assert_holds(scene, "-- skein: batch archive=5\nUPDATE t SET x = x * 2", "cannot be read",
                 grant_monitor, scene);
}

static PGconn *
session(const struct scene *scene, const char *sql)
{
    PGconn *pg = PQconnectdb(scene->conninfo);

    PQclear(PQexec(pg, sql));
    return pg;
}

static void
finish(void *context)
{
    PQfinish(context);
}

static void
holds_while_vacuum_works_on_the_table(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    assert_holds(scene, "-- skein: batch autovacuum=hold\nUPDATE t SET x = x * 2",
                 "holds: autovacuum", finish,
                 session(scene, "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"));
}

static void
holds_while_too_many_are_at_work(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    PGconn *pg = session(scene, "SELECT 1"), *second = session(scene, "SELECT 1");

    PQsendQuery(pg, "SELECT pg_sleep(600)");
    PQsendQuery(second, "SELECT pg_sleep(1)");
    assert_holds(scene, "-- skein: batch busy=1\nUPDATE t SET x = x * 2",
                 "holds: connections at work: 2", finish, second);
    PGcancel *cancel = PQgetCancel(pg);
    char text[128];
    PQcancel(cancel, text, sizeof text);
    PQfreeCancel(cancel);
    PQfinish(pg);
}

struct replica {
    struct cluster *primary, *standby;
};

static void
resume_replay(void *context)
{
    const struct replica *replica = context;

    cluster_tell(replica->standby, "postgres", "SELECT pg_wal_replay_resume()");
}

static void
holds_while_a_replica_is_behind(void **state)
{
    (void)state;
    struct replica replica = {.primary = cluster_new("wal_level = replica\nmax_wal_senders = 3")};
    struct scene *scene = scene_new(replica.primary);
    scene_tell(scene, TABLE);
    replica.standby = cluster_new_standby(replica.primary);
    assert_true(cluster_await(replica.primary, "postgres",
                              "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'",
                              "1"));
    cluster_tell(replica.standby, "postgres", "SELECT pg_wal_replay_pause()");
    scene_tell(scene, "INSERT INTO probe SELECT repeat('x', 1000) FROM generate_series(1, 40000)");

    assert_holds(scene, "-- skein: batch lag=1ms\nUPDATE t SET x = x * 2", "holds: a replica's lag",
                 resume_replay, &replica);
    cluster_destroy(&replica.standby);
    scene_destroy(&scene);
    cluster_destroy(&replica.primary);
}

/* ---- whether it waits for the disk --------------------------------------------------------------
 */

/* How each row of the journal is committed from now on: what the server has at the very end. */
static void
watch_commits(struct scene *scene)
{
    struct target_facts facts;

    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    scene_tell(scene, "CREATE TABLE commits (how text, cursor text);"
                      "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " INSERT INTO commits SELECT current_setting('synchronous_commit'),"
                      " new.cursor; RETURN NULL; END $$;"
                      "CREATE CONSTRAINT TRIGGER see AFTER INSERT ON skein.journal"
                      " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see()");
}

#define COMMITS "SELECT count(*) FROM commits WHERE how = "

static void
waits_for_the_disk_at_its_ends_alone(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    watch_commits(scene);
    plan_file(scene, "-- skein: batch max=1000\nUPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_changed_once(scene);
    assert_int_equal(scene_count(scene, COMMITS "'off' AND cursor LIKE '%batches%'"), 10);
    assert_int_equal(scene_count(scene, COMMITS "'on' AND cursor LIKE '% batches 0 %'"), 1);
    assert_int_equal(scene_count(scene, COMMITS "'on' AND coalesce(cursor, '') = ''"), 1);
}

static void
waits_where_standbys_are_waited_for(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    CLEANUP(mem_free)
    char *local = mem_format("ALTER DATABASE %s SET synchronous_commit = local", scene->database);

    /* One that never comes; `local` is what lets us commit nevertheless. */
    scene_tell(scene, local);
    watch_commits(scene);
    cluster_tell(cluster, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    scene_await(scene, "SHOW synchronous_standby_names", "nobody");
    plan_file(scene, "-- skein: batch max=1000\nUPDATE t SET x = x * 2");
    enum outcome_kind kind = scene_up(scene, 0);
    cluster_tell(cluster, "postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    scene_await(scene, "SHOW synchronous_standby_names", "");
    assert_int_equal(kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, COMMITS "'local'"), 12);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM commits"), 12);
}

/* ---- rests, stops, others' rows ----------------------------------------------------------------
 */

/* Statements of somebody else, one after the other. */
struct crowd {
    PGconn *pg;
    atomic_bool is_over;
};

static void
crowd_works(void *context)
{
    struct crowd *crowd = context;

    while (!atomic_load(&crowd->is_over)) {
        PQclear(PQexec(crowd->pg, "SELECT 1"));
        usleep(2000);
    }
}

static void
takes_short_batches_beside_an_application(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION slow(bigint) RETURNS bigint VOLATILE LANGUAGE plpgsql AS"
                         " 'BEGIN PERFORM pg_sleep(0.001); RETURN 2; END'");
    struct crowd crowd = {.pg = session(scene, "SELECT 1")};
    struct work work;

    watch_commits(scene);
    struct helper *helper = helper_start(crowd_works, &crowd);
    prepare(&work, scene, "-- skein: batch\nUPDATE t SET x = x * slow(id) WHERE id <= 5000");
    struct helper *other = helper_start(go, &work);
    await_note(&work, "beside an application");
    helper_join(&other);
    atomic_store(&crowd.is_over, true);
    helper_join(&helper);
    PQfinish(crowd.pg);
    assert_int_equal(work.kind, OUTCOME_DONE);
    /* Of 200 ms there would be some twenty, once they have grown. */
    assert_true(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'intent'") >
                60);
    /* Its own commits are how it sees what the disk is like. */
    assert_true(scene_count(scene, COMMITS "'on' AND cursor LIKE 'batch %'") > 60);
}

static void
says_how_far_it_is(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    struct work work;

    prepare(&work, scene, "-- skein: batch max=1000 pause=30ms\nUPDATE t SET x = x * 2");
    go(&work);
    assert_int_equal(work.kind, OUTCOME_DONE);
    assert_true(work.notes >= 10);
    assert_ptr_equal(strstr(work.note, "90 % of 10000 rows, "), work.note);
    assert_non_null(strstr(work.note, " s left, "));
    assert_non_null(strstr(work.note, " rows/s, 9000 changed"));
    assert_true(scene->outcome.statements[0].duration_us >= 9 * 30000);
    assert_changed_once(scene);
}

static void
is_stopped_between_two_batches_and_goes_on_there(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    struct work work;

    prepare(&work, scene, "-- skein: batch max=100 pause=5ms\nUPDATE t SET x = x * 2");
    struct helper *helper = helper_start(go, &work);
    await_note(&work, "1000 changed");
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_int_equal(work.kind, OUTCOME_CANCELLED);
    scene_assert_says(scene->outcome.fault.found, " rows were changed, in ");
    long changed = scene_count(scene, "SELECT count(*) FROM t WHERE x = 2");
    assert_in_range(changed, 1000, 9900);
    assert_int_equal(changed % 100, 0);
    sitting_clear_stop(scene->sitting);
    work.order.attempt++;
    go(&work);
    assert_int_equal(work.kind, OUTCOME_DONE);
    assert_changed_once(scene);
}

static void
is_paused_between_two_batches_and_other_steps_are_not(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    struct work work;

    prepare(&work, scene, "-- skein: batch max=100 pause=5ms\nUPDATE t SET x = x * 2");
    struct helper *helper = helper_start(go, &work);
    await_note(&work, "1000 changed");
    sitting_pause(scene->sitting);
    helper_join(&helper);
    assert_int_equal(work.kind, OUTCOME_CANCELLED);
    assert_in_range(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 1000, 9900);

    sitting_clear_stop(scene->sitting);
    work.order.attempt++;
    go(&work);
    assert_int_equal(work.kind, OUTCOME_DONE);
    assert_changed_once(scene);

    scene_tell(scene, "DROP SCHEMA skein CASCADE");
    scene_sit_anew(scene);
    plan_file(scene, "INSERT INTO probe VALUES ('x')");
    sitting_pause(scene->sitting);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

static void
waits_for_a_row_that_somebody_holds_without_holding_many(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    struct work work;
    scene->config.lock_timeout_ms = 50;
    scene_sit_anew(scene);

    prepare(&work, scene, "-- skein: batch\nUPDATE t SET x = x * 2");
    PGconn *pg = session(scene, "BEGIN; SELECT FROM t WHERE id = 5000 FOR UPDATE");
    struct helper *helper = helper_start(go, &work);
    scene_await(scene, "SELECT count(*) BETWEEN 4990 AND 4999 FROM t WHERE x = 2", "t");
    PQfinish(pg);
    helper_join(&helper);
    assert_int_equal(work.kind, OUTCOME_DONE);
    assert_changed_once(scene);
}

static void
gives_up_when_a_row_is_held_for_too_long(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);
    scene->config.lock_timeout_ms = 20;
    scene->config.lock_budget_ms = 300;
    scene_sit_anew(scene);

    plan_file(scene, "-- skein: batch max=1000\nUPDATE t SET x = x * 2");
    PGconn *pg = session(scene, "BEGIN; SELECT FROM t WHERE id = 5000 FOR UPDATE");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", "001_m.up.sql:2:1");
    assert_true(scene->outcome.fault.is_retryable);
    PQfinish(pg);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_changed_once(scene);
}

static void
a_batch_that_takes_too_long_is_halved(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION slow(bigint) RETURNS bigint VOLATILE LANGUAGE plpgsql AS"
                         " 'BEGIN IF $1 BETWEEN 5000 AND 5009 THEN PERFORM pg_sleep(0.06); END IF;"
                         " RETURN 2; END'");

    plan_file(scene, "-- skein: batch time=10ms max=2000\nUPDATE t SET x = x * slow(id)");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_changed_once(scene);
}

static void
a_row_that_takes_too_long_is_an_error(void **state)
{
    (void)state;
    CLEANUP(scene_destroy)
    struct scene *scene =
        scene_with(TABLE "CREATE FUNCTION slow(bigint) RETURNS bigint VOLATILE LANGUAGE plpgsql AS"
                         " 'BEGIN IF $1 = 5 THEN PERFORM pg_sleep(60); END IF; RETURN 2; END'");

    plan_file(scene, "-- skein: batch time=10ms min=4 max=64\nUPDATE t SET x = x * slow(id)");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-BATCH-ROW", "001_m.up.sql:2:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM t WHERE x = 2"), 4);
}

static void
the_time_out_of_the_file_ends_it_between_two_batches(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with(TABLE);

    plan_file(scene, "-- skein: timeout=150ms\n-- skein: batch max=500 pause=20ms\n"
                     "UPDATE t SET x = x * 2");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-TIMEOUT", "001_m.up.sql:3:1");
    assert_true(scene->outcome.fault.is_retryable);
    for (int turn = 0; turn < 50 && scene_up(scene, 0) != OUTCOME_DONE; turn++) {
        scene_assert_fault(scene, "E-SQL-TIMEOUT", "001_m.up.sql:3:1");
    }
    assert_changed_once(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_while_its_query_says_so),
        cmocka_unit_test(holds_while_its_query_cannot_be_asked),
        cmocka_unit_test(holds_while_a_signal_cannot_be_read),
        cmocka_unit_test(holds_while_vacuum_works_on_the_table),
        cmocka_unit_test(holds_while_too_many_are_at_work),
        cmocka_unit_test(holds_while_a_replica_is_behind),
        cmocka_unit_test(waits_for_the_disk_at_its_ends_alone),
        cmocka_unit_test(waits_where_standbys_are_waited_for),
        cmocka_unit_test(takes_short_batches_beside_an_application),
        cmocka_unit_test(says_how_far_it_is),
        cmocka_unit_test(is_stopped_between_two_batches_and_goes_on_there),
        cmocka_unit_test(is_paused_between_two_batches_and_other_steps_are_not),
        cmocka_unit_test(waits_for_a_row_that_somebody_holds_without_holding_many),
        cmocka_unit_test(gives_up_when_a_row_is_held_for_too_long),
        cmocka_unit_test(a_batch_that_takes_too_long_is_halved),
        cmocka_unit_test(a_row_that_takes_too_long_is_an_error),
        cmocka_unit_test(the_time_out_of_the_file_ends_it_between_two_batches),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
