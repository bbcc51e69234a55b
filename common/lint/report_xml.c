/* JUnit: a file is a suite, a finding is a test that has failed. */
#include <string.h>

#include "common/lint/report.h"
#include "common/lint/rule.h"

static void
append_escaped(const char *value, struct text *out)
{
    static const char letters[] = "&<>\"'\n\t";
    static const char *const entities[] = {"&amp;",  "&lt;",  "&gt;", "&quot;",
                                           "&apos;", "&#10;", "&#9;"};

    for (const char *letter = value; *letter; letter++) {
        const char *found = strchr(letters, *letter);
        if (found) {
            text_append(out, entities[found - letters]);
        } else if ((unsigned char)*letter >= ' ') {
            text_append_bytes(out, letter, 1);
        }
    }
}

static void
append_attribute(const char *name, const char *value, struct text *out)
{
    text_format(out, " %s=\"", name);
    append_escaped(value, out);
    text_append(out, "\"");
}

static void
append_case(const struct finding *finding, struct text *out)
{
    text_append(out, "    <testcase");
    append_attribute("classname", finding->path, out);
    text_format(out, " name=\"%s %s (%zu:%zu)\">\n      <failure", finding->rule->id,
                finding->rule->name, finding->place.line, finding->place.column);
    append_attribute("type", severity_name(finding->severity), out);
    append_attribute("message", finding->text, out);
    text_append(out, ">");
    append_escaped(finding->path, out);
    text_format(out, ":%zu:%zu&#10;", finding->place.line, finding->place.column);
    if (finding->line) {
        append_escaped(finding->line, out);
        text_append(out, "&#10;");
    }
    if (finding->numbers) {
        append_escaped(finding->numbers, out);
        text_append(out, "&#10;");
    }
    append_escaped(finding->rule->instead, out);
    text_append(out, "</failure>\n    </testcase>\n");
}

/* The findings of one file, which stand side by side; returns how many. */
static size_t
append_suite(const struct finding_list *findings, size_t first, struct text *out)
{
    const char *path = findings->items[first].path;
    size_t count = 1;

    while (first + count < findings->count &&
           strcmp(findings->items[first + count].path, path) == 0) {
        count++;
    }
    text_append(out, "  <testsuite");
    append_attribute("name", path, out);
    text_format(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n", count, count);
    for (size_t i = 0; i < count; i++) {
        append_case(&findings->items[first + i], out);
    }
    text_append(out, "  </testsuite>\n");
    return count;
}

void
report_junit(const struct report *report, struct text *out)
{
    const struct finding_list *findings = report->findings;
    size_t count = findings->count;

    text_format(out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<testsuites name=\"skein lint\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
                count ? count : 1, count);
    for (size_t first = 0; first < count;) {
        first += append_suite(findings, first, out);
    }
    if (count == 0) {
        text_format(out,
                    "  <testsuite name=\"skein lint\" tests=\"1\" failures=\"0\" errors=\"0\">\n"
                    "    <testcase classname=\"skein lint\" name=\"%zu files without findings\"/>\n"
                    "  </testsuite>\n",
                    report->tally->files);
    }
    text_append(out, "</testsuites>\n");
}
