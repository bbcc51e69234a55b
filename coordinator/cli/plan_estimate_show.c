#include "coordinator/cli/plan_estimate_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "coordinator/cli/show.h"

#define WAL_SHOWN_MIN ((uint64_t)1 << 20)

static const char *const bases[ESTIMATE_BASIS_COUNT] = {"nothing", "own", "fleet", "guess",
                                                        "unmeasured"};

/* ---- in words -------------------------------------------------------------------------------- */

static const char *
basis_text(enum estimate_basis basis)
{
    static const char *const texts[ESTIMATE_BASIS_COUNT] = {"", "by what it took there before",
                                                            "by what it took on other targets",
                                                            "no experience yet", ""};

    return texts[basis];
}

const char *
plan_estimate_time(const struct estimate *estimate, char out[FORMAT_SIZE])
{
    char time[FORMAT_SIZE];

    if (estimate->basis == ESTIMATE_NOTHING) {
        return "";
    }
    if (estimate->basis == ESTIMATE_UNMEASURED) {
        return "?";
    }
    snprintf(out, FORMAT_SIZE, "%s~%.32s", estimate->is_most ? "at most " : "",
             format_rough_ms(estimate->expected_ms, time));
    return out;
}

/* "~40 s (12 s to 1m 35s)" */
static void
append_range(const struct estimate *estimate, struct text *out)
{
    char low[FORMAT_SIZE], middle[FORMAT_SIZE], high[FORMAT_SIZE];

    text_append(out, estimate->is_most ? "at most " : "");
    text_format(out, "~%s (%s to %s)", format_rough_ms(estimate->expected_ms, middle),
                format_rough_ms(estimate->low_ms, low), format_rough_ms(estimate->high_ms, high));
}

static void
append_wal(const struct estimate *estimate, struct text *out)
{
    char size[FORMAT_SIZE];

    if (estimate->wal_bytes >= WAL_SHOWN_MIN) {
        text_format(out, "; WAL ~%s", format_size(estimate->wal_bytes, size));
    }
}

static void
append_basis(const struct estimate *estimate, struct text *out)
{
    text_format(out, "; %s", basis_text(estimate->basis));
}

static void
append_sizes(const struct plan_migration *migration, struct text *out)
{
    const struct estimate *estimate = &migration->estimate;
    char bytes[FORMAT_SIZE], number[FORMAT_SIZE];

    text_format(out, " on %s", format_size(estimate->bytes, bytes));
    if (estimate->rows) {
        text_format(out, ", %s", format_counted(estimate->rows, "row", number));
    }
    text_format(out, " of %s", migration->target);
    if (estimate->rewrite_bytes) {
        text_format(out, "; rewrites %s", format_size(estimate->rewrite_bytes, bytes));
    } else {
        text_append(out, "; rewrites nothing");
    }
}

static void
append_migration(const struct plan_migration *migration, const struct terminal *terminal,
                 struct text *out)
{
    CLEANUP(text_release) struct text line = {0};
    char number[FORMAT_SIZE];

    text_format(&line, "  %s %s  ", migration->version, migration->name ? migration->name : "");
    if (migration->estimate.basis == ESTIMATE_UNMEASURED) {
        text_format(&line, "how large its tables are on %s could not be found out",
                    migration->target);
    } else {
        append_range(&migration->estimate, &line);
        append_sizes(migration, &line);
        append_wal(&migration->estimate, &line);
        append_basis(&migration->estimate, &line);
    }
    if (migration->target_count > 1) {
        text_format(&line, "; %s in all",
                    format_counted(migration->target_count, "target", number));
    }
    terminal_clip_styled(terminal, STYLE_PLAIN, text_of(&line), terminal->width, out);
    text_append(out, "\n");
}

static void
append_whole(const struct planned *planned, struct text *out)
{
    const struct estimate *estimate = &planned->estimate;

    if (estimate->basis == ESTIMATE_UNMEASURED) {
        text_append(out, "how long it takes is not known: not all tables could be measured\n");
        return;
    }
    append_range(estimate, out);
    text_append(out, " in all, without waiting for locks");
    append_wal(estimate, out);
    if (estimate->basis == ESTIMATE_GUESS) {
        append_basis(estimate, out);
    }
    text_append(out, "\n");
}

void
plan_estimate_render(const struct planned *planned, const struct terminal *terminal,
                     struct text *out)
{
    char number[FORMAT_SIZE];

    if (planned->estimate.basis == ESTIMATE_NOTHING) {
        return;
    }
    append_whole(planned, out);
    text_append(out, "\n");
    terminal_clip_styled(terminal, STYLE_STRONG, "what takes its time, where it takes longest",
                         terminal->width, out);
    text_append(out, "\n");
    for (size_t i = 0; i < planned->migration_count; i++) {
        append_migration(&planned->migrations[i], terminal, out);
    }
    if (planned->migration_total > planned->migration_count) {
        text_format(out, "    and %s shorter ones\n",
                    format_count(planned->migration_total - planned->migration_count, number));
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *
plan_estimate_json(const struct estimate *estimate)
{
    return json_pack(
        "{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "basis", bases[estimate->basis], "is_most",
        estimate->is_most, "bytes", (json_int_t)estimate->bytes, "rows", (json_int_t)estimate->rows,
        "rewrite_bytes", (json_int_t)estimate->rewrite_bytes, "low_ms",
        (json_int_t)estimate->low_ms, "expected_ms", (json_int_t)estimate->expected_ms, "high_ms",
        (json_int_t)estimate->high_ms, "wal_bytes", (json_int_t)estimate->wal_bytes);
}

json_t *
plan_estimate_migrations_json(const struct planned *planned)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < planned->migration_count; i++) {
        const struct plan_migration *migration = &planned->migrations[i];
        json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "service",
                                              show_json_text(migration->service), "version",
                                              show_json_text(migration->version), "name",
                                              show_json_text(migration->name), "targets",
                                              (json_int_t)migration->target_count, "slowest",
                                              show_json_text(migration->target), "estimate",
                                              plan_estimate_json(&migration->estimate)));
    }
    return rows;
}
