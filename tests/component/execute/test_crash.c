#include "tests/component/execute/mortal.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#define FAILPOINT_MAX 64

static struct cluster *cluster;
static bool was_hit[FAILPOINT_MAX];

/* ---- the process dies ------------------------------------------------------------------------ */

/* A step, what must be so before it, and what is so after it, whatever happened in between. */
struct story {
    const char *name, *before;
    struct sketch sketch;
    enum direction direction;
    enum outcome_kind kind;
    const char *effect; /* a query, and what it answers afterwards */
    const char *answer;
};

static const struct story stories[] = {
    {.name = "up",
     .sketch = {.version = "001",
                .up = "INSERT INTO probe VALUES ('x');; CREATE TABLE a (i int)",
                .verify = "SELECT count(*) = 1 FROM probe"},
     .kind = OUTCOME_DONE,
     .effect = "SELECT count(*) FROM probe",
     .answer = "1"},
    {.name = "down",
     .sketch = {.version = "001", .up = "SELECT 1", .down = "INSERT INTO probe VALUES ('x')"},
     .direction = DIRECTION_DOWN,
     .kind = OUTCOME_DONE,
     .effect = "SELECT count(*) FROM probe",
     .answer = "1"},
    {.name = "failure",
     .sketch = {.version = "001", .up = "INSERT INTO probe VALUES ('x');; SELECT nosuch"},
     .kind = OUTCOME_FAILED,
     .effect = "SELECT count(*) FROM probe",
     .answer = "0"},
    {.name = "create index concurrently",
     .before = "INSERT INTO probe SELECT i FROM generate_series(1, 1000) i",
     .sketch = {.version = "001", .up = "CREATE INDEX CONCURRENTLY probe_what ON probe (what)"},
     .kind = OUTCOME_DONE,
     .effect = "SELECT count(*) || '/' || bool_and(indisvalid) FROM pg_index"
               " WHERE indrelid = 'probe'::regclass",
     .answer = "1/true"},
    {.name = "create two indexes concurrently",
     .before = "INSERT INTO probe SELECT i FROM generate_series(1, 1000) i",
     .sketch = {.version = "001",
                .up = "CREATE UNIQUE INDEX CONCURRENTLY probe_one ON probe (what);;"
                      "CREATE INDEX CONCURRENTLY probe_two ON probe (lower(what))"},
     .kind = OUTCOME_DONE,
     .effect = "SELECT count(*) || '/' || bool_and(indisvalid) FROM pg_index"
               " WHERE indrelid = 'probe'::regclass",
     .answer = "2/true"},
    {.name = "drop index concurrently",
     .before = "CREATE INDEX probe_what ON probe (what)",
     .sketch = {.version = "001", .up = "DROP INDEX CONCURRENTLY probe_what"},
     .kind = OUTCOME_DONE,
     .effect = "SELECT count(*) FROM pg_index WHERE indrelid = 'probe'::regclass",
     .answer = "0"},
    {.name = "unique index over duplicates",
     .before = "INSERT INTO probe VALUES ('twice'), ('twice')",
     .sketch = {.version = "001",
                .up = "CREATE UNIQUE INDEX CONCURRENTLY probe_what ON probe (what)"},
     .kind = OUTCOME_FAILED,
     .effect = "SELECT count(*) FROM pg_index WHERE indrelid = 'probe'::regclass",
     .answer = "0"},
};

#define STORY_COUNT (sizeof stories / sizeof *stories)

static void
check_end(struct scene *scene, const struct story *story, const struct step_order *order)
{
    CLEANUP(mem_free) char *effect = cluster_ask(cluster, scene->database, story->effect);
    char id[ID_TEXT_SIZE];
    CLEANUP(mem_free)
    char *verdicts =
        mem_format("SELECT count(*) FROM skein.journal WHERE state IN ('done', 'failed')"
                   " AND step_id = '%s'",
                   id_text(&order->step_id, id));

    assert_string_equal(effect, story->answer);
    assert_int_equal(scene_broken_rows(scene), 0);
    assert_int_equal(scene_count(scene, verdicts), 1);
    bool is_applied = scene_count(scene, "SELECT count(*) FROM skein.migration") == 1;
    assert_int_equal(is_applied, story->direction == DIRECTION_UP && story->kind == OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM schema_migrations"
                                        " WHERE version = 1 AND NOT dirty"),
                     is_applied);
}

