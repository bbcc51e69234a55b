/*
 * substitution: what stands for a placeholder in migrations: an explicit list, "${schema}" → "app",
 * ":OWNER" → "app_owner", "{{ .Name }}" → …, as it is written in the files. Nothing else is
 * replaced, in no file and by no environment; what looks like a placeholder of the layout's and is
 * not in the list is an error with its place. One that is to stay is listed as itself.
 */
#ifndef COMMON_MIGRATION_SUBSTITUTION_H
#define COMMON_MIGRATION_SUBSTITUTION_H

#include <stddef.h>

/* `from` is replaced wherever it stands and is no part of a longer word. */
struct substitution {
    const char *from, *to;
};

struct substitutions {
    const struct substitution *items;
    size_t count;
};

/*
 * The substitution for what stands at byte `at` of a text, the longest that fits; null when there
 * is none.
 */
const struct substitution *substitution_at(const struct substitutions *substitutions,
                                           const char *text, size_t size, size_t at);

/*
 * The size of what looks like a placeholder at byte `at`, for a layout whose placeholders look like
 * `form` ("${…}", "{{…}}", "$…"); 0 when it is none.
 */
size_t placeholder_at(const char *form, const char *text, size_t size, size_t at);

#endif
