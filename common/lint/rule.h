/*
 * rule: something that migrations are looked at for. A rule is a row in the table of its file in
 * rules/ (what it is called, how grave it is, why, what to write instead, an example of both) and a
 * check function. The pages in docs/rules are printed from the rows, and the examples are run as
 * tests: the bad one must be found, the good one must not.
 */
#ifndef COMMON_LINT_RULE_H
#define COMMON_LINT_RULE_H

#include <stddef.h>

#include "common/lint/finding.h"

/* What the check is called for. */
enum rule_scope {
    RULE_OF_ENGINE,     /* found while reading and silencing; no check of its own */
    RULE_OF_STATEMENT,  /* each statement: scene->statement, scene->effects */
    RULE_OF_EFFECT,     /* each thing that a statement does: scene->effect, scene->table */
    RULE_OF_CALL,       /* each call of a function that is not immutable: scene->call */
    RULE_OF_SCRIPT,     /* each file, before its statements */
    RULE_OF_SCRIPT_END, /* each file, behind its statements: all of them are in scene->script */
    RULE_SCOPE_COUNT
};

/* Which scripts of a migration; nothing said means the up. */
enum rule_part { ON_UP = 1, ON_DOWN = 2, ON_VERIFY = 4, ON_ALL = 7 };

struct scene;

struct rule {
    const char *id;   /* "SK010": for ever, never used again */
    const char *name; /* "index-not-concurrent" */
    enum severity severity;
    enum rule_scope scope;
    unsigned parts;      /* of enum rule_part */
    bool follows_size;   /* how grave it is depends on how large the table is */
    bool is_fixable;     /* `--fix` can do it, at least often */
    const char *why;     /* one sentence */
    const char *instead; /* what to write instead */
    /*
     * Files as they stand in a folder. A line "-- file: NAME" begins another file; what stands
     * before the first such line is 0002_change.up.sql, so that 0001 can be put before it.
     */
    const char *bad, *good;
    const char *also; /* what other tools call it; null when nobody else has it */
    void (*check)(struct scene *scene);
};

/* The tables of rules/, each with an empty row at its end; null behind the last. */
extern const struct rule *const rule_groups[];

/* How many rules there are, and each by its number in the order of the tables. */
size_t rule_count(void);
const struct rule *rule_at(size_t index);

/* The rule with this id; null when there is none. */
const struct rule *rule_find(const char *id);

/* Those that the engine itself speaks by. */
#define RULE_SYNTAX "SK001"
#define RULE_REFUSED "SK002"
#define RULE_ALLOW_UNUSED "SK003"
#define RULE_ALLOW_EXPIRED "SK004"
#define RULE_ALLOW_BARE "SK005"
#define RULE_LONG_NAME "SK088"
#define RULE_SECRET "SK093"
#define RULE_NOT_YET "SK114"
#define RULE_OUT_OF_ORDER "SK131"
#define RULE_EDITED "SK132"

#endif
