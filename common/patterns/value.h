/*
 * value: what somebody gives a pattern: checked by its kind, and written into SQL.
 *
 * A table or a name is said as in SQL: plain (lower-case letters, digits, _) or in double quotes.
 * An upper-case letter outside quotes is refused, because PostgreSQL would fold it in silence.
 */
#ifndef COMMON_PATTERNS_VALUE_H
#define COMMON_PATTERNS_VALUE_H

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/patterns/pattern.h"

/* A value as it was understood. */
struct value {
    const struct pattern_parameter *parameter;
    bool is_set;         /* given, or by its default */
    const char *sql;     /* as it is written into SQL; names quoted where they must be */
    const char *bare;    /* to make other names of: words joined by "_" */
    const char *schema;  /* a table's, quoted, with its dot; "" when not said */
    const char *name;    /* a table's own, quoted */
    const char **pieces; /* of a list: each as it is written into SQL */
    const char **types;  /* of columns: theirs */
    size_t piece_count;
};

/*
 * Understand a text by the parameter's kind; the value lives in the arena. False with
 * E-PATTERN-VALUE; where: the parameter.
 */
bool value_make(const struct pattern_parameter *parameter, const char *text, struct arena *arena,
                struct value *value, struct error *error);

/* What is allowed for a kind, for people. */
const char *value_allowed(const struct pattern_parameter *parameter, struct arena *arena);

/* A text as an SQL literal: 'it''s'. */
const char *value_literal(const char *text, struct arena *arena);

/* A name made of several that PostgreSQL would cut off: its beginning and a number for the whole.
 */
const char *value_fitting_name(const char *name, struct arena *arena);

#endif
