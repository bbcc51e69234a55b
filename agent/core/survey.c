#include "agent/core/state.h"

#include <stdlib.h>

/*
 * What the coordinator wants to know of a target's database as it is now: what is applied (SURVEY),
 * how large its tables are (MEASURE). The worker looks; whoever asked in this session is answered.
 */

static const struct fault unknown = {.code = "E-TARGET-UNKNOWN",
                                     .text = "this agent does not serve such a target"};

void
agent_target_survey(struct agent_core *core, const struct survey *survey)
{
    if (!agent_session_is(core, &survey->session)) {
        trace_line(&core->trace, "SURVEY ignored: it is of another session");
        return;
    }
    struct agent_target *target = agent_target_find(core, &survey->target_id);
    if (target) {
        agent_target_heard(target);
        struct message question = {.type = MESSAGE_SURVEY, .survey = *survey};
        agent_target_wish(core, target, AGENT_WISH_SURVEY, &survey->survey_id, 0, &question);
        return;
    }
    struct message message = {
        .type = MESSAGE_SURVEYED,
        .surveyed = {.session = core->session.id,
                     .survey_id = survey->survey_id,
                     .target_id = survey->target_id,
                     .fault = unknown},
    };
    agent_tell(core, &message);
}

void
agent_target_measure(struct agent_core *core, const struct measure *measure)
{
    if (!agent_session_is(core, &measure->session)) {
        trace_line(&core->trace, "MEASURE ignored: it is of another session");
        return;
    }
    struct agent_target *target = agent_target_find(core, &measure->target_id);
    if (target) {
        agent_target_heard(target);
        agent_target_wish(core, target, AGENT_WISH_SIZES, &measure->measure_id, 0, NULL);
        return;
    }
    struct message message = {
        .type = MESSAGE_MEASURED,
        .measured = {.session = core->session.id,
                     .measure_id = measure->measure_id,
                     .target_id = measure->target_id,
                     .fault = unknown},
    };
    agent_tell(core, &message);
}

/* The worker has answered: what it was busy with, to be freed. Null: it was not asked for this. */
static struct agent_wish *
take_asked(struct agent_core *core, struct agent_target *target, enum agent_wish_kind kind)
{
    struct agent_wish *asked = target->asked;

    if (target->job != AGENT_JOB_SURVEY || asked->kind != kind) {
        trace_line(&core->trace, "%s: nobody has asked for %s", target->name,
                   kind == AGENT_WISH_SURVEY ? "a survey" : "its sizes");
        return NULL;
    }
    target->asked = NULL;
    return asked;
}

static void
end(struct agent_core *core, struct agent_target *target, struct agent_wish *asked, bool succeeded)
{
    if (!succeeded) {
        agent_target_look_again(core, target);
    }
    agent_wish_free(&asked);
    agent_target_end_job(core, target);
}

void
agent_target_surveyed(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];
    struct agent_wish *asked = take_asked(core, target, AGENT_WISH_SURVEY);

    if (!asked) {
        return;
    }
    if (agent_session_is(core, &asked->session)) {
        struct message message = {.type = MESSAGE_SURVEYED, .surveyed = *event->surveyed};
        message.surveyed.session = asked->session;
        message.surveyed.survey_id = asked->id;
        message.surveyed.target_id = target->report.target_id;
        agent_tell(core, &message);
    }
    end(core, target, asked, event->surveyed->succeeded);
}

void
agent_target_measured(struct agent_core *core, const struct agent_event *event)
{
    struct agent_target *target = &core->targets[event->target];
    struct agent_wish *asked = take_asked(core, target, AGENT_WISH_SIZES);

    if (!asked) {
        return;
    }
    if (agent_session_is(core, &asked->session)) {
        struct message message = {.type = MESSAGE_MEASURED, .measured = *event->measured};
        message.measured.session = asked->session;
        message.measured.measure_id = asked->id;
        message.measured.target_id = target->report.target_id;
        agent_tell(core, &message);
    }
    end(core, target, asked, event->measured->succeeded);
}
