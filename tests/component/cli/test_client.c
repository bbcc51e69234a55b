#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "coordinator/client/client.h"
#include "coordinator/client/pages.h"
#include "coordinator/client/upload.h"
#include "tests/component/cli/peer.h"
#include "tests/support/unit.h"

/* Two key pairs, a peer and a client of it. */
struct bench {
    struct key_pair server, user;
    struct peer *peer;
    struct context context;
    struct client *client;
    struct arena arena;
    struct message answer;
    struct error error;

    /* What the peer has seen, and is to do. */
    unsigned requests;
    unsigned silent; /* so many requests are not answered */
    struct id cluster_seen;
    struct text uploaded;
    uint64_t upload_from;
};

static void
open_bench(struct bench *bench,
           bool (*answer)(void *, const struct message *, struct arena *, struct message *))
{
    keys_generate(&bench->server);
    keys_generate(&bench->user);
    bench->peer = peer_new(&(struct peer_config){.server = &bench->server,
                                                 .client_key = bench->user.public_key,
                                                 .answer = answer,
                                                 .context = bench});
    bench->context.name = mem_text("test");
    bench->context.endpoint = mem_text(peer_endpoint(bench->peer));
    bench->context.pair = bench->user;
    memcpy(bench->context.server_key, bench->server.public_key, KEYS_SIZE);
}

static void
open_client(struct bench *bench, int64_t timeout_ms)
{
    bench->client = client_new(&bench->context, timeout_ms, &bench->error);
    assert_non_null(bench->client);
}

static void
close_bench(struct bench *bench)
{
    client_destroy(&bench->client);
    peer_destroy(&bench->peer);
    context_release(&bench->context);
    arena_release(&bench->arena);
    text_release(&bench->uploaded);
}

static bool
ask(struct bench *bench, struct message request)
{
    return client_ask(bench->client, &request, &bench->arena, &bench->answer, &bench->error);
}

static struct message
pause_run(void)
{
    return (struct message){.type = MESSAGE_STEER, .steer = {.run = "7", .verb = STEER_PAUSE}};
}

/* ---- answers ------------------------------------------------------------------------------- */

static bool
say_done(void *context, const struct message *request, struct arena *arena, struct message *answer)
{
    struct bench *bench = context;

    (void)arena;
    bench->requests++;
    bench->cluster_seen = request->cluster_id;
    if (bench->requests <= bench->silent) {
        return false;
    }
    *answer = (struct message){.type = MESSAGE_DONE, .done = {.text = "paused"}};
    return true;
}

static bool
refuse(void *context, const struct message *request, struct arena *arena, struct message *answer)
{
    (void)context;
    (void)request;
    (void)arena;
    *answer = (struct message){
        .type = MESSAGE_REFUSED,
        .refused = {.fault = {.code = "E-RUN-UNKNOWN", .text = "there is no run 7"}}};
    return true;
}

static bool
page(void *context, const struct message *request, struct arena *arena, struct message *answer)
{
    struct bench *bench = context;
    const uint64_t total = 120;
    uint64_t offset = request->runs.offset;
    size_t count = total - offset > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : total - offset;
    struct run_row *rows = arena_alloc(arena, (count + 1) * sizeof *rows);

    bench->requests++;
    for (size_t i = 0; i < count; i++) {
        rows[i] =
            (struct run_row){.number = offset + i, .services = "auth", .operator_name = "alice"};
    }
    *answer = (struct message){
        .type = MESSAGE_RUNS_VIEW,
        .runs_view = {.total = total, .offset = offset, .rows = rows, .row_count = count}};
    return true;
}

static bool
take_upload(void *context, const struct message *request, struct arena *arena,
            struct message *answer)
{
    struct bench *bench = context;

    (void)arena;
    bench->requests++;
    if (request->type == MESSAGE_PUT) {
        assert(request->put.offset == bench->upload_from + bench->uploaded.size);
        text_append_bytes(&bench->uploaded, request->put.bytes.data, request->put.bytes.size);
    }
    uint64_t offset = bench->upload_from + bench->uploaded.size;
    bool is_complete = request->type == MESSAGE_PUT && offset == request->put.total;
    *answer = (struct message){.type = MESSAGE_OFFERED,
                               .offered = {.is_complete = is_complete, .offset = offset}};
    return true;
}

