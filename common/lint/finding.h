/*
 * finding: one thing that a rule has to say about one place in a migration, and the list of them.
 */
#ifndef COMMON_LINT_FINDING_H
#define COMMON_LINT_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/sql/place.h"

/* In growing order. */
enum severity { SEVERITY_OFF, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

/* "off", "note", "warning", "error" */
const char *severity_name(enum severity severity);

/* False when there is no severity of that name. */
bool severity_read(const char *name, enum severity *severity);

/* A stretch of the file that becomes another text. */
struct fix {
    struct place begin, end;
    const char *text;
};

#define FINDING_FIXES_MAX 4
#define FINDING_LISTS_MAX 2
#define FINDING_OF_FILE ((size_t)-1) /* about the file, or the migration, as a whole */

struct rule;

struct finding {
    const struct rule *rule;
    enum severity severity;
    const char *path;
    struct place place;  /* in the file; line 0: there is no place */
    size_t columns;      /* characters that are meant, in that line */
    const char *line;    /* the source line, made printable; null when there is none */
    const char *text;    /* what is wrong here, one sentence */
    const char *schema;  /* of the table; null when not written */
    const char *table;   /* the table that it is about, as a plain name; null when none */
    const char *column;  /* of the table, when it is about one; for the engine alone */
    const char *numbers; /* what the databases say about that table; null when not asked */
    struct fix fixes[FINDING_FIXES_MAX];
    size_t fix_count;
    const char *unless_lists[FINDING_LISTS_MAX]; /* it holds unless one of these is a short list */
    size_t script, statement;                    /* where an `allow` may stand; FINDING_OF_FILE */
};

/* Texts live in the arena. */
struct finding_list {
    struct finding *items;
    size_t count, capacity;
    struct arena arena;
};

/* A fresh one at the end; valid until the next call. */
struct finding *finding_list_add(struct finding_list *list);

/* By path and place; the order in which they were found decides between equals. */
void finding_list_sort(struct finding_list *list);

/* How many there are of a severity. */
size_t finding_list_count(const struct finding_list *list, enum severity severity);

/* A cleanup. */
void finding_list_release(struct finding_list *list);

#endif
