/* log: what a run did, statement by statement. */
#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/cost.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

static bool
is_wanted(const struct call *call, const struct step_row *row)
{
    return !call_flag(call, "failing") || row->state == STEP_FAILED;
}

/* What is worth saying beside a step: another try, locks that were hard to get. */
static void
append_remark(const struct step_row *row, struct text *out)
{
    if (row->attempt > 1) {
        text_format(out, "try %" PRIu64, row->attempt);
    }
    cost_append_step(&row->outcome, out);
}

static void
add_step(struct grid *grid, const struct step_row *row)
{
    CLEANUP(text_release) struct text remark = {0};
    bool was_already = row->state == STEP_DONE && row->outcome.kind == OUTCOME_ALREADY;
    char time[FORMAT_SIZE] = "";

    append_remark(row, &remark);
    if (row->outcome.duration_us > 0) {
        format_duration_us(row->outcome.duration_us, time);
    }
    grid_row(grid);
    grid_cell(grid, STYLE_PLAIN, "%s", row->direction == DIRECTION_DOWN ? "down" : "up");
    grid_cell(grid, STYLE_STRONG, "%s", row->version);
    grid_cell(grid, STYLE_STRONG, "%s", row->name ? row->name : "");
    grid_cell(grid, show_step_style(row->state), "%s",
              was_already ? "was there" : show_step_state(row->state));
    grid_cell(grid, STYLE_PLAIN, "%s", time);
    grid_cell(grid, STYLE_PLAIN, "%s", "");
    grid_cell(grid, STYLE_WARN, "%s", text_of(&remark));
}

static void
add_statement(struct grid *grid, const struct outcome *outcome,
              const struct statement_outcome *statement)
{
    CLEANUP(text_release) struct text cost = {0};
    char time[FORMAT_SIZE], rows[FORMAT_SIZE];

    grid_row(grid);
    grid_cell(grid, STYLE_PLAIN, "%s", "");
    grid_cell(grid, STYLE_FAINT, "  :%" PRIu64, statement->line);
    grid_cell(grid, STYLE_FAINT, "  %s", statement->tag ? statement->tag : "");
    grid_cell(grid, STYLE_PLAIN, "%s", "");
    grid_cell(grid, STYLE_FAINT, "%s", format_duration_us(statement->duration_us, time));
    grid_cell(grid, STYLE_FAINT, "%s", statement->rows ? format_count(statement->rows, rows) : "");
    cost_append_statement(outcome, statement, &cost);
    grid_cell(grid, STYLE_FAINT, "%s", text_of(&cost));
}

/* One target: its steps from `first` up to `end`, then what is wrong with them. */
static void
append_target(const struct call *call, const struct log_view *view, size_t first, size_t end,
              struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "", GRID_LEFT);
    grid_column(grid, "version", GRID_SHRINKS);
    grid_column(grid, "migration", GRID_SHRINKS);
    grid_column(grid, "state", GRID_LEFT);
    grid_column(grid, "time", GRID_RIGHT);
    grid_column(grid, "rows", GRID_RIGHT | GRID_HIDE_EMPTY);
    grid_column(grid, "", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = first; i < end; i++) {
        const struct outcome *outcome = &view->rows[i].outcome;
        if (!is_wanted(call, &view->rows[i])) {
            continue;
        }
        add_step(grid, &view->rows[i]);
        for (size_t j = 0; j < outcome->statement_count; j++) {
            add_statement(grid, outcome, &outcome->statements[j]);
        }
    }
    if (grid_rows(grid) == 0) {
        return;
    }
    text_append(out, out->size ? "\n" : "");
    terminal_clip_styled(&call->terminal, STYLE_NAME, view->rows[first].target,
                         call->terminal.width, out);
    text_append(out, "\n");
    grid_render(grid, &call->terminal, 2, out);
    for (size_t i = first; i < end; i++) {
        if (is_wanted(call, &view->rows[i])) {
            complain_render_fault(&view->rows[i].outcome.fault, &call->terminal, 2, out);
        }
    }
}

static void
print_log(const struct call *call, const struct log_view *view)
{
    CLEANUP(text_release) struct text out = {0};

    for (size_t first = 0, end; first < view->row_count; first = end) {
        end = first + 1;
        while (end < view->row_count &&
               text_equal(view->rows[first].target, view->rows[end].target)) {
            end++;
        }
        append_target(call, view, first, end, &out);
    }
    if (out.size == 0) {
        text_append(&out, call_flag(call, "failing") ? "nothing has failed\n"
                                                     : "no step of it has begun\n");
    }
    fputs(text_of(&out), call->terminal.out);
}

static json_t *
step_json(const struct step_row *row)
{
    json_t *statements = json_array();

    for (size_t i = 0; i < row->outcome.statement_count; i++) {
        const struct statement_outcome *statement = &row->outcome.statements[i];
        json_array_append_new(
            statements,
            json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "line", (json_int_t)statement->line,
                      "tag", show_json_text(statement->tag), "duration_us",
                      (json_int_t)statement->duration_us, "rows", (json_int_t)statement->rows,
                      "wal_bytes", (json_int_t)statement->wal_bytes, "blocked_us",
                      (json_int_t)statement->blocked_us, "blocked_max",
                      (json_int_t)statement->blocked_max));
    }
    bool has_ended =
        row->state == STEP_DONE || row->state == STEP_FAILED || row->state == STEP_CANCELLED;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
        "s:o, s:o, s:o, s:o}",
        "step_id", show_json_id(&row->step_id), "target", show_json_text(row->target), "version",
        show_json_text(row->version), "name", show_json_text(row->name), "direction",
        row->direction == DIRECTION_DOWN ? "down" : "up", "state", show_step_state(row->state),
        "outcome", has_ended ? json_string(show_outcome(row->outcome.kind)) : json_null(),
        "attempt", (json_int_t)row->attempt, "ended", show_json_time(row->ended_wall_ms),
        "duration_us", (json_int_t)row->outcome.duration_us, "lock_tries",
        (json_int_t)row->outcome.lock_tries, "lock_wait_us", (json_int_t)row->outcome.lock_wait_us,
        "wal_bytes", (json_int_t)row->outcome.wal_bytes, "blocked_us",
        (json_int_t)row->outcome.blocked_us, "blocked_max", (json_int_t)row->outcome.blocked_max,
        "notices", (json_int_t)row->outcome.notices, "locks", cost_locks_json(&row->outcome),
        "blockers", cost_blockers_json(&row->outcome), "warnings",
        cost_warnings_json(&row->outcome), "statements", statements, "error",
        complain_json_fault(&row->outcome.fault));
}

bool
command_log(struct call *call, struct error *error)
{
    CLEANUP(client_destroy) struct client *client = ask_open(call, error);
    CLEANUP(arena_release) struct arena arena = {0};
    struct message answer;
    struct message request = {
        .type = MESSAGE_LOG,
        .log = {.run = call_argument(call, 0), .target = call_argument(call, 1)},
    };

    if (!client || !pages_ask(client, &request, PAGES_ALL, &arena, &answer, error)) {
        return false;
    }
    if (!call_wants_json(call)) {
        print_log(call, &answer.log_view);
        return true;
    }
    json_t *rows = json_array();
    for (size_t i = 0; i < answer.log_view.row_count; i++) {
        if (is_wanted(call, &answer.log_view.rows[i])) {
            json_array_append_new(rows, step_json(&answer.log_view.rows[i]));
        }
    }
    show_json(&call->terminal,
              json_pack("{s:I, s:o}", "run", (json_int_t)answer.log_view.number, "steps", rows));
    return true;
}
