/*
 * call: one command line as it was understood: the command, its arguments and options, every value
 * checked. Reading it never changes anything; a secret in it is refused and never repeated.
 *
 * Errors: E-CLI-USAGE (unknown, missing, too many; with the nearest match), E-CLI-RANGE,
 * E-NAME-SYNTAX, E-SECRET-ARGV.
 */
#ifndef COORDINATOR_CLI_CALL_H
#define COORDINATOR_CLI_CALL_H

#include "common/migration/error_list.h"
#include "proto/message.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/terminal.h"

#define CALL_ARGUMENTS_MAX 4096 /* hooks name every file of a commit */
#define CALL_SHARES_MAX 16
#define CALL_REPEATS_MAX 32

struct call_value {
    const struct command_option *option;
    bool is_given;
    const char *text;
    int64_t number;
    struct share shares[CALL_SHARES_MAX];
    size_t share_count;
    const char *texts[CALL_REPEATS_MAX]; /* all of them, of an option that may be repeated */
    size_t text_count;
};

struct call {
    const struct command *command; /* null: no command was named (help, version) */
    const char *arguments[CALL_ARGUMENTS_MAX];
    size_t argument_count;
    struct call_value values[COMMAND_OPTIONS_MAX + 8];
    size_t value_count;
    bool wants_help, wants_version;
    struct terminal terminal; /* standard output */
    int exit_status;
    struct error_list others; /* further mistakes, beside the error that ended it */
};

/* Understand the words (argv), which are reordered. The caller keeps them; they outlive the call.
 */
bool call_read(struct call *call, int word_count, char **words, struct error *error);

/* A cleanup. */
void call_release(struct call *call);

/* An option's value; the option must be one of the command's. Null: not given, no fallback. */
const char *call_text(const struct call *call, const char *option);
const char *const *call_texts(const struct call *call, const char *option, size_t *count);
int64_t call_number(const struct call *call, const char *option);
bool call_flag(const struct call *call, const char *option);
bool call_is_given(const struct call *call, const char *option);
const struct share *call_shares(const struct call *call, const char *option, size_t *count);

/* The index of the choice. */
int call_choice(const struct call *call, const char *option);

/* An argument by its position; null: it is not there. */
const char *call_argument(const struct call *call, size_t index);

/* Whether data is to be printed as JSON: --json was given. */
bool call_wants_json(const struct call *call);

#endif
