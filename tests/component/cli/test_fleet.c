/*
 * The program against a real coordinator whose agents are peers: they take every step at once and
 * remember it as a database would.
 */
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/migration/reader.h"
#include "tests/component/cli/program.h"
#include "tests/support/daemon.h"
#include "tests/support/folder.h"
#include "tests/support/peers.h"
#include "tests/support/unit.h"

#define PEER_COUNT 3

static struct daemon coordinator;
static struct folder files; /* keys, contexts, migrations */
static struct bundle *bundle;
static struct peers *peers;
static struct key_pair peer_keys[PEER_COUNT];
static pthread_t peers_thread;
static pthread_mutex_t peers_lock = PTHREAD_MUTEX_INITIALIZER; /* for looking at them meanwhile */
static atomic_bool peers_stop, peers_pause; /* paused, they take nothing and say nothing */

static struct program_end
skein(const char *const *words)
{
    return program_run(files.path, words);
}

#define SKEIN(...) skein((const char *const[]){__VA_ARGS__, (const char *)NULL})

static void
ends(int status, const char *part, const char *const *words)
{
    CLEANUP(program_forget) struct program_end end = skein(words);

    program_must_end(&end, status);
    program_must_say(&end, part);
}

#define ENDS(status, part, ...)                                                                    \
    ends(status, part, (const char *const[]){__VA_ARGS__, (const char *)NULL})

static json_t *
json_of(const char *const *words)
{
    CLEANUP(program_forget) struct program_end end = skein(words);
    json_t *object;

    program_must_end(&end, 0);
    object = json_loads(end.out, 0, NULL);
    assert_non_null(object);
    return object;
}

#define JSON(...) json_of((const char *const[]){__VA_ARGS__, "--json", (const char *)NULL})

/* ---- the stage ----------------------------------------------------------------------------- */

static void
write_context(const char *name, const uint8_t *server, const struct key_pair *user)
{
    char hex[KEYS_HEX_SIZE], content[1024], file[64];
    CLEANUP(mem_free) char *base = mem_format("%s/%s", files.path, name);
    struct error error;

    assert_true(keys_save(user, base, &error));
    text_hex(server, KEYS_SIZE, hex);
    snprintf(content, sizeof content,
             "contexts:\n  test: {endpoint: '%s', server: %s, key: %s.key}\n",
             coordinator.endpoints[PARTY_OPERATOR], hex, name);
    snprintf(file, sizeof file, "%s.yaml", name);
    folder_text(&files, file, content, 0600);
}

/* Who asks from now on: a file that write_context has made. */
static void
use_context(const char *name)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s.yaml", files.path, name);

    setenv("SKEIN_CONTEXTS", path, 1);
}

static void
write_migrations(void)
{
    for (int i = 1; i <= 4; i++) {
        char name[64], text[64];
        snprintf(name, sizeof name, "%04d_table_%d.up.sql", i, i);
        snprintf(text, sizeof text, "CREATE TABLE t%d (i int);\n", i);
        folder_text(&files, name, text, 0644);
        snprintf(name, sizeof name, "%04d_table_%d.down.sql", i, i);
        snprintf(text, sizeof text, "DROP TABLE t%d;\n", i);
        folder_text(&files, name, text, 0644);
    }
    folder_text(&files, "skein.yaml", "services:\n  bench: {migrations: .}\n", 0644);
}

static void *
turn_peers(void *context)
{
    (void)context;
    while (!atomic_load(&peers_stop)) {
        if (atomic_load(&peers_pause)) {
            poll(NULL, 0, 5);
        } else {
            pthread_mutex_lock(&peers_lock);
            peers_turn(peers, 5);
            pthread_mutex_unlock(&peers_lock);
        }
    }
    return NULL;
}

static size_t
applied_by(size_t index)
{
    pthread_mutex_lock(&peers_lock);
    size_t count = peers_applied(peers, index);
    pthread_mutex_unlock(&peers_lock);
    return count;
}

