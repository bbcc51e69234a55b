/*
 * value: one value of a command line, checked by its kind: a number within its range, a duration, a
 * choice, shares, a name.
 */
#ifndef COORDINATOR_CLI_VALUE_H
#define COORDINATOR_CLI_VALUE_H

#include "coordinator/cli/call.h"

/* Read an option's value into `value`. False with E-CLI-RANGE or E-NAME-SYNTAX. */
bool value_read(struct call_value *value, const char *text, struct error *error);

/* Check an argument. The same errors. */
bool value_check(const struct command_argument *argument, const char *text, struct error *error);

#endif
