/* targets, agents, operators, runs: the lists. */
#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

/* Ask for all rows of a view. */
static bool
ask_list(struct call *call, const struct message *request, size_t rows_max, struct arena *arena,
         struct message *answer, struct error *error)
{
    CLEANUP(client_destroy) struct client *client = ask_open(call, error);

    return client && pages_ask(client, request, rows_max, arena, answer, error);
}

/* ---- targets ------------------------------------------------------------------------------- */

/* Why a target cannot be worked on now; empty when it can. */
static void
append_trouble(const struct target_row *row, struct text *out)
{
    if (!row->is_reachable) {
        text_append(out, "agent away");
    }
    if (row->state == TARGET_BROKEN) {
        text_format(out, "%s%s: %s", out->size ? "; " : "", row->fault.code ? row->fault.code : "",
                    row->fault.text ? row->fault.text : "");
    }
    if (row->run_number > 0) {
        text_format(out, "%sin run %" PRIu64, out->size ? "; " : "", row->run_number);
    }
}

static void
print_targets(const struct call *call, const struct targets_view *view)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "target", GRID_SHRINKS);
    grid_column(grid, "service", GRID_SHRINKS);
    grid_column(grid, "version", GRID_SHRINKS);
    grid_column(grid, "applied", GRID_RIGHT);
    grid_column(grid, "agent", GRID_SHRINKS);
    grid_column(grid, "labels", GRID_SHRINKS | GRID_HIDE_EMPTY);
    grid_column(grid, "postgres", GRID_HIDE_EMPTY | GRID_DROPS);
    grid_column(grid, "", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = 0; i < view->row_count; i++) {
        const struct target_row *row = &view->rows[i];
        CLEANUP(text_release) struct text labels = {0};
        CLEANUP(text_release) struct text trouble = {0};
        char version[FORMAT_SIZE];
        show_labels(row->labels, row->label_count, &labels);
        append_trouble(row, &trouble);
        bool is_well = row->is_reachable && row->state == TARGET_READY;
        grid_row(grid);
        grid_cell(grid, is_well ? STYLE_NAME : STYLE_BAD, "%s", row->name);
        grid_cell(grid, STYLE_PLAIN, "%s", row->service);
        grid_cell(grid, STYLE_PLAIN, "%s", row->version ? row->version : "-");
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64, row->applied_count);
        grid_cell(grid, STYLE_PLAIN, "%s", row->agent ? row->agent : "");
        grid_cell(grid, STYLE_FAINT, "%s", text_of(&labels));
        grid_cell(grid, STYLE_FAINT, "%s", format_server_version(row->server_version, version));
        grid_cell(grid, is_well ? STYLE_FAINT : STYLE_BAD, "%s", text_of(&trouble));
    }
    grid_print(grid, &call->terminal, 0);
}

static json_t *
target_json(const struct target_row *row)
{
    json_t *labels = json_object();
    char version[FORMAT_SIZE];

    for (size_t i = 0; i < row->label_count; i++) {
        json_object_set_new(labels, row->labels[i].name, show_json_text(row->labels[i].value));
    }
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:I, s:o}", "target",
        show_json_text(row->name), "target_id", show_json_id(&row->target_id), "service",
        show_json_text(row->service), "agent", show_json_text(row->agent), "labels", labels,
        "reachable", (int)row->is_reachable, "state",
        row->state == TARGET_READY ? "ready" : "broken", "error", complain_json_fault(&row->fault),
        "version", show_json_text(row->version), "applied", (json_int_t)row->applied_count,
        "server_version",
        row->server_version ? json_string(format_server_version(row->server_version, version))
                            : json_null());
    json_object_set_new(object, "run",
                        row->run_number ? json_integer((json_int_t)row->run_number) : json_null());
    return object;
}

