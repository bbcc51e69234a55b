#include "coordinator/core/operator.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/adopting.h"
#include "coordinator/core/apply.h"
#include "coordinator/core/party.h"
#include "coordinator/core/planning.h"
#include "coordinator/core/show.h"
#include "coordinator/core/sizing.h"
#include "coordinator/core/steer.h"
#include "coordinator/core/target.h"

static const char *const roles[ROLE_COUNT] = {"viewer", "operator", "admin"};

static enum role
needed_role(enum message_type type)
{
    switch (type) {
    case MESSAGE_OFFER:
    case MESSAGE_PUT:
    case MESSAGE_PLAN:
    case MESSAGE_PLAN_PAGE:
    case MESSAGE_APPLY:
    case MESSAGE_ADOPTION:
    case MESSAGE_SIZES:
    case MESSAGE_STEER:
    case MESSAGE_FORGET:
        return ROLE_OPERATOR;
    case MESSAGE_ENROL:
    case MESSAGE_EXPEL:
        return ROLE_ADMIN;
    default:
        return ROLE_VIEWER;
    }
}

static bool
check_operator(const struct core *core, const struct person *person, const struct message *message,
               struct error *error)
{
    if (!person) {
        return error_set(error, "E-AUTH-REVOKED", "this key is not enrolled");
    }
    if (!id_is_none(&message->cluster_id) &&
        !id_equal(&message->cluster_id, &core->config.cluster_id)) {
        return error_set(error, "E-PROTO-CLUSTER", "this message is for another cluster");
    }
    if (!message_may_come_from(message->type, FROM_OPERATOR)) {
        return error_set(error, "E-AUTH-TYPE", "an operator may not say %s",
                         message_name(message->type));
    }
    enum role needed = needed_role(message->type);
    if (person->role < needed) {
        error_set(error, "E-AUTH-ROLE", "%s is a %s", person->name, roles[person->role]);
        return error_found(error, "needs the role %s", roles[needed]);
    }
    return true;
}

/* ---- changes, each made once for a request -------------------------------------------------- */

static void
tell_done(struct core *core, const struct event *event, const char *text)
{
    struct message message = {.type = MESSAGE_DONE};

    message.done = (struct done){event->message->runs.request, text};
    core_tell_operator(core, event->route, &message);
}

static const struct answered *
answered_before(const struct core *core, const struct event *event)
{
    for (size_t i = 0; i < ANSWERED_MAX; i++) {
        const struct answered *answered = &core->answered[i];
        if (answered->text && id_equal(&answered->request, &event->message->runs.request) &&
            memcmp(&answered->key, &event->key, sizeof event->key) == 0) {
            return answered;
        }
    }
    return NULL;
}

static void
remember(struct core *core, const struct event *event, const char *text)
{
    struct answered *answered = &core->answered[core->answered_count++ % ANSWERED_MAX];

    free(answered->text);
    *answered = (struct answered){event->message->runs.request, event->key, mem_text(text)};
}

static enum steer_answer
make_change(struct core *core, const struct person *person, const struct event *event,
            const char **text, struct error *error)
{
    const struct message *message = event->message;
    bool is_done;

    switch (message->type) {
    case MESSAGE_STEER:
        return steer_take(core, person, event, text, error);
    case MESSAGE_ENROL:
        is_done = party_enrol(core, person, &message->enrol, text, error);
        break;
    case MESSAGE_EXPEL:
        is_done = party_expel(core, person, &message->expel, text, error);
        break;
    default:
        is_done = target_forget(core, person, &message->forget, text, error);
        break;
    }
    return is_done ? STEER_ANSWERED : STEER_REFUSED;
}

static void
change(struct core *core, const struct person *person, const struct event *event)
{
    const struct answered *before = answered_before(core, event);
    const char *text = "";
    struct error error;

    if (before) {
        tell_done(core, event, before->text);
        return;
    }
    enum steer_answer answer = make_change(core, person, event, &text, &error);
    if (answer == STEER_ANSWERED) {
        remember(core, event, text);
        tell_done(core, event, text);
    } else if (answer == STEER_REFUSED) {
        core_refuse(core, event->route, &event->message->runs.request, &error);
    }
}

void
operator_message(struct core *core, const struct event *event)
{
    struct person *person = person_with_key(core, &event->key);
    struct error error;

    if (!check_operator(core, person, event->message, &error)) {
        TRACE(core, "refused %s: %s", message_name(event->message->type), error.code);
        core_refuse(core, event->route, &event->message->runs.request, &error);
        return;
    }
    switch (event->message->type) {
    case MESSAGE_PLAN:
        planning_ask(core, person, event);
        break;
    case MESSAGE_PLAN_PAGE:
        planning_page(core, event);
        break;
    case MESSAGE_ADOPTION:
        adopting_ask(core, person, event);
        break;
    case MESSAGE_SIZES:
        sizing_ask(core, event);
        break;
    case MESSAGE_APPLY:
        apply_take(core, person, event);
        break;
    case MESSAGE_STEER:
    case MESSAGE_ENROL:
    case MESSAGE_EXPEL:
    case MESSAGE_FORGET:
        change(core, person, event);
        break;
    default:
        show_take(core, event);
        break;
    }
}
