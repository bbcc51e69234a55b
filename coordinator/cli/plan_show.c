#include "coordinator/cli/plan_show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/plan_estimate_show.h"
#include "coordinator/cli/plan_obstacles.h"
#include "coordinator/cli/show.h"

#define REFUSED_SHOWN 20

/* ---- the waves ----------------------------------------------------------------------------- */

static bool
is_refused(const struct plan_leg *leg)
{
    return leg->fault.code != NULL;
}

static bool
is_in_wave(const struct plan_leg *leg, uint64_t wave)
{
    return !is_refused(leg) && leg->step_count > 0 && leg->wave == wave;
}

static size_t
targets_in_wave(const struct planned *planned, uint64_t wave)
{
    size_t count = 0;

    for (size_t i = 0; i < planned->leg_count; i++) {
        count += is_in_wave(&planned->legs[i], wave);
    }
    return count;
}

static void
append_title(const struct terminal *terminal, const char *title, struct text *out)
{
    text_append(out, "\n");
    terminal_clip_styled(terminal, STYLE_STRONG, title, terminal->width, out);
    text_append(out, "\n");
}

static void
append_more(size_t count, const struct terminal *terminal, struct text *out)
{
    char number[FORMAT_SIZE];
    CLEANUP(text_release) struct text line = {0};

    if (count > 0) {
        text_format(&line, "    and %s more (--all shows them)", format_count(count, number));
        terminal_clip_styled(terminal, STYLE_FAINT, text_of(&line), terminal->width, out);
        text_append(out, "\n");
    }
}

static void
append_wave(const struct planned *planned, uint64_t wave, const struct terminal *terminal,
            size_t rows_max, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    CLEANUP(mem_free) char *title = NULL;
    size_t count = targets_in_wave(planned, wave);
    char number[FORMAT_SIZE], time[FORMAT_SIZE];

    if (count == 0) {
        return;
    }
    title = mem_format("wave %" PRIu64 "  %s", wave, format_counted(count, "target", number));
    append_title(terminal, title, out);
    grid_column(grid, "target", GRID_SHRINKS);
    grid_column(grid, "service", GRID_SHRINKS);
    grid_column(grid, "from", GRID_SHRINKS);
    grid_column(grid, "to", GRID_SHRINKS);
    grid_column(grid, "steps", GRID_RIGHT);
    grid_column(grid, "time", GRID_RIGHT | GRID_HIDE_EMPTY);
    grid_column(grid, "", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = 0; i < planned->leg_count && grid_rows(grid) < rows_max; i++) {
        const struct plan_leg *leg = &planned->legs[i];
        if (!is_in_wave(leg, wave)) {
            continue;
        }
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", leg->target);
        grid_cell(grid, STYLE_PLAIN, "%s", leg->service);
        grid_cell(grid, STYLE_PLAIN, "%s", leg->from_version ? leg->from_version : "nothing");
        grid_cell(grid, STYLE_PLAIN, "%s", leg->to_version ? leg->to_version : "nothing");
        grid_cell(grid, STYLE_PLAIN, "%" PRIu64, leg->step_count);
        grid_cell(grid, STYLE_PLAIN, "%s", plan_estimate_time(&leg->estimate, time));
        grid_cell(grid, STYLE_WARN, "%s", leg->note ? leg->note : "");
    }
    grid_render(grid, terminal, 2, out);
    append_more(count - grid_rows(grid), terminal, out);
}

/* ---- who cannot take part ------------------------------------------------------------------ */

static void
append_refused(const struct planned *planned, const struct terminal *terminal, size_t rows_max,
               struct text *out)
{
    CLEANUP(mem_free) char *title = NULL;
    char number[FORMAT_SIZE];
    size_t shown = 0;

    if (planned->refused_count == 0) {
        return;
    }
    title = mem_format("cannot take part  %s",
                       format_counted(planned->refused_count, "target", number));
    append_title(terminal, title, out);
    rows_max = rows_max < REFUSED_SHOWN ? REFUSED_SHOWN : rows_max;
    for (size_t i = 0; i < planned->leg_count && shown < rows_max; i++) {
        const struct plan_leg *leg = &planned->legs[i];
        if (is_refused(leg)) {
            text_append(out, "  ");
            terminal_clip_styled(terminal, STYLE_NAME, leg->target, terminal->width, out);
            text_append(out, "\n");
            complain_render_fault(&leg->fault, terminal, 4, out);
            shown++;
        }
    }
    append_more(planned->refused_count > shown ? planned->refused_count - shown : 0, terminal, out);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* How many targets have nothing to do. */
static size_t
count_idle(const struct planned *planned)
{
    size_t count = 0;

    for (size_t i = 0; i < planned->leg_count; i++) {
        count += !is_refused(&planned->legs[i]) && planned->legs[i].step_count == 0;
    }
    return count;
}

static size_t
count_busy(const struct planned *planned)
{
    size_t count = 0;

    for (size_t i = 0; i < planned->leg_count; i++) {
        count += !is_refused(&planned->legs[i]) && planned->legs[i].step_count > 0;
    }
    return count;
}

void
plan_render(const struct planned *planned, const struct terminal *terminal, size_t rows_max,
            struct text *out)
{
    char targets[FORMAT_SIZE], steps[FORMAT_SIZE], number[FORMAT_SIZE];
    size_t idle = count_idle(planned), left_out;