static void
prepare(struct scene *scene, const struct story *story)
{
    scene_clear(scene);
    /* golang-migrate's: what happens is mirrored there, whatever dies. */
    scene_tell(scene, "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY,"
                      " dirty boolean NOT NULL)");
    if (story->before) {
        scene_tell(scene, story->before);
    }
    SCENE_PLAN(scene, story->sketch);
    if (story->direction == DIRECTION_DOWN) {
        assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    }
    sitting_rest(scene->sitting);
}

/* Die at the place's n-th passing; false when it is passed less often. */
static bool
die_and_settle(struct scene *scene, const struct story *story, const char *failpoint, int turn)
{
    prepare(scene, story);
    CLEANUP(mem_free) char *wanted = mem_format("%s:%d", failpoint, turn);
    struct step_order order = scene_order(scene, 0, story->direction);

    if (scene_execute_in_child(scene, &order, wanted) != SCENE_KILLED) {
        return false;
    }
    enum outcome_kind kind = scene_settle(scene, &order);
    if (kind != story->kind) {
        fail_msg("%s, killed at %s: %d", story->name, wanted, kind);
    }
    check_end(scene, story, &order);
    return true;
}

static void
a_step_takes_effect_once_wherever_its_process_is_killed(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t story = 0; story < STORY_COUNT; story++) {
        for (size_t i = 0; execute_failpoints[i]; i++) {
            for (int turn = 1; turn <= 3; turn++) {
                if (!die_and_settle(scene, &stories[story], execute_failpoints[i], turn)) {
                    break;
                }
                was_hit[i] = true;
            }
        }
    }
}

static void
resolve_in_child(struct scene *scene, const struct step_order *order, const char *failpoint)
{
    int status = 0;
    bool found;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("SKEIN_FAILPOINT", failpoint, 1);
        sitting_resolve(sitting_new(&scene->config), &order->step_id, order->attempt, &scene->arena,
                        &found, &scene->outcome, &scene->error);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void
who_looks_may_be_killed_as_well(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t i = 0; execute_failpoints[i]; i++) {
        if (strstr(execute_failpoints[i], "void")) {
            CLEANUP(mem_free) char *wanted = mem_format("%s:1", execute_failpoints[i]);
            prepare(scene, &stories[0]);
            struct step_order order = scene_order(scene, 0, DIRECTION_UP);
            resolve_in_child(scene, &order, wanted);
            was_hit[i] = true;
            assert_false(scene_resolve(scene, &order));
            assert_int_equal(scene_execute(scene, &order), OUTCOME_CANCELLED);
        }
    }
}

static void
no_place_was_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; execute_failpoints[i] && !getenv("SKEIN_TEST"); i++) {
        bool is_elsewhere = strstr(execute_failpoints[i], "batch") != NULL; /* test_batch_crash */
        if (!was_hit[i] && !is_elsewhere) {
            fail_msg("no story comes by %s", execute_failpoints[i]);
        }
    }
}

/* ---- the connection is cut ------------------------------------------------------------------- */

static void
a_step_takes_effect_once_wherever_its_connection_is_cut(void **state)
{
    static const char *const places[] = {"execute.statement-sent",  "execute.commit-sent",
                                         "execute.failed-sent",     "execute.intent-sent",
                                         "execute.concurrent-sent", "execute.done-sent"};
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);

    for (size_t story = 0; story < STORY_COUNT; story++) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            CLEANUP(mem_free) char *wanted = mem_format("%s:1:fail", places[i]);
            prepare(scene, &stories[story]);
            struct step_order order = scene_order(scene, 0, stories[story].direction);

            int kind = scene_execute_in_child(scene, &order, wanted);
            if (kind != (int)stories[story].kind) {
                fail_msg("%s, cut at %s: %d", stories[story].name, places[i], kind);
            }
            check_end(scene, &stories[story], &order);
        }
    }
}

