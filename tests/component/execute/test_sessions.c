/* What a server, its administrators and its other users do to a session. */
#include "tests/component/execute/mortal.h"
#include "tests/component/execute/others.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define OURS "starts_with(application_name, 'skein ') AND datname = current_database()"

static struct cluster *cluster;

/* ---- ended or cancelled in every phase ------------------------------------------------------- */

/* Where a step is for as long as somebody wants, the first time that it is carried out. */
static const struct phase {
    const char *name, *before, *up, *is_there;
    bool is_held; /* by another session */
} phases[] = {
    {.name = "in a statement",
     .up = "INSERT INTO probe VALUES ('x');;"
           "SELECT CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END",
     .is_there = "wait_event = 'PgSleep'"},
    {.name = "in the queue for a lock",
     .up = "INSERT INTO probe VALUES ('x');; SET lock_timeout = '10min';;"
           "DO $$BEGIN IF nextval('tries') = 1 THEN LOCK TABLE other; END IF; END$$",
     .is_there = "wait_event_type = 'Lock'",
     .is_held = true},
    {.name = "at its end",
     .before =
         "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
         " PERFORM CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END; RETURN NULL; END $$;"
         "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON probe"
         " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
     .up = "INSERT INTO probe VALUES ('x')",
     .is_there = "wait_event = 'PgSleep'"},
    {.name = "in a build beside the application",
     .before = "CREATE FUNCTION slow(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
               " PERFORM CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END; RETURN $1; END $$;"
               "INSERT INTO probe VALUES ('x')",
     .up = "CREATE INDEX CONCURRENTLY probe_slow ON probe (slow(what))",
     .is_there = "wait_event = 'PgSleep'"},
};

#define PHASE_COUNT (sizeof phases / sizeof *phases)

/* Do this to the step's session while it is there; how the step ends. */
static enum outcome_kind
strike(struct scene *scene, const struct phase *phase, const char *function)
{
    CLEANUP(mem_free)
    char *sql = mem_format("SELECT count(%s(pid)) > 0 FROM pg_stat_activity WHERE " OURS " AND %s",
                           function, phase->is_there);

    scene_clear(scene);
    scene_tell(scene, "CREATE SEQUENCE tries; CREATE TABLE other ()");
    if (phase->before) {
        scene_tell(scene, phase->before);
    }
    SCENE_PLAN(scene, {.version = "001", .up = phase->up});
    PGconn *holder = other_open(scene, "holder");
    other_say(holder, phase->is_held ? "BEGIN; LOCK TABLE other" : "SELECT 1");

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene, sql, "t");
    helper_join(&helper);
    PQfinish(holder);
    return scene->outcome.kind;
}

static void
check_once(const struct scene *scene, const struct phase *phase)
{
    if (scene_count(scene, "SELECT count(*) FROM probe") != 1 ||
        scene_count(scene, "SELECT count(*) FROM skein.migration") != 1 ||
        scene_count(scene, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") != 0) {
        fail_msg("%s: not once", phase->name);
    }
    assert_int_equal(scene_broken_rows(scene), 0);
}

static void
goes_on_in_whatever_phase_its_session_is_ended(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (strike(scene, &phases[i], "pg_terminate_backend") != OUTCOME_DONE) {
            fail_msg("%s: %s", phases[i].name, scene->outcome.fault.text);
        }
        check_once(scene, &phases[i]);
    }
}

static void
can_be_tried_again_in_whatever_phase_it_is_cancelled(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (strike(scene, &phases[i], "pg_cancel_backend") != OUTCOME_FAILED) {
            fail_msg("%s: not failed", phases[i].name);
        }
        scene_assert_fault(scene, "E-SQL-CANCELLED", NULL);
        assert_string_equal(scene->outcome.fault.sqlstate, "57014");
        assert_true(scene->outcome.fault.is_retryable);
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"),
                         0);
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
        check_once(scene, &phases[i]);
    }
}

/* ---- what an agent leaves behind ------------------------------------------------------------- */

