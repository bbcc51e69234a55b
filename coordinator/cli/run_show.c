#include "coordinator/cli/run_show.h"

#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/bar.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

#define BAR_WIDTH_MAX 40
#define BAR_WIDTH_MIN 10
#define BAR_WIDTH_PIPE 30

bool
run_view_has_ended(const struct run_view *run)
{
    return run->state == RUN_DONE || run->state == RUN_FAILED || run->state == RUN_CANCELLED;
}

struct run_sum
run_view_sum(const struct run_view *run)
{
    struct run_sum sum = {0};

    for (size_t i = 0; i < run->wave_count; i++) {
        sum.targets += run->waves[i].target_count;
        sum.done += run->waves[i].done_count;
        sum.failed += run->waves[i].failed_count;
        sum.running += run->waves[i].running_count;
    }
    return sum;
}

/* ---- the head ------------------------------------------------------------------------------ */

static void
append_line(const struct terminal *terminal, enum style style, struct text *line, struct text *out)
{
    terminal_clip_styled(terminal, style, text_of(line), terminal->width, out);
    text_append(out, "\n");
    text_clear(line);
}

/* First of all: it says how much the rest is worth. */
static void
append_notice(const struct run_view *run, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};

    if (run->notice) {
        text_append(&line, run->notice);
        append_line(terminal, STYLE_BAD, &line, out);
    }
}

static void
append_title(const struct run_view *run, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    const char *state = show_run_state(run->state);
    size_t state_width = terminal_columns(state) + 2;

    text_format(&line, "run %" PRIu64 "  %s", run->number, show_run_kind(run->kind));
    if (run->services && *run->services) {
        text_format(&line, "  %s", run->services);
    }
    if (run->select && *run->select) {
        text_format(&line, "  %s", run->select);
    }
    size_t room = terminal->width == SIZE_MAX ? SIZE_MAX : terminal->width - state_width;
    terminal_clip_styled(terminal, STYLE_STRONG, text_of(&line), room, out);
    text_append(out, "  ");
    terminal_clip_styled(terminal, show_run_style(run->state), state, SIZE_MAX, out);
    text_append(out, "\n");
}

static void
append_times(const struct run_view *run, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    char time[FORMAT_SIZE];

    text_format(&line, "  begun %s", format_when(run->started_wall_ms, time));
    if (run->operator_name) {
        text_format(&line, " by %s", run->operator_name);
    }
    text_format(&line, ", %s %s", run_view_has_ended(run) ? "took" : "for",
                format_duration_ms(run->elapsed_ms, time));
    if (!run_view_has_ended(run) && run->left_ms > 0) {
        text_format(&line, ", about %s left", format_rough_ms(run->left_ms, time));
    }
    append_line(terminal, STYLE_FAINT, &line, out);
    if (run->why && *run->why && run->state != RUN_RUNNING && run->state != RUN_DONE) {
        text_format(&line, "  %s", run->why);
        append_line(terminal, show_run_style(run->state), &line, out);
    }
    if (run->rollback_number > 0) {
        text_format(&line, "  rolled back by run %" PRIu64, run->rollback_number);
        append_line(terminal, STYLE_WARN, &line, out);
    }
}

/* ---- waves --------------------------------------------------------------------------------- */

/* "2 running, 1 failed", "done", "waiting" */
static void
append_wave_words(const struct run_view *run, const struct wave_view *wave, struct text *out)
{
    if (wave->running_count > 0) {
        text_format(out, "%" PRIu64 " running", wave->running_count);
    }
    if (wave->failed_count > 0) {
        text_format(out, "%s%" PRIu64 " failed", out->size ? ", " : "", wave->failed_count);
    }
    if (out->size == 0 && wave->done_count == wave->target_count) {
        text_append(out, "done");
    } else if (out->size == 0 && wave->done_count == 0) {
        text_append(out, run_view_has_ended(run) ? "not begun" : "waiting");
    }
}

