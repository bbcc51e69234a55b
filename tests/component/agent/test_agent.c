#include "tests/component/agent/stand.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

static struct cluster *cluster;

static const struct sketch sketches[] = {
    {.version = "1", .up = "CREATE TABLE probe (what text);; INSERT INTO probe VALUES ('1')"},
    {.version = "2", .up = "INSERT INTO probe VALUES ('2')"},
    {.version = "3", .up = "INSERT INTO probe VALUES ('3')"},
    {.version = "4", .up = "INSERT INTO nowhere VALUES ('4')"},
    {.version = "5", .up = "INSERT INTO probe VALUES ('5')"},
    {.version = "6", .up = "INSERT INTO probe VALUES ('6');; SELECT pg_sleep(60)"},
    {.version = "7", .up = "INSERT INTO probe VALUES ('7');; SELECT pg_sleep(1)"},
    {.version = "8", .up = "INSERT INTO probe VALUES ('8');; SELECT pg_sleep(4)"},
};

/* A stand whose agent has been welcomed, and whose coordinator has a bundle. */
static struct stand *
begin(const char *failpoint)
{
    struct stand *stand = stand_new(cluster);

    stand->bundle = bundle_of(sketches, sizeof sketches / sizeof *sketches);
    stand_start_agent(stand, failpoint);
    stand_begin(stand);
    return stand;
}

/* The step's STATE like this, behind those that it had on the way. */
static const struct state *
expect_state(struct stand *stand, unsigned number, enum step_report report)
{
    const struct message *message;

    do {
        message = stand_hear_of(stand, number);
        assert_int_equal(message->type, MESSAGE_STATE);
    } while (message->state.report != report);
    return &message->state;
}

/* The step's RESULT, behind whatever STATEs. */
static const struct result *
expect_result(struct stand *stand, unsigned number, enum outcome_kind kind)
{
    const struct message *message;

    do {
        message = stand_hear_of(stand, number);
    } while (message->type == MESSAGE_STATE);
    if (message->result.outcome.kind != kind) {
        const struct fault *fault = &message->result.outcome.fault;
        fail_msg("step %u ended as %d: %s: %s", number, (int)message->result.outcome.kind,
                 fault->code ? fault->code : "", fault->text ? fault->text : "");
    }
    return &message->result;
}

static long
count_effects(struct stand *stand, size_t target, const char *version)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM probe WHERE what = '%s'", version);
    return stand_count(stand, target, sql);
}

/* ---- work --------------------------------------------------------------------------------- */

static void
reports_its_targets(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = stand_new(cluster);

    stand_start_agent(stand, NULL);
    stand_welcome(stand);

    const struct target_report *report = &stand_hear(stand, MESSAGE_TARGET)->target;
    assert_int_equal(report->state, TARGET_READY);
    assert_string_equal(report->service, "auth");
    assert_int_equal(report->label_count, 2);
    assert_string_equal(report->labels[0].name, "env");
    assert_string_equal(report->labels[0].value, "test");
    assert_true(report->server_version >= 120000);
    assert_true(report->system_identifier != 0 && report->database_oid != 0);
}

static void
carries_steps_out_and_says_so_until_it_is_heard(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand->piece_max = 300; /* many pieces */
    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 2, "2", 1, 1);
    stand_assign(stand, 1, 11, "1", 0, 1);
    const struct result *result = expect_result(stand, 1, OUTCOME_DONE);
    assert_true(id_equal(&result->target_id, &stand->target_ids[0]));
    assert_int_equal(result->outcome.statement_count, 2);
    expect_result(stand, 2, OUTCOME_DONE);
    expect_result(stand, 11, OUTCOME_DONE);
    expect_result(stand, 1, OUTCOME_DONE); /* again, nobody has acknowledged it */
    stand_acknowledge(stand, 1, 1);
    stand_acknowledge(stand, 2, 1);
    stand_acknowledge(stand, 11, 1);
    stand_query(stand, 0, 2, 1); /* asked behind the acknowledgements: answered by the journal */
    expect_result(stand, 2, OUTCOME_DONE);

    assert_int_equal(count_effects(stand, 0, "1"), 1);
    assert_int_equal(count_effects(stand, 0, "2"), 1);
    assert_int_equal(count_effects(stand, 1, "1"), 1);
}

