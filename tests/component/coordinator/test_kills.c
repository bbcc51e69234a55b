/*
 * The coordinator is killed at every place where a test may kill it, in the middle of a whole run:
 * agents enrolled, a bundle uploaded, planned, applied, carried out. Each time the same must be
 * true in the end: what was said is in the store, every step took effect once, the run is done.
 */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "coordinator/shell/failpoints.h"

#include "tests/support/bundle_builder.h"
#include "tests/support/console.h"
#include "tests/support/daemon.h"
#include "tests/support/peers.h"
#include "tests/support/unit.h"

#define AGENTS 5
#define STEPS 4
#define STORY_MS 60000

/* Enough text that the bundle travels in two pieces, none of which is short. */
#define LONG                                                                                       \
    "/*..............................................................................*/"           \
    "/*..............................................................................*/"
#define LONGER LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG

static const struct sketch sketches[STEPS] = {
    {.version = "1", .up = "CREATE TABLE a (i int)" LONGER},
    {.version = "2", .up = "CREATE TABLE b (i int)"},
    {.version = "3", .up = "CREATE TABLE c (i int)"},
    {.version = "4", .up = "CREATE TABLE d (i int)"}};

struct story {
    struct daemon daemon;
    struct key_pair keys[AGENTS];
    struct bundle *bundle;
    struct console *admin;
    struct peers *peers;
    int64_t until_ms;
    unsigned deaths;
    const char *failpoint;
};

/* A coordinator that was killed is started again; one that ended in any other way is a failure. */
static void
keep_alive(struct story *story)
{
    int status = 0;

    if (!daemon_has_ended(&story->daemon, &status)) {
        return;
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        CLEANUP(mem_free) char *log = daemon_log(&story->daemon);
        fail_msg("%s: ended with %d:\n%s", story->failpoint, status, log);
    }
    story->deaths++;
    daemon_start(&story->daemon, NULL);
}

static void
live(struct story *story)
{
    keep_alive(story);
    if (story->peers) {
        peers_turn(story->peers, 2);
    }
    if (clock_now_ms() > story->until_ms) {
        CLEANUP(mem_free) char *log = daemon_log(&story->daemon);
        fail_msg("%s: the story does not end:\n%s", story->failpoint, log);
    }
}

/* Ask until there is an answer, whatever dies meanwhile; the request keeps its id. */
static const struct message *
ask(struct story *story, struct message *request)
{
    const struct message *answer = NULL;

    while (!answer) {
        live(story);
        answer = console_ask(story->admin, request, 20);
    }
    return answer;
}

static void
enrol(struct story *story, size_t index)
{
    struct message request = {.type = MESSAGE_ENROL};
    char name[32];

    snprintf(name, sizeof name, "agent-%zu", index);
    request.enrol.name = name;
    memcpy(request.enrol.key.bytes, story->keys[index].public_key, KEY_SIZE);
    const struct message *answer = ask(story, &request);
    if (answer->type != MESSAGE_DONE) {
        fail_msg("%s: %s", story->failpoint, answer->refused.fault.text);
    }
}

static void
upload(struct story *story)
{
    bool is_complete = false;

    for (uint64_t offset = 0; !is_complete;) {
        struct message put = {.type = MESSAGE_PUT};
        size_t left = story->bundle->bytes.size - offset, half = story->bundle->bytes.size / 2;
        put.put = (struct put){
            .digest = story->bundle->digest,
            .offset = offset,
            .total = story->bundle->bytes.size,
            .bytes = {(const char *)story->bundle->bytes.data + offset, left < half ? left : half}};
        const struct message *answer = ask(story, &put);
        if (answer->type != MESSAGE_OFFERED) {
            fail_msg("%s: %s", story->failpoint, answer->refused.fault.text);
        }
        offset = answer->offered.offset;
        is_complete = answer->offered.is_complete;
    }
}

