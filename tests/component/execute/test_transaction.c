#include "tests/component/execute/scene.h"

#include <string.h>

#include "common/base/mem.h"

static struct cluster *cluster;

static const struct sketch probe = {
    .version = "001",
    .up = "CREATE TABLE a (i int);; INSERT INTO probe VALUES ('up'), ('up too')",
    .down = "DROP TABLE a;; INSERT INTO probe VALUES ('down')",
};

static void
goes_up_and_down_and_says_how_long_it_took(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statement_count, 2);
    assert_string_equal(scene->outcome.statements[0].tag, "CREATE TABLE");
    assert_int_equal(scene->outcome.statements[1].rows, 2);
    assert_true(scene->outcome.statements[1].duration_us > 0);
    assert_int_equal(scene->outcome.journal_count, 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);

    assert_int_equal(scene_down(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.journal_count, 2);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 3);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
    assert_int_equal(scene_broken_rows(scene), 0);
    scene_tell(scene, "UPDATE skein.journal SET name = 'another' WHERE number = 1");
    assert_int_equal(scene_broken_rows(scene), 1);
}

static void
does_nothing_when_it_is_so_already(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe);

    assert_int_equal(scene_down(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2);
}

static void
refuses_what_was_changed_after_it_was_applied(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);

    SCENE_PLAN(scene, {.version = "001", .up = "SELECT 1", .down = probe.down});
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-CHECKSUM", "001.up.sql");
    assert_false(scene->outcome.fault.is_retryable);
    assert_int_equal(scene_down(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-CHECKSUM", "001.up.sql");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal"), 1);
}

static void
rolls_back_and_says_where_the_error_is(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "007",
                       .up = "INSERT INTO probe VALUES ('first');;\n"
                             "  SELECT 'Größe €',\n    'schön', nosuch\n  FROM probe"});
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_int_equal(scene_execute(scene, &order), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "007.up.sql:3:14");
    assert_string_equal(scene->outcome.fault.sqlstate, "42703");
    assert_string_equal(scene->outcome.fault.found, "SELECT '…', '…', nosuch FROM probe");
    scene_assert_says(scene->outcome.fault.text, "rolled back");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
    assert_int_equal(
        scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'failed'"), 1);

    /* Said again, the same attempt has the same verdict, and another one is another try. */
    struct outcome first = scene->outcome;
    scene_sit_anew(scene);
    assert_int_equal(scene_execute(scene, &order), OUTCOME_FAILED);
    assert_true(pack_equal(&outcome_shape, &first, &scene->outcome));
    order.attempt = 2;
    assert_int_equal(scene_execute(scene, &order), OUTCOME_FAILED);
    assert_int_equal(scene->outcome.journal_count, 2);
}

/* But for what is measured in the round trip that commits: the journal cannot know that. */
static void
assert_told_again(const struct scene *scene, const struct outcome *first)
{
    struct outcome again = scene->outcome;
    struct statement_outcome last = again.statements[again.statement_count - 1];

    assert_true(again.statement_count == first->statement_count);
    last.wal_bytes = first->statements[again.statement_count - 1].wal_bytes;
    again.statements[again.statement_count - 1] = last;
    again.wal_bytes = first->wal_bytes;
    again.locks = first->locks;
    again.lock_count = first->lock_count;
    assert_true(pack_equal(&outcome_shape, first, &again));
}

static void
tells_what_it_did_before_when_asked_again(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe);
    struct step_order up = scene_order(scene, 0, DIRECTION_UP);
    struct step_order down = scene_order(scene, 0, DIRECTION_DOWN);

    assert_int_equal(scene_execute(scene, &up), OUTCOME_DONE);
    struct outcome first = scene->outcome;
    scene_sit_anew(scene);
    assert_int_equal(scene_execute(scene, &up), OUTCOME_DONE);
    assert_told_again(scene, &first);

    assert_int_equal(scene_execute(scene, &down), OUTCOME_DONE);
    first = scene->outcome;
    assert_int_equal(scene_execute(scene, &down), OUTCOME_DONE);
    assert_told_again(scene, &first);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 3);
}

