#include "coordinator/client/client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/codec.h"
#include "coordinator/client/link.h"

#define RESEND_MS 2000
#define CONNECT_MS 5000 /* without any connection there is no use in waiting longer */

struct client {
    struct link *link;
    char *endpoint;
    int64_t timeout_ms;
    bool (*is_stopped)(void);
    struct id cluster_id;
};

/* One question, from the first try to its answer. */
struct question {
    const struct message *request;
    struct id id;
    struct text frame;
    int64_t begun_ms, heard_ms; /* the deadline counts from when something was last heard */
    int64_t sent_ms;            /* 0: not yet */
    unsigned session;           /* the connection it was last sent over */
    bool was_sent;
};

struct client *
client_new(const struct context *context, int64_t timeout_ms, struct error *error)
{
    struct link *link = link_new(context->endpoint, context->server_key, &context->pair);

    if (!link) {
        error_set(error, "E-CFG-RANGE", "the endpoint of context '%s' is none", context->name);
        error_found(error, "'%.80s'; allowed: tcp://HOST:PORT", context->endpoint);
        return NULL;
    }
    struct client *client = mem_zalloc(sizeof *client);
    client->link = link;
    client->endpoint = mem_text(context->endpoint);
    client->timeout_ms = timeout_ms;
    return client;
}

void
client_destroy(struct client **client_p)
{
    struct client *client = *client_p;

    if (client) {
        link_destroy(&client->link);
        free(client->endpoint);
        free(client);
        *client_p = NULL;
    }
}