static struct id
plan(struct story *story)
{
    struct service_bundle service = {story->bundle->manifest.service, story->bundle->digest};
    struct share waves[] = {{1, false}, {100, true}};
    struct message request = {.type = MESSAGE_PLAN};
    const struct message *answer;

    request.plan.spec = (struct run_spec){.kind = RUN_UP,
                                          .services = &service,
                                          .service_count = 1,
                                          .waves = waves,
                                          .wave_count = 2,
                                          .parallel = AGENTS,
                                          .budget = {100, true},
                                          .on_failure = ON_FAILURE_CONTINUE};
    for (;;) {
        answer = ask(story, &request);
        if (answer->type == MESSAGE_PLANNED && answer->planned.is_ready) {
            if (answer->planned.step_count == AGENTS * STEPS) {
                return answer->planned.plan_id;
            }
            /* Somebody was away: a person would look again. */
            request.plan.request = id_random();
        }
        live(story);
    }
}

/* A plan lives in memory: after a restart it is made anew, unless it has become a run. */
static void
apply(struct story *story)
{
    for (;;) {
        struct message request = {.type = MESSAGE_APPLY};
        request.apply.plan_id = plan(story);
        const struct message *answer = ask(story, &request);
        if (answer->type == MESSAGE_STARTED) {
            return;
        }
        assert_int_equal(MESSAGE_REFUSED, answer->type);
        assert_string_equal("E-PLAN-UNKNOWN", answer->refused.fault.code);
    }
}

static void
until_done(struct story *story)
{
    for (;;) {
        struct message status = {.type = MESSAGE_STATUS};
        const struct message *answer = ask(story, &status);
        if (answer->type == MESSAGE_RUN_VIEW && answer->run_view.state >= RUN_DONE) {
            assert_int_equal(RUN_DONE, answer->run_view.state);
            return;
        }
        live(story);
    }
}

/* ---- what is true in the end ---------------------------------------------------------------- */

static sqlite3_stmt *
prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
    return statement;
}

static void
assert_counts(sqlite3 *database, const char *sql, int64_t wanted)
{
    sqlite3_stmt *statement = prepare(database, sql);

    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    if (sqlite3_column_int64(statement, 0) != wanted) {
        fail_msg("%s: %" PRId64 ", wanted %" PRId64, sql,
                 (int64_t)sqlite3_column_int64(statement, 0), wanted);
    }
    sqlite3_finalize(statement);
}

static void
find_done(void *context, const struct id *step_id)
{
    sqlite3_stmt *statement = context;

    sqlite3_bind_blob(statement, 1, step_id->bytes, sizeof step_id->bytes, SQLITE_STATIC);
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    assert_int_equal(STEP_DONE, sqlite3_column_int(statement, 0));
    sqlite3_reset(statement);
}

static void
check_store(const struct story *story)
{
    CLEANUP(mem_free) char *path = mem_format("%s/store.db", story->daemon.folder);
    sqlite3 *database;

    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL));
    assert_counts(database, "SELECT count(*) FROM agent WHERE is_active", AGENTS);
    assert_counts(database, "SELECT count(*) FROM run", 1);
    assert_counts(database, "SELECT count(*) FROM run WHERE state = 4", 1);
    assert_counts(database, "SELECT count(*) FROM step", AGENTS * STEPS);
    assert_counts(database, "SELECT count(*) FROM step WHERE state = 3 AND owed = 0",
                  AGENTS * STEPS);
    assert_counts(database, "SELECT count(*) FROM bundle WHERE is_complete", 1);
    sqlite3_stmt *statement = prepare(database, "SELECT state FROM step WHERE step_id = ?");
    peers_each_acked(story->peers, find_done, statement);
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

/* ---- the story ------------------------------------------------------------------------------ */