static void
finds_the_verdict_of_a_step_or_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe, {.version = "002", .up = "SELECT nosuch"});
    struct step_order done = scene_order(scene, 0, DIRECTION_UP);
    struct step_order failed = scene_order(scene, 1, DIRECTION_UP);

    assert_int_equal(scene_execute(scene, &done), OUTCOME_DONE);
    struct outcome first = scene->outcome;
    assert_int_equal(scene_execute(scene, &failed), OUTCOME_FAILED);
    struct outcome second = scene->outcome;
    scene_sit_anew(scene);

    assert_true(scene_resolve(scene, &done));
    assert_told_again(scene, &first);
    assert_true(scene_resolve(scene, &failed));
    assert_true(pack_equal(&outcome_shape, &second, &scene->outcome));
    failed.attempt = 2;
    assert_false(scene_resolve(scene, &failed));
    done.step_id = id_random();
    assert_false(scene_resolve(scene, &done));
}

/* Whoever was asked to carry it out may have slept since: what was said holds against him too. */
static void
begins_no_attempt_that_was_found_missing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe);
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_false(scene_resolve(scene, &order));
    assert_false(scene_resolve(scene, &order));
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal"), 1);
    scene_sit_anew(scene);
    assert_int_equal(scene_execute(scene, &order), OUTCOME_CANCELLED);
    scene_assert_fault(scene, "E-STEP-VOID", NULL);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);

    order.attempt++;
    assert_int_equal(scene_execute(scene, &order), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 2);
}

static void
lets_no_older_coordinator_pass_the_fence(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe, {.version = "002", .up = "INSERT INTO probe VALUES ('two')"});
    struct step_order first = scene_order(scene, 0, DIRECTION_UP);
    struct step_order second = scene_order(scene, 1, DIRECTION_UP);

    first.cluster_id = id_random();
    first.fence = (struct fence){.epoch = 7, .instance = id_random()};
    assert_int_equal(scene_execute(scene, &first), OUTCOME_DONE);

    second.cluster_id = first.cluster_id;
    second.fence = (struct fence){.epoch = 6, .instance = id_random()};
    assert_int_equal(scene_execute(scene, &second), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-FENCED", NULL);
    second.fence = (struct fence){.epoch = 7, .instance = id_random()}; /* same epoch, other one */
    assert_int_equal(scene_execute(scene, &second), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-FENCED", NULL);
    second.fence = (struct fence){0}; /* local work */
    assert_int_equal(scene_execute(scene, &second), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-FENCED", NULL);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal"), 1);

    second.fence = (struct fence){.epoch = 8, .instance = id_random()};
    assert_int_equal(scene_execute(scene, &second), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT epoch FROM skein.fence"), 8);
}

static void
serves_one_coordinator_only(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, probe, {.version = "002", .up = "SELECT 2"});
    struct step_order first = scene_order(scene, 0, DIRECTION_UP);
    struct step_order second = scene_order(scene, 1, DIRECTION_UP);
    struct target_facts facts;

    first.cluster_id = id_random();
    assert_int_equal(scene_execute(scene, &first), OUTCOME_DONE);
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_true(id_equal(&facts.cluster_id, &first.cluster_id));
    second.cluster_id = id_random();
    assert_int_equal(scene_execute(scene, &second), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-CLUSTER", NULL);
}

static void
fails_when_a_check_of_the_verify_script_is_false(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "INSERT INTO probe VALUES ('x')",
                .verify = "SELECT count(*) FROM probe;;\nSELECT count(*) = 2 FROM probe"},
               {.version = "002",
                .up = "INSERT INTO probe VALUES ('x')",
                .verify = "SELECT count(*) = 1 FROM probe"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-VERIFY", "001.verify.sql:2:1");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
}

static void
carries_out_an_empty_script(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "-- skein: noop=true\n"});
    scene->bundle->manifest.migrations[0].up.statement_count = 0;

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 0), OUTCOME_ALREADY);
}

