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

/* "1..1000" or "auto, always, never": what an option allows, appended; nothing when anything is. */
void manual_allowed(const struct command_option *option, struct text *out);

#endif
