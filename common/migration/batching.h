/*
 * batching: the statements of a script that stand below an annotation `batch`: what its words say,
 * how the statement is cut, and why it cannot be, before anything is planned.
 *
 *     -- skein: batch key=id time=250ms pause=50ms
 *
 * Errors: E-MIG-ANNOTATION for its words, E-MIG-MIXED, E-MIG-NOTX for its place, E-BATCH-… for the
 * statement (splice).
 */
#ifndef COMMON_MIGRATION_BATCHING_H
#define COMMON_MIGRATION_BATCHING_H

#include "common/migration/batch.h"
#include "common/migration/refusal.h"

/*
 * Every batch of the script, in its order, into the arena. Errors are added to the list; false when
 * there was one.
 */
bool batching_read(const struct judged *judged, struct arena *arena, struct batch **batches,
                   size_t *batch_count, struct error_list *errors);

/* Have the texts of a batch live in another arena. */
void batching_keep(struct batch *batch, struct arena *arena);

/* At most so many bytes of the manifest are its own. */
size_t batching_bound(const struct batch *batch);

#endif
