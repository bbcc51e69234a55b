#include "common/lint/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/rule.h"

/* What all databases together say about one table. */
struct summary {
    const struct table_size *largest; /* null: it is nowhere */
    uint64_t count;                   /* databases that have it */
    uint64_t large_count;
    bool is_busy; /* somewhere */
};

struct table_size *
size_list_add(struct size_list *sizes)
{
    if (sizes->count == sizes->capacity) {
        sizes->items = mem_grow(sizes->items, sizes->count, &sizes->capacity, sizeof *sizes->items);
    }
    struct table_size *size = &sizes->items[sizes->count++];
    *size = (struct table_size){0};
    return size;
}

void
size_list_release(struct size_list *sizes)
{
    free(sizes->items);
    arena_release(&sizes->arena);
    *sizes = (struct size_list){0};
}

static struct summary
summarize(const struct size_list *sizes, const struct finding *finding)
{
    struct summary summary = {0};

    for (size_t i = 0; i < sizes->count; i++) {
        const struct table_size *size = &sizes->items[i];
        if (!text_equal(size->name, finding->table) ||
            (finding->schema && !text_equal(size->schema, finding->schema))) {
            continue;
        }
        summary.count += size->target_count ? size->target_count : 1;
        summary.large_count += size->target_count ? size->large_count : size->bytes >= SIZE_LARGE;
        summary.is_busy = summary.is_busy || size->writes_per_hour >= SIZE_BUSY;
        if (!summary.largest || size->bytes > summary.largest->bytes) {
            summary.largest = size;
        }
    }
    return summary;
}

/* "48 GB", "3.1 GB", "12 MB", "8 kB" */
static void
append_bytes(uint64_t bytes, struct text *out)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    text_format(out, value < 10 && unit > 1 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void
append_rows(int64_t rows, struct text *out)
{
    if (rows < 0) {
        text_append(out, "never analyzed");
    } else if (rows < 10000) {
        text_format(out, "%" PRId64 " rows", rows);
    } else if (rows < 10000000) {
        text_format(out, "%.0f thousand rows", (double)rows / 1e3);
    } else {
        text_format(out, "%.0f million rows", (double)rows / 1e6);
    }
}

static void
append_writes(uint64_t per_hour, struct text *out)
{
    if (per_hour >= 3600) {
        text_format(out, ", %" PRIu64 " rows written a second", per_hour / 3600);
    } else {
        text_format(out, ", %" PRIu64 " row%s written an hour", per_hour, per_hour == 1 ? "" : "s");
    }
}

/* "; 2 of 340 targets did not answer" */
static void
append_silent(const struct size_list *sizes, struct text *out)
{
    if (sizes->silent_count) {
        text_format(out, "; %zu of %zu targets did not answer", sizes->silent_count,
                    sizes->target_count + sizes->silent_count);
    }
}

static const char *
describe_none(const struct size_list *sizes, const struct finding *finding, struct arena *arena)
{
    CLEANUP(text_release) struct text out = {0};

    if (sizes->below) {
        text_format(&out, "%s: nowhere above ", finding->table);
        append_bytes(sizes->below, &out);
        text_append(&out, ", or not there yet");
    } else {
        text_format(&out, "%s is not there yet", finding->table);
    }
    append_silent(sizes, &out);
    return arena_text(arena, text_of(&out));
}

static const char *
describe(const struct size_list *sizes, const struct finding *finding,
         const struct summary *summary, struct arena *arena)
{
    CLEANUP(text_release) struct text out = {0};
    const struct table_size *largest = summary->largest;

    if (!largest) {
        return describe_none(sizes, finding, arena);
    }
    text_format(&out, "%s: ", finding->table);
    append_bytes(largest->bytes, &out);
    text_append(&out, ", ");
    append_rows(largest->rows, &out);
    if (largest->writes_per_hour) {
        append_writes(largest->writes_per_hour, &out);
    }
    if (largest->target && largest->target[0]) {
        text_format(&out, " on %s", largest->target);
    }
    if (sizes->target_count > 1) {
        text_format(&out, "; %" PRIu64 " of %zu targets have it, %" PRIu64 " above 1 GB",
                    summary->count, sizes->target_count, summary->large_count);
    }
    append_silent(sizes, &out);
    if (sizes->replicas) {
        text_format(&out, "; %" PRIu64 " replica%s", sizes->replicas,
                    sizes->replicas == 1 ? "" : "s");
    }
    return arena_text(arena, text_of(&out));
}

/* Whether the table is known to be small everywhere, and seldom written. */
static bool
is_small(const struct size_list *sizes, const struct summary *summary)
{
    return !sizes->silent_count && !summary->is_busy && sizes->below <= SIZE_SMALL &&
           (!summary->largest || summary->largest->bytes < SIZE_SMALL);
}

void
sizes_apply(const struct size_list *sizes, struct finding_list *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];
        if (!finding->table) {
            continue;
        }
        struct summary summary = summarize(sizes, finding);
        finding->numbers = describe(sizes, finding, &summary, &findings->arena);
        if (!finding->rule->follows_size) {
            continue;
        }
        if (summary.largest && summary.largest->bytes >= SIZE_LARGE) {
            finding->severity = SEVERITY_ERROR;
        } else if (is_small(sizes, &summary)) {
            finding->severity = SEVERITY_NOTE;
        }
    }
}
