/* Standbys, failovers, and what they lose. */
#include "tests/component/execute/mortal.h"
#include "tests/component/execute/others.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

/* What lasts until somebody ends it, the first time that it runs. */
#define FIRST_TIME_LONG "SELECT CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END"

/* A sequence is as durable as the next commit. */
#define KEEP_TRIES "CREATE TABLE kept ()"

static const char is_at_it[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                               " AND datname = current_database()";

/* ---- a primary and its standby --------------------------------------------------------------- */

struct pair {
    struct cluster *primary, *standby;
    struct scene *scene; /* reaches whichever of them takes writes */
    char *conninfo;
};

static struct pair
pair_new(void)
{
    struct pair pair = {.primary = cluster_new("fsync = on")};

    pair.scene = scene_new(pair.primary);
    scene_tell(pair.scene, "CREATE SEQUENCE tries");
    pair.standby = cluster_new_standby(pair.primary);
    pair.conninfo =
        mem_format("host=%s,%s port=%d,%d dbname=%s user=postgres"
                   " target_session_attrs=read-write",
                   cluster_directory(pair.primary), cluster_directory(pair.standby),
                   cluster_port(pair.primary), cluster_port(pair.standby), pair.scene->database);
    pair.scene->config.conninfo = pair.conninfo;
    scene_sit_anew(pair.scene);
    return pair;
}

static void
pair_end(struct pair *pair)
{
    scene_destroy(&pair->scene);
    free(pair->conninfo);
    cluster_destroy(&pair->standby);
    cluster_destroy(&pair->primary);
}

/* The standby has all that the primary has. */
static void
catch_up(const struct pair *pair)
{
    CLEANUP(mem_free)
    char *at = cluster_ask(pair->primary, "postgres", "SELECT pg_current_wal_lsn()");
    CLEANUP(mem_free) char *sql = mem_format("SELECT pg_last_wal_replay_lsn() >= '%s'", at);

    assert_true(cluster_await(pair->standby, "postgres", sql, "t"));
}

static void
fail_over(const struct pair *pair)
{
    cluster_stop(pair->primary, SIGKILL);
    cluster_tell(pair->standby, "postgres", "SELECT pg_promote()");
}

static void
goes_on_at_the_new_primary(void **state)
{
    (void)state;
    CLEANUP(pair_end) struct pair pair = pair_new();
    struct scene *scene = pair.scene;
    SCENE_PLAN(scene, {.version = "002", .up = "INSERT INTO probe VALUES ('x');; " FIRST_TIME_LONG},
               {.version = "001", .up = "INSERT INTO probe VALUES ('before')"});
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, is_at_it, "1");
    scene_tell(scene, KEEP_TRIES);
    catch_up(&pair);
    fail_over(&pair);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(cluster_count(pair.standby, scene->database, "SELECT count(*) FROM probe"), 2);
    assert_int_equal(
        cluster_count(pair.standby, scene->database, "SELECT count(*) FROM skein.migration"), 2);
}

/* Three migrations, of which the second is done and lost. */
static void
lose_a_commit(const struct pair *pair)
{
    struct scene *scene = pair->scene;

    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('1')"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('2')"},
               {.version = "003", .up = "INSERT INTO probe VALUES ('3')"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    catch_up(pair);
    cluster_stop(pair->standby, SIGQUIT);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    cluster_stop(pair->primary, SIGKILL);
    cluster_start(pair->standby);
    cluster_tell(pair->standby, "postgres", "SELECT pg_promote()"); /* waits for it */
}

static void
finds_out_that_a_failover_has_lost_a_commit(void **state)
{
    (void)state;
    CLEANUP(pair_end) struct pair pair = pair_new();
    struct scene *scene = pair.scene;
    struct applied_migration *applied;
    size_t count;
    lose_a_commit(&pair);

    /* What comes after it is not done, however often it is tried. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(scene_up(scene, 2), OUTCOME_FAILED);
        scene_assert_fault(scene, "E-DB-LOST-HISTORY", NULL);
        assert_false(scene->outcome.fault.is_retryable);
    }
    assert_int_equal(cluster_count(pair.standby, scene->database, "SELECT count(*) FROM probe"), 1);

    /* Who plans anew sees what is there, and does the rest. */
    assert_true(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_int_equal(count, 1);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 2), OUTCOME_DONE);
    assert_int_equal(cluster_count(pair.standby, scene->database, "SELECT count(*) FROM probe"), 3);
}

