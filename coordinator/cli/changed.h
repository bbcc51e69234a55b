/*
 * changed: which files of a git working tree differ from a revision, asked of git itself. Files
 * that git does not know yet count as changed.
 */
#ifndef COORDINATOR_CLI_CHANGED_H
#define COORDINATOR_CLI_CHANGED_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/lint/lint.h"

struct changed;

/*
 * What differs from the commit where this branch has left `revision` (`origin/main`), in the
 * working tree that `folder` lies in. False with E-CLI-RANGE (no such revision), E-CLI-FILE (no
 * working tree, no git). The caller owns the result.
 */
bool changed_read(const char *folder, const char *revision, struct changed **changed_p,
                  struct error *error);

void changed_destroy(struct changed **changed_p);

/* What has become of the file with this real path. */
enum lint_change changed_kind(const struct changed *changed, const char *path);

#endif
