/*
 * chain: whether a target's history is what was written there: the tables are as they were made,
 * every row of the journal has its hash and follows the one before it, and what stands as applied
 * is what the journal says. It reads alone, by statements that the server answers with what is
 * wrong.
 */
#ifndef AGENT_EXECUTE_CHAIN_H
#define AGENT_EXECUTE_CHAIN_H

#include "agent/execute/sitting.h"

/* An acceptance's row in the journal has this cursor, and the reason behind it. */
#define CHAIN_ACCEPTED "accepted as found: "

/* Between a migration and the journal: what is found apart, in the answer of chain_apart. */
enum apart_column {
    APART_VERSION,
    APART_NAME,
    APART_CHECKSUM,
    APART_IS_APPLIED, /* it stands in skein.migration */
    APART_SAYS
};

/* The statement that answers with all that is apart. */
extern const char chain_apart[];

/*
 * Look at the journal's rows from where it was last found good, or at the whole of it, and at what
 * is applied. False with E-HIST-SHAPE or E-HIST-TAMPERED, the connection closed; or E-DB-….
 */
bool chain_check(struct sitting *sitting, bool wholly, struct error *error);

/*
 * The same; wholly when that has not been done for a day, and not at all when it was done a moment
 * ago and the last row and what is applied are those of then, or ours.
 */
bool chain_check_now_and_then(struct sitting *sitting, struct error *error);

/* Wholly, unless that was done before: for who is about to write. */
bool chain_check_at_first(struct sitting *sitting, struct error *error);

#endif