static void
begin(struct story *story, const char *failpoint)
{
    memset(story, 0, sizeof *story);
    story->failpoint = failpoint;
    story->until_ms = clock_now_ms() + STORY_MS;
    story->bundle = bundle_of(sketches, STEPS);
    daemon_make(&story->daemon, "times: {heartbeat: 200ms, resend: 200ms}\n");
    for (size_t i = 0; i < AGENTS; i++) {
        keys_generate(&story->keys[i]);
    }
    daemon_start(&story->daemon, failpoint);
    story->admin = console_new(story->daemon.endpoints[PARTY_OPERATOR],
                               story->daemon.keys.public_key, &story->daemon.admin);
}

static void
connect_peers(struct story *story)
{
    struct peers_options options = {.endpoint = story->daemon.endpoints[PARTY_AGENT],
                                    .keys = story->keys,
                                    .count = AGENTS,
                                    .manifest = &story->bundle->manifest,
                                    .fetches = true};

    memcpy(options.server_key, story->daemon.keys.public_key, KEYS_SIZE);
    story->peers = peers_new(&options);
    while (peers_live(story->peers) < AGENTS) {
        live(story);
    }
}

static void
end(struct story *story)
{
    console_destroy(&story->admin);
    peers_destroy(&story->peers);
    daemon_remove(&story->daemon);
    bundle_destroy(&story->bundle);
}

/* Tell the story with a death at this place; how often the coordinator died. */
static unsigned
tell_story(const char *failpoint)
{
    struct story story;

    begin(&story, failpoint);
    for (size_t i = 0; i < AGENTS; i++) {
        enrol(&story, i);
    }
    connect_peers(&story);
    upload(&story);
    apply(&story);
    until_done(&story);
    check_store(&story);
    for (size_t i = 0; i < AGENTS; i++) {
        assert_int_equal(STEPS, peers_applied(story.peers, i));
    }
    assert_int_equal(0, peers_doubled(story.peers));
    if (story.deaths == 0) {
        kill(story.daemon.pid, SIGTERM);
        while (!daemon_has_ended(&story.daemon, &(int){0})) {
            peers_turn(story.peers, 2);
        }
    }
    end(&story);
    return story.deaths;
}

/* At the n-th time, for growing n, as long as it is reached. */
static void
survives_death_at(const char *place, bool is_at_the_end)
{
    static const int times[] = {1, 2, 4, 9, 20, 45};
    unsigned deaths = 0;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char failpoint[64];
        snprintf(failpoint, sizeof failpoint, "%s:%d", place, times[i]);
        unsigned died = tell_story(failpoint);
        deaths += died;
        if (died == 0) {
            break;
        }
    }
    if (deaths == 0 && !is_at_the_end) {
        fail_msg("nothing passes %s", place);
    }
    print_message("%-16s %u deaths\n", place, deaths);
}

static void
what_was_said_is_stored_and_every_step_takes_effect_once(void **state)
{
#define DIE(place, what) survives_death_at(place, strcmp(place, "stop") == 0);
    (void)state;
#ifdef SKEIN_TESTING
    COORDINATOR_FAILPOINTS(DIE)
#else
    (void)survives_death_at;
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

/* Killed again and again at moments that nobody chose. */
static void
survives_being_killed_all_the_time(void **state)
{
    struct story story;
    struct random random = random_seeded(5);
    (void)state;

    begin(&story, NULL);
    for (size_t i = 0; i < AGENTS; i++) {
        enrol(&story, i);
    }
    connect_peers(&story);
    upload(&story);
    for (int i = 0; i < 20; i++) {
        int64_t until_ms = clock_now_ms() + (int64_t)random_below(&random, 200);
        if (i == 5) {
            apply(&story);
        }
        while (clock_now_ms() < until_ms) {
            live(&story);
        }
        kill(story.daemon.pid, SIGKILL);
        while (story.deaths <= (unsigned)i) {
            live(&story);
        }
    }
    until_done(&story);
    check_store(&story);
    assert_int_equal(0, peers_doubled(story.peers));
    end(&story);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_stored_and_every_step_takes_effect_once),
        cmocka_unit_test(survives_being_killed_all_the_time),
    };
    return RUN_TESTS(tests);
}