bool
command_targets(struct call *call, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct message answer;
    struct message request = {.type = MESSAGE_TARGETS,
                              .targets = {.select = call_text(call, "select")}};

    if (!ask_list(call, &request, PAGES_ALL, &arena, &answer, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        json_t *rows = json_array();
        for (size_t i = 0; i < answer.targets_view.row_count; i++) {
            json_array_append_new(rows, target_json(&answer.targets_view.rows[i]));
        }
        show_json(&call->terminal, json_pack("{s:o}", "targets", rows));
    } else if (answer.targets_view.row_count == 0) {
        show_line(&call->terminal,
                  call_text(call, "select")
                      ? "no target has these labels"
                      : "no target has reported yet: start an agent that serves one");
    } else {
        print_targets(call, &answer.targets_view);
    }
    return true;
}

/* ---- agents -------------------------------------------------------------------------------- */

static void
print_agents(const struct call *call, const struct agents_view *view)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "agent", GRID_SHRINKS);
    grid_column(grid, "state", GRID_LEFT);
    grid_column(grid, "heard", GRID_RIGHT);
    grid_column(grid, "targets", GRID_RIGHT);
    grid_column(grid, "software", GRID_HIDE_EMPTY | GRID_DROPS);
    grid_column(grid, "key", GRID_SHRINKS);
    grid_column(grid, "", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = 0; i < view->row_count; i++) {
        const struct agent_row *row = &view->rows[i];
        char key[SHOW_KEY_SIZE], ago[FORMAT_SIZE];
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", row->name);
        grid_cell(grid, row->is_connected ? STYLE_GOOD : STYLE_BAD, "%s",
                  row->is_connected ? "connected"
                  : row->fault.code ? "quarantined"
                  : row->was_heard  ? "away"
                                    : "never seen");
        grid_cell(grid, STYLE_PLAIN, "%s%s",
                  row->was_heard ? format_ago_ms(row->silent_ms, ago) : "-",
                  row->was_heard ? " ago" : "");
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64, row->target_count);
        grid_cell(grid, STYLE_FAINT, "%s", row->software ? row->software : "");
        grid_cell(grid, STYLE_FAINT, "%s", show_key(&row->key, key));
        grid_cell(grid, STYLE_BAD, "%s%s%s", row->fault.code ? row->fault.code : "",
                  row->fault.code ? ": " : "", row->fault.text ? row->fault.text : "");
    }
    grid_print(grid, &call->terminal, 0);
}

static json_t *
agent_json(const struct agent_row *row)
{
    char key[SHOW_KEY_SIZE];

    return json_pack("{s:o, s:s, s:b, s:o, s:I, s:o, s:o}", "agent", show_json_text(row->name),
                     "key", show_key(&row->key, key), "connected", (int)row->is_connected,
                     "silent_ms",
                     row->was_heard ? json_integer((json_int_t)row->silent_ms) : json_null(),
                     "targets", (json_int_t)row->target_count, "software",
                     show_json_text(row->software), "error", complain_json_fault(&row->fault));
}