static void
reports_a_deferred_constraint(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE p (i int PRIMARY KEY);"
                      "CREATE TABLE c (i int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO c VALUES (1)"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL", "001.up.sql, at its end");
    assert_string_equal(scene->outcome.fault.sqlstate, "23503");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM c"), 0);
}

/* ---- what a migration does to its session --------------------------------------------------- */

static void
leaves_no_trace_in_the_session(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE target (what text)");
    SCENE_PLAN(scene,
               {.version = "001",
                .up =
                    "SET synchronous_commit = off;; SET search_path = nowhere;;"
                    "SET session_replication_role = replica;; SET role = pg_monitor;; RESET role;;"
                    "CREATE TEMP TABLE target (what text);; PREPARE p AS SELECT 1;;"
                    "SELECT pg_advisory_unlock_all();; LISTEN x;;"
                    "DECLARE c CURSOR WITH HOLD FOR SELECT 1"},
               {.version = "002",
                .up = "INSERT INTO probe SELECT current_setting('synchronous_commit');;"
                      "INSERT INTO probe SELECT current_setting('session_replication_role');;"
                      "INSERT INTO probe SELECT current_user;;"
                      "INSERT INTO target VALUES ('permanent');; PREPARE p AS SELECT 2;;"
                      "INSERT INTO probe SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory'"
                      " AND pid = pg_backend_pid() LIMIT 1;;"
                      "INSERT INTO probe SELECT 'listens' FROM pg_listening_channels();;"
                      "INSERT INTO probe SELECT 'cursor' FROM pg_cursors WHERE name = 'c'"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    CLEANUP(mem_free)
    char *seen = cluster_ask(cluster, scene->database,
                             "SELECT string_agg(what, ' ' ORDER BY what) FROM probe");
    assert_string_equal(seen, "lock on origin postgres");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM public.target"), 1);
}

static void
commits_on_disk_whatever_a_migration_sets(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    CLEANUP(mem_free)
    char *off = mem_format("ALTER DATABASE %s SET synchronous_commit = off", scene->database);
    scene_tell(scene, off);
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    scene_tell(scene, "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " INSERT INTO probe SELECT current_setting('synchronous_commit');"
                      " RETURN NULL; END $$;"
                      "CREATE CONSTRAINT TRIGGER see AFTER INSERT ON skein.journal"
                      " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see()");
    SCENE_PLAN(scene, {.version = "001", .up = "SET synchronous_commit = off"},
               {.version = "002", .up = "SET synchronous_commit = remote_write"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe WHERE what = 'on'"), 2);
}

static void
has_its_own_settings_after_each_migration_and_those_the_user_gave(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    const char *usual = scene->config.conninfo;
    CLEANUP(mem_free)
    char *given = mem_format("%s options='-c work_mem=77MB -c statement_timeout=1h'", usual);
    const char *const conninfos[] = {usual, given};
    const char *const seen[] = {"30s 0 2s 4MB", "30s 0 2s 77MB"};

    for (size_t i = 0; i < 2; i++) {
        scene->config.conninfo = conninfos[i];
        scene_clear(scene);
        scene_sit_anew(scene);
        SCENE_PLAN(scene,
                   {.version = "001",
                    .up =
                        "SET idle_in_transaction_session_timeout = 0;; SET work_mem = '5MB';;"
                        " SET statement_timeout = '1h';; SET client_connection_check_interval = 0"},
                   {.version = "002",
                    .up = "INSERT INTO probe SELECT concat_ws(' ',"
                          " current_setting('idle_in_transaction_session_timeout'),"
                          " current_setting('statement_timeout'),"
                          " current_setting('client_connection_check_interval'),"
                          " current_setting('work_mem'))"});
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
        assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
        CLEANUP(mem_free)
        char *what = cluster_ask(cluster, scene->database, "SELECT what FROM probe");
        assert_string_equal(what, seen[i]);
    }
    scene->config.conninfo = usual;
}

static void
runs_as_its_role_with_its_search_path(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene,
               "DROP ROLE IF EXISTS owner_role; CREATE ROLE owner_role;"
               "CREATE SCHEMA app AUTHORIZATION owner_role; GRANT INSERT ON probe TO PUBLIC");
    scene->config.role = "owner_role";
    scene->config.search_path = "app, public";
    scene_sit_anew(scene);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "CREATE TABLE here (i int);; INSERT INTO probe SELECT current_user"},
               {.version = "002", .up = "SELECT * FROM skein.journal"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_tables WHERE schemaname = 'app'"
                                        " AND tableowner = 'owner_role'"),
                     1);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-SQL-PRIV", "002.up.sql:1:15");

    scene->config.role = "no_such_role";
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_says(scene->outcome.fault.text, "no_such_role");
    assert_true(scene->outcome.fault.is_retryable || scene->outcome.fault.hint);
}

/* The file is UTF-8 and fine; this database has no room for all of its characters. */
static void
says_what_the_databases_encoding_cannot_hold(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "latin", "postgres");
    cluster_tell(cluster, "postgres", "DROP DATABASE IF EXISTS latin");
    cluster_tell(cluster, "postgres",
                 "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C'"
                 " LC_CTYPE 'C'");
    scene->config.conninfo = conninfo;
    scene_sit_anew(scene);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "CREATE TABLE t (name text);;"
                      "INSERT INTO t VALUES ('M\xc3\xbcller')"},
               {.version = "002",
                .up = "INSERT INTO t VALUES ('x');;\n"
                      "INSERT INTO t VALUES ('3 \xe2\x82\xac')"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-MIG-ENCODING", "002.up.sql:2:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "22P05");
    scene_assert_says(scene->outcome.fault.text, "rolled back");
    assert_false(scene->outcome.fault.is_retryable);
    sitting_rest(scene->sitting);
    cluster_tell(cluster, "postgres", "DROP DATABASE latin");
}