static void
start_peers(void)
{
    struct error_list errors = {0}, notes = {0};

    assert_true(migrations_read(files.path, "bench", "auto", &bundle, &errors, &notes));
    error_list_release(&notes);
    for (size_t i = 0; i < PEER_COUNT; i++) {
        char name[32], hex[KEYS_HEX_SIZE];
        keys_generate(&peer_keys[i]);
        snprintf(name, sizeof name, "peer-%zu", i);
        text_hex(peer_keys[i].public_key, KEYS_SIZE, hex);
        ENDS(0, name, "agent", "add", name, "--key", hex);
    }
    struct peers_options options = {.endpoint = coordinator.endpoints[PARTY_AGENT],
                                    .keys = peer_keys,
                                    .count = PEER_COUNT,
                                    .manifest = &bundle->manifest};
    memcpy(options.server_key, coordinator.keys.public_key, KEYS_SIZE);
    peers = peers_new(&options);
    assert_int_equal(pthread_create(&peers_thread, NULL, turn_peers, NULL), 0);
}

/* Wait until all of them have reported. */
static void
await_targets(void)
{
    int64_t deadline_ms = clock_now_ms() + 20000;
    size_t count = 0;

    while (count < PEER_COUNT && clock_now_ms() < deadline_ms) {
        json_t *object = JSON("targets");
        count = json_array_size(json_object_get(object, "targets"));
        json_decref(object);
    }
    assert_int_equal(count, PEER_COUNT);
}

static int
raise_stage(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    files = folder_make();
    daemon_make(&coordinator, NULL);
    daemon_begin(&coordinator);
    write_context("admin", coordinator.keys.public_key, &coordinator.admin);
    use_context("admin");
    write_migrations();
    start_peers();
    await_targets();
    return 0;
}

static int
strike_stage(void **state)
{
    (void)state;
    atomic_store(&peers_stop, true);
    pthread_join(peers_thread, NULL);
    peers_destroy(&peers);
    bundle_destroy(&bundle);
    daemon_remove(&coordinator);
    folder_remove(&files);
    return 0;
}

/* ---- looking ------------------------------------------------------------------------------- */

static void
lists_who_is_there(void **state)
{
    (void)state;
    ENDS(0, "bench-2", "targets");
    ENDS(0, "peer-1", "agents");
    ENDS(0, "connected", "agents");
    ENDS(0, "admin", "operators");
    ENDS(0, "no target has these labels", "targets", "--select", "env=moon");
    ENDS(0, "there was no run yet", "runs");
    ENDS(5, "E-RUN-UNKNOWN", "status");
}

/* t1 has 0.5, 1 and 1.5 GB, t2 2 MB everywhere, and nobody has told of t3. */
static void
lints_with_the_sizes_that_the_fleet_has(void **state)
{
    struct folder other = folder_make();

    (void)state;
    folder_text(&other, "0001_all.up.sql",
                "CREATE TABLE t1 (i int);\nCREATE TABLE t2 (i int);\nCREATE TABLE t3 (i int);\n",
                0644);
    folder_text(&other, "0002_nothing.up.sql", "SELECT 1;\n", 0644);
    folder_text(&other, "0003_indexes.up.sql",
                "CREATE INDEX a ON t1 (i);\nCREATE INDEX b ON t2 (i);\nCREATE INDEX c ON t3 (i);\n",
                0644);

    ENDS(1,
         "t1: 1.5 GB, 1000 thousand rows, 2 rows written a second on bench-2; 3 of 3 targets have "
         "it, 2"
         " above 1 GB; 3 replicas",
         "lint", other.path, "--fleet", "bench");
    ENDS(1, "note[SK010]", "lint", other.path, "--fleet", "bench");
    ENDS(1, "t3: nowhere above 1.0 MB, or not there yet", "lint", other.path, "--fleet", "bench");
    ENDS(1, "t1: 512 MB, 1000 thousand rows, 2 rows written a second on bench-0; 1 replica\n",
         "lint", other.path, "--fleet", "bench", "--select", "target=bench-0");
    ENDS(3, "error[E-SEL-EMPTY]", "lint", other.path, "--fleet", "bensh");
    ENDS(2, "skein lint --fleet SERVICE --select", "lint", other.path, "--select", "env=prod");
    folder_remove(&other);
}

/* ---- a run, from its plan to its end and back ------------------------------------------------ */

