/* lints: a folder of migrations written out of one text, and what lint finds in it. */
#ifndef TESTS_UNIT_LINT_LINTS_H
#define TESTS_UNIT_LINT_LINTS_H

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/lint.h"
#include "common/lint/rule.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

struct lints {
    struct folder folder;
    struct finding_list findings;
    struct lint_tally tally;
    struct error error;
    bool succeeded;
};

/* "-- file: NAME" begins a file; what stands before the first is 0002_change.up.sql. */
static inline void
lints_write(const struct folder *folder, const char *example)
{
    static const char mark[] = "-- file: ";
    char name[128] = "0002_change.up.sql";

    while (*example) {
        if (strncmp(example, mark, sizeof mark - 1) == 0) {
            size_t size = strcspn(example + sizeof mark - 1, "\n");
            snprintf(name, sizeof name, "%.*s", (int)size, example + sizeof mark - 1);
            example += sizeof mark - 1 + size;
            example += *example == '\n';
        }
        const char *end = strstr(example, mark);
        size_t size = end ? (size_t)(end - example) : strlen(example);
        if (size) {
            folder_write(folder, name, example, size);
        }
        example += size;
    }
}

/* Lint an example. */
static inline struct lints
lints_wish(const char *example, const struct lint_wish *wish)
{
    struct lints lints = {.folder = folder_make()};
    const struct migrations_source source = {
        .folder = lints.folder.path, .service = "local", .layout = "auto"};

    lints_write(&lints.folder, example);
    lints.succeeded = lint_folder(&source, wish, &lints.findings, &lints.tally, &lints.error);
    finding_list_sort(&lints.findings);
    return lints;
}

/* In examples the file's name says what the change has done to it. */
static inline enum lint_change
lints_change_of(void *context, const char *path)
{
    (void)context;
    return strstr(path, "_added.")    ? LINT_ADDED
           : strstr(path, "_edited.") ? LINT_EDITED
                                      : LINT_UNCHANGED;
}

/* The same with one rule switched on, if it is not on by itself. */
static inline struct lints
lints_of(const char *example, const char *id)
{
    const struct lint_level level = {rule_find(id), SEVERITY_WARNING};
    const struct lint_wish wish = {
        .levels = &level,
        .level_count = level.rule && level.rule->severity == SEVERITY_OFF,
        .today = "2026-06-01",
        .change_of =
            strstr(example, "_added.") || strstr(example, "_edited.") ? lints_change_of : NULL};

    return lints_wish(example, &wish);
}

/* How many findings of a rule there are; the place of the first of them. */
static inline size_t
lints_count(const struct lints *lints, const char *id, const struct finding **first)
{
    size_t count = 0;

    for (size_t i = 0; i < lints->findings.count; i++) {
        const struct finding *finding = &lints->findings.items[i];
        if (text_equal(finding->rule->id, id)) {
            if (count++ == 0 && first) {
                *first = finding;
            }
        }
    }
    return count;
}

static inline void
lints_release(struct lints *lints)
{
    folder_remove(&lints->folder);
    finding_list_release(&lints->findings);
}

#endif
