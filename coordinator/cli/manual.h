/*
 * manual: what the table of commands says, as --help, as Markdown (docs/cli.md) and as man pages.
 */
#ifndef COORDINATOR_CLI_MANUAL_H
#define COORDINATOR_CLI_MANUAL_H

#include "coordinator/cli/command.h"
#include "coordinator/cli/terminal.h"

/* All commands, one line each. */
void manual_overview(const struct terminal *terminal, struct text *out);

/* One command with everything about it. */
void manual_help(const struct command *command, const struct terminal *terminal, struct text *out);

/* The whole as Markdown. */
void manual_markdown(struct text *out);

/* skein(1): the overview, files, environment, exit status. */
void manual_man_overview(struct text *out);

/* skein-agent-add(1) */
void manual_man_page(const struct command *command, struct text *out);

/* "skein-agent-add" */
void manual_page_name(const struct command *command, struct text *out);

/* An option's sentence, with what is allowed, and what holds when it is not given. */
void manual_option(const struct command_option *option, struct text *out);

/* A sentence of the table as prose: with a capital letter and a full stop. */
void manual_prose(const char *sentence, struct text *out);

#endif