/* Whoever runs the hint gets on. */
static void
says_which_grant_a_migration_lacks(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    CLEANUP(mem_free)
    char *create = mem_format("GRANT CREATE ON DATABASE %s TO \"Odd one\"", scene->database);
    const char *const hints[] = {"GRANT USAGE ON SCHEMA app TO \"Odd one\"",
                                 "GRANT INSERT ON app.\"T b\" TO \"Odd one\"",
                                 "GRANT SELECT, UPDATE ON app.\"T b\" TO \"Odd one\"",
                                 "GRANT master TO \"Odd one\"",
                                 "GRANT USAGE, CREATE ON SCHEMA app TO \"Odd one\"",
                                 create};
    scene_tell(scene, "DROP ROLE IF EXISTS \"Odd one\", master;"
                      "CREATE ROLE \"Odd one\"; CREATE ROLE master;"
                      "CREATE SCHEMA app; CREATE TABLE app.\"T b\" (i int);"
                      "ALTER TABLE app.\"T b\" OWNER TO master");
    scene->config.role = "Odd one";
    scene_sit_anew(scene);
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO app.\"T b\" VALUES (1)"},
               {.version = "002", .up = "UPDATE app.\"T b\" SET i = 2 WHERE i = 1"},
               {.version = "003", .up = "ALTER TABLE app.\"T b\" ADD COLUMN j int"},
               {.version = "004", .up = "CREATE TABLE app.other (i int)"},
               {.version = "005", .up = "CREATE SCHEMA mine"});

    for (size_t hint = 0, migration = 0; migration < 5;) {
        if (scene_up(scene, migration) == OUTCOME_DONE) {
            migration++;
            continue;
        }
        scene_assert_fault(scene, "E-SQL-PRIV", NULL);
        assert_true(hint < sizeof hints / sizeof *hints);
        assert_string_equal(scene->outcome.fault.hint, hints[hint++]);
        scene_tell(scene, scene->outcome.fault.hint);
    }
    assert_int_equal(scene_up(scene, 4), OUTCOME_ALREADY);
}

