/*
 * cache: the bundles on this agent's disk, by digest, and those in use in memory. What it gives out
 * was verified as a whole since it was read; a file that is damaged is thrown away and fetched
 * again. The folder belongs to one process, is bounded in size (what was used longest ago goes
 * first) and may be removed at any time.
 */
#ifndef AGENT_SHELL_CACHE_H
#define AGENT_SHELL_CACHE_H

#include "proto/message.h"
#include "agent/core/event.h"

struct agent_cache;

/*
 * Make the folder when it is missing, and take it. False with E-CACHE-OPEN, E-CACHE-LOCKED. The
 * caller owns the result.
 */
bool agent_cache_open(const char *path, uint64_t size_max, struct agent_cache **cache_p,
                      struct error *error);
void agent_cache_close(struct agent_cache **cache_p);

/*
 * Is it here? BUNDLE_THERE: read, verified, in memory until agent_cache_release. BUNDLE_PARTIAL:
 * *offset is where to go on. BUNDLE_BAD with an error: E-CACHE-IO.
 */
enum bundle_state agent_cache_look_up(struct agent_cache *cache, const struct digest *digest,
                                      uint64_t *offset, struct error *error);

/*
 * Write the next piece. As above; BUNDLE_BAD also with E-CACHE-FULL when the disk is full,
 * E-SIG-DIGEST or E-BUNDLE-FORMAT when the whole is not what the digest promises.
 */
enum bundle_state agent_cache_keep(struct agent_cache *cache, const struct chunk *chunk,
                                   uint64_t *offset, struct error *error);

/* One that is in memory; null when it is not. */
const struct bundle *agent_cache_get(struct agent_cache *cache, const struct digest *digest);

/* Let go of it in memory; nobody may use it any more. */
void agent_cache_release(struct agent_cache *cache, const struct digest *digest);

#endif
