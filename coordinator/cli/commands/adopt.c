/* adopt: what another tool has applied becomes Skein's own history, without running anything. */
#include <inttypes.h>
#include <jansson.h>

#include "common/base/mem.h"
#include "agent/execute/execute.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/services.h"
#include "coordinator/cli/show.h"

/* One database without a coordinator. */
struct local_adoption {
    struct call *call;
    struct sitting *sitting;
    struct services services;
    struct arena arena;
    struct adopt_order order;
    struct adopt_report report;
};

static void
local_adoption_release(struct local_adoption *local)
{
    sitting_destroy(&local->sitting);
    services_release(&local->services);
    arena_release(&local->arena);
}

/* ---- telling ------------------------------------------------------------------------------- */

static json_t *
versions_json(const struct migration *const *list, size_t count)
{
    json_t *versions = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(versions, show_json_text(list[i]->version));
    }
    return versions;
}

static json_t *
report_json(const struct local_adoption *local)
{
    const struct adopt_report *report = &local->report;
    const struct adoption *adoption = &report->adoption;

    return json_pack("{s:o, s:o, s:b, s:I, s:o, s:o, s:o, s:I, s:I, s:I}", "tool",
                     show_json_text(report->tool), "table", show_json_text(report->table),
                     "dry_run", local->order.is_dry, "rows", (json_int_t)report->row_count,
                     "adopted", versions_json(adoption->record, adoption->record_count),
                     "taken_back", versions_json(adoption->forget, adoption->forget_count),
                     "mirrored", versions_json(adoption->mirror, adoption->mirror_count), "agreed",
                     (json_int_t)adoption->agreed_count, "pending",
                     (json_int_t)adoption->pending_count, "late", (json_int_t)adoption->late_count);
}

static void
tell_list(const struct local_adoption *local, const char *what, const struct migration *const *list,
          size_t count)
{
    const struct terminal *terminal = &local->call->terminal;
    size_t shown = local->order.is_dry ? count : 0;

    for (size_t i = 0; i < shown; i++) {
        show_line(terminal, "%s  %s  %s", what, list[i]->version, list[i]->name);
    }
}

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void
tell(const struct local_adoption *local)
{
    const struct terminal *terminal = &local->call->terminal;
    const struct adopt_report *report = &local->report;
    const struct adoption *adoption = &report->adoption;
    const char *would = local->order.is_dry ? "would be " : "";

    if (local->order.is_nothing) {
        show_line(terminal, "%snothing is adopted: no other tool's table is heeded here",
                  local->order.is_dry ? "dry run: " : "");
        return;
    }
    tell_list(local, "adopt    ", adoption->record, adoption->record_count);
    tell_list(local, "take back", adoption->forget, adoption->forget_count);
    tell_list(local, "mirror   ", adoption->mirror, adoption->mirror_count);
    show_line(terminal, "%s, table %s: %zu migration%s %sadopted, %zu known before, %zu pending",
              report->tool, report->table, adoption->record_count, plural(adoption->record_count),
              would, adoption->agreed_count, adoption->pending_count);
    if (adoption->forget_count) {
        show_line(terminal, "%zu %staken back in the journal", adoption->forget_count, would);
    }
    if (adoption->mirror_count) {
        show_line(terminal, "%zu %swritten into the table", adoption->mirror_count, would);
    }
    if (adoption->late_count) {
        show_line(terminal,
                  "note: %zu of those pending are older than the newest applied one:"
                  " they need --out-of-order",
                  adoption->late_count);
    }
}

/* What does not agree, beside the first of it. */
static void
hand_problems_over(struct local_adoption *local)
{
    for (size_t i = 0; i < local->report.problem_count; i++) {
        struct error error;
        fault_to_error(&local->report.problems[i], &error);
        error_list_add(&local->call->others, &error);
    }
}

/* ---- doing --------------------------------------------------------------------------------- */

static bool
adopt_locally(struct call *call, struct error *error)
{
    CLEANUP(local_adoption_release) struct local_adoption local = {.call = call};
    const struct target_config config = {.name = "local", .conninfo = call_text(call, "database")};

    if (!database_check(config.conninfo, error) ||
        !services_read_one(call, call_argument(call, 0), &local.services, error)) {
        return false;
    }
    local.order = (struct adopt_order){.bundle = local.services.bundles[0],
                                       .trust = (enum adoption_trust)call_choice(call, "trust"),
                                       .is_dry = call_flag(call, "dry-run"),
                                       .is_nothing = call_flag(call, "nothing")};
    local.sitting = sitting_new(&config);
    if (!sitting_adopt(local.sitting, &local.order, &local.arena, &local.report, error)) {
        hand_problems_over(&local);
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, report_json(&local));
    } else {
        tell(&local);
    }
    return true;
}

bool
command_adopt(struct call *call, struct error *error)
{
    if (!call_text(call, "database")) {
        error_set(error, "E-CLI-USAGE", "it is not said which database");
        return error_hint(error, "skein adopt --database \"dbname=auth\"");
    }
    return adopt_locally(call, error);
}
