/* SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/lint/report.h"
#include "common/lint/rule.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *const levels[] = {"none", "note", "warning", "error"};

static json_t *
message(const char *text)
{
    return json_pack("{s:s}", "text", text);
}

/* A path as a URI reference: what may not stand in one is written as %XX. */
static json_t *
uri(const char *path)
{
    CLEANUP(text_release) struct text out = {0};

    text_append(&out, path[0] == '/' ? "file://" : "");
    for (const char *letter = path; *letter; letter++) {
        if (isalnum((unsigned char)*letter) || strchr("-._~/@+=", *letter)) {
            text_append_bytes(&out, letter, 1);
        } else {
            text_format(&out, "%%%02X", (unsigned char)*letter);
        }
    }
    return json_pack("{s:s}", "uri", text_of(&out));
}

static json_t *
rule_json(const struct rule *rule)
{
    json_t *tags = json_array();

    json_array_append_new(tags, json_string("postgresql"));
    if (rule->also) {
        json_array_append_new(tags, json_string(rule->also));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:s, s:b}, s:{s:o}}", "id", rule->id, "name",
                     rule->name, "shortDescription", message(rule->name), "fullDescription",
                     message(rule->why), "help", message(rule->instead), "defaultConfiguration",
                     "level", levels[rule->severity], "enabled", rule->severity != SEVERITY_OFF,
                     "properties", "tags", tags);
}

static json_t *
region_json(const struct finding *finding)
{
    json_t *region = json_pack("{s:I, s:I}", "startLine", (json_int_t)finding->place.line,
                               "startColumn", (json_int_t)finding->place.column);

    if (finding->columns) {
        json_object_set_new(region, "endColumn",
                            json_integer((json_int_t)(finding->place.column + finding->columns)));
    }
    if (finding->line) {
        json_object_set_new(region, "snippet", message(finding->line));
    }
    return region;
}

static json_t *
fixes_json(const struct finding *finding)
{
    json_t *replacements = json_array();

    for (size_t i = 0; i < finding->fix_count; i++) {
        const struct fix *fix = &finding->fixes[i];
        json_array_append_new(
            replacements,
            json_pack("{s:{s:I, s:I, s:I, s:I}, s:o}", "deletedRegion", "startLine",
                      (json_int_t)fix->begin.line, "startColumn", (json_int_t)fix->begin.column,
                      "endLine", (json_int_t)fix->end.line, "endColumn",
                      (json_int_t)fix->end.column, "insertedContent", message(fix->text)));
    }
    return json_pack("[{s:o, s:[{s:o, s:o}]}]", "description", message(finding->rule->instead),
                     "artifactChanges", "artifactLocation", uri(finding->path), "replacements",
                     replacements);
}

static size_t
index_of(const struct rule *rule)
{
    size_t index = 0;

    while (rule_at(index) != rule) {
        index++;
    }
    return index;
}

static json_t *
result_json(const struct finding *finding)
{
    CLEANUP(text_release) struct text text = {0};
    json_t *place = json_pack("{s:o}", "artifactLocation", uri(finding->path));

    if (finding->place.line) {
        json_object_set_new(place, "region", region_json(finding));
    }
    text_append(&text, finding->text);
    if (finding->numbers) {
        text_format(&text, " (%s)", finding->numbers);
    }
    json_t *result =
        json_pack("{s:s, s:I, s:s, s:o, s:[{s:o}]}", "ruleId", finding->rule->id, "ruleIndex",
                  (json_int_t)index_of(finding->rule), "level", levels[finding->severity],
                  "message", message(text_of(&text)), "locations", "physicalLocation", place);
    if (finding->fix_count) {
        json_object_set_new(result, "fixes", fixes_json(finding));
    }
    return result;
}

void
report_sarif(const struct report *report, struct text *out)
{
    json_t *rules = json_array(), *results = json_array();

    for (size_t i = 0; i < rule_count(); i++) {
        json_array_append_new(rules, rule_json(rule_at(i)));
    }
    for (size_t i = 0; i < report->findings->count; i++) {
        json_array_append_new(results, result_json(&report->findings->items[i]));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema", SCHEMA, "version",
                  "2.1.0", "runs", "tool", "driver", "name", "skein", "version", SKEIN_VERSION,
                  "rules", rules, "columnKind", "unicodeCodePoints", "results", results);
    CLEANUP(mem_free) char *printed = json_dumps(root, JSON_INDENT(2));
    text_append(out, printed);
    text_append(out, "\n");
    json_decref(root);
}
