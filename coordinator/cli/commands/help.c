/* help, version, completion. */
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/completion.h"
#include "coordinator/cli/error_table.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/manual.h"
#include "coordinator/cli/show.h"

static bool
explain(const struct call *call, const char *code, struct error *error)
{
    const struct error_meaning *meaning = error_table_find(code);

    if (!meaning) {
        error_set(error, "E-CLI-USAGE", "there is no error '%.64s'", code);
        return error_hint(error, "skein debug errors lists them");
    }
    int status = exit_status_of(code);
    show_line(&call->terminal, "%s: %s", code, meaning->sentence);
    show_line(&call->terminal, "exit status %d: %s", status, exit_meaning(status));
    return true;
}

bool
command_help(struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text name = {0};
    CLEANUP(text_release) struct text out = {0};

    for (size_t i = 0; i < call->argument_count; i++) {
        text_format(&name, "%s%s", i ? " " : "", call->arguments[i]);
    }
    if (text_starts_with(text_of(&name), "E-")) {
        return explain(call, text_of(&name), error);
    }
    const struct command *command = command_named(text_of(&name));
    if (name.size == 0) {
        manual_overview(&call->terminal, &out);
    } else if (command) {
        manual_help(command, &call->terminal, &out);
    } else {
        const char *nearest = command_nearest(text_of(&name));
        error_set(error, "E-CLI-USAGE", "there is no command '%.64s'", text_of(&name));
        return nearest ? error_hint(error, "did you mean 'skein help %s'?", nearest)
                       : error_hint(error, "see: skein --help");
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}

bool
command_version(struct call *call, struct error *error)
{
    (void)error;
    if (call_wants_json(call)) {
        show_json(&call->terminal,
                  json_pack("{s:s, s:i}", "version", SKEIN_VERSION, "protocol", PROTO_VERSION));
    } else {
        fprintf(call->terminal.out, "skein %s\n", SKEIN_VERSION);
    }
    return true;
}

bool
command_completion(struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text out = {0};
    const char *shell = call_argument(call, 0);

    (void)error;
    if (text_equal(shell, "bash")) {
        completion_bash(&out);
    } else if (text_equal(shell, "zsh")) {
        completion_zsh(&out);
    } else {
        completion_fish(&out);
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}