static enum style
wave_style(const struct wave_view *wave)
{
    if (wave->failed_count > 0) {
        return STYLE_BAD;
    }
    if (wave->running_count > 0) {
        return STYLE_NAME;
    }
    return wave->done_count == wave->target_count ? STYLE_GOOD : STYLE_FAINT;
}

static size_t
bar_width(const struct terminal *terminal, size_t counts_width)
{
    if (terminal->width == SIZE_MAX) {
        return BAR_WIDTH_PIPE;
    }
    size_t others = 12 + counts_width + 2 + 24; /* "  wave 12  ", the counts, the words */
    size_t width =
        terminal->width > others + BAR_WIDTH_MIN ? terminal->width - others : BAR_WIDTH_MIN;
    return width > BAR_WIDTH_MAX ? BAR_WIDTH_MAX : width;
}

static void
append_waves(const struct run_view *run, const struct terminal *terminal, struct text *out)
{
    size_t counts_width = 0;

    for (size_t i = 0; i < run->wave_count; i++) {
        char counts[2 * FORMAT_SIZE];
        int size = snprintf(counts, sizeof counts, "%" PRIu64 "/%" PRIu64, run->waves[i].done_count,
                            run->waves[i].target_count);
        counts_width = (size_t)size > counts_width ? (size_t)size : counts_width;
    }
    for (size_t i = 0; i < run->wave_count; i++) {
        const struct wave_view *wave = &run->waves[i];
        CLEANUP(text_release) struct text words = {0};
        char counts[2 * FORMAT_SIZE];

        text_format(out, "  wave %-3zu ", i + 1);
        bar_append(terminal, wave->step_done_count,
                   wave->target_count ? wave->failed_count * wave->step_count / wave->target_count
                                      : 0,
                   wave->step_count, bar_width(terminal, counts_width), out);
        snprintf(counts, sizeof counts, "%" PRIu64 "/%" PRIu64, wave->done_count,
                 wave->target_count);
        text_format(out, "  %*s  ", (int)counts_width, counts);
        append_wave_words(run, wave, &words);
        terminal_clip_styled(terminal, wave_style(wave), text_of(&words), SIZE_MAX, out);
        text_append(out, "\n");
    }
}

/* ---- targets ------------------------------------------------------------------------------- */

static void
append_more(uint64_t count, const char *what, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    char number[FORMAT_SIZE];

    if (count > 0) {
        text_format(&line, "    and %s more %s", format_count(count, number), what);
        append_line(terminal, STYLE_FAINT, &line, out);
    }
}

/* What is worth saying about a leg beside its place: a repeated try, an agent that is silent. */
static void
append_remark(const struct leg_view *leg, struct text *out)
{
    char time[FORMAT_SIZE];

    if (leg->unreachable_ms > 0) {
        text_format(out, "agent silent for %s", format_ago_ms(leg->unreachable_ms, time));
    } else if (leg->attempt > 1 && leg->state == LEG_RUNNING) {
        text_format(out, "try %" PRIu64, leg->attempt);
    }
    if (leg->note && !leg->unreachable_ms) {
        text_format(out, "%s%s", out->size ? ", " : "", leg->note);
    }
    if (leg->state == LEG_RUNNING && leg->fault.code) {
        text_format(out, "%s%s", out->size ? ", " : "", leg->fault.code);
    }
}