static void
plans_without_changing_anything(void **state)
{
    (void)state;
    json_t *plan = JSON("plan", "bench", "--to", "0002", "--waves", "1,100%");
    assert_int_equal(json_integer_value(json_object_get(plan, "targets")), PEER_COUNT);
    assert_int_equal(json_integer_value(json_object_get(plan, "steps")), 2 * PEER_COUNT);
    assert_int_equal(json_integer_value(json_object_get(plan, "waves")), 2);
    assert_int_equal(json_array_size(json_object_get(plan, "legs")), PEER_COUNT);
    json_decref(plan);
    ENDS(0, "CREATE TABLE t2 (i int);", "plan", "bench", "--sql");
    ENDS(0, "there was no run yet", "runs");
}

static void
does_nothing_without_a_yes(void **state)
{
    (void)state;
    ENDS(2, "error[E-CLI-CONFIRM]", "apply", "bench");
    ENDS(2, "add --yes", "apply", "bench", "--watch");
    ENDS(0, "there was no run yet", "runs");
}

static void
does_exactly_the_plan_that_was_shown(void **state)
{
    json_t *plan = JSON("plan", "bench", "--to", "0001");
    const char *id = json_string_value(json_object_get(plan, "plan_id"));

    (void)state;
    ENDS(0, "run 1: done, 3 of 3 targets", "apply", "--plan", id, "--yes", "--watch");
    /* Said again it is the same run. */
    ENDS(0, "run 1: done", "apply", "--plan", id, "--yes", "--watch");
    json_decref(plan);
    ENDS(5, "E-PLAN-UNKNOWN", "apply", "--plan", "00000000-0000-4000-8000-000000000000", "--yes");
    ENDS(2, "E-CLI-RANGE", "apply", "--plan", "x", "--yes");
}

static void
applies_in_waves_and_shows_every_milestone(void **state)
{
    CLEANUP(program_forget)
    struct program_end end = SKEIN("apply", "bench", "--waves", "1,100%", "--yes", "--watch");

    (void)state;
    program_must_end(&end, 0);
    program_must_say(&end, "wave 1: ended, 1 done");
    program_must_say(&end, "wave 2: ended, 2 done");
    program_must_say(&end, "run 2: done, 3 of 3 targets");
    assert_null(strchr(end.out, '\033'));
    for (size_t i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(applied_by(i), 4);
    }
}

static void
has_nothing_to_do_twice(void **state)
{
    (void)state;
    ENDS(0, "nothing to do: 3 targets are there already", "apply", "bench", "--yes", "--watch");
    json_t *object = JSON("apply", "bench", "--yes");
    assert_true(json_is_null(json_object_get(object, "number")));
    json_decref(object);
}

static void
tells_how_a_run_went(void **state)
{
    (void)state;
    ENDS(0, "run 2  up  bench  done", "status");
    ENDS(0, "bench-1", "status", "2", "--all");
    ENDS(0, "run 2: done", "status", "2", "--watch");
    ENDS(0, "CREATE TABLE", "log", "last", "bench-0");
    ENDS(0, "nothing has failed", "log", "last", "--failing");
    ENDS(5, "E-RUN-UNKNOWN", "status", "99");
    json_t *run = JSON("status", "last");
    assert_string_equal(json_string_value(json_object_get(run, "state")), "done");
    assert_int_equal(json_array_size(json_object_get(run, "legs")), PEER_COUNT);
    json_decref(run);
    json_t *log = JSON("log", "2");
    assert_int_equal(json_array_size(json_object_get(log, "steps")), 3 * PEER_COUNT);
    json_decref(log);
    json_t *runs = JSON("runs", "--limit", "1");
    assert_int_equal(json_array_size(json_object_get(runs, "runs")), 1);
    assert_int_equal(json_integer_value(json_object_get(runs, "total")), 2);
    json_decref(runs);
}

static void
takes_back_exactly_what_a_run_did(void **state)
{
    (void)state;
    ENDS(0, "run 3: done, 3 of 3 targets", "rollback", "2", "--yes", "--watch");
    for (size_t i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(applied_by(i), 1);
    }
    ENDS(2, "--to belongs to a service", "rollback", "2", "--to", "1", "--yes");
    ENDS(2, "how far back", "rollback", "bench", "--yes");
    ENDS(0, "run 4: done", "rollback", "bench", "--to", "0", "--yes", "--watch");
    for (size_t i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(applied_by(i), 0);
    }
}