static void
needs_no_second_fetch_for_what_it_has(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    expect_result(stand, 1, OUTCOME_DONE);
    stand_hear(stand, MESSAGE_FETCH);
    stand_kill_agent(stand);
    stand_forget(stand);
    stand_start_agent(stand, NULL);
    stand_begin(stand);
    stand_assign(stand, 1, 2, "1", 0, 1);
    expect_result(stand, 2, OUTCOME_DONE);

    assert_true(stand_is_silent(stand, MESSAGE_FETCH, 0));
}

static void
stops_at_a_failure_and_says_where_it_is(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 4, "4", 1, 1);
    stand_assign(stand, 0, 5, "5", 2, 1);
    const struct fault *fault = &expect_result(stand, 4, OUTCOME_FAILED)->outcome.fault;
    assert_string_equal(fault->sqlstate, "42P01");
    assert_non_null(strstr(fault->where, "4.up.sql:1:"));
    expect_state(stand, 5, STEP_REPORT_NOT_STARTED);

    assert_int_equal(count_effects(stand, 0, "5"), 0);
}

static void
refuses_a_bundle_nobody_has(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);
    struct bundle *bundle = stand->bundle;

    bundle->digest.bytes[0] ^= 1;
    stand_assign(stand, 0, 1, "1", 0, 1);
    bundle->digest.bytes[0] ^= 1;
    const struct state *refused = expect_state(stand, 1, STEP_REPORT_REFUSED);
    assert_string_equal(refused->fault.code, "E-BUNDLE-UNKNOWN");
}

static void
says_that_a_version_is_not_in_the_bundle(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "99", 0, 1);

    const struct fault *fault = &expect_result(stand, 1, OUTCOME_FAILED)->outcome.fault;
    assert_string_equal(fault->code, "E-MIG-MISSING");
}

static void
surveys_what_is_applied(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);
    struct id survey_id = id_random();

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 2, "2", 1, 1);
    stand_say(stand, (struct message){
                         .type = MESSAGE_SURVEY,
                         .survey = {.survey_id = survey_id, .target_id = stand->target_ids[1]}});
    const struct surveyed *surveyed = &stand_hear(stand, MESSAGE_SURVEYED)->surveyed;
    assert_true(surveyed->succeeded);
    assert_int_equal(surveyed->applied_count, 0);
    expect_result(stand, 2, OUTCOME_DONE);
    survey_id = id_random();
    stand_say(stand, (struct message){
                         .type = MESSAGE_SURVEY,
                         .survey = {.survey_id = survey_id, .target_id = stand->target_ids[0]}});
    surveyed = &stand_hear(stand, MESSAGE_SURVEYED)->surveyed;
    assert_true(id_equal(&surveyed->survey_id, &survey_id));
    assert_int_equal(surveyed->applied_count, 2);
    assert_string_equal(surveyed->applied[1].version, "2");
    assert_memory_equal(surveyed->applied[1].checksum,
                        migration_checksum(&stand->bundle->manifest.migrations[1]), CHECKSUM_SIZE);
}

