/*
 * refusal: what stands in a script that cannot be run safely: transaction control inside it,
 * settings that undo our guarantees, statements that nobody could find out about after a crash,
 * passwords, our own schema.
 */
#ifndef COMMON_MIGRATION_REFUSAL_H
#define COMMON_MIGRATION_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/migration/annotation.h"
#include "common/migration/error_list.h"
#include "common/sql/split.h"

/*
 * What an owner may accept for all files of a service, because they were written before Skein knew
 * them: names that PostgreSQL cuts off, BEGIN … COMMIT around parts of a file (it becomes one
 * transaction), files without a statement; files that are no migrations by their names, downs
 * without an up: those are passed over. What is accepted is still noted.
 */
enum acceptance {
    ACCEPT_NOTHING = 0,
    ACCEPT_NAMES = 1,
    ACCEPT_BLOCKS = 2,
    ACCEPT_EMPTY = 4,
    ACCEPT_STRANGERS = 8,
    ACCEPT_LONELY = 16
};

/* The codes that may be accepted, for people. */
#define ACCEPTABLE "E-MIG-IDENT, E-MIG-TXCTL, E-MIG-EMPTY, E-MIG-NAME, E-MIG-MISSING"

/* The acceptance that one of those codes stands for; 0: none. */
unsigned acceptance_of(const char *code);

/* A script as it is judged. */
struct judged {
    const char *path; /* for errors */
    const char *text;
    const struct sql_script *script;
    const struct annotations *annotations;
    bool is_verify;    /* runs inside the transaction of an up */
    unsigned accepted; /* of enum acceptance */
    bool is_outside;   /* its tool's own mark says: without a transaction */
    bool runs_mixed;   /* its tool runs a file statement by statement when it must */
};

/* Add everything that is wrong with the script, and what is accepted; false when anything is wrong.
 */
bool refusals_find(const struct judged *judged, struct error_list *errors,
                   struct error_list *notes);

/*
 * Whether a statement is not carried out, because it is what we do anyway: BEGIN and COMMIT around
 * the file (or ROLLBACK, at the end of a verify file: it changes nothing), lock_timeout and
 * statement_timeout (see refusal_timeouts).
 */
bool refusal_is_ours(const struct sql_statement *statement);

/*
 * The time-outs that the script sets itself, in milliseconds; 0 when it sets none. Its
 * statement_timeout is for each statement, ours for all together.
 */
void refusal_timeouts(const struct sql_script *script, uint64_t *lock_timeout_ms,
                      uint64_t *timeout_ms);

/*
 * Whether all that is carried out runs inside the step's transaction: when nothing in it must be
 * outside, and nobody wants it so.
 */
bool refusal_is_transactional(const struct judged *judged);

#endif
