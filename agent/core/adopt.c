#include <stdlib.h>

#include "common/base/mem.h"
#include "agent/core/state.h"

#define ADOPTIONS_MAX 4 /* unanswered for one target */

/* An ADOPT that waits for its bundle, or that the worker is busy with. */
struct agent_adoption {
    struct adopt adopt;
    struct agent_bundle *bundle;
    struct agent_adoption *prev, *next;
};

static void
forget(struct agent_core *core, struct agent_target *target, struct agent_adoption *adoption)
{
    if (target->adopting == adoption) {
        target->adopting = NULL;
    } else {
        DL_DELETE(target->adoptions, adoption);
        target->adoption_count--;
    }
    agent_bundle_drop(core, &adoption->bundle);
    free(adoption);
}

static void
tell(struct agent_core *core, const struct adopt *adopt, const struct adopt_result *result)
{
    struct message message = {.type = MESSAGE_ADOPTED};

    if (!agent_session_is(core, &adopt->session)) {
        return;
    }
    message.adopted = (struct adopted){.session = adopt->session,
                                       .adopt_id = adopt->adopt_id,
                                       .target_id = adopt->target_id,
                                       .result = *result};
    agent_tell(core, &message);
}

static void
refuse(struct agent_core *core, const struct adopt *adopt, const struct fault *fault)
{
    const struct adopt_result result = {.fault = *fault};

    tell(core, adopt, &result);
}

/* ---- ADOPT --------------------------------------------------------------------------------- */

/* Whether it is being taken care of, in this session. */
static bool
is_known(const struct agent_target *target, const struct adopt *adopt)
{
    const struct agent_adoption *known;

    if (target->adopting && id_equal(&target->adopting->adopt.adopt_id, &adopt->adopt_id)) {
        target->adopting->adopt.session = adopt->session;
        return true;
    }
    DL_FOREACH(target->adoptions, known)
    {
        if (id_equal(&known->adopt.adopt_id, &adopt->adopt_id)) {
            return true;
        }
    }
    return false;
}

void
agent_adopt_ask(struct agent_core *core, const struct adopt *adopt)
{
    struct agent_target *target = agent_target_find(core, &adopt->target_id);

    if (!agent_session_is(core, &adopt->session)) {
        trace_line(&core->trace, "ADOPT ignored: it is of another session");
        return;
    }
    if (!target) {
        refuse(core, adopt,
               &(struct fault){.code = "E-TARGET-UNKNOWN",
                               .text = "this agent does not serve such a target"});
        return;
    }
    agent_target_heard(target);
    if (is_known(target, adopt) || target->adoption_count == ADOPTIONS_MAX) {
        return;
    }
    struct agent_adoption *adoption = mem_zalloc(sizeof *adoption);
    adoption->adopt = *adopt;
    DL_APPEND(target->adoptions, adoption);
    target->adoption_count++;
    trace_line(&core->trace, "%s: adopt", target->name);
    adoption->bundle = agent_bundle_take(core, &adopt->digest);
    agent_target_advance(core, target);
}

/* ---- its turn ------------------------------------------------------------------------------ */

bool
agent_adopt_is_ready(const struct agent_core *core, const struct agent_target *target)
{
    const struct agent_adoption *first = target->adoptions;

    return first && !target->current && !target->is_refused && agent_session_is_live(core) &&
           first->bundle && first->bundle->state == AGENT_BUNDLE_THERE;
}

void
agent_adopt_begin(struct agent_core *core, struct agent_target *target)
{
    struct agent_adoption *adoption = target->adoptions;
    struct agent_action action = {.kind = AGENT_ADOPT,
                                  .target = target->index,
                                  .cluster_id = core->session.cluster_id,
                                  .adopt = &adoption->adopt};

    DL_DELETE(target->adoptions, adoption);
    target->adoption_count--;
    target->adopting = adoption;
    adoption->adopt.token = core->session.token;
    agent_actions_add(core->actions, &action);
}

void
agent_adopt_answered(struct agent_core *core, struct agent_target *target,
                     const struct adopt_result *result)
{
    struct agent_adoption *adoption = target->adopting;

    tell(core, &adoption->adopt, result);
    forget(core, target, adoption);
}

/* ---- what is not wanted, or cannot be had --------------------------------------------------- */

void
agent_adopt_drop(struct agent_core *core, struct agent_target *target)
{
    while (target->adoptions) {
        forget(core, target, target->adoptions);
    }
}

void
agent_adopt_refuse(struct agent_core *core, const struct agent_bundle *bundle,
                   const struct fault *fault)
{
    for (size_t i = 0; i < core->target_count; i++) {
        struct agent_target *target = &core->targets[i];
        struct agent_adoption *adoption, *next;

        DL_FOREACH_SAFE(target->adoptions, adoption, next)
        {
            if (adoption->bundle == bundle) {
                refuse(core, &adoption->adopt, fault);
                forget(core, target, adoption);
            }
        }
    }
}

void
agent_adopt_release(struct agent_target *target)
{
    free(target->adopting);
    target->adopting = NULL;
}