/* ---- asking -------------------------------------------------------------------------------- */

static void
is_answered_and_learns_the_cluster(void **state)
{
    struct bench bench = {0};
    struct id cluster;

    (void)state;
    open_bench(&bench, say_done);
    open_client(&bench, 5000);
    cluster = peer_cluster(bench.peer);

    assert_true(ask(&bench, pause_run()));
    assert_int_equal(bench.answer.type, MESSAGE_DONE);
    assert_string_equal(bench.answer.done.text, "paused");
    assert_true(id_is_none(&bench.cluster_seen));

    assert_true(ask(&bench, pause_run()));
    assert_true(id_equal(&bench.cluster_seen, &cluster));
    close_bench(&bench);
}

static void
passes_on_what_the_coordinator_refuses(void **state)
{
    struct bench bench = {0};

    (void)state;
    open_bench(&bench, refuse);
    open_client(&bench, 5000);
    assert_false(ask(&bench, pause_run()));
    assert_string_equal(bench.error.code, "E-RUN-UNKNOWN");
    assert_string_equal(bench.error.text, "there is no run 7");
    close_bench(&bench);
}

static void
says_it_again_when_no_answer_comes(void **state)
{
    struct bench bench = {.silent = 1};

    (void)state;
    open_bench(&bench, say_done);
    open_client(&bench, 10000);
    assert_true(ask(&bench, pause_run()));
    assert_int_equal(bench.requests, 2);
    close_bench(&bench);
}

static void
says_that_nothing_was_stored_when_nobody_is_there(void **state)
{
    struct bench bench = {0};

    (void)state;
    open_bench(&bench, say_done);
    peer_destroy(&bench.peer);
    open_client(&bench, 700);
    int64_t begun_ms = clock_now_ms();

    assert_false(ask(&bench, pause_run()));

    assert_string_equal(bench.error.code, "E-NET-UNREACHABLE");
    assert_string_equal(bench.error.where, bench.context.endpoint);
    assert_non_null(strstr(bench.error.found, "nothing can have been stored"));
    assert_true(clock_now_ms() - begun_ms < 5000);
    close_bench(&bench);
}

static void
says_what_may_have_been_stored_and_how_to_ask_again(void **state)
{
    struct bench bench = {.silent = 1000};
    struct message apply = {.type = MESSAGE_APPLY, .apply = {.plan_id = id_random()}};
    char plan[ID_TEXT_SIZE], request[ID_TEXT_SIZE];

    (void)state;
    apply.apply.request = id_random();
    id_text(&apply.apply.plan_id, plan);
    id_text(&apply.apply.request, request);
    open_bench(&bench, say_done);
    open_client(&bench, 700);

    assert_false(ask(&bench, apply));

    assert_string_equal(bench.error.code, "E-NET-UNREACHABLE");
    assert_non_null(strstr(bench.error.found, "may have been stored"));
    assert_non_null(strstr(bench.error.found, request));
    assert_non_null(strstr(bench.error.hint, plan));
    close_bench(&bench);
}

static void
tells_a_wrong_server_key_from_nobody_there(void **state)
{
    struct bench bench = {0};
    struct key_pair other;

    (void)state;
    open_bench(&bench, say_done);
    keys_generate(&other);
    memcpy(bench.context.server_key, other.public_key, KEYS_SIZE);
    open_client(&bench, 10000);

    assert_false(ask(&bench, pause_run()));

    assert_string_equal(bench.error.code, "E-KEY-SERVER-MISMATCH");
    assert_non_null(strstr(bench.error.found, "nothing can have been stored"));
    assert_int_equal(bench.requests, 0);
    close_bench(&bench);
}

static void
is_told_when_its_own_key_is_not_let_in(void **state)
{
    struct bench bench = {0};

    (void)state;
    open_bench(&bench, say_done);
    keys_generate(&bench.context.pair);
    open_client(&bench, 10000);

    assert_false(ask(&bench, pause_run()));

    assert_string_equal(bench.error.code, "E-AUTH-REVOKED");
    assert_int_equal(bench.requests, 0);
    close_bench(&bench);
}