static void
tells_how_large_the_tables_are(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);
    struct id measure_id = id_random();

    cluster_tell(cluster, "db1",
                 "CREATE TABLE measured AS SELECT i, repeat('x', 500) AS t"
                 " FROM generate_series(1, 4000) i; CREATE TABLE too_small (i int);"
                 " ANALYZE measured");
    stand_say(stand, (struct message){
                         .type = MESSAGE_MEASURE,
                         .measure = {.measure_id = measure_id, .target_id = stand->target_ids[1]}});
    const struct measured *measured = &stand_hear(stand, MESSAGE_MEASURED)->measured;
    assert_true(measured->succeeded);
    assert_true(id_equal(&measured->measure_id, &measure_id));
    assert_true(measured->server_version >= 130000);
    assert_int_equal(measured->below, MEASURED_BYTES_MIN);
    assert_int_equal(measured->table_count, 1);
    assert_string_equal(measured->tables[0].schema, "public");
    assert_string_equal(measured->tables[0].name, "measured");
    assert_int_equal(measured->tables[0].rows, 4000);
    assert_int_equal(measured->tables[0].bytes,
                     cluster_count(cluster, "db1", "SELECT pg_total_relation_size('measured')"));
    cluster_tell(cluster, "db1", "DROP TABLE measured, too_small");
}

#define SLEEPERS                                                                                   \
    " FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active'"                    \
    " AND pid <> pg_backend_pid()"

static const char is_sleeping[] = "SELECT count(*)" SLEEPERS;
static const char who_is_sleeping[] = "SELECT pid" SLEEPERS;

static void
stops_a_running_step_on_request(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 6, "6", 1, 1);
    expect_state(stand, 6, STEP_REPORT_RUNNING);
    assert_true(cluster_await(cluster, "db0", is_sleeping, "1"));
    stand_cancel(stand, 0, 6, 1);
    expect_state(stand, 6, STEP_REPORT_STOPPING);
    expect_result(stand, 6, OUTCOME_CANCELLED);

    assert_int_equal(count_effects(stand, 0, "6"), 0);
}

/* A server whose processes stand still, for three heartbeats. */
static void
lives_on_while_its_server_is_frozen(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 8, "8", 1, 1);
    expect_state(stand, 8, STEP_REPORT_RUNNING);
    assert_true(cluster_await(cluster, "db0", is_sleeping, "1"));
    pid_t backend = (pid_t)cluster_count(cluster, "db0", who_is_sleeping);
    assert_true(backend > 0 && kill(backend, SIGSTOP) == 0);
    assert_int_equal(kill(cluster_postmaster(cluster), SIGSTOP), 0);
    stand_forget(stand);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stand_hear(stand, MESSAGE_PING)->ping.running_count, 1);
    }
    assert_int_equal(kill(cluster_postmaster(cluster), SIGCONT), 0);
    assert_int_equal(kill(backend, SIGCONT), 0);
    expect_result(stand, 8, OUTCOME_DONE);

    assert_int_equal(count_effects(stand, 0, "8"), 1);
}

/* ---- deaths ------------------------------------------------------------------------------- */

/* The agent dies at a failpoint in step 2; what the next one says of it. */
static const struct message *
ask_after_death(struct stand *stand)
{
    int status;

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 2, "2", 1, 1);
    status = stand_await_end(stand, STAND_WAIT_MS);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    stand_forget(stand);
    stand_start_agent(stand, NULL);
    stand_begin(stand);
    stand_query(stand, 0, 2, 1);
    return stand_hear_of(stand, 2);
}

static void
gives_a_step_back_whose_agent_died_before_the_commit(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin("execute.before-commit:2");

    const struct message *message = ask_after_death(stand);
    assert_int_equal(message->type, MESSAGE_STATE);
    assert_int_equal(message->state.report, STEP_REPORT_NOT_STARTED);
    assert_int_equal(count_effects(stand, 0, "2"), 0);
    stand->run_id = id_random();
    stand_assign(stand, 0, 2, "2", 0, 2);
    expect_result(stand, 2, OUTCOME_DONE);
    assert_int_equal(count_effects(stand, 0, "2"), 1);
}

static void
finds_the_result_of_a_step_whose_agent_died_after_the_commit(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin("agent.ended:2");

    const struct message *message = ask_after_death(stand);
    assert_int_equal(message->type, MESSAGE_RESULT);
    assert_int_equal(message->result.outcome.kind, OUTCOME_DONE);
    assert_int_equal(count_effects(stand, 0, "2"), 1);
}

