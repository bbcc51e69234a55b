/*
 * pause, resume, cancel, retry; agent and operator add and remove, target remove: what is said in
 * one sentence.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/io/keys.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"

static bool
steer(struct call *call, enum steer_verb verb, const char *run, struct error *error)
{
    struct message request = {.type = MESSAGE_STEER, .steer = {.run = run, .verb = verb}};

    return ask_done(call, &request, error);
}

/* A run or --all, not both and not neither. */
static bool
steer_one_or_all(struct call *call, enum steer_verb one, enum steer_verb all, struct error *error)
{
    const char *run = call_argument(call, 0);
    bool every = call_flag(call, "all");

    if (every == (run != NULL)) {
        error_set(error, "E-CLI-USAGE",
                  every ? "a run and --all are said both" : "it is not said which run");
        return error_hint(error, "skein %s RUN, or skein %s --all", call->command->name,
                          call->command->name);
    }
    return steer(call, every ? all : one, run, error);
}

bool
command_pause(struct call *call, struct error *error)
{
    return steer_one_or_all(call, STEER_PAUSE, STEER_PAUSE_ALL, error);
}

bool
command_resume(struct call *call, struct error *error)
{
    return steer_one_or_all(call, STEER_RESUME, STEER_RESUME_ALL, error);
}

bool
command_cancel(struct call *call, struct error *error)
{
    return steer(call, STEER_CANCEL, call_argument(call, 0), error);
}

bool
command_retry(struct call *call, struct error *error)
{
    return steer(call, STEER_RETRY, call_argument(call, 0), error);
}

static bool
enrol(struct call *call, enum party party, enum role role, struct error *error)
{
    struct message request = {
        .type = MESSAGE_ENROL,
        .enrol = {.party = party, .name = call_argument(call, 0), .role = role},
    };

    return keys_read_public(call_text(call, "key"), request.enrol.key.bytes, error) &&
           ask_done(call, &request, error);
}

static bool
expel(struct call *call, enum party party, struct error *error)
{
    struct message request = {
        .type = MESSAGE_EXPEL,
        .expel = {.party = party, .name = call_argument(call, 0)},
    };
    return ask_done(call, &request, error);
}

bool
command_target_remove(struct call *call, struct error *error)
{
    struct message request = {
        .type = MESSAGE_FORGET,
        .forget = {.target = call_argument(call, 0)},
    };
    return ask_done(call, &request, error);
}

bool
command_agent_add(struct call *call, struct error *error)
{
    return enrol(call, PARTY_AGENT, ROLE_VIEWER, error);
}

bool
command_agent_remove(struct call *call, struct error *error)
{
    return expel(call, PARTY_AGENT, error);
}

bool
command_operator_add(struct call *call, struct error *error)
{
    return enrol(call, PARTY_OPERATOR, (enum role)call_choice(call, "role"), error);
}

bool
command_operator_remove(struct call *call, struct error *error)
{
    return expel(call, PARTY_OPERATOR, error);
}
