/* debug rules: the rules of `skein lint`, and the pages about them. */
#include "common/base/mem.h"
#include "common/io/file.h"
#include "common/lint/report.h"
#include "common/lint/rule.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/page.h"

static bool
write_pages(const char *folder, struct error *error)
{
    CLEANUP(text_release) struct text content = {0};

    if (!file_make_folder(folder, "E-OUTPUT", error)) {
        return false;
    }
    report_rule_index(&content);
    if (!page_write(folder, "README", ".md", &content, error)) {
        return false;
    }
    for (size_t i = 0; i < rule_count(); i++) {
        text_clear(&content);
        report_rule_page(rule_at(i), &content);
        if (!page_write(folder, rule_at(i)->id, ".md", &content, error)) {
            return false;
        }
    }
    return true;
}

static bool
print_pages(const struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text out = {0};

    for (size_t i = 0; i < call->argument_count; i++) {
        const struct rule *rule = rule_find(call->arguments[i]);
        if (!rule) {
            error_set(error, "E-CLI-USAGE", "there is no rule '%.64s'", call->arguments[i]);
            return error_hint(error, "`skein debug rules` lists them");
        }
        text_append(&out, i ? "\n" : "");
        report_rule_page(rule, &out);
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}

static void
print_list(const struct call *call)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "rule", GRID_LEFT);
    grid_column(grid, "name", GRID_LEFT);
    grid_column(grid, "severity", GRID_LEFT);
    grid_column(grid, "fix", GRID_LEFT);
    grid_column(grid, "why", GRID_SHRINKS);
    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", rule->id);
        grid_cell(grid, STYLE_PLAIN, "%s", rule->name);
        grid_cell(grid, STYLE_PLAIN, "%s", severity_name(rule->severity));
        grid_cell(grid, STYLE_FAINT, "%s", rule->is_fixable ? "yes" : "");
        grid_cell(grid, STYLE_PLAIN, "%s", rule->why);
    }
    grid_print(grid, &call->terminal, 0);
}

bool
command_debug_rules(struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text out = {0};
    const char *folder = call_text(call, "out");

    if (folder) {
        return write_pages(folder, error);
    }
    if (call->argument_count) {
        return print_pages(call, error);
    }
    if (call_choice(call, "format") == 0) {
        print_list(call);
        return true;
    }
    report_rule_index(&out);
    fputs(text_of(&out), call->terminal.out);
    return true;
}