static void
cannot_be_committed_from_within(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE PROCEDURE sly() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO probe VALUES"
                      " ('sly'); COMMIT; END $$");
    SCENE_PLAN(scene, {.version = "001", .up = "CALL sly()"},
               {.version = "002", .up = "DO $$ BEGIN COMMIT; END $$"},
               {.version = "003", .up = "SELECT 1; COMMIT; BEGIN"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "2D000");
    assert_int_equal(scene_up(scene, 1), OUTCOME_FAILED);
    assert_string_equal(scene->outcome.fault.sqlstate, "2D000");
    assert_int_equal(scene_up(scene, 2), OUTCOME_FAILED); /* one command at a time */
    assert_string_equal(scene->outcome.fault.sqlstate, "42601");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
}

static void
notices_when_a_statement_has_ended_the_transaction(void **state)
{
    static const char *const ends[] = {"COMMIT", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN",
                                       "ROLLBACK", "PREPARE TRANSACTION 'x'"};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        CLEANUP(mem_free)
        char *up = mem_format(
            "INSERT INTO probe VALUES ('x');;\n%s;; INSERT INTO probe VALUES ('y')", ends[i]);
        SCENE_PLAN(scene, {.version = "001", .up = up}, {.version = "002", .up = "SELECT 2"});

        assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
        if (i < 4) {
            scene_assert_fault(scene, "E-SQL-TXCTL", "001.up.sql:2:1");
        }
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe WHERE what = 'y'"), 0);
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 0);
        assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    }
}

static void
is_not_flooded(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(
        scene,
        {.version = "001",
         .up = "DO $$ BEGIN FOR i IN 1..50000 LOOP RAISE NOTICE 'n %', i; END LOOP; END $$"},
        {.version = "002", .up = "SELECT i, repeat('x', 50) FROM generate_series(1, 1000000) i"},
        {.version = "003", .up = "COPY (SELECT generate_series(1, 100000)) TO STDOUT"},
        {.version = "004", .up = "COPY probe FROM STDIN"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.notices, 50000);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statements[0].rows, 1000000);
    assert_int_equal(scene_up(scene, 2), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statements[0].rows, 100000);
    assert_int_equal(scene_up(scene, 3), OUTCOME_FAILED);
    scene_assert_says(scene->outcome.fault.text, "no standard input");
}

static void
says_which_statement_is_running(void *context, uint64_t statement)
{
    uint64_t *seen = context;
    *seen = *seen * 10 + statement;
}

static void
tells_its_progress(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "SELECT 1;; SELECT 2;; SELECT 3"});
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);
    uint64_t seen = 0;

    order.progress = says_which_statement_is_running;
    order.context = &seen;
    assert_int_equal(scene_execute(scene, &order), OUTCOME_DONE);
    assert_int_equal(seen, 123);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_up_and_down_and_says_how_long_it_took),
        cmocka_unit_test(does_nothing_when_it_is_so_already),
        cmocka_unit_test(refuses_what_was_changed_after_it_was_applied),
        cmocka_unit_test(rolls_back_and_says_where_the_error_is),
        cmocka_unit_test(tells_what_it_did_before_when_asked_again),
        cmocka_unit_test(finds_the_verdict_of_a_step_or_nothing),
        cmocka_unit_test(begins_no_attempt_that_was_found_missing),
        cmocka_unit_test(lets_no_older_coordinator_pass_the_fence),
        cmocka_unit_test(serves_one_coordinator_only),
        cmocka_unit_test(fails_when_a_check_of_the_verify_script_is_false),
        cmocka_unit_test(carries_out_an_empty_script),
        cmocka_unit_test(reports_a_deferred_constraint),
        cmocka_unit_test(leaves_no_trace_in_the_session),
        cmocka_unit_test(commits_on_disk_whatever_a_migration_sets),
        cmocka_unit_test(has_its_own_settings_after_each_migration_and_those_the_user_gave),
        cmocka_unit_test(runs_as_its_role_with_its_search_path),
        cmocka_unit_test(says_what_the_databases_encoding_cannot_hold),
        cmocka_unit_test(says_which_grant_a_migration_lacks),
        cmocka_unit_test(cannot_be_committed_from_within),
        cmocka_unit_test(notices_when_a_statement_has_ended_the_transaction),
        cmocka_unit_test(is_not_flooded),
        cmocka_unit_test(tells_its_progress),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