static void
starts_and_goes_when_it_is_not_to_watch(void **state)
{
    (void)state;
    json_t *started = JSON("apply", "bench", "--yes");
    assert_int_equal(json_integer_value(json_object_get(started, "number")), 5);
    json_decref(started);
    ENDS(0, "run 5: done", "status", "last", "--watch");
    json_t *watched = JSON("rollback", "last", "--yes", "--watch");
    assert_string_equal(json_string_value(json_object_get(watched, "state")), "done");
    json_decref(watched);
}

/* ---- before a terminal --------------------------------------------------------------------- */

static void
asks_before_it_does_anything(void **state)
{
    struct program_session session = program_start(files.path, "apply", "bench");

    (void)state;
    program_must_draw(&session, "do 12 steps on 3 targets? [y/N]");
    program_type(&session, "n\n");
    program_must_draw(&session, "E-CLI-DECLINED");
    assert_int_equal(program_close(&session), 2);
    ENDS(0, "run 6", "status");
}

static void
draws_the_run_in_its_place(void **state)
{
    struct program_session session = program_start(files.path, "apply", "bench", "--watch");

    (void)state;
    program_must_draw(&session, "[y/N]");
    program_type(&session, "yes\n");
    program_must_draw(&session, "\033[?25l"); /* the cursor is hidden, and shown again */
    program_must_draw(&session, "run 7  up  bench");
    program_must_draw(&session, "\033[?25h");
    program_must_draw(&session, ", 3 of 3 targets");
    assert_int_equal(program_close(&session), 0);
}

static void
leaves_the_run_going_on_ctrl_c(void **state)
{
    (void)state;
    ENDS(0, "run 8: done", "rollback", "last", "--yes", "--watch");
    struct program_session planning = program_start(files.path, "apply", "bench", "--watch");
    program_must_draw(&planning, "[y/N]");
    atomic_store(&peers_pause, true);
    program_type(&planning, "y\n");
    program_must_draw(&planning, "run 9  up  bench");
    program_type(&planning, "\003");
    program_must_draw(&planning, "the run goes on");
    program_must_draw(&planning, "skein status 9 --watch");
    assert_int_equal(program_close(&planning), 6);

    struct program_session watching =
        program_start(files.path, "status", "9", "--watch", "--color", "never");
    program_must_draw(&watching, "running");
    atomic_store(&peers_pause, false);
    program_must_draw(&watching, "run 9: done");
    assert_int_equal(program_close(&watching), 0);
    ENDS(0, "run 10: done", "rollback", "9", "--yes", "--watch");
}

static void
refuses_steering_what_has_ended(void **state)
{
    (void)state;
    ENDS(5, "error[E-", "cancel", "last");
    ENDS(5, "error[E-", "retry", "last");
    ENDS(5, "E-RUN-UNKNOWN", "pause", "99");
    ENDS(0, "0 runs", "pause", "--all");
    ENDS(0, "0 runs", "resume", "--all");
    ENDS(2, "not said which run", "pause");
}

/* ---- bad input ----------------------------------------------------------------------------- */

static void
refuses_selections_that_are_empty_or_too_large(void **state)
{
    (void)state;
    ENDS(3, "error[E-SEL-EMPTY]", "plan", "bench", "--select", "env=moon");
    ENDS(3, "error[E-SEL-SYNTAX]", "plan", "bench", "--select", "=");
    ENDS(3, "3 targets", "apply", "bench", "--max-targets", "2", "--yes");
    ENDS(3, "--yes-all", "apply", "bench", "--max-targets", "2", "--yes");
    ENDS(0, "3 targets", "plan", "bench", "--max-targets", "2", "--yes-all");
    ENDS(3, "E-PLAN-RANGE", "plan", "bench", "--waves", "1,2");
    ENDS(3, "E-MIG-MISSING", "plan", "bench", "--to", "0009");
    ENDS(3, "E-SVC-UNKNOWN", "plan", "bensh");
}

