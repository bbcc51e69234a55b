#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define TOTAL 1000

static void
assign(struct bench *bench, size_t target, unsigned number, uint64_t position, unsigned bundle)
{
    struct message message = bench_assign(bench, target, number, position);

    message.assign.digest = bench_digest(bundle);
    bench_hear(bench, message);
}

static void
chunk(struct bench *bench, unsigned bundle, uint64_t offset, size_t size, uint64_t total)
{
    static const char piece[TOTAL];

    bench_hear(bench, (struct message){.type = MESSAGE_CHUNK,
                                       .chunk = {.digest = bench_digest(bundle),
                                                 .offset = offset,
                                                 .total = total,
                                                 .bytes = {piece, size}}});
}

static bool
fetches(const struct bench *bench, unsigned bundle, uint64_t offset)
{
    struct digest digest = bench_digest(bundle);
    const struct fetch *fetch = &bench_said(bench, MESSAGE_FETCH)->fetch;

    return memcmp(&fetch->digest, &digest, sizeof digest) == 0 && fetch->offset == offset &&
           id_equal(&fetch->session, &bench->session);
}

static void
asks_the_cache_on_first_need(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(2);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 1);
    assign(bench, 1, 2, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 2);
    assert_int_equal(bench_count_said(bench, MESSAGE_FETCH), 0);
}

static void
sleeps_while_the_cache_is_asked(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);

    assert_true(agent_core_wake_ms(bench->core) > bench->now_ms);
}

static void
fetches_a_bundle_piece_by_piece(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 400); /* some of it was fetched in an earlier life */
    assert_true(fetches(bench, 1, 400));
    chunk(bench, 1, 400, 300, TOTAL);
    assert_int_equal(bench_action(bench, AGENT_KEEP_CHUNK)->chunk->offset, 400);
    assert_int_equal(bench_action(bench, AGENT_KEEP_CHUNK)->chunk->bytes.size, 300);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 700);
    assert_true(fetches(bench, 1, 700));
    chunk(bench, 1, 700, 300, TOTAL);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
says_fetch_again_when_no_chunk_comes(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 0);
    bench_pass(bench, 1999);
    assert_int_equal(bench_count_said(bench, MESSAGE_FETCH), 0);
    bench_pass(bench, 1);
    assert_true(fetches(bench, 1, 0));
    bench_pass(bench, 2000);
    assert_true(fetches(bench, 1, 0));
}

static void
takes_only_the_piece_it_has_asked_for(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    chunk(bench, 1, 0, 100, TOTAL); /* nobody has asked for anything */
    assert_int_equal(bench->actions.count, 0);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 100);
    chunk(bench, 2, 100, 100, TOTAL);                         /* another bundle */
    chunk(bench, 1, 0, 100, TOTAL);                           /* another place */
    chunk(bench, 1, 100, 0, TOTAL);                           /* nothing in it */
    chunk(bench, 1, 100, 1000, TOTAL);                        /* beyond the end */
    chunk(bench, 1, 100, 1000, 999);                          /* larger than the whole */
    chunk(bench, 1, 100, 100, (uint64_t)BUNDLE_SIZE_MAX + 1); /* larger than allowed */
    assert_int_equal(bench->actions.count, 0);
    chunk(bench, 1, 100, 100, TOTAL);
    assert_int_equal(bench_count(bench, AGENT_KEEP_CHUNK), 1);
    chunk(bench, 1, 100, 100, TOTAL); /* doubled */
    assert_int_equal(bench->actions.count, 0);
}