static void
works_on_while_the_coordinator_is_away_and_reports_when_it_is_back(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    expect_result(stand, 1, OUTCOME_DONE);
    stand_acknowledge(stand, 1, 1);
    stand_assign(stand, 0, 7, "7", 1, 1);
    expect_state(stand, 7, STEP_REPORT_RUNNING);
    stand_hang_up(stand);
    assert_true(cluster_await(cluster, "db0", "SELECT count(*) FROM probe WHERE what = '7'", "1"));
    stand_listen(stand);
    stand_forget(stand);
    int64_t back_ms = clock_now_ms();
    stand_begin(stand);
    expect_result(stand, 7, OUTCOME_DONE);

    assert_true(clock_now_ms() - back_ms < 5000);
}

static void
makes_the_connection_anew_when_nobody_answers_it(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand->is_deaf = true;
    stand_await_log(stand, "no PING was answered");
    stand_hear(stand, MESSAGE_HELLO);
}

/* ---- leaving ------------------------------------------------------------------------------ */

static void
leaves_at_once_when_it_is_idle(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);
    int64_t asked_ms = clock_now_ms();

    kill(stand->agent, SIGTERM);
    stand_hear(stand, MESSAGE_BYE);
    int status = stand_await_end(stand, 5000);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(clock_now_ms() - asked_ms < 2000);
}

static void
finishes_a_short_step_before_it_leaves(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 7, "7", 1, 1);
    expect_state(stand, 7, STEP_REPORT_RUNNING);
    stand_acknowledge(stand, 1, 1);
    kill(stand->agent, SIGTERM);
    expect_result(stand, 7, OUTCOME_DONE);
    stand_acknowledge(stand, 7, 1);
    stand_hear(stand, MESSAGE_BYE);
    int status = stand_await_end(stand, 5000);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(count_effects(stand, 0, "7"), 1);
}

static void
gives_a_long_step_back_when_it_leaves(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 6, "6", 1, 1);
    expect_state(stand, 6, STEP_REPORT_RUNNING);
    stand_acknowledge(stand, 1, 1);
    int64_t asked_ms = clock_now_ms();
    kill(stand->agent, SIGTERM);
    expect_state(stand, 6, STEP_REPORT_NOT_STARTED);
    int status = stand_await_end(stand, 10000);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(clock_now_ms() - asked_ms < 10000);
    assert_int_equal(count_effects(stand, 0, "6"), 0);
}

static void
leaves_faster_when_it_is_told_twice(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_assign(stand, 0, 1, "1", 0, 1);
    stand_assign(stand, 0, 6, "6", 1, 1);
    expect_state(stand, 6, STEP_REPORT_RUNNING);
    stand_acknowledge(stand, 1, 1);
    kill(stand->agent, SIGTERM);
    stand_await_log(stand, "leaving");
    int64_t asked_ms = clock_now_ms();
    kill(stand->agent, SIGINT);
    int status = stand_await_end(stand, 5000);

    assert_true(WIFEXITED(status));
    assert_true(clock_now_ms() - asked_ms < 2500);
}

/* ---- bad surroundings --------------------------------------------------------------------- */

static void
drops_frames_that_are_none_and_lives_on(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);
    static const uint8_t bomb[] = {0xdd, 0xff, 0xff, 0xff, 0xff};

    stand_say_bytes(stand, "", 0);
    stand_say_bytes(stand, "rubbish", 7);
    stand_say_bytes(stand, bomb, sizeof bomb);
    stand_assign(stand, 0, 1, "1", 0, 1);

    expect_result(stand, 1, OUTCOME_DONE);
    stand_await_log(stand, "E-PROTO");
}

