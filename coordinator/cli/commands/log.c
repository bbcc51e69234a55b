/* log: what a run did, statement by statement. */
#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

static bool
is_wanted(const struct call *call, const struct step_row *row)
{
    return !call_flag(call, "failing") || row->state == STEP_FAILED;
}

/* "auth-eu-1  up 0007 add_email  done  1.3 ms" */
static void
append_step(const struct step_row *row, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    char time[FORMAT_SIZE];

    text_append(out, "  ");
    text_format(&line, "%s %s%s%s", row->direction == DIRECTION_DOWN ? "down" : "up", row->version,
                row->name && *row->name ? "  " : "", row->name ? row->name : "");
    size_t room = terminal->width == SIZE_MAX ? SIZE_MAX : terminal->width - 40;
    terminal_clip_styled(terminal, STYLE_STRONG, text_of(&line), room, out);
    text_append(out, "  ");
    bool was_already = row->state == STEP_DONE && row->outcome.kind == OUTCOME_ALREADY;
    terminal_clip_styled(terminal, show_step_style(row->state),
                         was_already ? "was applied already" : show_step_state(row->state),
                         SIZE_MAX, out);
    if (row->outcome.duration_us > 0) {
        text_format(out, "  %s", format_duration_us(row->outcome.duration_us, time));
    }
    if (row->attempt > 1) {
        text_format(out, "  try %" PRIu64, row->attempt);
    }
    if (row->outcome.lock_tries > 1) {
        text_format(out, "  %" PRIu64 " tries for locks", row->outcome.lock_tries);
    }
    text_append(out, "\n");
}

static void
append_statements(const struct step_row *row, const struct terminal *terminal, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    char time[FORMAT_SIZE], rows[FORMAT_SIZE];

    if (row->outcome.statement_count == 0) {
        return;
    }
    grid_column(grid, "line", GRID_RIGHT);
    grid_column(grid, "statement", GRID_SHRINKS);
    grid_column(grid, "time", GRID_RIGHT);
    grid_column(grid, "rows", GRID_RIGHT);
    for (size_t i = 0; i < row->outcome.statement_count; i++) {
        const struct statement_outcome *statement = &row->outcome.statements[i];
        grid_row(grid);
        grid_cell(grid, STYLE_FAINT, "%" PRIu64, statement->line);
        grid_cell(grid, STYLE_PLAIN, "%s", statement->tag ? statement->tag : "");
        grid_cell(grid, STYLE_PLAIN, "%s", format_duration_us(statement->duration_us, time));
        grid_cell(grid, STYLE_PLAIN, "%s",
                  statement->rows ? format_count(statement->rows, rows) : "");
    }
    grid_render(grid, terminal, 6, out);
}

static void
print_log(const struct call *call, const struct log_view *view)
{
    CLEANUP(text_release) struct text out = {0};
    const char *target = NULL;

    for (size_t i = 0; i < view->row_count; i++) {
        const struct step_row *row = &view->rows[i];
        if (!is_wanted(call, row)) {
            continue;
        }
        if (!text_equal(target, row->target)) {
            text_append(&out, target ? "\n" : "");
            terminal_clip_styled(&call->terminal, STYLE_NAME, row->target, call->terminal.width,
                                 &out);
            text_append(&out, "\n");
            target = row->target;
        }
        append_step(row, &call->terminal, &out);
        append_statements(row, &call->terminal, &out);
        complain_render_fault(&row->outcome.fault, &call->terminal, 4, &out);
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
        json_array_append_new(statements,
                              json_pack("{s:I, s:o, s:I, s:I}", "line", (json_int_t)statement->line,
                                        "tag", show_json_text(statement->tag), "duration_us",
                                        (json_int_t)statement->duration_us, "rows",
                                        (json_int_t)statement->rows));
    }
    bool has_ended =
        row->state == STEP_DONE || row->state == STEP_FAILED || row->state == STEP_CANCELLED;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:o, s:o}", "step_id",
        show_json_id(&row->step_id), "target", show_json_text(row->target), "version",
        show_json_text(row->version), "name", show_json_text(row->name), "direction",
        row->direction == DIRECTION_DOWN ? "down" : "up", "state", show_step_state(row->state),
        "outcome", has_ended ? json_string(show_outcome(row->outcome.kind)) : json_null(),
        "attempt", (json_int_t)row->attempt, "ended", show_json_time(row->ended_wall_ms),
        "duration_us", (json_int_t)row->outcome.duration_us, "lock_tries",
        (json_int_t)row->outcome.lock_tries, "notices", (json_int_t)row->outcome.notices,
        "statements", statements, "error", complain_json_fault(&row->outcome.fault));
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