static void
lets_a_role_do_no_more_than_it_may(void **state)
{
    struct key_pair viewer;
    char hex[KEYS_HEX_SIZE];

    (void)state;
    keys_generate(&viewer);
    text_hex(viewer.public_key, KEYS_SIZE, hex);
    ENDS(0, "viewer", "operator", "add", "viewer", "--key", hex, "--role", "viewer");
    ENDS(5, "error[E-", "operator", "add", "other", "--key", hex, "--role", "viewer");
    write_context("viewer", coordinator.keys.public_key, &viewer);

    use_context("viewer");
    ENDS(0, "bench-0", "targets");
    ENDS(4, "error[E-AUTH-ROLE]", "pause", "--all");
    ENDS(4, "error[E-AUTH-ROLE]", "lint", "--fleet", "bench");
    ENDS(4, "error[E-AUTH-ROLE]", "cancel", "99"); /* whether there is a run 99 is not told */
    ENDS(4, "error[E-AUTH-ROLE]", "agent", "remove", "peer-0");
    ENDS(4, "error[E-AUTH-ROLE]", "target", "remove", "bench-0");

    use_context("admin");
    ENDS(5, "error[E-TARGET-UNKNOWN]", "target", "remove", "bench-99");
    ENDS(2, "error[E-CLI-USAGE]", "target", "remove");
    ENDS(0, "viewer", "operator", "remove", "viewer");
    use_context("viewer");
    ENDS(4, "error[E-AUTH-REVOKED]", "targets");
    use_context("admin");
}

static void
tells_a_wrong_server_key_and_a_key_that_is_not_known(void **state)
{
    struct key_pair stranger, other;

    (void)state;
    keys_generate(&stranger);
    keys_generate(&other);
    write_context("mismatch", other.public_key, &coordinator.admin);
    write_context("stranger", coordinator.keys.public_key, &stranger);
    use_context("mismatch");
    ENDS(6, "error[E-KEY-SERVER-MISMATCH]", "targets");
    ENDS(6, "nothing can have been stored", "pause", "--all");
    use_context("stranger");
    ENDS(4, "error[E-AUTH-REVOKED]", "targets");
    use_context("admin");
}

static void
tells_a_coordinator_that_is_away_and_one_that_is_stopped(void **state)
{
    (void)state;
    kill(coordinator.pid, SIGSTOP);
    ENDS(6, "error[E-NET-UNREACHABLE]", "runs", "--timeout", "1s");
    kill(coordinator.pid, SIGCONT);
    daemon_end(&coordinator, SIGKILL);
    ENDS(6, "nothing can have been stored", "pause", "--all", "--timeout", "1s");
    daemon_begin(&coordinator);
    ENDS(0, "bench-0", "targets");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_who_is_there),
        cmocka_unit_test(lints_with_the_sizes_that_the_fleet_has),
        cmocka_unit_test(plans_without_changing_anything),
        cmocka_unit_test(does_nothing_without_a_yes),
        cmocka_unit_test(does_exactly_the_plan_that_was_shown),
        cmocka_unit_test(applies_in_waves_and_shows_every_milestone),
        cmocka_unit_test(has_nothing_to_do_twice),
        cmocka_unit_test(tells_how_a_run_went),
        cmocka_unit_test(takes_back_exactly_what_a_run_did),
        cmocka_unit_test(starts_and_goes_when_it_is_not_to_watch),
        cmocka_unit_test(asks_before_it_does_anything),
        cmocka_unit_test(draws_the_run_in_its_place),
        cmocka_unit_test(leaves_the_run_going_on_ctrl_c),
        cmocka_unit_test(refuses_steering_what_has_ended),
        cmocka_unit_test(refuses_selections_that_are_empty_or_too_large),
        cmocka_unit_test(lets_a_role_do_no_more_than_it_may),
        cmocka_unit_test(tells_a_wrong_server_key_and_a_key_that_is_not_known),
        cmocka_unit_test(tells_a_coordinator_that_is_away_and_one_that_is_stopped),
    };
    return cmocka_run_group_tests(tests, raise_stage, strike_stage) != 0;
}