/* By itself it knows nothing: whoever gives the order knows what was told. */
static void
an_agent_that_starts_anew_finds_it_out_too(void **state)
{
    (void)state;
    CLEANUP(pair_end) struct pair pair = pair_new();
    struct scene *scene = pair.scene;
    struct target_facts facts;
    struct applied_migration *applied;
    size_t count;
    lose_a_commit(&pair);
    struct step_order order = scene_order(scene, 2, DIRECTION_UP);
    order.journal_count = scene->outcome.journal_count;
    memcpy(order.journal_head, scene->outcome.journal_head, CHECKSUM_SIZE);
    assert_int_equal(order.journal_count, 2);

    for (int i = 0; i < 2; i++) {
        scene_sit_anew(scene);
        assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
        assert_int_equal(facts.journal_count, 1 + i);
        assert_int_equal(scene_execute(scene, &order), OUTCOME_FAILED);
        scene_assert_fault(scene, "E-DB-LOST-HISTORY", NULL);
        /* Another row of that number does not pass for it. */
        if (i == 0) {
            assert_true(
                sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
            assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
        }
    }

    /* A run that was planned since begins with what is there. */
    assert_true(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    order.journal_count = 0;
    assert_int_equal(scene_execute(scene, &order), OUTCOME_DONE);
    assert_int_equal(cluster_count(pair.standby, scene->database, "SELECT count(*) FROM probe"), 3);
}

/* Both clusters are up, and the address leads to the wrong one for a while. */
static void
does_nothing_on_a_former_primary(void **state)
{
    (void)state;
    CLEANUP(pair_end) struct pair pair = pair_new();
    struct scene *scene = pair.scene;
    struct target_facts facts;
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('y')"});
    catch_up(&pair);
    fail_over(&pair);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_int_equal(facts.timeline, 2);
    sitting_rest(scene->sitting);
    cluster_start(pair.primary); /* the address of both leads there first */
    assert_false(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_string_equal(scene->error.code, "E-DB-TIMELINE");

    struct helper *helper = helper_start(other_goes_up, scene);
    cluster_stop(pair.primary, SIGINT);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(cluster_count(pair.standby, scene->database, "SELECT count(*) FROM probe"), 2);
    cluster_start(pair.primary);
    assert_int_equal(cluster_count(pair.primary, scene->database, "SELECT count(*) FROM probe"), 0);
}

/* ---- a commit that waits for a standby ------------------------------------------------------- */

static const char waits_for_standby[] =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

static void
demand_a_standby(struct scene *scene)
{
    struct target_facts facts;

    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    cluster_tell(scene->cluster, "postgres",
                 "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster_tell(scene->cluster, "postgres", "SELECT pg_reload_conf()");
    sitting_rest(scene->sitting);
}

static void
end_wait(struct scene *scene, const char *function)
{
    CLEANUP(mem_free)
    char *sql = mem_format("SELECT count(%s(pid)) FROM pg_stat_activity WHERE wait_event ="
                           " 'SyncRep'",
                           function);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    demand_a_standby(scene);

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, waits_for_standby, "1");
    assert_int_equal(scene_count(scene, sql), 1);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene->outcome.warning_count, 1);
    scene_assert_says(scene->outcome.warnings[0].text, "synchronous replication");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
}

static void
a_commit_whose_wait_for_a_standby_is_cancelled_is_one_and_says_so(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new(NULL);
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);

    end_wait(scene, "pg_cancel_backend");
}

static void
a_commit_whose_wait_for_a_standby_is_terminated_is_one_and_says_so(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new(NULL);
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);

    end_wait(scene, "pg_terminate_backend");
}

/* ---- a server that takes its time ------------------------------------------------------------ */

static void
write_file(const struct cluster *mortal, const char *name, const char *mode, const char *text)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", cluster_directory(mortal), name);
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chown(path, cluster_uid(), cluster_gid()), 0);
}

static void
await_in_log(const struct cluster *mortal, const char *text)
{
    CLEANUP(mem_free)
    char *grep = mem_format("grep -q '%s' %s/log", text, cluster_directory(mortal));
    int64_t deadline_ms = clock_now_ms() + 30000;

    while (system(grep) != 0) {
        assert_true(clock_now_ms() < deadline_ms);
        usleep(10000);
    }
}

/* Somebody was turned away by then. */
static void
let_it_recover(void *context)
{
    await_in_log(context, "the database system is starting up");
    write_file(context, "go", "w", "");
}

static void
waits_while_the_server_recovers(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new("fsync = on");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);
    CLEANUP(mem_free)
    char *slowly =
        mem_format("restore_command = 'while test -d %s && ! test -e %s/go; do sleep 0.1;"
                   " done; false'\n",
                   cluster_directory(mortal), cluster_directory(mortal));
    scene_tell(scene, "CREATE SEQUENCE tries");
    SCENE_PLAN(scene,
               {.version = "001", .up = "INSERT INTO probe VALUES ('x');; " FIRST_TIME_LONG});

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, is_at_it, "1");
    scene_tell(scene, KEEP_TRIES);
    cluster_stop(mortal, SIGKILL); /* its postmaster.pid stays */
    write_file(mortal, "log", "w", "");
    write_file(mortal, "data/postgresql.conf", "a", slowly);
    write_file(mortal, "data/recovery.signal", "w", "");
    struct helper *releaser = helper_start(let_it_recover, mortal);
    cluster_start(mortal);
    helper_join(&releaser);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_at_the_new_primary),
        cmocka_unit_test(finds_out_that_a_failover_has_lost_a_commit),
        cmocka_unit_test(an_agent_that_starts_anew_finds_it_out_too),
        cmocka_unit_test(does_nothing_on_a_former_primary),
        cmocka_unit_test(a_commit_whose_wait_for_a_standby_is_cancelled_is_one_and_says_so),
        cmocka_unit_test(a_commit_whose_wait_for_a_standby_is_terminated_is_one_and_says_so),
        cmocka_unit_test(waits_while_the_server_recovers),
    };

    return RUN_TESTS(tests);
}