static void
append_running(const struct run_picture *picture, const struct terminal *terminal, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    uint64_t running = run_view_sum(picture->run).running;

    grid_column(grid, "running", GRID_SHRINKS);
    grid_column(grid, "migration", GRID_SHRINKS);
    grid_column(grid, "step", GRID_RIGHT);
    grid_column(grid, "", GRID_HIDE_EMPTY | GRID_SHRINKS);
    for (size_t i = 0; i < picture->open_count && grid_rows(grid) < picture->running_max; i++) {
        const struct leg_view *leg = &picture->open[i];
        CLEANUP(text_release) struct text remark = {0};
        if (leg->state != LEG_RUNNING && !leg->note) {
            continue; /* one that waits for its window says so */
        }
        append_remark(leg, &remark);
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", leg->target);
        grid_cell(grid, STYLE_PLAIN, "%s", leg->version ? leg->version : "");
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64,
                  leg->done_count < leg->step_count ? leg->done_count + 1 : leg->step_count,
                  leg->step_count);
        grid_cell(grid, leg->unreachable_ms > 0 ? STYLE_WARN : STYLE_FAINT, "%s", text_of(&remark));
    }
    if (grid_rows(grid) > 0) {
        text_append(out, "\n");
        grid_render(grid, terminal, 2, out);
        append_more(running > grid_rows(grid) ? running - grid_rows(grid) : 0, "running", terminal,
                    out);
    }
}

void
run_render_failure(const struct leg_view *leg, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};

    text_format(&line, "    %s: %s: %s", leg->target, leg->fault.code ? leg->fault.code : "failed",
                leg->fault.text ? leg->fault.text : "");
    append_line(terminal, STYLE_BAD, &line, out);
    if (leg->fault.where || leg->fault.sqlstate) {
        text_format(&line, "      %s%s%s", leg->fault.where ? leg->fault.where : "",
                    leg->fault.where && leg->fault.sqlstate ? "  SQLSTATE " : "",
                    leg->fault.sqlstate ? leg->fault.sqlstate : "");
        append_line(terminal, STYLE_PLAIN, &line, out);
    }
}

static void
append_failing(const struct run_picture *picture, const struct terminal *terminal, struct text *out)
{
    size_t count = picture->failing_count < picture->failing_max ? picture->failing_count
                                                                 : picture->failing_max;
    if (picture->failing_total > 0) {
        text_append(out, "\n  ");
        terminal_clip_styled(terminal, STYLE_FAINT, "failed", SIZE_MAX, out);
        text_append(out, "\n");
    }
    for (size_t i = 0; i < count; i++) {
        run_render_failure(&picture->failing[i], terminal, out);
    }
    append_more(picture->failing_total > count ? picture->failing_total - count : 0, "failed",
                terminal, out);
}

void
run_render_legs(const struct leg_view *legs, size_t count, const struct terminal *terminal,
                struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "target", GRID_SHRINKS);
    grid_column(grid, "service", GRID_SHRINKS | GRID_DROPS);
    grid_column(grid, "wave", GRID_RIGHT);
    grid_column(grid, "state", GRID_LEFT);
    grid_column(grid, "steps", GRID_RIGHT);
    grid_column(grid, "migration", GRID_SHRINKS);
    grid_column(grid, "", GRID_HIDE_EMPTY | GRID_SHRINKS);
    for (size_t i = 0; i < count; i++) {
        const struct leg_view *leg = &legs[i];
        CLEANUP(text_release) struct text remark = {0};
        append_remark(leg, &remark);
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", leg->target);
        grid_cell(grid, STYLE_PLAIN, "%s", leg->service);
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64, leg->wave);
        grid_cell(grid, show_leg_style(leg->state), "%s", show_leg_state(leg->state));
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64, leg->done_count, leg->step_count);
        grid_cell(grid, STYLE_PLAIN, "%s", leg->version ? leg->version : "");
        grid_cell(grid, STYLE_WARN, "%s", text_of(&remark));
    }
    text_append(out, "\n");
    grid_render(grid, terminal, 2, out);
}

void
run_render(const struct run_picture *picture, const struct terminal *terminal, struct text *out)
{
    append_notice(picture->run, terminal, out);
    append_title(picture->run, terminal, out);
    append_times(picture->run, terminal, out);
    text_append(out, "\n");
    append_waves(picture->run, terminal, out);
    append_running(picture, terminal, out);
    append_failing(picture, terminal, out);
    if (picture->silent_ms > 0) {
        CLEANUP(text_release) struct text line = {0};
        char time[FORMAT_SIZE];
        text_format(&line,
                    "  the coordinator has not answered for %s; the run goes on when it is "
                    "back",
                    format_ago_ms(picture->silent_ms, time));
        text_append(out, "\n");
        append_line(terminal, STYLE_WARN, &line, out);
    }
}

