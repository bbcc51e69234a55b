/*
 * grammar: the messages as people read them, printed from the tables that the codec follows. It is
 * the second half of README.md, and what `skein debug protocol` prints.
 */
#ifndef PROTO_GRAMMAR_H
#define PROTO_GRAMMAR_H

#include "common/base/text.h"

/* Append the grammar of every message and every record in them, as Markdown. */
void grammar_print(struct text *out);

#endif
