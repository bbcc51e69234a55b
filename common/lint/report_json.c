#include <jansson.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/lint/report.h"
#include "common/lint/rule.h"

static json_t *
text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *
fixes_json(const struct finding *finding)
{
    json_t *fixes = json_array();

    for (size_t i = 0; i < finding->fix_count; i++) {
        const struct fix *fix = &finding->fixes[i];
        json_array_append_new(
            fixes, json_pack("{s:I, s:I, s:s}", "offset", (json_int_t)fix->begin.offset, "size",
                             (json_int_t)(fix->end.offset - fix->begin.offset), "text", fix->text));
    }
    return fixes;
}

static json_t *
finding_json(const struct finding *finding)
{
    json_t *row = json_object();
    bool has_place = finding->place.line > 0;

    json_object_set_new(row, "rule", json_string(finding->rule->id));
    json_object_set_new(row, "name", json_string(finding->rule->name));
    json_object_set_new(row, "severity", json_string(severity_name(finding->severity)));
    json_object_set_new(row, "path", json_string(finding->path));
    json_object_set_new(row, "line",
                        has_place ? json_integer((json_int_t)finding->place.line) : json_null());
    json_object_set_new(row, "column",
                        has_place ? json_integer((json_int_t)finding->place.column) : json_null());
    json_object_set_new(row, "columns", json_integer((json_int_t)finding->columns));
    json_object_set_new(row, "text", json_string(finding->text));
    json_object_set_new(row, "why", json_string(finding->rule->why));
    json_object_set_new(row, "instead", json_string(finding->rule->instead));
    json_object_set_new(row, "source", text_or_null(finding->line));
    json_object_set_new(row, "schema", text_or_null(finding->schema));
    json_object_set_new(row, "table", text_or_null(finding->table));
    json_object_set_new(row, "numbers", text_or_null(finding->numbers));
    json_object_set_new(row, "fixes", fixes_json(finding));
    return row;
}

void
report_json(const struct report *report, struct text *out)
{
    const struct finding_list *findings = report->findings;
    json_t *rows = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        json_array_append_new(rows, finding_json(&findings->items[i]));
    }
    json_t *root = json_pack("{s:o, s:{s:I, s:I, s:I, s:I, s:I}}", "findings", rows, "summary",
                             "errors", (json_int_t)finding_list_count(findings, SEVERITY_ERROR),
                             "warnings", (json_int_t)finding_list_count(findings, SEVERITY_WARNING),
                             "notes", (json_int_t)finding_list_count(findings, SEVERITY_NOTE),
                             "files", (json_int_t)report->tally->files, "statements",
                             (json_int_t)report->tally->statements);
    CLEANUP(mem_free) char *printed = json_dumps(root, JSON_INDENT(2));
    text_append(out, printed);
    text_append(out, "\n");
    json_decref(root);
}
