/*
 * pattern: a change of a schema that many have made before, as data: what it is for, what it wants
 * to know, and the migrations it consists of. The library of all of them is a folder of texts,
 * library/NAME.pattern, that is built into the program; this reads them.
 *
 *     @title one sentence
 *     @about                         paragraphs, up to the next line that begins with @
 *     @param NAME KIND [optional | = DEFAULT]     and its sentence on the next lines
 *     @together NAME NAME            both of them, or neither
 *     @use FILE                      what stands in that file, too
 *     @example NAME=VALUE …          values in quotes where they hold blanks
 *     @block NAME                    lines that several scripts have in common
 *     @migration NAME [if PARAM|PARAM | unless PARAM]
 *     @up, @down, @verify            a script, with {param} in it (see fill.h); in it also
 *     @insert BLOCK
 *     @if PARAM, @unless PARAM, @end a part of it
 */
#ifndef COMMON_PATTERNS_PATTERN_H
#define COMMON_PATTERNS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

/* What a parameter has to be; how each is checked and written is in value.h. */
enum value_of {
    VALUE_OF_TABLE,       /* users, app."Order" */
    VALUE_OF_NAME,        /* of a column, an index, a function … */
    VALUE_OF_NAMES,       /* several, with commas */
    VALUE_OF_COLUMNS,     /* street text, city text */
    VALUE_OF_TYPE,        /* numeric(10, 2) */
    VALUE_OF_EXPRESSION,  /* lower(email) */
    VALUE_OF_CONSTANT,    /* the same for every row */
    VALUE_OF_ASSIGNMENTS, /* a = 1, b = lower(c) */
    VALUE_OF_ELEMENTS,    /* of an index */
    VALUE_OF_LITERAL,     /* any text; becomes an SQL literal */
    VALUE_OF_LITERALS,    /* several, with commas */
    VALUE_OF_DURATION,    /* 2s */
    VALUE_OF_CHOICE,      /* one of some words */
    VALUE_OF_COUNT
};

struct pattern_parameter {
    const char *name;
    enum value_of kind;
    const char *choices;  /* "no|yes"; null unless the kind is a choice */
    const char *fallback; /* a template; null: none */
    bool is_optional;
    const char *sentence;
};

/* One migration; a script that it does not have is null. */
struct pattern_migration {
    const char *name;      /* "backfill" */
    const char *condition; /* "a|b": one of the parameters is given; "!a": it is not; or null */
    const char *up, *down, *verify;
    const char *stage; /* as its up says */
    const char *how;   /* "in batches", "outside a transaction", "nothing", "" */
};

/* What somebody could say: "table=users" …, each as behind --set. */
struct pattern_example {
    const char **settings;
    size_t setting_count;
};

struct pattern {
    const char *name, *title, *about;
    struct pattern_parameter *parameters;
    size_t parameter_count;
    struct pattern_migration *migrations;
    size_t migration_count;
    const char *together[2]; /* parameters of which both are given, or neither; or null */
    struct pattern_example *examples;
    size_t example_count;
};

/* All patterns, by name. The caller owns the result. */
struct library;
struct library *library_new(void);
void library_destroy(struct library **library_p);

const struct pattern *library_patterns(const struct library *library, size_t *count);

/* The pattern with this name. Null with E-PATTERN-UNKNOWN and the likely one. */
const struct pattern *library_find(const struct library *library, const char *name,
                                   struct error *error);

/* The parameter with this name; null when there is none. */
const struct pattern_parameter *pattern_parameter(const struct pattern *pattern, const char *name);

/* The word for a kind of value: "table", "expression". */
const char *pattern_kind_word(enum value_of kind);

#endif