/* It is deaf to the end of its client, and no sitting knows that it is ours. */
static void
waits_for_a_backend_that_a_killed_process_has_left_deaf(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE SEQUENCE tries");
    SCENE_PLAN(scene, {.version = "001",
                       .up = "SET client_connection_check_interval = 0;;"
                             "INSERT INTO probe VALUES ('x');;"
                             "SELECT CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END"});
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);
    assert_int_equal(scene_execute_in_child(scene, &order, "execute.statement-sent:3"),
                     SCENE_KILLED);

    struct helper *helper = helper_start(other_goes_up, scene);
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE " OURS
                " AND query LIKE 'SELECT pg_try_advisory_lock%'",
                "1");
    assert_int_equal(scene_count(scene, "SELECT last_value FROM tries"), 1);
    scene_tell(scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " OURS
                      " AND wait_event = 'PgSleep'");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT last_value FROM tries"), 2);
}

/* ---- who sleeps in a transaction ------------------------------------------------------------- */

static void
sleep_before_the_third(void *context, uint64_t statement)
{
    static bool has_slept;

    (void)context;
    if (statement == 3 && !has_slept) {
        has_slept = true;
        raise(SIGSTOP);
    }
}

static pid_t
start_sleeper(struct scene *scene)
{
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);
    int status;

    order.progress = sleep_before_the_third;
    pid_t child = mortal_start(scene, &order);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    return child;
}

static void
begins_anew_when_it_has_slept_for_longer_than_a_transaction_may(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    int status;
    SCENE_PLAN(scene, {.version = "001",
                       .up = "SET LOCAL idle_in_transaction_session_timeout = '200ms';;"
                             "INSERT INTO probe VALUES ('x');; SELECT 1"});

    pid_t child = start_sleeper(scene);
    scene_await(scene,
                "SELECT count(*) FROM pg_stat_activity WHERE " OURS
                " AND state LIKE 'idle in transaction%'",
                "0");
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal"), 1);
}

/* A short sleep is none: the same transaction goes on. */
static void
goes_on_when_it_has_slept_for_less(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    int status;
    scene_tell(scene, "CREATE SEQUENCE tries");
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "INSERT INTO probe VALUES ('x');; SELECT nextval('tries');; SELECT 1"});

    pid_t child = start_sleeper(scene);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT last_value FROM tries"), 1);
}

/* ---- no connection left ---------------------------------------------------------------------- */

#define CROWD 5 /* all that max_connections below leaves for others than superusers */

static void
await_refusals(const struct cluster *crowded)
{
    CLEANUP(mem_free)
    char *grep = mem_format("grep -q 'remaining connection slots are reserved' %s/log",
                            cluster_directory(crowded));
    int64_t deadline_ms = clock_now_ms() + 30000;

    while (system(grep) != 0) {
        assert_true(clock_now_ms() < deadline_ms);
        usleep(10000);
    }
}

static void
waits_for_a_connection_and_is_content_with_one(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy)
    struct cluster *crowded =
        cluster_new("max_connections = 8\nsuperuser_reserved_connections = 3");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(crowded);
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(crowded, scene->database, "app");
    PGconn *crowd[CROWD];
    CLEANUP(mem_free)
    char *grant = mem_format("CREATE ROLE app LOGIN; GRANT CREATE ON DATABASE %s TO app;"
                             "GRANT ALL ON probe TO app",
                             scene->database);
    scene_tell(scene, grant);
    SCENE_PLAN(scene,
               {.version = "001", .up = "INSERT INTO probe VALUES ('x');; SELECT pg_sleep(0.4)"});
    scene->config.conninfo = conninfo;
    scene_sit_anew(scene);
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = PQconnectdb(conninfo);
        assert_int_equal(PQstatus(crowd[i]), CONNECTION_OK);
    }

    struct helper *helper = helper_start(other_goes_up, scene);
    await_refusals(crowded);
    PQfinish(crowd[0]); /* one for the step, and none for whom it would like to have watching */
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    for (size_t i = 1; i < CROWD; i++) {
        PQfinish(crowd[i]);
    }
}

/* ---- autovacuum ------------------------------------------------------------------------------ */

static const char is_vacuuming[] =
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE"
    " '%public.slow%'";

