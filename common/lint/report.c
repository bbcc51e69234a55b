#include "common/lint/report.h"

#include <string.h>

#include "common/lint/rule.h"

/* ---- annotations of a GitHub workflow -------------------------------------------------------- */

/* A value of a workflow command: what would end it is written as %XX. */
static void
append_escaped(const char *value, bool is_property, struct text *out)
{
    for (const char *letter = value; *letter; letter++) {
        bool ends = strchr("%\r\n", *letter) || (is_property && strchr(":,", *letter));
        if (ends) {
            text_format(out, "%%%02X", (unsigned char)*letter);
        } else {
            text_append_bytes(out, letter, 1);
        }
    }
}

void
report_github(const struct report *report, struct text *out)
{
    static const char *const commands[] = {"debug", "notice", "warning", "error"};

    for (size_t i = 0; i < report->findings->count; i++) {
        const struct finding *finding = &report->findings->items[i];
        text_format(out, "::%s file=", commands[finding->severity]);
        append_escaped(finding->path, true, out);
        if (finding->place.line) {
            text_format(out, ",line=%zu,col=%zu", finding->place.line, finding->place.column);
        }
        if (finding->place.line && finding->columns) {
            text_format(out, ",endColumn=%zu", finding->place.column + finding->columns);
        }
        text_format(out, ",title=%s %s::", finding->rule->id, finding->rule->name);
        append_escaped(finding->text, false, out);
        if (finding->numbers) {
            text_append(out, "%0A");
            append_escaped(finding->numbers, false, out);
        }
        text_append(out, "%0AInstead: ");
        append_escaped(finding->rule->instead, false, out);
        text_append(out, "\n");
    }
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void
append_sql(const char *title, const char *sql, struct text *out)
{
    text_format(out, "\n## %s\n\n```sql\n%s", title, sql);
    text_append(out, sql[strlen(sql) - 1] == '\n' ? "```\n" : "\n```\n");
}

void
report_rule_page(const struct rule *rule, struct text *out)
{
    unsigned parts = rule->parts ? rule->parts : ON_UP;

    text_format(out, "# %s: %s\n\n", rule->id, rule->name);
    text_format(out, "*%s*, looked for in %s%s%s files%s%s.\n\n", severity_name(rule->severity),
                parts & ON_UP ? "up" : "", parts & ON_DOWN ? " and down" : "",
                parts & ON_VERIFY ? " and verify" : "",
                rule->follows_size ? "; how grave it is follows the size of the table when that is "
                                     "known (`--database`, `--fleet`)"
                                   : "",
                rule->is_fixable ? "; `skein lint --fix` writes it anew where that is mechanical"
                                 : "");
    if (rule->severity == SEVERITY_OFF) {
        text_format(out,
                    "Off unless it is switched on in skein.yaml: `lint: { rules: { %s: warning } "
                    "}`.\n\n",
                    rule->id);
    }
    text_format(out, "**Why:** %s\n\n**Instead:** %s\n", rule->why, rule->instead);
    append_sql("Found", rule->bad, out);
    append_sql("Not found", rule->good, out);
    text_format(out,
                "\n## Allowing it\n\nAt one place: `-- skein: allow=%s reason=\"…\" "
                "until=2027-01-31` above the statement. Everywhere: `lint: { rules: { %s: off } }` "
                "in skein.yaml.\n",
                rule->id, rule->id);
    if (rule->also) {
        text_format(out, "\n*Elsewhere: %s.*\n", rule->also);
    }
}

void
report_rule_index(struct text *out)
{
    text_append(out,
                "# The rules\n\n*Printed by `skein debug rules --out docs/rules` from the table "
                "that `skein lint` works by.*\n\n"
                "An id stays for ever. Severities are the defaults: skein.yaml and the sizes "
                "of real tables change them.\n\n"
                "| rule | | severity | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);
        text_format(out, "| [%s](%s.md) | %s | %s%s | %s |\n", rule->id, rule->id, rule->name,
                    severity_name(rule->severity), rule->is_fixable ? ", fix" : "", rule->why);
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

void
report_write(const struct report *report, enum report_format format, struct text *out)
{
    static void (*const writers[])(const struct report *, struct text *) = {
        [REPORT_TEXT] = report_text,     [REPORT_JSON] = report_json,
        [REPORT_SARIF] = report_sarif,   [REPORT_JUNIT] = report_junit,
        [REPORT_GITHUB] = report_github,
    };

    writers[format](report, out);
}
