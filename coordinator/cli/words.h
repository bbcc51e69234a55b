/*
 * words: what no command line may hold, whatever the command is: secrets, which every process on
 * this host could read there, and what is no text.
 */
#ifndef COORDINATOR_CLI_WORDS_H
#define COORDINATOR_CLI_WORDS_H

#include <stdbool.h>

#include "common/base/error.h"

/* What text_is_name allows, said to people. */
#define WORDS_NAME_PATTERN "[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}, without \"..\""

/* False with E-SECRET-ARGV, which does not repeat it. words[0] is the program. */
bool words_hold_no_secret(int word_count, char **words, struct error *error);

/* False with E-NAME-SYNTAX. */
bool words_are_printable(int word_count, char **words, struct error *error);

#endif