/* A table at which autovacuum works for minutes, page by page. */
static void
make_slow(const struct scene *scene, const char *option)
{
    CLEANUP(mem_free)
    char *sql =
        mem_format("CREATE TABLE slow (i int, filler text) WITH (autovacuum_enabled = false);"
                   "INSERT INTO slow SELECT i, repeat('x', 500) FROM"
                   " generate_series(1, 20000) i; DELETE FROM slow WHERE i %% 2 = 0;"
                   "ALTER TABLE slow SET (autovacuum_enabled = true, %s,"
                   " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
                   option);

    scene_tell(scene, sql);
}

static struct cluster *
vacuuming_cluster(void)
{
    return cluster_new("autovacuum = on\nautovacuum_naptime = 1s\ndeadlock_timeout = 100ms");
}

static void
autovacuum_gives_way(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *tidy = vacuuming_cluster();
    CLEANUP(scene_destroy) struct scene *scene = scene_new(tidy);
    make_slow(scene, "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE slow ADD COLUMN x int"});
    scene_await(scene, is_vacuuming, "1");

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_true(scene->outcome.lock_timeout_ms >= 100); /* below that it never does */
}

static const char prevents_wraparound[] =
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE"
    " '%public.slow (to prevent wraparound)%'";

/* It never gives way, so nobody queues behind it: the step waits, and says for whom. */
static void
autovacuum_that_prevents_wraparound_is_left_alone(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *tidy = vacuuming_cluster();
    CLEANUP(scene_destroy) struct scene *scene = scene_new(tidy);
    make_slow(scene,
              "autovacuum_vacuum_threshold = 100000000, autovacuum_vacuum_insert_threshold ="
              " -1, autovacuum_analyze_threshold = 100000000, autovacuum_freeze_max_age = 100000");
    scene_tell(scene,
               "DO $$ BEGIN FOR i IN 1..101000 LOOP BEGIN INSERT INTO probe VALUES ('');"
               " EXCEPTION WHEN division_by_zero THEN END; END LOOP; DELETE FROM probe; END $$");
    scene->config.lock_budget_ms = 1000;
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE slow ADD COLUMN x int"});
    scene_await(scene, prevents_wraparound, "1");

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-LOCK", "001.up.sql:1:1");
    assert_true(scene->outcome.fault.is_retryable);
    assert_int_equal(scene->outcome.lock_tries, 0);
    scene_assert_says(scene->outcome.fault.found, "autovacuum to prevent wraparound");
    assert_int_equal(scene_count(scene, prevents_wraparound), 1);
}

/* Found by the simulator: whoever could not look had forgotten whom he knew. */
static void
a_step_is_not_done_in_a_database_that_was_made_anew_meanwhile(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    struct applied_migration *applied;
    size_t count;
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('one')"});

    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    sitting_rest(scene->sitting);
    scene_tell(scene, "UPDATE skein.identity SET schema_version = schema_version + 1");
    assert_false(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_string_equal(scene->error.code, "E-DB-SCHEMA");
    scene_tell(scene, "UPDATE skein.identity SET schema_version = schema_version - 1,"
                      " target_id = gen_random_uuid()");

    assert_false(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_string_equal(scene->error.code, "E-DB-WRONG");
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);
    assert_false(
        sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome, &scene->error) &&
        scene->outcome.kind == OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);

    /* Who looks to report it takes it for what it is. */
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_in_whatever_phase_its_session_is_ended),
        cmocka_unit_test(can_be_tried_again_in_whatever_phase_it_is_cancelled),
        cmocka_unit_test(waits_for_a_backend_that_a_killed_process_has_left_deaf),
        cmocka_unit_test(begins_anew_when_it_has_slept_for_longer_than_a_transaction_may),
        cmocka_unit_test(goes_on_when_it_has_slept_for_less),
        cmocka_unit_test(waits_for_a_connection_and_is_content_with_one),
        cmocka_unit_test(a_step_is_not_done_in_a_database_that_was_made_anew_meanwhile),
        cmocka_unit_test(autovacuum_gives_way),
        cmocka_unit_test(autovacuum_that_prevents_wraparound_is_left_alone),
    };

    cluster = cluster_new(NULL);
    int failed = RUN_TESTS(tests);
    cluster_destroy(&cluster);
    return failed;
}
