/*
 * embedded: files of the source tree that are built into the program (cmake/embed.cmake), so that
 * it needs nothing but itself.
 */
#ifndef COMMON_PATTERNS_EMBEDDED_H
#define COMMON_PATTERNS_EMBEDDED_H

/* A null name ends a list. */
struct embedded {
    const char *name;
    const char *text;
};

extern const struct embedded embedded_patterns[]; /* library/ */
extern const struct embedded embedded_project[];  /* project/ */

#endif