bool
command_agents(struct call *call, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct message answer, request = {.type = MESSAGE_AGENTS};

    if (!ask_list(call, &request, PAGES_ALL, &arena, &answer, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        json_t *rows = json_array();
        for (size_t i = 0; i < answer.agents_view.row_count; i++) {
            json_array_append_new(rows, agent_json(&answer.agents_view.rows[i]));
        }
        show_json(&call->terminal, json_pack("{s:o}", "agents", rows));
    } else if (answer.agents_view.row_count == 0) {
        show_line(&call->terminal, "no agent is enrolled yet: skein agent add NAME --key NAME.pub");
    } else {
        print_agents(call, &answer.agents_view);
    }
    return true;
}

/* ---- operators ----------------------------------------------------------------------------- */

bool
command_operators(struct call *call, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    struct message answer, request = {.type = MESSAGE_OPERATORS};
    char key[SHOW_KEY_SIZE];

    if (!ask_list(call, &request, PAGES_ALL, &arena, &answer, error)) {
        return false;
    }
    json_t *rows = json_array();
    grid_column(grid, "operator", GRID_SHRINKS);
    grid_column(grid, "role", GRID_LEFT);
    grid_column(grid, "key", GRID_SHRINKS);
    for (size_t i = 0; i < answer.operators_view.row_count; i++) {
        const struct operator_row *row = &answer.operators_view.rows[i];
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", row->name);
        grid_cell(grid, STYLE_PLAIN, "%s", show_role(row->role));
        grid_cell(grid, STYLE_FAINT, "%s", show_key(&row->key, key));
        json_array_append_new(rows,
                              json_pack("{s:o, s:s, s:s}", "operator", show_json_text(row->name),
                                        "role", show_role(row->role), "key", key));
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, json_pack("{s:o}", "operators", rows));
    } else {
        json_decref(rows);
        grid_print(grid, &call->terminal, 0);
    }
    return true;
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void
print_runs(const struct call *call, const struct runs_view *view)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "run", GRID_RIGHT);
    grid_column(grid, "", GRID_LEFT);
    grid_column(grid, "state", GRID_LEFT);
    grid_column(grid, "targets", GRID_RIGHT);
    grid_column(grid, "failed", GRID_RIGHT);
    grid_column(grid, "begun", GRID_LEFT);
    grid_column(grid, "took", GRID_RIGHT | GRID_HIDE_EMPTY);
    grid_column(grid, "by", GRID_SHRINKS | GRID_HIDE_EMPTY);
    grid_column(grid, "services", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = 0; i < view->row_count; i++) {
        const struct run_row *row = &view->rows[i];
        char when[FORMAT_SIZE], took[FORMAT_SIZE] = "";
        if (row->ended_wall_ms >= row->started_wall_ms && row->ended_wall_ms > 0) {
            format_duration_ms(row->ended_wall_ms - row->started_wall_ms, took);
        }
        grid_row(grid);
        grid_cell(grid, STYLE_STRONG, "%" PRIu64, row->number);
        grid_cell(grid, STYLE_PLAIN, "%s", show_run_kind(row->kind));
        grid_cell(grid, show_run_style(row->state), "%s", show_run_state(row->state));
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64, row->done_count, row->target_count);
        grid_cell(grid, row->failed_count ? STYLE_BAD : STYLE_FAINT, "%" PRIu64, row->failed_count);
        grid_cell(grid, STYLE_PLAIN, "%s", format_when(row->started_wall_ms, when));
        grid_cell(grid, STYLE_PLAIN, "%s", took);
        grid_cell(grid, STYLE_PLAIN, "%s", row->operator_name ? row->operator_name : "");
        grid_cell(grid, STYLE_PLAIN, "%s", row->services ? row->services : "");
    }
    grid_print(grid, &call->terminal, 0);
}

static json_t *
run_row_json(const struct run_row *row)
{
    return json_pack("{s:o, s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "run_id",
                     show_json_id(&row->run_id), "number", (json_int_t)row->number, "kind",
                     show_run_kind(row->kind), "state", show_run_state(row->state), "services",
                     show_json_text(row->services), "operator", show_json_text(row->operator_name),
                     "targets", (json_int_t)row->target_count, "done", (json_int_t)row->done_count,
                     "failed", (json_int_t)row->failed_count, "started",
                     show_json_time(row->started_wall_ms), "ended",
                     show_json_time(row->ended_wall_ms));
}

bool
command_runs(struct call *call, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    size_t limit = (size_t)call_number(call, "limit");
    struct message answer, request = {.type = MESSAGE_RUNS};
    struct runs_view *view = &answer.runs_view;

    if (!ask_list(call, &request, limit, &arena, &answer, error)) {
        return false;
    }
    view->row_count = view->row_count > limit ? limit : view->row_count;
    if (call_wants_json(call)) {
        json_t *rows = json_array();
        for (size_t i = 0; i < view->row_count; i++) {
            json_array_append_new(rows, run_row_json(&view->rows[i]));
        }
        show_json(&call->terminal,
                  json_pack("{s:o, s:I}", "runs", rows, "total", (json_int_t)view->total));
    } else if (view->row_count == 0) {
        show_line(&call->terminal, "there was no run yet: skein apply SERVICE makes one");
    } else {
        print_runs(call, view);
        if (view->total > view->row_count) {
            char count[FORMAT_SIZE];
            fprintf(call->terminal.out, "and %s older; --limit shows more\n",
                    format_count(view->total - view->row_count, count));
        }
    }
    return true;
}
