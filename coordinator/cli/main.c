/* skein: what a person or a pipeline types. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "coordinator/cli/call.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/manual.h"

/* Known before the command line is understood: a mistake in it is told the way it asks for. */
static bool
has_word(int count, char **words, const char *word)
{
    for (int i = 1; i < count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static enum colour_wish
colour_of(const struct call *call)
{
    return call->value_count > 0 ? (enum colour_wish)call_choice(call, "color") : COLOUR_AUTO;
}

/* Keep a secret that was refused from being read further by others in the list of processes. */
static void
wipe_words(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        memset(words[i], 'x', strlen(words[i]));
    }
}

static void
print_help(const struct call *call)
{
    CLEANUP(text_release) struct text out = {0};

    if (call->command) {
        manual_help(call->command, &call->terminal, &out);
    } else {
        manual_overview(&call->terminal, &out);
    }
    fputs(text_of(&out), stdout);
}

static bool
carry_out(struct call *call, struct error *error)
{
    if (call->wants_version) {
        printf("skein %s\n", SKEIN_VERSION);
        return true;
    }
    if (call->wants_help) {
        print_help(call);
        return true;
    }
    return call->command->run(call, error);
}

int
main(int argc, char **argv)
{
    CLEANUP(call_release) struct call call;
    struct error error = {0};

    setlocale(LC_CTYPE, "");
    log_open("skein", LOG_WARN);
    bool wants_json = has_word(argc, argv, "--json");
    if (!call_read(&call, argc, argv, &error)) {
        int status = complain(&error, NULL, COLOUR_AUTO, wants_json);
        if (error_is(&error, "E-SECRET-ARGV")) {
            wipe_words(argc, argv);
        }
        return status;
    }
    terminal_open(&call.terminal, stdout, colour_of(&call));
    if (!carry_out(&call, &error)) {
        return complain(&error, &call.others, colour_of(&call), wants_json);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        error_set(&error, "E-OUTPUT", "standard output cannot be written");
        return complain(&error, NULL, COLOUR_AUTO, false);
    }
    return call.exit_status;
}
