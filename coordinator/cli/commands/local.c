/* up, down: one database, no daemons, the same execution and the same journal. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/execute.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/cost.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/local_plan.h"
#include "coordinator/cli/services.h"
#include "coordinator/cli/show.h"
#include "coordinator/core/probing.h"

#define NOTE_EVERY_MS 200

/* Everything one command on one database holds. */
struct local {
    struct call *call;
    struct sitting *sitting;
    struct services services;
    struct applied_migration *applied;
    size_t applied_count;
    struct local_plan plan;
    struct arena arena;
    size_t label_width; /* of the widest migration in the plan */
    int64_t noted_ms;   /* when a note was last drawn; 0: none stands there */
    json_t *rows;       /* what was done, for --json */
};

static void
local_release(struct local *local)
{
    sitting_destroy(&local->sitting);
    services_release(&local->services);
    arena_release(&local->arena);
    json_decref(local->rows);
}

/* ---- Ctrl-C -------------------------------------------------------------------------------- */

/* Waits for the wish to stop, and passes it on: sitting_stop may be called from another thread. */
static void *
wait_for_stop(void *sitting)
{
    sigset_t signals;
    int number = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    if (sigwait(&signals, &number) == 0 && number != SIGUSR1) {
        sitting_stop(sitting);
    }
    return NULL;
}

/* Call before any other thread is made, so that all of them leave the signals to the waiter. */
static void
block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* ---- looking ------------------------------------------------------------------------------- */

static const struct manifest *
manifest_of(const struct local *local)
{
    return &local->services.bundles[0]->manifest;
}

/* Before anything is made there: what another tool has applied must not run again. */
static bool
open_database(struct local *local, struct error *error)
{
    const struct call *call = local->call;
    const struct target_config config = {
        .name = "local",
        .conninfo = call_text(call, "database"),
        .role = call_text(call, "role"),
    };
    struct target_facts facts;

    if (!database_check(config.conninfo, error)) {
        return false;
    }
    block_signals();
    local->sitting = sitting_new(&config);
    return sitting_check_adopted(local->sitting, manifest_of(local), error) &&
           sitting_examine(local->sitting, &local->arena, &facts, error) &&
           sitting_history(local->sitting, &local->arena, &local->applied, &local->applied_count,
                           error);
}

/* ---- doing --------------------------------------------------------------------------------- */

static void
append_label(const struct migration *migration, struct text *out)
{
    text_format(out, "%s%s%s", migration->version, migration->name ? "  " : "",
                migration->name ? migration->name : "");
}

static size_t
widest_label(const struct local_plan *plan)
{
    size_t widest = 0;

    for (size_t i = 0; i < plan->step_count; i++) {
        CLEANUP(text_release) struct text label = {0};
        append_label(plan->steps[i], &label);
        size_t wide = terminal_columns(text_of(&label));
        widest = wide > widest ? wide : widest;
    }
    return widest;
}

static void
tell_step(struct local *local, const struct migration *migration, const struct outcome *outcome)
{
    const struct terminal *terminal = &local->call->terminal;
    const char *direction = local->plan.direction == DIRECTION_UP ? "up" : "down";
    CLEANUP(text_release) struct text line = {0};
    char time[FORMAT_SIZE];
    bool is_well = outcome->kind == OUTCOME_DONE || outcome->kind == OUTCOME_ALREADY;

    if (call_wants_json(local->call)) {
        json_array_append_new(local->rows,
                              json_pack("{s:o, s:o, s:s, s:s, s:I, s:o}", "version",
                                        show_json_text(migration->version), "name",
                                        show_json_text(migration->name), "direction", direction,
                                        "outcome", show_outcome(outcome->kind), "duration_us",
                                        (json_int_t)outcome->duration_us, "error",
                                        complain_json_fault(&outcome->fault)));
        return;
    }
    append_label(migration, &line);
    size_t room = terminal->width == SIZE_MAX ? SIZE_MAX : terminal->width - 28;
    size_t wide = local->label_width < room ? local->label_width : room;
    CLEANUP(text_release) struct text out = {0};
    text_format(&out, "%-4s  ", direction);
    size_t taken = terminal_clip(terminal, text_of(&line), room, &out);
    text_format(&out, "%*s", (int)(wide - taken) + 2, "");
    terminal_clip_styled(terminal, is_well ? STYLE_GOOD : STYLE_BAD, show_outcome(outcome->kind),
                         SIZE_MAX, &out);
    if (outcome->duration_us > 0) {
        text_format(&out, "  %s", format_duration_us(outcome->duration_us, time));
    }
    CLEANUP(text_release) struct text cost = {0};
    cost_append_step(outcome, &cost);
    text_format(&out, "%s%s", cost.size ? "  " : "", text_of(&cost));
    fprintf(terminal->out, "%s\n", text_of(&out));
    fflush(terminal->out);
}

/* What a long step does just now stands in the line below, until there is something else to say. */
static void
on_note(void *context, const char *note)
{
    struct local *local = context;
    const struct terminal *terminal = &local->call->terminal;
    CLEANUP(text_release) struct text line = {0};
    int64_t now_ms = clock_now_ms();

    if (!terminal->is_terminal || call_wants_json(local->call) ||
        now_ms - local->noted_ms < NOTE_EVERY_MS) {
        return;
    }
    local->noted_ms = now_ms;
    terminal_clip(terminal, note, terminal->width - 1, &line);
    fprintf(terminal->out, "\r%s\033[K", text_of(&line));
    fflush(terminal->out);
}

