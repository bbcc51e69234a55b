/* history: what is applied to one database, and whether that is what was written down there. */
#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "agent/execute/execute.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

#define REASON_MAX 200

struct history {
    struct call *call;
    struct sitting *sitting;
    struct applied_migration *applied;
    size_t applied_count;
    struct arena arena;
};

static void
history_release(struct history *history)
{
    sitting_destroy(&history->sitting);
    arena_release(&history->arena);
}

/* ---- what is applied ------------------------------------------------------------------------- */

static void
print_table(const struct history *history)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "version", GRID_LEFT);
    grid_column(grid, "name", GRID_SHRINKS);
    grid_column(grid, "applied", GRID_LEFT);
    grid_column(grid, "took", GRID_RIGHT);
    grid_column(grid, "checksum", GRID_LEFT | GRID_DROPS);
    for (size_t i = 0; i < history->applied_count; i++) {
        const struct applied_migration *row = &history->applied[i];
        char checksum[2 * CHECKSUM_SIZE + 1], when[FORMAT_SIZE], took[FORMAT_SIZE];
        text_hex(row->checksum, CHECKSUM_SIZE, checksum);
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", row->version);
        grid_cell(grid, STYLE_PLAIN, "%s", row->name ? row->name : "");
        grid_cell(grid, STYLE_PLAIN, "%s", format_when((uint64_t)row->applied_wall_ms, when));
        grid_cell(grid, STYLE_PLAIN, "%s", format_duration_us(row->duration_us, took));
        grid_cell(grid, STYLE_FAINT, "%.12s", checksum);
    }
    grid_print(grid, &history->call->terminal, 0);
}

static json_t *
table_json(const struct history *history)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < history->applied_count; i++) {
        const struct applied_migration *row = &history->applied[i];
        char checksum[2 * CHECKSUM_SIZE + 1];
        text_hex(row->checksum, CHECKSUM_SIZE, checksum);
        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:I, s:s}", "version", show_json_text(row->version),
                            "name", show_json_text(row->name), "applied",
                            show_json_time((uint64_t)row->applied_wall_ms), "duration_us",
                            (json_int_t)row->duration_us, "checksum", checksum));
    }
    return json_pack("{s:o}", "applied", rows);
}

static bool
list(struct history *history, struct error *error)
{
    struct call *call = history->call;

    if (!sitting_history(history->sitting, &history->arena, &history->applied,
                         &history->applied_count, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, table_json(history));
    } else if (history->applied_count == 0) {
        fputs("nothing is applied\n", call->terminal.out);
    } else {
        print_table(history);
    }
    return true;
}

/* ---- whether it is what was written ---------------------------------------------------------- */

static void
tell_verified(const struct history *history, const struct verified *verified,
              const struct error *accepted)
{
    const struct call *call = history->call;
    const struct terminal *terminal = &call->terminal;

    if (call_wants_json(call)) {
        show_json(terminal, json_pack("{s:o, s:I, s:I, s:I}", "accepted",
                                      accepted->code[0] ? complain_json(accepted) : json_null(),
                                      "first_row", (json_int_t)verified->first_row, "last_row",
                                      (json_int_t)verified->last_row, "applied",
                                      (json_int_t)verified->applied_count));
        return;
    }
    if (accepted->code[0]) {
        show_line(terminal, "accepted: %s", accepted->found);
    }
    if (verified->last_row == 0) {
        fputs("nothing was ever done here\n", terminal->out);
        return;
    }
    show_line(terminal,
              "rows %" PRIu64 " to %" PRIu64 " of the journal are as they were written, and so is "
              "what is applied: %zu migration%s%s",
              verified->first_row, verified->last_row, verified->applied_count,
              verified->applied_count == 1 ? "" : "s",
              verified->first_row > 1 ? "; the rows before were accepted as they are" : "");
}

static bool
verify(struct history *history, struct error *error)
{
    const char *reason = call_text(history->call, "accept");
    struct error accepted = {0};
    struct verified verified;

    if ((reason && !sitting_accept(history->sitting, reason, &accepted, error)) ||
        !sitting_verify(history->sitting, &verified, error)) {
        return false;
    }
    tell_verified(history, &verified, &accepted);
    return true;
}

static bool
check_reason(const char *reason, struct error *error)
{
    if (!reason || (reason[0] && strlen(reason) <= REASON_MAX)) {
        return true;
    }
    error_set(error, "E-CLI-RANGE", "the reason is kept in the journal, for whoever looks later");
    error_where(error, "--accept");
    return error_found(error, "%zu bytes, wanted 1 to %d", strlen(reason), REASON_MAX);
}

bool
command_history(struct call *call, struct error *error)
{
    CLEANUP(history_release) struct history history = {.call = call};
    const struct target_config config = {.name = "local", .conninfo = call_text(call, "database")};
    bool verifies = call_flag(call, "verify") || call_text(call, "accept");

    if (!database_check(config.conninfo, error) ||
        !check_reason(call_text(call, "accept"), error)) {
        return false;
    }
    history.sitting = sitting_new(&config);
    return verifies ? verify(&history, error) : list(&history, error);
}
