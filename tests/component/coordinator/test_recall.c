/*
 * What operators are answered from the store: runs that have ended, their legs and steps, bundles.
 */
#include "coordinator/shell/recall.h"

#include <inttypes.h>

#include "common/base/mem.h"
#include "proto/codec.h"

#include "coordinator/shell/store_private.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define TARGETS 120
#define STEPS 3

struct desk {
    struct folder folder;
    struct store *store;
    struct bundles *bundles;
    struct arena arena;
};

static struct id
numbered(uint8_t kind, uint64_t number)
{
    struct id id = {{kind}};

    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

static void
keep(struct desk *desk, const struct record *record)
{
    struct error error;

    assert_true(store_save(desk->store, record, &error));
}

static void
keep_target(struct desk *desk, uint64_t i)
{
    char name[32];
    struct record target = {.kind = RECORD_TARGET};

    snprintf(name, sizeof name, "auth-%" PRIu64, i);
    target.target = (struct target_record){
        .target_id = numbered('t', i), .name = name, .service = "auth", .agent = "a"};
    keep(desk, &target);
}

/* Every fourth target has failed at its second step. */
static void
keep_leg(struct desk *desk, const struct id *run_id, uint64_t i)
{
    static struct leg_step steps[STEPS] = {{.version = "1", .name = "one"},
                                           {.version = "2", .name = "two"},
                                           {.version = "3", .name = "three"}};
    bool has_failed = i % 4 == 3;
    struct record leg = {.kind = RECORD_LEG}, step = {.kind = RECORD_STEP};

    leg.leg = (struct leg_record){.run_id = *run_id,
                                  .target_id = numbered('t', i),
                                  .ordinal = i,
                                  .wave = 1 + i / 100,
                                  .state = has_failed ? LEG_FAILED : LEG_DONE,
                                  .from_version = "0",
                                  .steps = steps,
                                  .step_count = STEPS,
                                  .done_count = has_failed ? 1 : STEPS};
    if (has_failed) {
        leg.leg.fault = (struct fault){.code = "E-SQL", .text = "no such table"};
    }
    keep(desk, &leg);
    for (uint64_t k = 0; k < (has_failed ? 2u : STEPS); k++) {
        step.step = (struct step_record){.step_id = numbered('s', i * STEPS + k),
                                         .run_id = *run_id,
                                         .target_id = numbered('t', i),
                                         .position = k,
                                         .version = steps[k].version,
                                         .name = steps[k].name,
                                         .state = has_failed && k ? STEP_FAILED : STEP_DONE,
                                         .attempt = has_failed && k ? 3 : 1};
        keep(desk, &step);
    }
}

static void
keep_run(struct desk *desk, uint64_t number, const struct id *undone)
{
    static struct service_bundle services[] = {{.service = "auth"}, {.service = "policy"}};
    struct record run = {.kind = RECORD_RUN};

    run.run = (struct run_record){.run_id = numbered('r', number),
                                  .number = number,
                                  .spec = {.kind = undone ? RUN_DOWN : RUN_UP,
                                           .services = services,
                                           .service_count = undone ? 0 : 2,
                                           .select = "env=prod"},
                                  .operator_name = "you",
                                  .state = RUN_FAILED,
                                  .why = "30 targets have failed",
                                  .leg_count = TARGETS,
                                  .done_count = TARGETS - TARGETS / 4,
                                  .failed_count = TARGETS / 4,
                                  .started_wall_ms = 1000,
                                  .ended_wall_ms = 61000};
    if (undone) {
        run.run.spec.undo_run_id = *undone;
    }
    keep(desk, &run);
}

static int
set_up(void **state)
{
    struct desk *desk = mem_zalloc(sizeof *desk);
    struct id first = numbered('r', 1);
    struct error error;

    desk->folder = folder_make();
    const struct store_options options = {.path = folder_path(&desk->folder, "store.db")};
    assert_true(store_open(&options, &desk->store, &error));
    desk->bundles = bundles_new(desk->store, 100000);
    assert_true(store_begin(desk->store, &error));
    keep_run(desk, 1, NULL);
    keep_run(desk, 2, &first);
    for (uint64_t i = 0; i < TARGETS; i++) {
        keep_target(desk, i);
        keep_leg(desk, &first, i);
    }
    assert_true(store_commit(desk->store, &error));
    *state = desk;
    return 0;
}

static int
tear_down(void **state)
{
    struct desk *desk = *state;

    bundles_destroy(&desk->bundles);
    store_close(&desk->store);
    arena_release(&desk->arena);
    folder_remove(&desk->folder);
    free(desk);
    return 0;
}

/* The answer, which must also be sayable: within every limit of a frame. */
static struct message
answer_to(struct desk *desk, struct message *request)
{
    CLEANUP(text_release) struct text frame = {0};
    struct message answer, read;
    struct error error;

    request->offer.request = numbered('q', 7);
    if (!recall_answer(desk->store, desk->bundles, request, &desk->arena, &answer, &error)) {
        fail_msg("%s: %s", error.code, error.text);
    }
    codec_encode(&answer, &frame);
    assert_true(frame.size <= FRAME_SIZE_MAX);
    assert_true(
        codec_decode(frame.data, frame.size, FROM_COORDINATOR, &desk->arena, &read, &error));
    struct id wanted = numbered('q', 7);
    assert_true(id_equal(&wanted, &answer.refused.request));
    return answer;
}

static void
assert_refused(struct desk *desk, struct message *request, const char *code)
{
    struct message answer = answer_to(desk, request);

    assert_string_equal("REFUSED", message_name(answer.type));
    assert_string_equal(code, answer.refused.fault.code);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void
lists_runs_newest_first_with_what_they_are_about(void **state)
{
    struct message request = {.type = MESSAGE_RUNS};
    struct message answer = answer_to(*state, &request);

    assert_int_equal(MESSAGE_RUNS_VIEW, answer.type);
    assert_int_equal(2, answer.runs_view.total);
    assert_int_equal(2, answer.runs_view.rows[0].number);
    assert_int_equal(RUN_DOWN, answer.runs_view.rows[0].kind);
    assert_string_equal("auth, policy", answer.runs_view.rows[0].services); /* what it undoes */
    assert_string_equal("auth, policy", answer.runs_view.rows[1].services);
    assert_int_equal(TARGETS / 4, answer.runs_view.rows[1].failed_count);
    request.runs.offset = 5;
    assert_int_equal(0, answer_to(*state, &request).runs_view.row_count);
}

static void
shows_a_run_as_it_ended(void **state)
{
    struct message request = {.type = MESSAGE_STATUS, .status = {.run = "1"}};
    struct message answer = answer_to(*state, &request);
    const struct run_view *view = &answer.run_view;

    assert_int_equal(MESSAGE_RUN_VIEW, answer.type);
    assert_int_equal(1, view->number);
    assert_int_equal(RUN_FAILED, view->state);
    assert_string_equal("30 targets have failed", view->why);
    assert_string_equal("env=prod", view->select);
    assert_int_equal(60000, view->elapsed_ms);
    assert_int_equal(2, view->wave_count);
    assert_int_equal(100, view->waves[0].target_count);
    assert_int_equal(25, view->waves[0].failed_count);
    assert_int_equal(75 * STEPS + 25, view->waves[0].step_done_count);
    assert_int_equal(TARGETS, view->leg_total);
    assert_int_equal(PAGE_SIZE_MAX, view->leg_count);
    assert_string_equal("auth-0", view->legs[0].target);
    assert_string_equal("3", view->legs[0].version);
    assert_int_equal(LEG_FAILED, view->legs[3].state);
    assert_string_equal("2", view->legs[3].version); /* the step that failed */
    assert_int_equal(3, view->legs[3].attempt);
    assert_string_equal("no such table", view->legs[3].fault.text);
}

static void
shows_only_the_targets_that_failed_when_asked_for_them(void **state)
{
    struct message request = {.type = MESSAGE_STATUS,
                              .status = {.run = "1", .filter = LEGS_FAILING, .offset = 20}};
    struct message answer = answer_to(*state, &request);

    assert_int_equal(TARGETS / 4, answer.run_view.leg_total);
    assert_int_equal(TARGETS / 4 - 20, answer.run_view.leg_count);
    for (size_t i = 0; i < answer.run_view.leg_count; i++) {
        assert_int_equal(LEG_FAILED, answer.run_view.legs[i].state);
    }
}

static void
tells_the_log_of_all_targets_or_of_one(void **state)
{
    struct message request = {.type = MESSAGE_LOG, .log = {.run = "1"}};
    struct message answer = answer_to(*state, &request);
    uint64_t total = TARGETS * STEPS - TARGETS / 4;

    assert_int_equal(MESSAGE_LOG_VIEW, answer.type);
    assert_int_equal(1, answer.log_view.number);
    assert_int_equal(total, answer.log_view.total);
    assert_int_equal(LOG_PAGE_SIZE_MAX, answer.log_view.row_count);
    assert_string_equal("auth-0", answer.log_view.rows[0].target);
    assert_string_equal("one", answer.log_view.rows[0].name);

    request.log.target = "auth-7";
    answer = answer_to(*state, &request);
    assert_int_equal(2, answer.log_view.total);
    assert_int_equal(STEP_FAILED, answer.log_view.rows[1].state);
    request.log.target = NULL;
    request.log.offset = total - 1;
    assert_int_equal(1, answer_to(*state, &request).log_view.row_count);
}

static void
refuses_runs_and_targets_that_are_not_there(void **state)
{
    struct message status = {.type = MESSAGE_STATUS, .status = {.run = "99"}};
    struct message log = {.type = MESSAGE_LOG, .log = {.run = "1", .target = "nobody"}};
    struct message ping = {.type = MESSAGE_TARGETS};

    assert_refused(*state, &status, "E-RUN-UNKNOWN");
    assert_refused(*state, &log, "E-TARGET-UNKNOWN");
    log.log.run = "x";
    assert_refused(*state, &log, "E-RUN-UNKNOWN");
    assert_refused(*state, &ping, "E-PROTO-TYPE");
}

static int
always(void *context)
{
    (void)context;
    return 1;
}

static void
leaves_a_store_that_cannot_be_read_to_its_caller(void **state)
{
    struct desk *desk = *state;
    struct message request = {.type = MESSAGE_STATUS, .status = {.run = "1"}}, answer;
    struct error error;

    sqlite3_progress_handler(desk->store->database, 1, always, NULL);
    assert_false(
        recall_answer(desk->store, desk->bundles, &request, &desk->arena, &answer, &error));
    assert_string_equal("E-STORE-SQL", error.code);
    sqlite3_progress_handler(desk->store->database, 0, NULL, NULL);
    assert_int_equal(MESSAGE_RUN_VIEW, answer_to(desk, &request).type);
}

/* ---- bundles -------------------------------------------------------------------------------- */

static void
takes_a_bundle_verifies_it_and_gives_it_out(void **state)
{
    struct desk *desk = *state;
    static const struct sketch sketch = {.version = "1", .up = "CREATE TABLE a (i int)"};
    CLEANUP(bundle_destroy) struct bundle *bundle = bundle_of(&sketch, 1);
    struct message offer = {.type = MESSAGE_OFFER, .offer = {.digest = bundle->digest}};
    struct message put = {
        .type = MESSAGE_PUT,
        .put = {.digest = bundle->digest, .total = bundle->bytes.size, .bytes = bundle->bytes}};
    struct error error;

    assert_false(recall_writes(&offer));
    assert_true(recall_writes(&put));
    assert_null(bundles_get(desk->bundles, &bundle->digest, &error));
    assert_string_equal("E-BUNDLE-UNKNOWN", error.code);
    assert_false(answer_to(desk, &offer).offered.is_complete);
    struct message answer = answer_to(desk, &put);
    assert_int_equal(MESSAGE_OFFERED, answer.type);
    assert_true(answer.offered.is_complete);
    assert_int_equal(bundle->bytes.size, answer.offered.offset);
    assert_true(answer_to(desk, &offer).offered.is_complete);
    assert_true(answer_to(desk, &put).offered.is_complete); /* said again */

    const struct bundle *kept = bundles_get(desk->bundles, &bundle->digest, &error);
    assert_non_null(kept);
    assert_string_equal("1", kept->manifest.migrations[0].version);
    bundles_destroy(&desk->bundles);
    desk->bundles = bundles_new(desk->store, 100000);
    assert_non_null(bundles_get(desk->bundles, &bundle->digest, &error));
}

static void
keeps_no_more_bundles_in_memory_than_it_may(void **state)
{
    struct desk *desk = *state;
    struct bundle *made[40];
    struct error error;
    char up[8192];

    memset(up, ' ', sizeof up - 1);
    up[sizeof up - 1] = '\0';
    for (int i = 0; i < 40; i++) {
        memcpy(up, "CREATE TABLE t", 14);
        up[14] = (char)('a' + i % 26);
        up[15] = (char)('a' + i / 26);
        const struct sketch sketch = {.version = "1", .up = up};
        made[i] = bundle_of(&sketch, 1);
        struct message put = {.type = MESSAGE_PUT,
                              .put = {.digest = made[i]->digest,
                                      .total = made[i]->bytes.size,
                                      .bytes = made[i]->bytes}};
        assert_true(answer_to(desk, &put).offered.is_complete);
    }
    for (int i = 0; i < 80; i++) { /* whatever was put out is read back, and verified again */
        const struct bundle *bundle = bundles_get(desk->bundles, &made[i * 7 % 40]->digest, &error);
        assert_non_null(bundle);
        assert_memory_equal(&bundle->digest, &made[i * 7 % 40]->digest, sizeof bundle->digest);
    }
    assert_true(bundles_size(desk->bundles) <= 100000);
    for (int i = 0; i < 40; i++) {
        bundle_destroy(&made[i]);
    }
}

#define AT_THE_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        AT_THE_DESK(lists_runs_newest_first_with_what_they_are_about),
        AT_THE_DESK(shows_a_run_as_it_ended),
        AT_THE_DESK(shows_only_the_targets_that_failed_when_asked_for_them),
        AT_THE_DESK(tells_the_log_of_all_targets_or_of_one),
        AT_THE_DESK(refuses_runs_and_targets_that_are_not_there),
        AT_THE_DESK(leaves_a_store_that_cannot_be_read_to_its_caller),
        AT_THE_DESK(takes_a_bundle_verifies_it_and_gives_it_out),
        AT_THE_DESK(keeps_no_more_bundles_in_memory_than_it_may),
    };
    return RUN_TESTS(tests);
}
