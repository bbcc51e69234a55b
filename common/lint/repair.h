/*
 * repair: the mechanical fixes of findings written into their files.
 */
#ifndef COMMON_LINT_REPAIR_H
#define COMMON_LINT_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/lint/finding.h"

/*
 * Write the fixes of all findings (sorted) into their files; a file is replaced as a whole or left
 * as it is. A fix that overlaps one before it is left out: it is found again next time. Returns how
 * many findings are put right in *count. False with E-OUTPUT when a file cannot be written.
 */
bool repair_files(const struct finding_list *findings, size_t *count, struct error *error);

/* The same for one text: the findings from `first` on, `count` of them, all of one file. */
struct text;
size_t repair_text(const struct finding *first, size_t count, const char *text, size_t size,
                   struct text *out);

#endif
