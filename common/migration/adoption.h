/*
 * adoption: what it takes to go on where another tool has stopped: the rows of its table, the
 * migrations that there are and what Skein's journal knows become a list of what is to be written
 * down, or a list of what does not agree. Decides only; nothing here asks or changes a database.
 */
#ifndef COMMON_MIGRATION_ADOPTION_H
#define COMMON_MIGRATION_ADOPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/migration/error_list.h"
#include "common/migration/history.h"

/* Whose word counts where the journal has what the table has not. */
enum adoption_trust {
    ADOPTION_TRUST_NEITHER, /* nobody's: it is refused */
    ADOPTION_TRUST_TABLE,   /* the tool has taken those back: so they are not applied */
    ADOPTION_TRUST_JOURNAL, /* nobody has mirrored them: the table gets their rows */
    ADOPTION_TRUST_COUNT
};

struct adoption_wish {
    const struct manifest *manifest;
    const struct history_tool *tool;
    const char *where; /* the table, for people */
    const struct history_row *rows;
    size_t row_count;
    const char *const *journal; /* the versions that Skein knows to be applied */
    size_t journal_count;
    enum adoption_trust trust;
    bool takes_edited;   /* files that were changed since are taken as they are now */
    bool passes_unknown; /* rows of which there is no file are none of our business */
};

/* Lists of migrations in the manifest's order; they live in the arena. */
struct adoption {
    const struct migration **record; /* applied by the table, unknown to the journal */
    size_t record_count;
    const struct migration **forget; /* known to the journal, taken back by the table */
    size_t forget_count;
    const struct migration **mirror; /* known to the journal, to be written into the table */
    size_t mirror_count;
    size_t agreed_count;  /* both have it */
    size_t pending_count; /* neither has it */
    size_t edited_count;  /* applied from another text than the file has now */
    size_t late_count;    /* those of them that are older than the newest applied one */
};

/*
 * Decide. False when something does not agree, with every reason in the list: E-ADOPT-FAILED,
 * -UNKNOWN, -CHECKSUM, -BEHIND.
 */
bool adoption_decide(const struct adoption_wish *wish, struct arena *arena,
                     struct adoption *adoption, struct error_list *problems);

/* The migration that is called this in the tool's table; null when none is. */
const struct migration *adoption_find(const struct manifest *manifest,
                                      const struct history_tool *tool, const char *key);

#endif
