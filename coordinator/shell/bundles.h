/*
 * bundles: the bundles that are in use, kept in memory within a bound and read back from the store
 * when they are asked for again. What it gives out has been verified: digest, checksums, ranges.
 */
#ifndef COORDINATOR_SHELL_BUNDLES_H
#define COORDINATOR_SHELL_BUNDLES_H

#include "coordinator/shell/store.h"

struct bundles;

/* The caller owns the result; the store must outlive it. At most size_max bytes stay in memory, or
   the one bundle that was asked for last. */
struct bundles *bundles_new(struct store *store, size_t size_max);
void bundles_destroy(struct bundles **bundles_p);

/*
 * The bundle, null with E-BUNDLE-UNKNOWN when there is none, or with a store error. It belongs to
 * `bundles` and is valid until the next call.
 */
const struct bundle *bundles_get(struct bundles *bundles, const struct digest *digest,
                                 struct error *error);

/* How many bytes of bundles are in memory now. */
size_t bundles_size(const struct bundles *bundles);

/*
 * Take the next piece of an upload, within a transaction. With the last piece the whole is
 * verified: *is_complete, or E-SIG-DIGEST, E-BUNDLE-FORMAT, and what was uploaded is forgotten.
 */
bool bundles_put(struct bundles *bundles, const struct put *put, uint64_t *offset,
                 bool *is_complete, struct error *error);

#endif
