/*
 * command: what can be said to `skein`. One table holds every command with its arguments, options,
 * examples and sentences; reading the command line, --help, the manual, the man pages, the
 * completions and "did you mean" all come from it.
 */
#ifndef COORDINATOR_CLI_COMMAND_H
#define COORDINATOR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define COMMAND_OPTIONS_MAX 24
#define COMMAND_ARGUMENTS_MAX 3
#define COMMAND_EXAMPLES_MAX 5

struct call;

/* What an option's value or an argument has to be. */
enum value_kind {
    VALUE_FLAG,     /* an option without a value */
    VALUE_TEXT,     /* anything printable */
    VALUE_NAME,     /* of a service, an agent, a target … */
    VALUE_VERSION,  /* of a migration */
    VALUE_RUN,      /* a run's number, its id, or "last" */
    VALUE_NUMBER,   /* min … max */
    VALUE_DURATION, /* 250ms, 2s, 5m, 1h; min … max in milliseconds */
    VALUE_CHOICE,   /* one of .choices */
    VALUE_SHARE,    /* N or N%: min … max targets, 0 % … 100 % */
    VALUE_SHARES,   /* growing shares: 1,10%,100% */
    VALUE_FILE,
    VALUE_FOLDER
};

struct command_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum value_kind kind;
    const char *metavar;  /* "N|N%"; null for flags */
    const char *fallback; /* the value when it is not given, as one would write it; may be null */
    int64_t min, max;
    const char *const *choices; /* null at the end */
    const char *sentence;
    bool is_required;
    bool is_repeatable; /* may be given several times: call_texts */
};

struct command_argument {
    const char *name; /* "SERVICE"; null: no more arguments */
    enum value_kind kind;
    bool is_optional, is_repeated;
    const char *const *choices;
    const char *sentence;
};

enum command_group { GROUP_ROLLOUT, GROUP_LOOK, GROUP_FLEET, GROUP_LOCAL, GROUP_HELP, GROUP_COUNT };

struct command_example {
    const char *line; /* null: no more */
    const char *sentence;
};

struct command {
    const char *name; /* "agent add" */
    enum command_group group;
    const char *sentence;
    const char *detail; /* further paragraphs, divided by empty lines; may be null */
    struct command_argument arguments[COMMAND_ARGUMENTS_MAX + 1];
    const struct command_option *options[COMMAND_OPTIONS_MAX + 1];
    struct command_example examples[COMMAND_EXAMPLES_MAX + 1];
    /* Do it. False with an error; otherwise call->exit_status, 0 when untouched. */
    bool (*run)(struct call *call, struct error *error);
};

extern const struct command command_table[];
extern const size_t command_count;

/* The command whose name these words begin with, and how many words it has; null: none. */
const struct command *command_find(int word_count, char *const *words, int *used);

/* The command with exactly this name, words divided by one space; null: none. */
const struct command *command_named(const char *name);

/* The name of a command or of a group of commands ("agent") that is nearest; null: none is near. */
const char *command_nearest(const char *name);

/* The option with this long name: the command's own, or one that all have. Null: none. */
const struct command_option *command_option(const struct command *command, const char *name);

/* The same among those that all have. */
const struct command_option *command_common_option(const char *name);

/* The options that every command has: null at the end. */
extern const struct command_option *const command_common_options[];

/* "skein plan SERVICE… [OPTION…]" */
struct text;
void command_usage(const struct command *command, struct text *out);

/* The heading of a group. */
const char *command_group_title(enum command_group group);

#endif
