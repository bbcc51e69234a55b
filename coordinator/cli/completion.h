/*
 * completion: what shells need to complete skein's command lines, from the table of commands.
 */
#ifndef COORDINATOR_CLI_COMPLETION_H
#define COORDINATOR_CLI_COMPLETION_H

#include "common/base/text.h"

void completion_bash(struct text *out);
void completion_zsh(struct text *out);
void completion_fish(struct text *out);

#endif