void
client_set_timeout(struct client *client, int64_t timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

void
client_stop_when(struct client *client, bool (*is_stopped)(void))
{
    client->is_stopped = is_stopped;
}

/* Every operator's message and every answer to one begins with the request's id. */
#define BEGINS_WITH_ID(NAME, member, type, sender)                                                 \
    case MESSAGE_##NAME:                                                                           \
        return sender == FROM_OPERATOR || MESSAGE_##NAME >= MESSAGE_REFUSED                        \
                   ? (struct id *)&message->member                                                 \
                   : NULL;

struct id *
client_request_id(struct message *message)
{
    switch (message->type) {
        MESSAGE_TABLE(BEGINS_WITH_ID)
    default:
        return NULL;
    }
}

/* ---- what went wrong ----------------------------------------------------------------------- */

/* Whether saying it may have changed something. */
static bool
changes_something(enum message_type type)
{
    switch (type) {
    case MESSAGE_APPLY:
    case MESSAGE_STEER:
    case MESSAGE_ENROL:
    case MESSAGE_EXPEL:
    case MESSAGE_FORGET:
    case MESSAGE_ADOPTION:
    case MESSAGE_PUT:
        return true;
    default:
        return false;
    }
}

/* Say whether the request may have been stored, and how to ask again. */
static void
describe_request(const struct question *question, struct error *error)
{
    char id[ID_TEXT_SIZE];

    if (!question->was_sent) {
        error_found(error, "nothing was sent: nothing can have been stored");
        error_hint(error, "is the coordinator running, and is the endpoint right?");
        return;
    }
    if (!changes_something(question->request->type)) {
        error_found(error, "request %s was sent; it changes nothing", id_text(&question->id, id));
        error_hint(error, "ask again");
        return;
    }
    error_found(error, "request %s was sent and may have been stored", id_text(&question->id, id));
    if (question->request->type == MESSAGE_APPLY) {
        id_text(&question->request->apply.plan_id, id);
        error_hint(error,
                   "ask: skein status %s; or say it again, it is the same run: skein apply "
                   "--plan %s",
                   id, id);
    } else {
        error_hint(error, "say it again: that is safe");
    }
}

static bool
unreachable(const struct client *client, const struct question *question, struct error *error)
{
    int64_t waited_ms = clock_now_ms() - question->begun_ms;

    switch (link_state(client->link)) {
    case LINK_UP:
        error_set(error, "E-NET-UNREACHABLE", "the coordinator does not answer (%.1f s)",
                  (double)waited_ms / 1000);
        break;
    case LINK_CONNECTING:
        error_set(error, "E-NET-UNREACHABLE", "the connection to the coordinator was lost");
        break;
    default:
        error_set(error, "E-NET-UNREACHABLE", "the coordinator cannot be reached (%.1f s)",
                  (double)waited_ms / 1000);
    }
    error_where(error, "%s", client->endpoint);
    describe_request(question, error);
    return false;
}

static bool
mismatch(const struct client *client, const struct question *question, struct error *error)
{
    error_set(error, "E-KEY-SERVER-MISMATCH",
              "who answers there does not have the coordinator's key");
    error_where(error, "%s", client->endpoint);
    describe_request(question, error);
    return error_hint(error, "compare 'server' in contexts.yaml with the coordinator's .pub file, "
                             "and the endpoint with its operators' one");
}

static bool
turned_away(const struct client *client, struct error *error)
{
    error_set(error, "E-AUTH-REVOKED",
              "the coordinator does not let this key in: it is unknown or was revoked");
    error_where(error, "%s", client->endpoint);
    return error_hint(error, "an admin can enrol it: skein operator add NAME --key KEY");
}

/* Whether there is a reason to give up; the error then says which. */
static bool
gives_up(const struct client *client, const struct question *question, struct error *error)
{
    int64_t now_ms = clock_now_ms();
    enum link_state state = link_state(client->link);

    if (client->is_stopped && client->is_stopped()) {
        error_set(error, "E-NET-INTERRUPTED", "interrupted");
        describe_request(question, error);
        return true;
    }
    if (state == LINK_REFUSED) {
        turned_away(client, error);
        return true;
    }
    if (state == LINK_STRANGER) {
        mismatch(client, question, error);
        return true;
    }
    bool is_late = now_ms - question->heard_ms >= client->timeout_ms;
    bool is_away = state == LINK_UNREACHED && now_ms - question->begun_ms >= CONNECT_MS;
    if (is_late || is_away) {
        unreachable(client, question, error);
        return true;
    }
    return false;
}

/* ---- asking -------------------------------------------------------------------------------- */

/* Send it: the first time, in every new session, and when no answer came for a while. */
static void
say(struct client *client, struct question *question)
{
    int64_t now_ms = clock_now_ms();
    bool is_due = !question->was_sent || question->session != link_sessions(client->link) ||
                  now_ms - question->sent_ms >= RESEND_MS;

    if (is_due && link_send(client->link, question->frame.data, question->frame.size)) {
        question->was_sent = true;
        question->sent_ms = now_ms;
        question->session = link_sessions(client->link);
    }
}

static int64_t
wait_ms(const struct client *client, const struct question *question)
{
    int64_t now_ms = clock_now_ms();
    int64_t until_ms = question->heard_ms + client->timeout_ms;

    if (question->was_sent && question->sent_ms + RESEND_MS < until_ms) {
        until_ms = question->sent_ms + RESEND_MS;
    }
    if (link_state(client->link) == LINK_UNREACHED && question->begun_ms + CONNECT_MS < until_ms) {
        until_ms = question->begun_ms + CONNECT_MS;
    }
    return until_ms > now_ms ? until_ms - now_ms : 1;
}

/* Whether an answer is the last one: a plan is shown while it is being made. */
static bool
is_final(const struct message *answer)
{
    if (answer->type == MESSAGE_ADOPTION_VIEW) {
        return answer->adoption_view.is_ready;
    }
    if (answer->type == MESSAGE_SIZES_VIEW) {
        return answer->sizes_view.is_ready;
    }
    return answer->type != MESSAGE_PLANNED || answer->planned.is_ready;
}

enum verdict { VERDICT_GO_ON, VERDICT_ANSWERED, VERDICT_FAILED };

/* What a frame means for the question. What belongs to an earlier question is passed over. */
static enum verdict
judge(struct client *client, struct question *question, const struct text *frame,
      struct arena *arena, struct message *answer, struct error *error)
{
    if (!codec_decode(frame->data, frame->size, FROM_COORDINATOR, arena, answer, error)) {
        error_prefix(error, "the coordinator's answer");
        return VERDICT_FAILED;
    }
    if (answer->type == MESSAGE_REJECT) {
        fault_to_error(&answer->reject.fault, error);
        return VERDICT_FAILED;
    }
    struct id *id = client_request_id(answer);
    if (!id || !id_equal(id, &question->id)) {
        return VERDICT_GO_ON;
    }
    question->heard_ms = clock_now_ms();
    client->cluster_id = answer->cluster_id;
    if (answer->type == MESSAGE_REFUSED) {
        fault_to_error(&answer->refused.fault, error);
        return VERDICT_FAILED;
    }
    return is_final(answer) ? VERDICT_ANSWERED : VERDICT_GO_ON;
}

static bool
converse(struct client *client, struct question *question, struct arena *arena,
         struct message *answer, struct error *error)
{
    CLEANUP(text_release) struct text frame = {0};
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON) {
        say(client, question);
        if (link_receive(client->link, wait_ms(client, question), &frame)) {
            verdict = judge(client, question, &frame, arena, answer, error);
        } else if (gives_up(client, question, error)) {
            verdict = VERDICT_FAILED;
        }
    }
    return verdict == VERDICT_ANSWERED;
}

bool
client_ask(struct client *client, struct message *request, struct arena *arena,
           struct message *answer, struct error *error)
{
    struct id *id = client_request_id(request);

    assert(id && message_may_come_from(request->type, FROM_OPERATOR));
    if (id_is_none(id)) {
        *id = id_random();
    }
    request->cluster_id = client->cluster_id;
    if (!pack_check(message_shape(request->type), &request->hello, error)) {
        return false; /* what a person typed is larger than a message may be */
    }
    struct question question = {.request = request, .id = *id};
    question.begun_ms = question.heard_ms = clock_now_ms();
    codec_encode(request, &question.frame);
    bool is_answered = converse(client, &question, arena, answer, error);
    text_release(&question.frame);
    return is_answered;
}
