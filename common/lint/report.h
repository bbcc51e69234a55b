/*
 * report: findings as people, pipelines and code hosts read them.
 */
#ifndef COMMON_LINT_REPORT_H
#define COMMON_LINT_REPORT_H

#include "common/base/text.h"
#include "common/lint/finding.h"
#include "common/lint/lint.h"

/* Text is for people; junit for CI servers, github for the log of a workflow. */
enum report_format {
    REPORT_TEXT,
    REPORT_JSON,
    REPORT_SARIF,
    REPORT_JUNIT,
    REPORT_GITHUB,
    REPORT_FORMAT_COUNT
};

/* What switches a style on and everything off again; "" without colours. */
struct report_style {
    const char *error, *warning, *note, *strong, *faint, *plain;
    size_t width; /* columns; SIZE_MAX: no end */
};

struct report {
    const struct finding_list *findings; /* sorted */
    const struct lint_tally *tally;
    struct report_style style; /* text only */
};

/* Append the whole report, with a line end behind it. */
void report_write(const struct report *report, enum report_format format, struct text *out);

void report_text(const struct report *report, struct text *out);
void report_json(const struct report *report, struct text *out);
void report_sarif(const struct report *report, struct text *out);
void report_junit(const struct report *report, struct text *out);
void report_github(const struct report *report, struct text *out);

/* The page of a rule, as in docs/rules. */
void report_rule_page(const struct rule *rule, struct text *out);

/* The page that lists them all. */
void report_rule_index(struct text *out);

#endif