static void
says_that_its_key_is_not_let_in(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = stand_new(cluster);

    stand->refuses_key = true;
    stand_start_agent(stand, NULL);
    stand_await_log(stand, "E-AUTH-KEY");
    stand_await_log(stand, "skein agent add stand");
    stand->refuses_key = false;
    stand_begin(stand); /* it was enrolled meanwhile */
}

static void
says_that_the_coordinator_has_another_key(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = stand_new(cluster);

    stand_hang_up(stand);
    keys_generate(&stand->keys);
    stand_listen(stand);
    stand_start_agent(stand, NULL);
    stand_await_log(stand, "E-KEY-SERVER-MISMATCH");
}

static void
reports_a_broken_target_and_finds_it_when_it_is_back(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = stand_new(cluster);

    cluster_stop(cluster, SIGQUIT);
    stand_start_agent(stand, NULL);
    stand_welcome(stand);
    const struct target_report *report = &stand_hear(stand, MESSAGE_TARGET)->target;
    assert_int_equal(report->state, TARGET_BROKEN);
    assert_string_equal(report->fault.code, "E-DB-UNREACHABLE");
    cluster_start(cluster);
    do {
        report = &stand_hear(stand, MESSAGE_TARGET)->target;
    } while (report->state == TARGET_BROKEN);
}

static void
says_that_it_may_not_serve_a_target(void **state)
{
    (void)state;
    CLEANUP(stand_destroy) struct stand *stand = begin(NULL);

    stand_say(stand,
              (struct message){.type = MESSAGE_TARGET_REFUSED,
                               .target_refused = {.name = "t0",
                                                  .fault = {.code = "E-DB-DUP-IDENTITY",
                                                            .text = "another agent serves it"}}});
    stand_await_log(stand, "t0: may not be served: E-DB-DUP-IDENTITY");
    const struct target_report *report;
    do {
        report = &stand_hear(stand, MESSAGE_TARGET)->target;
    } while (strcmp(report->name, "t0") != 0); /* it claims it again */
}

static int
start_cluster(void **state)
{
    (void)state;
    cluster = cluster_new(NULL);
    return 0;
}

static int
stop_cluster(void **state)
{
    (void)state;
    stand_clear_up();
    cluster_destroy(&cluster);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_its_targets),
        cmocka_unit_test(carries_steps_out_and_says_so_until_it_is_heard),
        cmocka_unit_test(needs_no_second_fetch_for_what_it_has),
        cmocka_unit_test(stops_at_a_failure_and_says_where_it_is),
        cmocka_unit_test(refuses_a_bundle_nobody_has),
        cmocka_unit_test(says_that_a_version_is_not_in_the_bundle),
        cmocka_unit_test(surveys_what_is_applied),
        cmocka_unit_test(tells_how_large_the_tables_are),
        cmocka_unit_test(stops_a_running_step_on_request),
        cmocka_unit_test(lives_on_while_its_server_is_frozen),
        cmocka_unit_test(gives_a_step_back_whose_agent_died_before_the_commit),
        cmocka_unit_test(finds_the_result_of_a_step_whose_agent_died_after_the_commit),
        cmocka_unit_test(works_on_while_the_coordinator_is_away_and_reports_when_it_is_back),
        cmocka_unit_test(makes_the_connection_anew_when_nobody_answers_it),
        cmocka_unit_test(leaves_at_once_when_it_is_idle),
        cmocka_unit_test(finishes_a_short_step_before_it_leaves),
        cmocka_unit_test(gives_a_long_step_back_when_it_leaves),
        cmocka_unit_test(leaves_faster_when_it_is_told_twice),
        cmocka_unit_test(drops_frames_that_are_none_and_lives_on),
        cmocka_unit_test(says_that_its_key_is_not_let_in),
        cmocka_unit_test(says_that_the_coordinator_has_another_key),
        cmocka_unit_test(reports_a_broken_target_and_finds_it_when_it_is_back),
        cmocka_unit_test(says_that_it_may_not_serve_a_target),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster) != 0;
}
