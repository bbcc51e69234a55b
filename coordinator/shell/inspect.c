#include "coordinator/shell/inspect.h"

#include <czmq.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "proto/codec.h"
#include "coordinator/shell/inspect_views.h"
#include "coordinator/shell/recall.h"

#define TAKE_MAX 1000 /* messages between two looks at the signals */

/* One request and what it is answered with. */
struct inspection {
    struct store *store;
    struct arena arena;
    struct message request, answer;
};

static void
inspection_release(struct inspection *inspection)
{
    arena_release(&inspection->arena);
}

/* Why the store is only looked at, as far as it is known. */
static const char *
notice_of(struct inspection *inspection)
{
    const struct error *doubt = store_doubt(inspection->store);

    if (!doubt) {
        return "nothing runs, the store is only shown";
    }
    return arena_format(&inspection->arena, "nothing runs, the store is only shown: %s: %s",
                        doubt->code, doubt->text);
}

static bool
refuse_change(const struct inspection *inspection, struct error *error)
{
    const struct error *doubt = store_doubt(inspection->store);

    error_set(error, "E-STORE-INSPECTED", "this coordinator only shows its store");
    if (doubt) {
        error_found(error, "%s: %s", doubt->code, doubt->text);
    }
    return error_hint(error, "status, runs, log, targets, agents and operators are answered; to "
                             "change anything mend the store and start without --inspect");
}

static bool
answer_request(struct inspection *inspection, struct error *error)
{
    const struct message *request = &inspection->request;

    switch (request->type) {
    case MESSAGE_STATUS:
    case MESSAGE_RUNS:
    case MESSAGE_LOG:
        return recall_answer(inspection->store, NULL, request, &inspection->arena,
                             &inspection->answer, error);
    case MESSAGE_TARGETS:
    case MESSAGE_AGENTS:
    case MESSAGE_OPERATORS:
        return inspect_view(inspection->store, request, &inspection->arena, &inspection->answer,
                            error);
    default:
        return refuse_change(inspection, error);
    }
}

/* What somebody else has written into a row need not fit into a message. */
static bool
can_be_said(const struct message *answer, struct error *error)
{
    struct error why;

    if (pack_check(message_shape(answer->type), &answer->hello, &why)) {
        return true;
    }
    error_set(error, "E-STORE-CORRUPT", "the store holds what cannot be shown: %s", why.text);
    return error_where(error, "%s", why.where);
}

static void
answer(struct inspection *inspection)
{
    struct error error;

    if (!answer_request(inspection, &error) || !can_be_said(&inspection->answer, &error)) {
        recall_refuse(&inspection->request, &error, &inspection->arena, &inspection->answer);
    } else if (inspection->answer.type == MESSAGE_RUN_VIEW) {
        inspection->answer.run_view.notice = notice_of(inspection);
    }
}

static bool
read_frame(struct inspection *inspection, const struct frame *frame, struct error *error)
{
    const struct id *meant = &inspection->request.cluster_id;
    struct id own = store_cluster_id(inspection->store);

    if (!codec_decode(frame->data, frame->size, FROM_OPERATOR, &inspection->arena,
                      &inspection->request, error)) {
        return false;
    }
    return id_is_none(meant) || id_equal(meant, &own) ||
           error_set(error, "E-PROTO-CLUSTER", "this is another cluster's coordinator");
}

/* What the connection does not take is asked for again. */
static void
take(const struct loop_parts *parts, const struct frame *frame)
{
    CLEANUP(inspection_release) struct inspection inspection = {.store = parts->store};
    CLEANUP(text_release) struct text bytes = {0};
    struct error error;

    if (!gate_allows(parts->gate, PARTY_OPERATOR, &frame->key)) {
        return;
    }
    if (read_frame(&inspection, frame, &error)) {
        answer(&inspection);
    } else {
        inspection.answer.type = MESSAGE_REJECT;
        inspection.answer.reject.fault = fault_from_error(&error, &inspection.arena);
    }
    inspection.answer.cluster_id = store_cluster_id(parts->store);
    codec_encode(&inspection.answer, &bytes);
    (void)doors_send(parts->doors, PARTY_OPERATOR, frame->route, bytes.data, bytes.size);
}

void
inspect_run(const struct loop_parts *parts, void (*is_ready)(void))
{
    zmq_pollitem_t items[] = {
        {.fd = parts->signals, .events = ZMQ_POLLIN},
        {.socket = doors_socket(parts->doors, PARTY_OPERATOR), .events = ZMQ_POLLIN},
    };
    struct frame frame;

    log_warn("inspecting the store: it is shown to operators, nothing is started, assigned or "
             "changed");
    is_ready();
    while (!items[0].revents) {
        for (int i = 0; i < TAKE_MAX && doors_receive(parts->doors, PARTY_OPERATOR, &frame); i++) {
            take(parts, &frame);
        }
        (void)zmq_poll(items, sizeof items / sizeof *items, -1);
    }
    log_info("a signal came: ending");
}