    text_format(out, "%s, %s, %" PRIu64 " wave%s, %" PRIu64 " at a time\n",
                format_counted(count_busy(planned), "target", targets),
                format_counted(planned->step_count, "step", steps), planned->wave_count,
                planned->wave_count == 1 ? "" : "s", planned->parallel);
    if (idle > 0) {
        text_format(out, "%s %s there already\n", format_counted(idle, "target", number),
                    idle == 1 ? "is" : "are");
    }
    plan_estimate_render(planned, terminal, out);
    for (uint64_t wave = 1; wave <= planned->wave_count; wave++) {
        append_wave(planned, wave, terminal, rows_max, out);
    }
    plan_obstacles_render(planned, terminal, rows_max, &left_out, out);
    append_more(left_out, terminal, out);
    append_refused(planned, terminal, rows_max, out);
}

void
plan_render_nothing(const struct planned *planned, struct text *out)
{
    char number[FORMAT_SIZE];
    size_t idle = planned->target_count - planned->refused_count;

    text_format(out, "nothing to do: %s %s there already\n", format_counted(idle, "target", number),
                idle == 1 ? "is" : "are");
}

/* ---- SQL ----------------------------------------------------------------------------------- */

/* Where a version stands in the manifest; the number of migrations when it is not there. */
static size_t
position_of(const struct manifest *manifest, const char *version)
{
    for (size_t i = 0; version && i < manifest->migration_count; i++) {
        if (text_equal(manifest->migrations[i].version, version)) {
            return i;
        }
    }
    return manifest->migration_count;
}

/* Mark what a target takes: from its first migration on, step by step, up or down. */
static void
mark_leg(const struct manifest *manifest, enum run_kind kind, const struct plan_leg *leg,
         size_t *takers)
{
    size_t at = position_of(manifest, leg->first_version);

    for (uint64_t i = 0; i < leg->step_count && at < manifest->migration_count; i++) {
        takers[at]++;
        if (kind == RUN_DOWN && at == 0) {
            break;
        }
        at = kind == RUN_DOWN ? at - 1 : at + 1;
    }
}

static void
append_script(const struct bundle *bundle, const struct migration *migration,
              enum direction direction, size_t takers, const struct terminal *terminal,
              struct text *out)
{
    const struct script *script = migration_script(migration, direction);
    CLEANUP(mem_free) char *title = NULL;
    char number[FORMAT_SIZE];

    if (!script) {
        return;
    }
    title = mem_format("-- %s  %s  %s: %s", bundle->manifest.service, script->path,
                       direction == DIRECTION_DOWN ? "down" : "up",
                       format_counted(takers, "target", number));
    append_title(terminal, title, out);
    text_append_bytes(out, bundle_script_text(bundle, script), script->size);
    if (script->size > 0 && out->data[out->size - 1] != '\n') {
        text_append(out, "\n");
    }
}

static void
append_bundle(const struct rollout *rollout, const struct bundle *bundle,
              const struct terminal *terminal, struct text *out)
{
    const struct manifest *manifest = &bundle->manifest;
    const struct planned *planned = &rollout->planned;
    size_t count = manifest->migration_count;
    CLEANUP(mem_free) size_t *takers = mem_zalloc((count + 1) * sizeof *takers);

    for (size_t i = 0; i < planned->leg_count; i++) {
        if (!is_refused(&planned->legs[i]) &&
            text_equal(planned->legs[i].service, manifest->service)) {
            mark_leg(manifest, planned->kind, &planned->legs[i], takers);
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = planned->kind == RUN_DOWN ? count - 1 - i : i;
        if (takers[at] > 0) {
            append_script(bundle, &manifest->migrations[at],
                          planned->kind == RUN_DOWN ? DIRECTION_DOWN : DIRECTION_UP, takers[at],
                          terminal, out);
        }
    }
}

void
plan_render_sql(const struct rollout *rollout, const struct terminal *terminal, struct text *out)
{
    for (size_t i = 0; i < rollout->services.count; i++) {
        append_bundle(rollout, rollout->services.bundles[i], terminal, out);
    }
    if (rollout->services.count == 0) {
        text_append(out, "\nthe SQL of an earlier run is with the coordinator, not here\n");
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

json_t *
plan_json(const struct planned *planned)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < planned->leg_count; i++) {
        const struct plan_leg *leg = &planned->legs[i];
        json_array_append_new(
            rows,
            json_pack("{s:o, s:o, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "target",
                      show_json_text(leg->target), "service", show_json_text(leg->service), "wave",
                      (json_int_t)leg->wave, "from", show_json_text(leg->from_version), "to",
                      show_json_text(leg->to_version), "steps", (json_int_t)leg->step_count,
                      "first", show_json_text(leg->first_version), "note",
                      show_json_text(leg->note), "estimate", plan_estimate_json(&leg->estimate),
                      "preflight", plan_obstacles_json(leg), "error",
                      complain_json_fault(&leg->fault)));
    }
    return json_pack(
        "{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "plan_id",
        show_json_id(&planned->plan_id), "kind", show_run_kind(planned->kind), "targets",
        (json_int_t)planned->target_count, "steps", (json_int_t)planned->step_count, "waves",
        (json_int_t)planned->wave_count, "refused", (json_int_t)planned->refused_count, "parallel",
        (json_int_t)planned->parallel, "estimate", plan_estimate_json(&planned->estimate),
        "migrations", plan_estimate_migrations_json(planned), "legs", rows);
}

/* ---- what counts for all together ------------------------------------------------------- */

const struct plan_leg *
plan_gravest(const struct planned *planned)
{
    const struct plan_leg *gravest = NULL;
    int status = EXIT_DONE;

    for (size_t i = 0; i < planned->leg_count; i++) {
        const struct plan_leg *leg = &planned->legs[i];
        int of_leg = leg->fault.code ? exit_status_of(leg->fault.code) : EXIT_DONE;
        if (leg->fault.code && (!gravest || exit_status_gravest(status, of_leg) != status)) {
            gravest = leg;
            status = of_leg;
        }
    }
    return gravest;
}