static void
clear_note(struct local *local)
{
    if (local->noted_ms) {
        fputs("\r\033[K", local->call->terminal.out);
        local->noted_ms = 0;
    }
}

static bool
carry_step_out(struct local *local, const struct migration *migration, struct error *error)
{
    struct outcome outcome = {0};
    const struct step_order order = {
        .step_id = id_random(),
        .attempt = 1,
        .bundle = local->services.bundles[0],
        .migration = migration,
        .direction = local->plan.direction,
        .lock_timeout_ms = (uint64_t)call_number(local->call, "lock-timeout"),
        .timeout_ms = (uint64_t)call_number(local->call, "step-timeout"),
        .note = on_note,
        .context = local,
    };

    bool is_known = sitting_execute(local->sitting, &order, &local->arena, &outcome, error);
    clear_note(local);
    if (!is_known) {
        return false;
    }
    tell_step(local, migration, &outcome);
    if (outcome.kind == OUTCOME_DONE || outcome.kind == OUTCOME_ALREADY) {
        return true;
    }
    if (!outcome.fault.code) {
        return error_set(error, "E-STOPPED", "stopped; nothing is left of %s", migration->version);
    }
    fault_to_error(&outcome.fault, error);
    return false;
}

static bool
carry_out(struct local *local, struct error *error)
{
    pthread_t waiter;
    bool is_well = true;

    bool is_waiting = pthread_create(&waiter, NULL, wait_for_stop, local->sitting) == 0;
    for (size_t i = 0; i < local->plan.step_count && is_well; i++) {
        is_well = carry_step_out(local, local->plan.steps[i], error);
    }
    if (is_waiting) {
        pthread_kill(waiter, SIGUSR1);
        pthread_join(waiter, NULL);
    }
    return is_well;
}

static void
tell_end(struct local *local, bool is_well, const struct error *error)
{
    const struct terminal *terminal = &local->call->terminal;

    if (call_wants_json(local->call)) {
        json_t *object = json_pack("{s:O, s:o}", "steps", local->rows, "error",
                                   is_well ? json_null() : complain_json(error));
        show_json(terminal, object);
    } else if (is_well && local->plan.step_count == 0) {
        fprintf(terminal->out, "nothing to do: %s\n",
                local->applied_count > 0 ? local->applied[local->applied_count - 1].version
                                         : "nothing is applied");
    }
}

/*
 * What the database's catalog says against what is to go in batches. False when that is certain;
 * what may have changed by then is a note.
 */
static bool
probe(struct local *local, struct error *error)
{
    const struct bundle *bundle = local->services.bundles[0];
    struct batch_verdict verdicts[VERDICTS_MAX];
    struct leg_step *steps =
        arena_alloc(&local->arena, (local->plan.step_count + 1) * sizeof *steps);
    enum direction direction = local->plan.direction;
    struct known_bundle *known = NULL;
    bool is_certain = false;

    if (local->plan.step_count == 0) {
        return true;
    }
    for (size_t i = 0; i < local->plan.step_count; i++) {
        steps[i] =
            (struct leg_step){.version = local->plan.steps[i]->version, .digest = bundle->digest};
    }
    known_bundle_learn(&known, &bundle->digest, &bundle->manifest);
    size_t count = sitting_probe(local->sitting, known->probes[direction],
                                 known->probe_counts[direction], &local->arena, verdicts);
    const struct batch_verdict *verdict = probing_choose(
        known, direction, steps, local->plan.step_count, verdicts, count, &is_certain);
    known_bundles_sweep(&known, 0);
    if (verdict && is_certain) {
        fault_to_error(&verdict->fault, error);
        return false;
    }
    if (verdict && !call_wants_json(local->call)) {
        show_line(&local->call->terminal, "note: %s", probing_note(verdict, &local->arena));
    }
    return true;
}

static bool
work(struct call *call, const struct local_wish *wish, struct error *error)
{
    CLEANUP(local_release) struct local local = {.call = call, .rows = json_array()};

    if (!services_read_one(call, call_argument(call, 0), &local.services, error) ||
        !open_database(&local, error) ||
        !local_plan_make(local.services.bundles[0], local.applied, local.applied_count, wish,
                         &local.arena, &local.plan, error) ||
        !probe(&local, error)) {
        return false;
    }
    if (local.plan.note && !call_wants_json(call)) {
        show_line(&call->terminal, "note: %s", local.plan.note);
    }
    if (local.plan.depending && !call_wants_json(call)) {
        show_line(&call->terminal,
                  "note: migration %s depends on %s, and one database by itself cannot tell "
                  "whether that is applied; a plan of the coordinator checks it",
                  local.plan.depending->version, local.plan.depending->depends);
    }
    local.label_width = widest_label(&local.plan);
    bool is_well = carry_out(&local, error);
    tell_end(&local, is_well, error);
    if (!is_well && call_wants_json(call)) {
        call->exit_status = exit_status_of(error->code);
        return true; /* told already, with what was done before it */
    }
    return is_well;
}

bool
command_up(struct call *call, struct error *error)
{
    const struct local_wish wish = {.direction = DIRECTION_UP,
                                    .to_version = call_text(call, "to"),
                                    .out_of_order = call_flag(call, "out-of-order")};

    return work(call, &wish, error);
}

bool
command_down(struct call *call, struct error *error)
{
    const struct local_wish wish = {.direction = DIRECTION_DOWN,
                                    .to_version = call_text(call, "to")};

    return work(call, &wish, error);
}
