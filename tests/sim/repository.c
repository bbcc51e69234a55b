#include "tests/sim/repository.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const service_names[SERVICE_COUNT_MAX] = {"auth", "policy", "audit"};

static struct script
script_drawn(struct repository *repository, struct world *world, const char *path,
             bool concurrently, enum direction direction)
{
    struct script script = {.path = path, .is_transactional = !concurrently};
    struct arena *arena = &repository->arena;

    script.statement_count = concurrently ? 1 : (size_t)world_between(world, 1, 3);
    script.statements = arena_alloc(arena, script.statement_count * sizeof *script.statements);
    for (size_t i = 0; i < script.statement_count; i++) {
        script.statements[i] = (struct statement){.line = i + 1, .column = 1, .tag = "UPDATE"};
    }
    if (concurrently) {
        bool is_up = direction == DIRECTION_UP;
        script.statements[0].kind =
            is_up ? STATEMENT_CREATE_INDEX_CONCURRENTLY : STATEMENT_DROP_INDEX_CONCURRENTLY;
        script.statements[0].tag = is_up ? "CREATE INDEX" : "DROP INDEX";
        script.statements[0].object = "probe_index";
        script.statements[0].table = is_up ? "probe" : NULL;
    }
    world_draw_bytes(world, script.checksum, sizeof script.checksum);
    return script;
}

static struct migration
migration_drawn(struct repository *repository, struct world *world, size_t place,
                const struct repository_size *size)
{
    struct arena *arena = &repository->arena;
    bool concurrently = world_chance(world, size->concurrently);
    struct migration migration = {.version = arena_format(arena, "%03zu", place + 1),
                                  .name = arena_format(arena, "change_%zu", place + 1),
                                  .has_up = true,
                                  .has_down = !world_chance(world, size->irreversible)};

    migration.up = script_drawn(repository, world, "up.sql", concurrently, DIRECTION_UP);
    if (migration.has_down) {
        migration.down = script_drawn(repository, world, "down.sql", concurrently, DIRECTION_DOWN);
    }
    return migration;
}

static void
fill_edition(struct repository *repository, struct world *world, struct service *service,
             const struct migration *migrations, size_t count)
{
    struct edition *edition = &service->editions[service->edition_count++];
    world_draw_bytes(world, edition->digest.bytes, sizeof edition->digest.bytes);
    edition->size = (uint64_t)world_between(world, 1, 3 * PIECE_SIZE);
    edition->manifest = (struct manifest){.format = 1, .service = service->name, .layout = "pairs"};
    edition->manifest.migrations =
        arena_copy(&repository->arena, migrations, count * sizeof *migrations);
    edition->manifest.migration_count = count;
}

static void
fill_service(struct repository *repository, struct world *world, const struct repository_size *size)
{
    struct service *service = &repository->services[repository->service_count];
    struct migration migrations[PLACES_MAX];

    service->name = service_names[repository->service_count++];
    for (size_t i = 0; i < size->migrations; i++) {
        migrations[i] = migration_drawn(repository, world, i, size);
    }
    for (size_t e = 1; e <= size->editions; e++) {
        size_t count = size->migrations * e / size->editions;
        if (e == size->editions && size->is_tampered && count > 1) {
            migrations[0].up.checksum[0] ^= 1;
        }
        fill_edition(repository, world, service, migrations, count ? count : 1);
    }
}

void
repository_fill(struct repository *repository, struct world *world,
                const struct repository_size *size)
{
    assert(size->services <= SERVICE_COUNT_MAX && size->editions <= EDITIONS_MAX);
    assert(size->migrations >= 1 && size->migrations <= PLACES_MAX);

    *repository = (struct repository){0};
    for (size_t i = 0; i < size->services; i++) {
        fill_service(repository, world, size);
    }
}

void
repository_release(struct repository *repository)
{
    arena_release(&repository->arena);
    *repository = (struct repository){0};
}

const struct edition *
repository_find(const struct repository *repository, const struct digest *digest)
{
    for (size_t s = 0; s < repository->service_count; s++) {
        for (size_t e = 0; e < repository->services[s].edition_count; e++) {
            const struct edition *edition = &repository->services[s].editions[e];
            if (memcmp(edition->digest.bytes, digest->bytes, sizeof digest->bytes) == 0) {
                return edition;
            }
        }
    }
    return NULL;
}

size_t
repository_place(const char *version)
{
    long number = version ? strtol(version, NULL, 10) : 0;
    return number >= 1 && number <= PLACES_MAX ? (size_t)number - 1 : PLACES_MAX;
}
