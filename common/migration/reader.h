/*
 * reader: a folder of migration files becomes a bundle. Everything that cannot be run safely is
 * found here, before anything is planned, with its place and what to do about it.
 *
 * What is wrong with an up or a verify file, or with the folder, is an error: there is no bundle
 * then. What is wrong with a down file is a note: the migration then has no way back (has_down is
 * false, `irreversible` says why), but nobody is kept from going up by a down of long ago.
 *
 * The same files give the same bundle, byte for byte.
 *
 * Errors: E-MIG-MISSING, -NAME, -LAYOUT, -MARK, -PLACEHOLDER, -DUP, -CASE, -PATH, -TYPE, -OPEN,
 * -SIZE, -COUNT; -ENCODING, -LEX, -PSQL, -SYNTAX, -COMPLEX, -IDENT; -ANNOTATION, -EMPTY; -TXCTL,
 * -MIXED, -NOTX, -NOTX-UNVERIFIABLE, -UNNAMED, -SETTING, -PROGRAM, -SECRET, -OWN-SCHEMA.
 */
#ifndef COMMON_MIGRATION_READER_H
#define COMMON_MIGRATION_READER_H

#include <stdbool.h>

#include "common/migration/bundle.h"
#include "common/migration/error_list.h"
#include "common/migration/naming.h"
#include "common/migration/substitution.h"

/* Where the migrations of a service are, and how strictly they are read. */
struct migrations_source {
    const char *folder, *service;
    const char *const *folders; /* those below `folder` that count; null: it does itself */
    size_t folder_count;
    const char *layout; /* the name of one, or "auto" */
    unsigned accepted;  /* of enum acceptance (refusal.h): what is only noted */
    struct substitutions substitutions;
    const char *const
        *raw; /* files that are run as they stand where the grammar cannot read them */
    size_t raw_count;
    const char *history_table;   /* [schema.]name of the tool's own table; null: as it calls it */
    const struct naming *naming; /* what Flyway calls its files; null: as it does by itself */
    bool has_no_mirror;          /* that table is not written any more */
    /* Of files that say nothing of it themselves; 0: not said either. */
    uint64_t lock_timeout_ms, statement_timeout_ms, timeout_ms;
};

/* Errors and notes are added to the lists; false, and no bundle, when there was an error. */
bool migrations_read_source(const struct migrations_source *source, struct bundle **bundle_p,
                            struct error_list *errors, struct error_list *notes);

/*
 * The same, accepting nothing: the folder as the migrations of a service. `layout` is the name of
 * one, or "auto". Errors and notes are added to the lists; false, and no bundle, when there was an
 * error.
 */
bool migrations_read(const char *folder, const char *service, const char *layout,
                     struct bundle **bundle_p, struct error_list *errors, struct error_list *notes);

/*
 * For those who number their migrations 1, 2, 3 …: E-MIG-GAP for every number that is left out.
 * False when there is one.
 */
bool migrations_check_gaps(const struct bundle *bundle, const char *folder,
                           struct error_list *errors);

#endif
