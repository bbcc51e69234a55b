/* adopt: what another tool has applied becomes Skein's own history, without running anything. */
#include <inttypes.h>
#include <jansson.h>

#include "common/base/mem.h"
#include "agent/execute/execute.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/services.h"
#include "coordinator/cli/show.h"
#include "coordinator/client/upload.h"

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

    return json_pack("{s:o, s:o, s:b, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "tool",
                     show_json_text(report->tool), "table", show_json_text(report->table),
                     "dry_run", local->order.is_dry, "rows", (json_int_t)report->row_count,
                     "adopted", versions_json(adoption->record, adoption->record_count),
                     "taken_back", versions_json(adoption->forget, adoption->forget_count),
                     "mirrored", versions_json(adoption->mirror, adoption->mirror_count), "agreed",
                     (json_int_t)adoption->agreed_count, "edited",
                     (json_int_t)adoption->edited_count, "pending",
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
    if (adoption->edited_count) {
        show_line(terminal, "note: %zu were applied from another text than their files have now",
                  adoption->edited_count);
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

static struct adopt_terms
read_terms(const struct call *call)
{
    return (struct adopt_terms){.trust = (enum adoption_trust)call_choice(call, "trust"),
                                .takes_edited = call_flag(call, "edited"),
                                .is_dry = call_flag(call, "dry-run"),
                                .is_nothing = call_flag(call, "nothing")};
}

static bool
adopt_locally(struct call *call, struct error *error)
{
    CLEANUP(local_adoption_release) struct local_adoption local = {.call = call};
    const struct target_config config = {.name = "local", .conninfo = call_text(call, "database")};

    if (!database_check(config.conninfo, error) ||
        !services_read_one(call, call_argument(call, 0), &local.services, error)) {
        return false;
    }
    const struct adopt_terms terms = read_terms(call);
    local.order = (struct adopt_order){.bundle = local.services.bundles[0],
                                       .trust = terms.trust,
                                       .takes_edited = terms.takes_edited,
                                       .is_dry = terms.is_dry,
                                       .is_nothing = terms.is_nothing};
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

/* ---- the fleet ----------------------------------------------------------------------------- */

/* All targets of a service, through the coordinator. */
struct fleet_adoption {
    struct call *call;
    struct client *client;
    struct services services;
    struct adoption_view view; /* with the rows of all pages */
    struct adopt_terms terms;
    struct arena arena;
};

static void
fleet_adoption_release(struct fleet_adoption *fleet)
{
    client_destroy(&fleet->client);
    services_release(&fleet->services);
    arena_release(&fleet->arena);
}

/* Said again with the same id it is the same adoption; another offset is another page of it. */
static bool
ask_all(struct fleet_adoption *fleet, struct message *request, struct error *error)
{
    struct text rows = {0};
    struct message answer;
    bool is_read;

    do {
        request->adoption.offset = rows.size / sizeof *fleet->view.rows;
        is_read =
            ask_for(fleet->client, request, MESSAGE_ADOPTION_VIEW, &fleet->arena, &answer, error);
        fleet->view = answer.adoption_view;
        if (is_read && fleet->view.row_count > 0) {
            text_append_bytes(&rows, fleet->view.rows,
                              fleet->view.row_count * sizeof *fleet->view.rows);
        }
    } while (is_read && fleet->view.row_count > 0 &&
             rows.size / sizeof *fleet->view.rows < fleet->view.target_count);
    fleet->view.row_count = rows.size / sizeof *fleet->view.rows;
    fleet->view.rows = rows.size ? arena_copy(&fleet->arena, rows.data, rows.size) : NULL;
    text_release(&rows);
    return is_read;
}

static bool
ask_fleet(struct fleet_adoption *fleet, struct error *error)
{
    struct call *call = fleet->call;
    const struct bundle *bundle = fleet->services.bundles[0];
    struct message request = {.type = MESSAGE_ADOPTION};

    request.adoption = (struct adoption_ask){
        .service = bundle->manifest.service,
        .digest = bundle->digest,
        .select = call_text(call, "select"),
        .targets_max = call_flag(call, "yes-all") ? 0 : (uint64_t)call_number(call, "max-targets"),
        .terms = fleet->terms};
    return upload_bundle(fleet->client, bundle, error) && ask_all(fleet, &request, error);
}

static json_t *
row_json(const struct adoption_row *row)
{
    const struct adopt_result *result = &row->result;
    json_t *problems = json_array();

    for (size_t i = 0; i < result->problem_count; i++) {
        json_array_append_new(problems, complain_json_fault(&result->problems[i]));
    }
    return json_pack(
        "{s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I}",
        "target", show_json_text(row->target), "adopted_well", result->succeeded, "error",
        complain_json_fault(&result->fault), "others", problems, "tool",
        show_json_text(result->tool), "table", show_json_text(result->table), "rows",
        (json_int_t)result->row_count, "adopted", (json_int_t)result->adopted_count, "first",
        show_json_text(result->first_version), "last", show_json_text(result->last_version),
        "taken_back", (json_int_t)result->taken_back_count, "mirrored",
        (json_int_t)result->mirrored_count, "agreed", (json_int_t)result->agreed_count, "edited",
        (json_int_t)result->edited_count, "pending", (json_int_t)result->pending_count, "late",
        (json_int_t)result->late_count);
}

static json_t *
fleet_json(const struct fleet_adoption *fleet)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < fleet->view.row_count; i++) {
        json_array_append_new(rows, row_json(&fleet->view.rows[i]));
    }
    return json_pack("{s:b, s:I, s:I, s:o}", "dry_run", fleet->terms.is_dry, "targets",
                     (json_int_t)fleet->view.target_count, "refused",
                     (json_int_t)fleet->view.refused_count, "rows", rows);
}

static void
tell_refused(const struct fleet_adoption *fleet, const struct adoption_row *row)
{
    const struct terminal *terminal = &fleet->call->terminal;
    const struct adopt_result *result = &row->result;
    CLEANUP(text_release) struct text out = {0};

    complain_render_fault(&result->fault, terminal, 2, &out);
    for (size_t i = 0; i < result->problem_count; i++) {
        complain_render_fault(&result->problems[i], terminal, 2, &out);
    }
    if (result->problem_total > result->problem_count) {
        text_format(&out, "  and %" PRIu64 " more\n",
                    result->problem_total - result->problem_count);
    }
    show_line(terminal, "%s  refused", row->target);
    fputs(text_of(&out), terminal->out);
}

static void
tell_row(const struct fleet_adoption *fleet, const struct adoption_row *row)
{
    const struct adopt_result *result = &row->result;
    CLEANUP(text_release) struct text line = {0};

    if (!result->succeeded) {
        tell_refused(fleet, row);
        return;
    }
    if (fleet->terms.is_nothing) {
        show_line(&fleet->call->terminal, "%s  nothing is adopted", row->target);
        return;
    }
    text_format(&line, "%" PRIu64 " %sadopted", result->adopted_count,
                fleet->terms.is_dry ? "would be " : "");
    if (result->adopted_count > 0) {
        text_format(&line, " (%s to %s)", result->first_version, result->last_version);
    }
    text_format(&line, ", %" PRIu64 " known before, %" PRIu64 " pending", result->agreed_count,
                result->pending_count);
    if (result->taken_back_count > 0) {
        text_format(&line, ", %" PRIu64 " taken back", result->taken_back_count);
    }
    if (result->mirrored_count > 0) {
        text_format(&line, ", %" PRIu64 " mirrored", result->mirrored_count);
    }
    show_line(&fleet->call->terminal, "%s  %s: %s", row->target, result->tool, text_of(&line));
}

/* The first that was refused makes the exit status; all of them are told. */
static void
tell_fleet(const struct fleet_adoption *fleet)
{
    struct call *call = fleet->call;

    if (call_wants_json(call)) {
        show_json(&call->terminal, fleet_json(fleet));
    }
    for (size_t i = 0; i < fleet->view.row_count; i++) {
        const struct adoption_row *row = &fleet->view.rows[i];
        if (!call_wants_json(call)) {
            tell_row(fleet, row);
        }
        if (!row->result.succeeded && row->result.fault.code && !call->exit_status) {
            call->exit_status = exit_status_of(row->result.fault.code);
        }
    }
}

static bool
adopt_fleet(struct call *call, struct error *error)
{
    CLEANUP(fleet_adoption_release)
    struct fleet_adoption fleet = {.call = call, .terms = read_terms(call)};

    if (!services_read_one(call, call_argument(call, 0), &fleet.services, error)) {
        return false;
    }
    fleet.client = ask_open(call, error);
    if (!fleet.client || !ask_fleet(&fleet, error)) {
        return false;
    }
    tell_fleet(&fleet);
    return true;
}

bool
command_adopt(struct call *call, struct error *error)
{
    if (call_text(call, "database")) {
        return adopt_locally(call, error);
    }
    if (!call_argument(call, 0)) {
        error_set(error, "E-CLI-USAGE", "it is not said what is to be adopted");
        return error_hint(error, "a fleet's targets: skein adopt SERVICE; one database: skein adopt"
                                 " --database \"dbname=auth\"");
    }
    return adopt_fleet(call, error);
}
