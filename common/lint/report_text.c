#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/lint/report.h"
#include "common/lint/rule.h"

struct text_report {
    const struct report *report;
    struct text *out;
    bool *is_explained; /* of each rule: its why and instead stand above already */
};

static const char *
style_of(const struct report_style *style, enum severity severity)
{
    switch (severity) {
    case SEVERITY_ERROR:
        return style->error;
    case SEVERITY_WARNING:
        return style->warning;
    default:
        return style->note;
    }
}

/* Append a text folded at blanks behind `indent` columns; the first line has begun. */
static void
append_folded(const char *text, size_t indent, size_t width, struct text *out)
{
    size_t column = indent;

    while (*text) {
        size_t size = strcspn(text, " ");
        if (column > indent && width != (size_t)-1 && column + 1 + size > width) {
            text_format(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            text_append(out, " ");
            column++;
        }
        text_append_bytes(out, text, size);
        column += size;
        text += size + (text[size] == ' ');
    }
    text_append(out, "\n");
}

static void
append_part(const struct text_report *text, const char *name, const char *value)
{
    const struct report_style *style = &text->report->style;

    text_format(text->out, "  %s%-8s%s ", style->faint, name, style->plain);
    append_folded(value, 11, style->width, text->out);
}

/* The source line, and below it what is meant. */
static void
append_source(const struct text_report *text, const struct finding *finding)
{
    const struct report_style *style = &text->report->style;
    size_t begin = finding->place.column - 1;
    size_t columns = finding->columns ? finding->columns : 1;

    text_format(text->out, "  %s%5zu |%s %s\n  %s      |%s ", style->faint, finding->place.line,
                style->plain, finding->line, style->faint, style->plain);
    text_format(text->out, "%*s%s", (int)begin, "", style_of(style, finding->severity));
    for (size_t i = 0; i < columns && begin + i < strlen(finding->line); i++) {
        text_append(text->out, i ? "~" : "^");
    }
    text_format(text->out, "%s\n", style->plain);
}

static void
append_finding(const struct text_report *text, const struct finding *finding, bool *is_explained)
{
    const struct report_style *style = &text->report->style;
    struct text *out = text->out;

    text_format(out, "%s%s", style->strong, finding->path);
    if (finding->place.line) {
        text_format(out, ":%zu:%zu", finding->place.line, finding->place.column);
    }
    text_format(out, ":%s %s%s[%s]%s ", style->plain, style_of(style, finding->severity),
                severity_name(finding->severity), finding->rule->id, style->plain);
    append_folded(finding->text, 2, style->width, out);
    if (finding->line) {
        append_source(text, finding);
    }
    if (finding->numbers) {
        append_part(text, "sizes:", finding->numbers);
    }
    if (!*is_explained) {
        append_part(text, "why:", finding->rule->why);
        append_part(text, "instead:", finding->rule->instead);
        *is_explained = true;
    }
    text_append(out, "\n");
}

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void
append_summary(const struct report *report, struct text *out)
{
    const struct finding_list *findings = report->findings;
    size_t errors = finding_list_count(findings, SEVERITY_ERROR);
    size_t warnings = finding_list_count(findings, SEVERITY_WARNING);
    size_t notes = finding_list_count(findings, SEVERITY_NOTE), fixable = 0;

    for (size_t i = 0; i < findings->count; i++) {
        fixable += findings->items[i].fix_count > 0;
    }
    text_format(out, "%zu error%s, %zu warning%s, %zu note%s in %zu file%s", errors, plural(errors),
                warnings, plural(warnings), notes, plural(notes), report->tally->files,
                plural(report->tally->files));
    if (fixable) {
        text_format(out, "; --fix can put %zu of them right", fixable);
    }
    text_append(out, "\n");
}

void
report_text(const struct report *report, struct text *out)
{
    size_t count = rule_count();
    CLEANUP(mem_free) bool *is_explained = mem_zalloc(count * sizeof *is_explained);
    const struct text_report text = {report, out, is_explained};

    for (size_t i = 0; i < report->findings->count; i++) {
        const struct finding *finding = &report->findings->items[i];
        size_t rule = 0;
        while (rule < count && rule_at(rule) != finding->rule) {
            rule++;
        }
        append_finding(&text, finding, &is_explained[rule]);
    }
    append_summary(report, out);
}
