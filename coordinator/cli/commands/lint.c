/* lint: the rules over folders of migrations. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/lint/repair.h"
#include "common/lint/report.h"
#include "common/lint/settings.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/lint_sizes.h"
#include "coordinator/cli/lint_units.h"

/* What one call holds. */
struct lint_call {
    struct call *call;
    struct lint_units units;
    const struct lint_unit *unit; /* the one that is looked at */
    struct lint_settings settings;
    struct finding_list findings;
    struct lint_tally tally;
    struct size_list sizes;
    unsigned server_major; /* of the database that was asked; 0: none was */
};

static void
lint_call_release(struct lint_call *lint)
{
    lint_units_release(&lint->units);
    lint_settings_release(&lint->settings);
    finding_list_release(&lint->findings);
    size_list_release(&lint->sizes);
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool
is_reported(void *context, const char *path)
{
    const struct lint_call *lint = context;
    return lint_unit_wants(&lint->units, lint->unit, path);
}

static enum lint_change
change_of(void *context, const char *path)
{
    const struct lint_call *lint = context;
    return lint_unit_change(&lint->units, lint->unit, path);
}

static void
say_today(char day[16])
{
    time_t now = time(NULL);
    struct tm parts;

    strftime(day, 16, "%Y-%m-%d", gmtime_r(&now, &parts));
}

static bool
look(struct lint_call *lint, struct error *error)
{
    char today[16];
    const struct lint_wish wish = {
        .levels = lint->settings.levels,
        .level_count = lint->settings.level_count,
        .today = today,
        .server_major = lint->server_major,
        .is_reported = is_reported,
        .change_of = lint->units.changed ? change_of : NULL,
        .context = lint,
    };

    say_today(today);
    finding_list_release(&lint->findings);
    lint->tally = (struct lint_tally){0};
    for (size_t i = 0; i < lint->units.count; i++) {
        lint->unit = &lint->units.items[i];
        if (!lint_folder(&lint->unit->source, &wish, &lint->findings, &lint->tally, error)) {
            return false;
        }
    }
    if (lint->sizes.target_count) {
        sizes_apply(&lint->sizes, &lint->findings);
    }
    finding_list_sort(&lint->findings);
    return true;
}

/* Write the fixes, and look again at what is left. */
static bool
repair(struct lint_call *lint, struct error *error)
{
    size_t repaired = 0;

    if (!repair_files(&lint->findings, &repaired, error)) {
        return false;
    }
    if (repaired && call_choice(lint->call, "format") == REPORT_TEXT &&
        !call_wants_json(lint->call)) {
        fprintf(lint->call->terminal.out, "%zu put right\n", repaired);
    }
    return repaired == 0 || look(lint, error);
}

/* ---- telling --------------------------------------------------------------------------------- */

static enum severity
fail_on(const struct lint_call *lint)
{
    enum severity severity = SEVERITY_ERROR;

    if (lint->settings.fail_on != SEVERITY_OFF) {
        severity = lint->settings.fail_on;
    }
    if (call_is_given(lint->call, "fail-on")) {
        severity = (enum severity)(call_choice(lint->call, "fail-on") + SEVERITY_NOTE);
    }
    return severity;
}

static void
tell(struct lint_call *lint)
{
    const struct terminal *terminal = &lint->call->terminal;
    CLEANUP(text_release) struct text out = {0};
    enum report_format format = call_wants_json(lint->call)
                                    ? REPORT_JSON
                                    : (enum report_format)call_choice(lint->call, "format");
    const struct report report = {
        .findings = &lint->findings,
        .tally = &lint->tally,
        .style = {.error = terminal_style(terminal, STYLE_BAD),
                  .warning = terminal_style(terminal, STYLE_WARN),
                  .note = terminal_style(terminal, STYLE_NAME),
                  .strong = terminal_style(terminal, STYLE_STRONG),
                  .faint = terminal_style(terminal, STYLE_FAINT),
                  .plain = terminal_style(terminal, STYLE_PLAIN),
                  .width = terminal->width},
    };

    report_write(&report, format, &out);
    fputs(text_of(&out), terminal->out);
    for (size_t i = 0; i < lint->findings.count; i++) {
        if (lint->findings.items[i].severity >= fail_on(lint)) {
            lint->call->exit_status = EXIT_FINDINGS;
        }
    }
}

bool
command_lint(struct call *call, struct error *error)
{
    CLEANUP(lint_call_release) struct lint_call lint = {.call = call};
    const char *revision = call_text(call, "changed-since");
    const char *database = call_text(call, "database");
    const char *databases = call_text(call, "databases");
    const char *fleet = call_text(call, "fleet");

    if (call_text(call, "select") && !fleet) {
        error_set(error, "E-CLI-USAGE", "--select means targets of a fleet, and none is named");
        return error_hint(error, "skein lint --fleet SERVICE --select env=prod");
    }
    if (!lint_units_find(&lint.units, call->arguments, call->argument_count,
                         call_text(call, "layout"), error) ||
        (lint.units.project &&
         !lint_settings_read(lint.units.project->file, &lint.settings, error)) ||
        (database && !lint_sizes_read(database, "", &lint.sizes, &lint.server_major, error)) ||
        (databases && !lint_sizes_read_list(databases, &lint.sizes, &lint.server_major, error)) ||
        (fleet && !lint_sizes_ask(call, fleet, &lint.sizes, &lint.server_major, error)) ||
        (revision && !lint_units_since(&lint.units, revision, error)) || !look(&lint, error) ||
        (call_flag(call, "fix") && !repair(&lint, error))) {
        return false;
    }
    tell(&lint);
    return true;
}
