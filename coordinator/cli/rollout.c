#include "coordinator/cli/rollout.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/client/upload.h"

/* ---- what is to be done -------------------------------------------------------------------- */

static void
read_spec(const struct call *call, enum run_kind kind, struct rollout *rollout)
{
    struct run_spec *spec = &rollout->spec;
    size_t count;

    spec->kind = kind;
    spec->to_version = call_text(call, "to");
    spec->select = call_text(call, "select");
    const struct share *waves = call_shares(call, "waves", &count);
    spec->waves = arena_copy(&rollout->arena, waves, count * sizeof *waves);
    spec->wave_count = count;
    spec->parallel = (uint64_t)call_number(call, "parallel");
    spec->budget = call_shares(call, "budget", &count)[0];
    spec->on_failure = (enum on_failure)call_choice(call, "on-failure");
    spec->skip_refused = call_flag(call, "skip-refused");
    spec->targets_max = call_flag(call, "yes-all") ? 0 : (uint64_t)call_number(call, "max-targets");
    spec->lock_timeout_ms = (uint64_t)call_number(call, "lock-timeout");
    spec->timeout_ms = (uint64_t)call_number(call, "step-timeout");
}

/* Services that are rolled out together have one window. */
static bool
read_window(const struct call *call, struct rollout *rollout, struct error *error)
{
    const char *text = call_text(call, "window");

    rollout->spec.window = rollout->services.window;
    if (text) {
        return window_parse(text, clock_wall_ms(), &rollout->arena, &rollout->spec.window, error) ||
               error_where(error, "--window");
    }
    if (rollout->services.windows_differ) {
        error_set(error, "E-CLI-USAGE", "the services have different windows");
        return error_hint(error, "say one for all: --window; or apply them one by one");
    }
    return true;
}

static bool
upload(struct rollout *rollout, struct error *error)
{
    struct run_spec *spec = &rollout->spec;

    spec->service_count = rollout->services.count;
    spec->services = arena_alloc(&rollout->arena, spec->service_count * sizeof *spec->services);
    for (size_t i = 0; i < spec->service_count; i++) {
        const struct bundle *bundle = rollout->services.bundles[i];
        spec->services[i].service = bundle->manifest.service;
        spec->services[i].digest = bundle->digest;
        if (!upload_bundle(rollout->client, bundle, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the plan ------------------------------------------------------------------------------ */

/* Read the legs that the first answer did not have. */
static bool
read_rest(struct rollout *rollout, struct error *error)
{
    struct planned first = rollout->planned;
    struct message answer;
    struct message request = {
        .type = MESSAGE_PLAN_PAGE,
        .plan_page = {.plan_id = first.plan_id, .offset = first.leg_count},
    };

    if (first.leg_count < PAGE_SIZE_MAX) {
        return true;
    }
    if (!pages_ask(rollout->client, &request, PAGES_ALL, &rollout->arena, &answer, error)) {
        return false;
    }
    size_t count = first.leg_count + answer.planned.leg_count;
    struct plan_leg *legs = arena_alloc(&rollout->arena, count * sizeof *legs);
    for (size_t i = 0; i < count; i++) {
        legs[i] = i < first.leg_count ? first.legs[i] : answer.planned.legs[i - first.leg_count];
    }
    rollout->planned.legs = legs;
    rollout->planned.leg_count = count;
    return true;
}

static bool
ask_plan(struct rollout *rollout, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_PLAN, .plan = {.spec = rollout->spec}};

    if (!ask_for(rollout->client, &request, MESSAGE_PLANNED, &rollout->arena, &answer, error)) {
        if (error_is(error, "E-SEL-TOO-MANY") && !*error->hint) {
            error_hint(error, "narrow --select, or say --yes-all");
        }
        return false;
    }
    rollout->planned = answer.planned;
    return read_rest(rollout, error);
}

bool
rollout_plan_up(struct call *call, struct rollout *rollout, struct error *error)
{
    if (!services_read(call, call->arguments, call->argument_count, &rollout->services, error)) {
        return false;
    }
    read_spec(call, RUN_UP, rollout);
    if (!read_window(call, rollout, error)) {
        return false;
    }
    rollout->spec.out_of_order = call_flag(call, "out-of-order");
    rollout->client = ask_open(call, error);
    return rollout->client && upload(rollout, error) && ask_plan(rollout, error);
}

/* ---- back ---------------------------------------------------------------------------------- */

static bool
names_run(const char *text)
{
    int64_t number;
    struct id id;

    return text_equal(text, "last") || text_to_number(text, 1, INT64_MAX, &number) ||
           id_parse(text, &id);
}

/* The id of the run that is meant. */
static bool
find_run(struct rollout *rollout, const char *run, struct id *run_id, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_STATUS,
                              .status = {.run = run, .filter = LEGS_FAILING}};

    if (!ask_for(rollout->client, &request, MESSAGE_RUN_VIEW, &rollout->arena, &answer, error)) {
        return false;
    }
    *run_id = answer.run_view.run_id;
    return true;
}

static bool
plan_undo(struct call *call, struct rollout *rollout, struct error *error)
{
    if (call_is_given(call, "to")) {
        error_set(error, "E-CLI-USAGE", "a run is undone whole: --to belongs to a service");
        return error_hint(error, "skein rollback RUN, or skein rollback SERVICE --to VERSION");
    }
    rollout->client = ask_open(call, error);
    return rollout->client &&
           find_run(rollout, call_argument(call, 0), &rollout->spec.undo_run_id, error) &&
           ask_plan(rollout, error);
}

static bool
plan_back(struct call *call, struct rollout *rollout, struct error *error)
{
    if (!call_is_given(call, "to")) {
        error_set(error, "E-CLI-USAGE", "it is not said how far back service %s goes",
                  call_argument(call, 0));
        return error_hint(error, "skein rollback SERVICE --to VERSION, or skein rollback RUN");
    }
    if (!services_read(call, call->arguments, 1, &rollout->services, error)) {
        return false;
    }
    rollout->client = ask_open(call, error);
    return rollout->client && upload(rollout, error) && ask_plan(rollout, error);
}

bool
rollout_plan_down(struct call *call, struct rollout *rollout, struct error *error)
{
    read_spec(call, RUN_DOWN, rollout);
    return names_run(call_argument(call, 0)) ? plan_undo(call, rollout, error)
                                             : plan_back(call, rollout, error);
}

bool
rollout_recall(struct call *call, const char *plan_id, struct rollout *rollout, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_PLAN_PAGE};

    if (!id_parse(plan_id, &request.plan_page.plan_id)) {
        error_set(error, "E-CLI-RANGE", "'%.64s' is not the id of a plan", plan_id);
        error_where(error, "--plan");
        return error_hint(error, "skein plan prints it");
    }
    rollout->client = ask_open(call, error);
    if (!rollout->client ||
        !pages_ask(rollout->client, &request, PAGES_ALL, &rollout->arena, &answer, error)) {
        return false;
    }
    rollout->planned = answer.planned;
    return true;
}

void
rollout_release(struct rollout *rollout)
{
    client_destroy(&rollout->client);
    services_release(&rollout->services);
    arena_release(&rollout->arena);
}