void
run_render_end(const struct run_view *run, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    struct run_sum sum = run_view_sum(run);
    char number[FORMAT_SIZE];

    text_format(&line, "run %" PRIu64 ": ", run->number);
    text_append(out, text_of(&line));
    terminal_clip_styled(terminal, show_run_style(run->state), show_run_state(run->state), SIZE_MAX,
                         out);
    text_format(out, ", %" PRIu64 " of %s", sum.done,
                format_counted(sum.targets, "target", number));
    if (sum.failed > 0) {
        text_format(out, ", %" PRIu64 " failed", sum.failed);
    }
    text_format(out, ", %s\n", format_duration_ms(run->elapsed_ms, number));
    if (sum.failed > 0) {
        text_format(out, "  skein log %" PRIu64 " --failing  shows every error in full\n",
                    run->number);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *
leg_json(const struct leg_view *leg)
{
    return json_pack("{s:o, s:o, s:I, s:s, s:I, s:I, s:o, s:I, s:I, s:o, s:o}", "target",
                     show_json_text(leg->target), "service", show_json_text(leg->service), "wave",
                     (json_int_t)leg->wave, "state", show_leg_state(leg->state), "steps_done",
                     (json_int_t)leg->done_count, "steps", (json_int_t)leg->step_count, "version",
                     show_json_text(leg->version), "attempt", (json_int_t)leg->attempt,
                     "unreachable_ms", (json_int_t)leg->unreachable_ms, "note",
                     show_json_text(leg->note), "error", complain_json_fault(&leg->fault));
}

static json_t *
waves_json(const struct run_view *run)
{
    json_t *waves = json_array();

    for (size_t i = 0; i < run->wave_count; i++) {
        const struct wave_view *wave = &run->waves[i];
        json_array_append_new(
            waves,
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "wave", (json_int_t)i + 1, "targets",
                      (json_int_t)wave->target_count, "done", (json_int_t)wave->done_count,
                      "failed", (json_int_t)wave->failed_count, "running",
                      (json_int_t)wave->running_count, "steps", (json_int_t)wave->step_count,
                      "steps_done", (json_int_t)wave->step_done_count));
    }
    return waves;
}

json_t *
run_json(const struct run_view *run, const struct leg_view *legs, size_t leg_count)
{
    struct run_sum sum = run_view_sum(run);
    json_t *object = json_pack(
        "{s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "run_id",
        show_json_id(&run->run_id), "number", (json_int_t)run->number, "kind",
        show_run_kind(run->kind), "state", show_run_state(run->state), "why",
        show_json_text(run->why), "services", show_json_text(run->services), "select",
        show_json_text(run->select), "operator", show_json_text(run->operator_name), "started",
        show_json_time(run->started_wall_ms), "ended", show_json_time(run->ended_wall_ms),
        "elapsed_ms", (json_int_t)run->elapsed_ms, "left_ms", (json_int_t)run->left_ms, "targets",
        (json_int_t)sum.targets, "done", (json_int_t)sum.done, "failed", (json_int_t)sum.failed);
    json_t *rows = json_array();

    json_object_set_new(object, "undoes", show_json_id(&run->undo_run_id));
    json_object_set_new(object, "rolled_back_by",
                        run->rollback_number ? json_integer((json_int_t)run->rollback_number)
                                             : json_null());
    json_object_set_new(object, "notice", show_json_text(run->notice));
    json_object_set_new(object, "waves", waves_json(run));
    for (size_t i = 0; i < leg_count; i++) {
        json_array_append_new(rows, leg_json(&legs[i]));
    }
    json_object_set_new(object, "legs", rows);
    return object;
}
