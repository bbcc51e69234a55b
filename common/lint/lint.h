/*
 * lint: folders of migrations looked at by the rules. The whole history is read and replayed in
 * memory in the order in which it is applied; findings are made for those files that are asked for.
 * Nothing is executed and nothing is written.
 *
 * What the reader would refuse is a finding too (SK001, SK002): what lints clean can be run.
 */
#ifndef COMMON_LINT_LINT_H
#define COMMON_LINT_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/lint/finding.h"
#include "common/migration/reader.h"

struct lint_level {
    const struct rule *rule;
    enum severity severity;
};

/* What a change has done to a file. */
enum lint_change { LINT_UNCHANGED, LINT_EDITED, LINT_ADDED };

/* How it is looked. */
struct lint_wish {
    const struct lint_level *levels; /* severities that are not the rules' own; the last counts */
    size_t level_count;
    const char *today;     /* "2026-01-31": what `until` is compared with */
    unsigned server_major; /* the oldest server; 0: not known */
    /* Which files findings are made for, by the path that they have in findings. Null: all. */
    bool (*is_reported)(void *context, const char *path);
    /* What the change that is looked at has done to a file. Null: there is no change. */
    enum lint_change (*change_of)(void *context, const char *path);
    void *context;
};

struct lint_tally {
    size_t files, statements; /* that were looked at */
    size_t read;              /* files that were read */
};

/*
 * Lint one service's folder. Findings are added to the list, sorted by finding_list_sort when all
 * folders are through. False when the folder cannot be read as a history at all (E-MIG-MISSING,
 * E-MIG-LAYOUT, E-MIG-OPEN …).
 */
bool lint_folder(const struct migrations_source *from, const struct lint_wish *wish,
                 struct finding_list *findings, struct lint_tally *tally, struct error *error);

#endif