static void
waits_for_what_a_killed_process_has_left_running(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "INSERT INTO probe VALUES ('x');;"
                             "SELECT CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END"});
    scene_tell(scene, "CREATE SEQUENCE tries");
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_int_equal(scene_execute_in_child(scene, &order, "execute.statement-sent:2"),
                     SCENE_KILLED);
    int64_t began_ms = clock_now_ms();
    assert_int_equal(scene_settle(scene, &order), OUTCOME_DONE);
    assert_in_range(clock_now_ms() - began_ms, 0, 10000); /* the server notices within 2 s */
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
}

static void
ends_its_own_backend_that_does_not_notice(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "SET client_connection_check_interval = 0;;"
                             "INSERT INTO probe VALUES ('x');;"
                             "SELECT CASE WHEN nextval('tries') = 1 THEN pg_sleep(600) END"});
    scene_tell(scene, "CREATE SEQUENCE tries");
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    assert_int_equal(scene_execute_in_child(scene, &order, "execute.statement-sent:3:fail"),
                     OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE"
                                        " '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
                                        " AND datname = current_database()"),
                     0);
}

/* ---- the server dies ------------------------------------------------------------------------- */

#define MANY 40

struct march {
    struct scene *scene;
    struct sketch sketches[MANY];
    char versions[MANY][8], ups[MANY][64];
    atomic_bool is_over;
    atomic_int blows; /* struck so far … */
    int wanted;       /* … of so many: before step i as large a part of them as of the steps */
    unsigned retries;
};

static void
plan_march(struct march *march, struct scene *scene)
{
    march->scene = scene;
    for (int i = 0; i < MANY; i++) {
        snprintf(march->versions[i], sizeof march->versions[i], "%03d", i);
        snprintf(march->ups[i], sizeof march->ups[i], "INSERT INTO probe VALUES ('%d');; SELECT 1",
                 i);
        march->sketches[i] = (struct sketch){.version = march->versions[i], .up = march->ups[i]};
    }
    scene_plan(scene, march->sketches, MANY);
}

/* However quick the steps are, and slow whoever strikes. */
static void
await_blows(struct march *march, int step)
{
    int64_t deadline_ms = clock_now_ms() + 60000;

    while (atomic_load(&march->blows) < step * march->wanted / MANY) {
        if (clock_now_ms() > deadline_ms) {
            print_message("step %d: nobody strikes\n", step);
            abort();
        }
        usleep(500);
    }
}

static void
go_march(void *context)
{
    struct march *march = context;
    struct scene *scene = march->scene;

    for (size_t i = 0; i < MANY; i++) {
        await_blows(march, (int)i);
        struct step_order order = scene_order(scene, i, DIRECTION_UP);
        for (;; order.attempt++, march->retries++) {
            bool is_known = sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome,
                                            &scene->error);
            if (is_known && scene->outcome.kind == OUTCOME_DONE) {
                break;
            }
            if (!is_known || !scene->outcome.fault.is_retryable) {
                print_message("step %zu: %s\n", i,
                              is_known ? scene->outcome.fault.text : scene->error.text);
                abort();
            }
        }
    }
    atomic_store(&march->is_over, true);
}

static void
check_march(const struct march *march)
{
    const struct scene *scene = march->scene;

    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), MANY);
    assert_int_equal(scene_count(scene, "SELECT count(DISTINCT what) FROM probe"), MANY);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), MANY);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'done'"),
                     MANY);
}

