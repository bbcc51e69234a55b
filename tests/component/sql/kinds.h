/* kinds: the kinds of statements of statements.sql, one after the other. */
#ifndef TESTS_COMPONENT_SQL_KINDS_H
#define TESTS_COMPONENT_SQL_KINDS_H

#include <stddef.h>

#define WHILES_MAX 4

/* Texts end with NUL; null when a part is missing. */
struct kind {
    char *title, *given, *when;
    char *whiles[WHILES_MAX];
    size_t while_count;
};

struct kinds {
    struct kind *kinds;
    size_t count;
    char *text; /* that all of them are cut from */
};

/* Read a file as a whole, or all kinds of it; the process ends when that cannot be. */
char *kinds_read_text(const char *name);
struct kinds kinds_read(const char *name);
void kinds_release(struct kinds *kinds);

#endif
