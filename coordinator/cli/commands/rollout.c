/* plan, apply, rollback. */
#include "coordinator/cli/rollout.h"

#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/plan_show.h"
#include "coordinator/cli/show.h"
#include "coordinator/cli/watch.h"

#define ROWS_SHOWN 20 /* targets of a wave, unless --all */

static size_t
rows_shown(const struct call *call)
{
    return call_flag(call, "all") ? SIZE_MAX : ROWS_SHOWN;
}

/* The gravest reason why a target cannot take part, as the error of the whole. */
static bool
refused_error(const struct planned *planned, struct error *error)
{
    const struct plan_leg *leg = plan_gravest(planned);
    char number[FORMAT_SIZE];

    format_counted(planned->refused_count, "target", number);
    if (!leg) {
        return error_set(error, "E-PLAN-REFUSED", "%s cannot take part", number);
    }
    fault_to_error(&leg->fault, error);
    error_prefix(error, "%s cannot take part; %s%s", number,
                 planned->refused_count > 1 ? "above all " : "", leg->target);
    if (!*error->hint) {
        error_hint(error, "mend it, or go without them: --skip-refused");
    }
    return false;
}

/* ---- plan ---------------------------------------------------------------------------------- */

static void
tell_window(const struct rollout *rollout, struct text *out)
{
    char window[WINDOW_TEXT_SIZE];

    if (rollout->spec.window.days) {
        text_format(out, "\nonly within %s\n", window_text(&rollout->spec.window, window));
    }
}

static void
print_plan(const struct call *call, const struct rollout *rollout, bool with_sql)
{
    const struct planned *planned = &rollout->planned;
    CLEANUP(text_release) struct text out = {0};

    if (planned->step_count == 0 && planned->refused_count == 0) {
        plan_render_nothing(planned, &out);
    } else {
        plan_render(planned, &call->terminal, rows_shown(call), &out);
        tell_window(rollout, &out);
    }
    if (with_sql) {
        plan_render_sql(rollout, &call->terminal, &out);
    }
    fputs(text_of(&out), call->terminal.out);
}

static json_t *
plan_with_sql_json(const struct call *call, const struct rollout *rollout)
{
    json_t *plan = plan_json(&rollout->planned);

    if (call_flag(call, "sql")) {
        struct terminal plain = {.width = SIZE_MAX, .has_utf8 = true};
        CLEANUP(text_release) struct text sql = {0};
        plan_render_sql(rollout, &plain, &sql);
        json_object_set_new(plan, "sql", show_json_text(text_of(&sql)));
    }
    return plan;
}

/* What the reader of the files has noted, in one line: most of it is of long ago. */
static void
tell_notes(const struct call *call, const struct services *services)
{
    char number[FORMAT_SIZE];

    if (services->notes.count > 0) {
        show_line(&call->terminal, "\n%s about the files; skein debug bundle SERVICE lists them",
                  format_counted(services->notes.count, "note", number));
    }
}

static bool
tell_plan(struct call *call, const struct rollout *rollout, struct error *error)
{
    const struct planned *planned = &rollout->planned;
    char id[ID_TEXT_SIZE];

    if (call_wants_json(call)) {
        show_json(&call->terminal, plan_with_sql_json(call, rollout));
    } else {
        print_plan(call, rollout, call_flag(call, "sql"));
        tell_notes(call, &rollout->services);
        if (planned->step_count > 0) {
            fprintf(call->terminal.out,
                    "\nnothing was changed; to do exactly this:\n"
                    "  skein apply --plan %s\n",
                    id_text(&planned->plan_id, id));
        }
    }
    if (planned->refused_count > 0 && !call_flag(call, "skip-refused")) {
        refused_error(planned, error);
        call->exit_status = exit_status_of(error->code);
    }
    return true;
}

bool
command_plan(struct call *call, struct error *error)
{
    CLEANUP(rollout_release) struct rollout rollout = {0};

    return rollout_plan_up(call, &rollout, error) && tell_plan(call, &rollout, error);
}