static bool
always(void)
{
    return true;
}

static void
stops_waiting_when_it_is_told_to(void **state)
{
    struct bench bench = {.silent = 1000};
    int64_t begun_ms = clock_now_ms();

    (void)state;
    open_bench(&bench, say_done);
    open_client(&bench, 60000);
    client_stop_when(bench.client, always);
    assert_false(ask(&bench, pause_run()));
    assert_string_equal(bench.error.code, "E-NET-INTERRUPTED");
    assert_true(clock_now_ms() - begun_ms < 5000);
    close_bench(&bench);
}

/* ---- pages and uploads --------------------------------------------------------------------- */

static void
puts_pages_together(void **state)
{
    struct bench bench = {0};
    const struct message request = {.type = MESSAGE_RUNS};

    (void)state;
    open_bench(&bench, page);
    open_client(&bench, 5000);
    assert_true(
        pages_ask(bench.client, &request, PAGES_ALL, &bench.arena, &bench.answer, &bench.error));
    assert_int_equal(bench.answer.runs_view.row_count, 120);
    for (size_t i = 0; i < 120; i++) {
        assert_int_equal(bench.answer.runs_view.rows[i].number, i);
    }
    assert_int_equal(bench.requests, 3);

    assert_true(pages_ask(bench.client, &request, 60, &bench.arena, &bench.answer, &bench.error));
    assert_int_equal(bench.answer.runs_view.row_count, 100);
    assert_int_equal(bench.requests, 5);
    close_bench(&bench);
}

static void
uploads_from_where_the_coordinator_is(uint64_t from)
{
    struct bench bench = {.upload_from = from};
    const size_t size = 2 * CHUNK_SIZE_MAX + 1000;
    CLEANUP(mem_free) char *bytes = mem_zalloc(size);

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 31 + i / 251);
    }
    struct bundle bundle = {.manifest = {.service = "auth"}, .bytes = {bytes, size}};
    open_bench(&bench, take_upload);
    open_client(&bench, 5000);
    assert_true(upload_bundle(bench.client, &bundle, &bench.error));
    assert_int_equal(bench.uploaded.size, size - from);
    assert_memory_equal(bench.uploaded.data, bytes + from, size - from);
    close_bench(&bench);
}

static void
uploads_in_pieces_and_goes_on_where_it_was_cut(void **state)
{
    (void)state;
    uploads_from_where_the_coordinator_is(0);
    uploads_from_where_the_coordinator_is(300000);
}

static bool
take_nothing(void *context, const struct message *request, struct arena *arena,
             struct message *answer)
{
    (void)context;
    (void)request;
    (void)arena;
    *answer = (struct message){.type = MESSAGE_OFFERED, .offered = {.offset = 0}};
    return true;
}

static void
gives_up_an_upload_that_is_not_taken(void **state)
{
    struct bench bench = {0};
    struct bundle bundle = {.manifest = {.service = "auth"}, .bytes = {"abc", 3}};

    (void)state;
    open_bench(&bench, take_nothing);
    open_client(&bench, 5000);
    assert_false(upload_bundle(bench.client, &bundle, &bench.error));
    assert_string_equal(bench.error.code, "E-BUNDLE-UPLOAD");
    close_bench(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_answered_and_learns_the_cluster),
        cmocka_unit_test(passes_on_what_the_coordinator_refuses),
        cmocka_unit_test(says_it_again_when_no_answer_comes),
        cmocka_unit_test(says_that_nothing_was_stored_when_nobody_is_there),
        cmocka_unit_test(says_what_may_have_been_stored_and_how_to_ask_again),
        cmocka_unit_test(tells_a_wrong_server_key_from_nobody_there),
        cmocka_unit_test(is_told_when_its_own_key_is_not_let_in),
        cmocka_unit_test(stops_waiting_when_it_is_told_to),
        cmocka_unit_test(puts_pages_together),
        cmocka_unit_test(uploads_in_pieces_and_goes_on_where_it_was_cut),
        cmocka_unit_test(gives_up_an_upload_that_is_not_taken),
    };
    return RUN_TESTS(tests);
}
