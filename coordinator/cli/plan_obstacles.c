#include "coordinator/cli/plan_obstacles.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/show.h"

#define INDENT 11 /* behind the longest word */

/* What is found at one target. */
struct row {
    const struct obstacle *obstacle;
    const char *target;
    size_t order;
};

/* ---- what is alike --------------------------------------------------------------------------- */

static bool
takes_part(const struct plan_leg *leg)
{
    return !leg->fault.code && leg->step_count > 0;
}

static int
compare_texts(const char *left, const char *right)
{
    return strcmp(left ? left : "", right ? right : "");
}

static int
compare_obstacles(const struct obstacle *left, const struct obstacle *right)
{
    int order = (left->policy < right->policy) - (left->policy > right->policy);

    order = order ? order : compare_texts(left->check, right->check);
    order = order ? order : compare_texts(left->version, right->version);
    return order ? order : compare_texts(left->text, right->text);
}

/* The gravest first; what is the same side by side. */
static int
compare_rows(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    int order = compare_obstacles(left->obstacle, right->obstacle);

    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static struct row *
collect(const struct planned *planned, size_t *count)
{
    struct row *rows = mem_zalloc((planned->leg_count * OBSTACLES_MAX + 1) * sizeof *rows);

    *count = 0;
    for (size_t i = 0; i < planned->leg_count; i++) {
        const struct plan_leg *leg = &planned->legs[i];
        for (size_t k = 0; takes_part(leg) && k < leg->obstacle_count; k++) {
            rows[*count] = (struct row){&leg->obstacles[k], leg->target, *count};
            ++*count;
        }
    }
    qsort(rows, *count, sizeof *rows, compare_rows);
    return rows;
}

/* ---- for people ------------------------------------------------------------------------------ */

/* "auth-eu-1 and 3 more, migration 0003: a prepared transaction holds users" */
static void
append_found(const struct row *rows, size_t count, struct text *line)
{
    const struct obstacle *obstacle = rows->obstacle;
    char number[FORMAT_SIZE];

    text_append(line, rows->target);
    if (count > 1) {
        text_format(line, " and %s more", format_count(count - 1, number));
    }
    if (obstacle->version) {
        text_format(line, ", migration %s", obstacle->version);
    }
    text_format(line, ": %s", obstacle->text);
    if (obstacle->policy == POLICY_REFUSE) {
        text_append(line, ", unless what comes before it changes that");
    }
}

static void
append_alike(const struct row *rows, size_t count, const struct terminal *terminal,
             struct text *out)
{
    static const char *const words[POLICY_COUNT] = {
        [POLICY_WARN] = "warns", [POLICY_HOLD] = "holds", [POLICY_REFUSE] = "refuses"};
    const char *word = words[rows->obstacle->policy];
    CLEANUP(text_release) struct text line = {0};

    text_append(out, "  ");
    terminal_clip_styled(terminal, STYLE_WARN, word ? word : "", terminal->width, out);
    text_format(out, "%*s", (int)(INDENT - 2 - strlen(word ? word : "")), "");
    append_found(rows, count, &line);
    terminal_fold(terminal, text_of(&line), INDENT, terminal->width, out);
    text_append(out, "\n");
    if (rows->obstacle->hint) {
        text_format(out, "%*s", INDENT, "");
        terminal_fold(terminal, rows->obstacle->hint, INDENT, terminal->width, out);
        text_append(out, "\n");
    }
}

void
plan_obstacles_render(const struct planned *planned, const struct terminal *terminal,
                      size_t rows_max, size_t *left_out, struct text *out)
{
    size_t count, next;
    struct row *rows = collect(planned, &count);
    size_t shown = 0;

    *left_out = 0;
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1;
             next < count && compare_obstacles(rows[i].obstacle, rows[next].obstacle) == 0;) {
            next++;
        }
        if (shown == rows_max) {
            ++*left_out;
            continue;
        }
        if (shown++ == 0) {
            text_append(out, "\n");
            terminal_clip_styled(terminal, STYLE_STRONG, "what the preflight would find now",
                                 terminal->width, out);
            text_append(out, "\n");
        }
        append_alike(&rows[i], next - i, terminal, out);
    }
    free(rows);
}

/* ---- for programs ---------------------------------------------------------------------------- */

json_t *
plan_obstacles_json(const struct plan_leg *leg)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < leg->obstacle_count; i++) {
        const struct obstacle *obstacle = &leg->obstacles[i];
        json_array_append_new(rows, json_pack("{s:o, s:s, s:o, s:o, s:o}", "check",
                                              show_json_text(obstacle->check), "policy",
                                              policy_words[obstacle->policy], "migration",
                                              show_json_text(obstacle->version), "found",
                                              show_json_text(obstacle->text), "hint",
                                              show_json_text(obstacle->hint)));
    }
    return rows;
}