/* ---- apply --------------------------------------------------------------------------------- */

static bool
start(struct rollout *rollout, struct started *started, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_APPLY,
                              .apply = {.plan_id = rollout->planned.plan_id}};

    if (!ask_for(rollout->client, &request, MESSAGE_STARTED, &rollout->arena, &answer, error)) {
        return false;
    }
    *started = answer.started;
    return true;
}

static bool
confirm(const struct call *call, const struct planned *planned, struct error *error)
{
    CLEANUP(mem_free) char *question = NULL;
    char targets[FORMAT_SIZE], steps[FORMAT_SIZE];

    question = mem_format(
        "\n%s %s on %s?", planned->kind == RUN_DOWN ? "undo" : "do",
        format_counted(planned->step_count, "step", steps),
        format_counted(planned->target_count - planned->refused_count, "target", targets));
    return ask_confirm(call, question, error);
}

static bool
tell_started(struct call *call, const struct rollout *rollout, const struct started *started,
             struct error *error)
{
    CLEANUP(mem_free) char *run = mem_format("%" PRIu64, started->number);

    if (call_flag(call, "watch")) {
        if (!call_wants_json(call)) {
            fputc('\n', call->terminal.out);
        }
        return watch_and_tell(call, rollout->client, run, EXIT_UNREACHABLE, error);
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal,
                  json_pack("{s:o, s:I, s:o}", "run_id", show_json_id(&started->run_id), "number",
                            (json_int_t)started->number, "plan", plan_json(&rollout->planned)));
    } else {
        fprintf(call->terminal.out, "\nrun %s has begun\n  watch it:  skein status %s --watch\n",
                run, run);
    }
    return true;
}

static bool
tell_nothing(const struct call *call, const struct rollout *rollout)
{
    if (call_wants_json(call)) {
        show_json(&call->terminal, json_pack("{s:n, s:n, s:o}", "run_id", "number", "plan",
                                             plan_json(&rollout->planned)));
    } else {
        CLEANUP(text_release) struct text out = {0};
        plan_render_nothing(&rollout->planned, &out);
        fputs(text_of(&out), call->terminal.out);
    }
    return true;
}

/* Show the plan, ask, start it, and stay when that is wished. */
static bool
carry_out(struct call *call, struct rollout *rollout, struct error *error)
{
    const struct planned *planned = &rollout->planned;
    bool is_blocked = planned->refused_count > 0 && !rollout->spec.skip_refused &&
                      !call_is_given(call, "skip-refused");
    struct started started;

    if (planned->step_count == 0 && !is_blocked) {
        return tell_nothing(call, rollout);
    }
    if (!call_wants_json(call)) {
        print_plan(call, rollout, call_flag(call, "sql"));
    }
    if (is_blocked) {
        return refused_error(planned, error);
    }
    return confirm(call, planned, error) && start(rollout, &started, error) &&
           tell_started(call, rollout, &started, error);
}

bool
command_apply(struct call *call, struct error *error)
{
    CLEANUP(rollout_release) struct rollout rollout = {0};
    const char *plan_id = call_text(call, "plan");

    if ((plan_id != NULL) == (call->argument_count > 0)) {
        error_set(error, "E-CLI-USAGE",
                  plan_id ? "a plan has its services; none are named beside it"
                          : "it is not said which service");
        return error_hint(error, "skein apply SERVICE…, or skein apply --plan ID");
    }
    return (plan_id ? rollout_recall(call, plan_id, &rollout, error)
                    : rollout_plan_up(call, &rollout, error)) &&
           carry_out(call, &rollout, error);
}

bool
command_rollback(struct call *call, struct error *error)
{
    CLEANUP(rollout_release) struct rollout rollout = {0};

    return rollout_plan_down(call, &rollout, error) && carry_out(call, &rollout, error);
}