static void
goes_on_while_its_backends_are_terminated(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct march march = {0};
    struct random random = random_seeded(11);
    int ended = 0;
    plan_march(&march, scene);
    march.wanted = MANY / 2;

    struct helper *helper = helper_start(go_march, &march);
    while (!atomic_load(&march.is_over)) {
        ended +=
            (int)scene_count(scene, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                    " WHERE application_name LIKE 'skein %'"
                                    " AND datname = current_database()");
        atomic_fetch_add(&march.blows, 1);
        usleep((useconds_t)random_below(&random, 20000));
    }
    helper_join(&helper);
    assert_true(ended > 5);
    check_march(&march);
}

static void
goes_on_while_the_server_is_stopped_at_once_and_started(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new("fsync = on");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);
    struct march march = {0};
    struct random random = random_seeded(12);
    int stops = 0;
    plan_march(&march, scene);
    march.wanted = 12;

    struct helper *helper = helper_start(go_march, &march);
    while (!atomic_load(&march.is_over) && stops < march.wanted) {
        usleep((useconds_t)random_below(&random, 30000));
        cluster_stop(mortal, stops % 3 == 2 ? SIGKILL : SIGQUIT);
        cluster_start(mortal);
        stops++;
        atomic_store(&march.blows, stops);
    }
    helper_join(&helper);
    assert_true(stops > 3);
    check_march(&march);
}

/* PostgreSQL then ends all its sessions, and recovers. */
static void
goes_on_while_its_backends_are_killed(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new("fsync = on");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);
    struct march march = {0};
    int kills = 0;
    plan_march(&march, scene);
    march.wanted = 6;

    struct helper *helper = helper_start(go_march, &march);
    while (!atomic_load(&march.is_over) && kills < march.wanted) {
        pid_t pid = mortal_backend(scene);
        if (pid > 0 && kill(pid, SIGKILL) == 0) {
            kills++;
            atomic_store(&march.blows, kills);
        }
    }
    helper_join(&helper);
    assert_true(kills > 2);
    check_march(&march);
}

/* ---- stopped in doubt ------------------------------------------------------------------------ */

struct doubt {
    struct scene *scene;
    struct step_order order;
    bool is_known;
};

static void
execute_doubtfully(void *context)
{
    struct doubt *doubt = context;
    struct scene *scene = doubt->scene;

    doubt->is_known = sitting_execute(scene->sitting, &doubt->order, &scene->arena, &scene->outcome,
                                      &scene->error);
}

static void
says_that_it_does_not_know_rather_than_guess(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy) struct cluster *mortal = cluster_new("fsync = on");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(mortal);
    scene_tell(scene, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " PERFORM pg_sleep(600); RETURN NULL; END $$;"
                      "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON probe"
                      " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
    SCENE_PLAN(scene, {.version = "001", .up = "INSERT INTO probe VALUES ('x')"});
    struct doubt doubt = {.scene = scene, .order = scene_order(scene, 0, DIRECTION_UP)};

    struct helper *helper = helper_start(execute_doubtfully, &doubt);
    scene_await(scene, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
    cluster_stop(mortal, SIGQUIT);
    sitting_stop(scene->sitting);
    helper_join(&helper);
    assert_false(doubt.is_known);
    assert_string_equal(scene->error.code, "E-STOPPED");

    cluster_start(mortal);
    scene_tell(scene, "DROP TRIGGER slow ON probe");
    sitting_clear_stop(scene->sitting);
    assert_int_equal(scene_settle(scene, &doubt.order), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_takes_effect_once_wherever_its_process_is_killed),
        cmocka_unit_test(who_looks_may_be_killed_as_well),
        cmocka_unit_test(no_place_was_left_out),
        cmocka_unit_test(a_step_takes_effect_once_wherever_its_connection_is_cut),
        cmocka_unit_test(waits_for_what_a_killed_process_has_left_running),
        cmocka_unit_test(ends_its_own_backend_that_does_not_notice),
        cmocka_unit_test(goes_on_while_its_backends_are_terminated),
        cmocka_unit_test(goes_on_while_the_server_is_stopped_at_once_and_started),
        cmocka_unit_test(goes_on_while_its_backends_are_killed),
        cmocka_unit_test(says_that_it_does_not_know_rather_than_guess),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
