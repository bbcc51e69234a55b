/*
 * repository: the simulated services and their bundles. A service has a few editions of its bundle,
 * each with more migrations than the one before; now and then the newest edition has changed the
 * text of a migration that older ones hold, which nobody may apply over the old one.
 */
#ifndef TESTS_SIM_REPOSITORY_H
#define TESTS_SIM_REPOSITORY_H

#include "common/base/arena.h"
#include "common/migration/bundle.h"
#include "tests/sim/world.h"

#define SERVICE_COUNT_MAX 3
#define EDITIONS_MAX 3
#define PLACES_MAX 10
#define PIECE_SIZE 300 /* bytes of a bundle in one CHUNK */

struct edition {
    struct digest digest;
    struct manifest manifest;
    uint64_t size;
};

struct service {
    const char *name;
    struct edition editions[EDITIONS_MAX];
    size_t edition_count;
};

struct repository {
    struct service services[SERVICE_COUNT_MAX];
    size_t service_count;
    struct arena arena;
};

/* How much there is; drawn by stories, given by scenarios. */
struct repository_size {
    size_t services, editions, migrations; /* migrations: of the newest edition */
    unsigned concurrently;                 /* of a thousand migrations, not transactional */
    unsigned irreversible;                 /* of a thousand */
    bool is_tampered;                      /* the newest edition changes an old migration */
};

void repository_fill(struct repository *repository, struct world *world,
                     const struct repository_size *size);
void repository_release(struct repository *repository);

/* The edition with this digest; null when there is none. */
const struct edition *repository_find(const struct repository *repository,
                                      const struct digest *digest);

/* The place of a version within its service, from 0; PLACES_MAX when it is none of ours. */
size_t repository_place(const char *version);

#endif