static void
fetches_one_bundle_after_the_other(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(3);

    bench_live(bench);
    for (unsigned i = 0; i < 3; i++) {
        assign(bench, i, 1 + i, 0, 1 + i);
        bench_bundle(bench, 1 + i, BUNDLE_PARTIAL, 0);
    }
    assert_int_equal(bench_count_said(bench, MESSAGE_FETCH), 0);
    bench_bundle(bench, 3, BUNDLE_THERE, 0); /* came by another way */
    assert_int_equal(bench_count_said(bench, MESSAGE_FETCH), 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
    chunk(bench, 1, 0, TOTAL, TOTAL);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_true(fetches(bench, 2, 0));
}

static void
refuses_the_steps_of_a_bundle_that_cannot_be_had(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(2);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    assign(bench, 0, 2, 1, 1);
    assign(bench, 1, 3, 0, 2);
    bench_bundle(bench, 1, BUNDLE_BAD, 0);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_REFUSED));
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 2);
    assign(bench, 0, 4, 0, 1); /* once more: it may be better now */
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 1);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
    bench_bundle(bench, 1, BUNDLE_BAD, 0); /* too late, it is in use */
    assert_int_equal(bench->actions.count, 0);
}

static void
refuses_the_steps_of_a_bundle_the_coordinator_does_not_have(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(2);
    struct message reject = {.type = MESSAGE_REJECT,
                             .reject = {.fault = {.code = "E-BUNDLE-UNKNOWN"}}};

    bench_live(bench);
    bench_hear(bench, reject);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 0);
    assign(bench, 1, 2, 0, 2);
    bench_bundle(bench, 2, BUNDLE_PARTIAL, 0);
    bench_hear(bench, reject);

    assert_true(bench_said_state(bench, 1, STEP_REPORT_REFUSED));
    assert_true(fetches(bench, 2, 0));
}

static void
lets_go_of_a_bundle_ten_seconds_after_its_last_step(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 9000);
    assert_int_equal(bench_count(bench, AGENT_RELEASE), 0);
    assign(bench, 0, 2, 1, 1); /* needed again in time */
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 0);
    bench_ended(bench, 0, 2, OUTCOME_DONE);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_pass(bench, 10000);
    assert_int_equal(bench_count(bench, AGENT_RELEASE), 1);
}

static void
gives_a_fetch_up_when_nobody_waits_for_it_any_more(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(3);

    bench_live(bench);
    for (unsigned i = 0; i < 3; i++) {
        assign(bench, i, 1 + i, 0, 1 + i);
        bench_bundle(bench, 1 + i, BUNDLE_PARTIAL, 0);
    }
    struct message cancel = {
        .type = MESSAGE_CANCEL,
        .cancel = {.step_id = bench_id(2), .target_id = bench_target_id(1), .attempt = 1}};
    bench_hear(bench, cancel);
    cancel.cancel.session = (struct id){0};
    cancel.cancel.step_id = bench_id(1);
    cancel.cancel.target_id = bench_target_id(0);
    bench_hear(bench, cancel);
    assert_true(fetches(bench, 3, 0));
    chunk(bench, 1, 0, 100, TOTAL); /* late */
    assert_int_equal(bench->actions.count, 0);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 100);
    assert_int_equal(bench->actions.count, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0); /* nobody wants it in memory */
    assert_int_equal(bench_count(bench, AGENT_RELEASE), 1);
}

static void
a_lost_session_ends_its_fetches(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assign(bench, 0, 1, 0, 1);
    bench_bundle(bench, 1, BUNDLE_PARTIAL, 0);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_pass(bench, 60000);
    assert_int_equal(bench_count_said(bench, MESSAGE_FETCH), 0);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 101);
    assign(bench, 0, 1, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_cache_on_first_need),
        cmocka_unit_test(sleeps_while_the_cache_is_asked),
        cmocka_unit_test(fetches_a_bundle_piece_by_piece),
        cmocka_unit_test(says_fetch_again_when_no_chunk_comes),
        cmocka_unit_test(takes_only_the_piece_it_has_asked_for),
        cmocka_unit_test(fetches_one_bundle_after_the_other),
        cmocka_unit_test(refuses_the_steps_of_a_bundle_that_cannot_be_had),
        cmocka_unit_test(refuses_the_steps_of_a_bundle_the_coordinator_does_not_have),
        cmocka_unit_test(lets_go_of_a_bundle_ten_seconds_after_its_last_step),
        cmocka_unit_test(gives_a_fetch_up_when_nobody_waits_for_it_any_more),
        cmocka_unit_test(a_lost_session_ends_its_fetches),
    };
    return RUN_TESTS(tests);
}
