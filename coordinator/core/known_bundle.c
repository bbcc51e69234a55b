#include "coordinator/core/known_bundle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/*
 * Many statements that change rows of one table are likely to change some each: all of them are
 * counted as one that changes every row.
 */
static void
add_work(struct known_bundle *bundle, const struct statement_work *work, struct known_work *works,
         size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (works[i].kind == work->kind && text_equal(works[i].table, work->table) &&
            text_equal(works[i].schema, work->schema)) {
            works[i].times += work->kind != WORK_WRITE;
            works[i].is_partial = works[i].is_partial && work->is_partial;
            return;
        }
    }
    if (*count < KNOWN_WORKS_MAX) {
        works[(*count)++] =
            (struct known_work){.schema = arena_text(&bundle->arena, work->schema),
                                .table = arena_text(&bundle->arena, work->table),
                                .kind = work->kind,
                                .is_partial = work->is_partial,
                                .made_by = arena_text(&bundle->arena, work->made_by),
                                .times = 1};
    }
}

static void
learn_works(struct known_bundle *bundle, const struct script *script,
            struct known_migration *migration, enum direction direction)
{
    struct known_work works[KNOWN_WORKS_MAX];
    size_t count = 0;

    for (size_t i = 0; script && i < script->statement_count; i++) {
        for (size_t work = 0; work < script->statements[i].work_count; work++) {
            add_work(bundle, &script->statements[i].works[work], works, &count);
        }
    }
    migration->has_batches[direction] = script && script->batch_count > 0;
    if (count) {
        migration->works[direction] = arena_copy(&bundle->arena, works, count * sizeof *works);
        migration->work_counts[direction] = count;
    }
}

/* ---- what is to go in batches -------------------------------------------------------------- */

static bool
is_data(const struct script *script)
{
    for (size_t i = 0; i < script->statement_count; i++) {
        const char *tag = script->statements[i].tag;
        if (!text_equal(tag, "UPDATE") && !text_equal(tag, "DELETE") &&
            !text_equal(tag, "INSERT")) {
            return false;
        }
    }
    return true;
}

static void
learn_probe(struct known_bundle *bundle, const struct migration *migration,
            enum direction direction, const struct batch *batch)
{
    const struct script *script = migration_script(migration, direction);
    const struct statement *statement = &script->statements[batch->statement - 1];
    struct batch_probe *probes = bundle->probes[direction];
    size_t *count = &bundle->probe_counts[direction];
    struct batch_probe probe = {.version = migration->version,
                                .path = script->path,
                                .is_down = direction == DIRECTION_DOWN,
                                .line = statement->line,
                                .column = statement->column,
                                .subject = batch->subject};

    if (*count == PROBES_MAX) {
        --*count;
        memmove(probes, probes + 1, *count * sizeof *probes);
    }
    pack_copy(&batch_probe_shape, &probe, &bundle->arena, &probes[(*count)++]);
}

static void
learn_probes(struct known_bundle *bundle, const struct manifest *manifest, enum direction direction)
{
    bundle->probes[direction] =
        arena_alloc(&bundle->arena, PROBES_MAX * sizeof *bundle->probes[direction]);
    for (size_t i = 0; i < manifest->migration_count; i++) {
        const struct script *script = migration_script(&manifest->migrations[i], direction);
        for (size_t j = 0; script && j < script->batch_count; j++) {
            learn_probe(bundle, &manifest->migrations[i], direction, &script->batches[j]);
        }
    }
}

/* ---- learning ------------------------------------------------------------------------------ */

static void
learn_migration(struct known_bundle *bundle, const struct migration *migration, size_t index)
{
    struct known_migration *known = &bundle->migrations[index];

    known->version = arena_text(&bundle->arena, migration->version);
    known->name = arena_text(&bundle->arena, migration->name);
    known->path = arena_text(&bundle->arena, migration->up.path);
    known->irreversible = arena_text(&bundle->arena, migration->irreversible);
    known->depends = arena_text(&bundle->arena, migration->depends);
    bundle->has_depends = bundle->has_depends || known->depends;
    known->has_up = migration->has_up;
    known->has_down = migration->has_down;
    known->is_repeatable = migration->is_repeatable;
    for (enum direction direction = DIRECTION_UP; direction <= DIRECTION_DOWN; direction++) {
        const struct script *script = migration_script(migration, direction);
        learn_works(bundle, script, known, direction);
        known->is_data[direction] = script && is_data(script);
        known->outlines[direction] = outline_of(migration, direction, &bundle->arena);
    }
    memcpy(known->checksum, migration_checksum(migration), CHECKSUM_SIZE);
    known->index = index;
    HASH_ADD_KEYPTR(hh, bundle->by_version, known->version, strlen(known->version), known);
}

struct known_bundle *
known_bundle_learn(struct known_bundle **table, const struct digest *digest,
                   const struct manifest *manifest)
{
    struct known_bundle *bundle = known_bundle_find(*table, digest);

    if (bundle) {
        return bundle;
    }
    bundle = mem_zalloc(sizeof *bundle);
    bundle->digest = *digest;
    bundle->service = arena_text(&bundle->arena, manifest->service);
    bundle->migration_count = manifest->migration_count;
    bundle->migrations = mem_zalloc((manifest->migration_count + 1) * sizeof *bundle->migrations);
    for (size_t i = 0; i < manifest->migration_count; i++) {
        learn_migration(bundle, &manifest->migrations[i], i);
    }
    learn_probes(bundle, manifest, DIRECTION_UP);
    learn_probes(bundle, manifest, DIRECTION_DOWN);
    HASH_ADD(hh, *table, digest, sizeof bundle->digest, bundle);
    return bundle;
}

struct known_bundle *
known_bundle_find(struct known_bundle *table, const struct digest *digest)
{
    struct known_bundle *bundle;

    HASH_FIND(hh, table, digest, sizeof *digest, bundle);
    return bundle;
}

const struct known_migration *
known_bundle_migration(const struct known_bundle *bundle, const char *version)
{
    const struct known_migration *migration;

    HASH_FIND(hh, bundle->by_version, version, strlen(version), migration);
    return migration;
}

const struct known_migration *
known_bundles_migration(struct known_bundle *table, const struct digest *digest,
                        const char *version)
{
    const struct known_bundle *bundle = known_bundle_find(table, digest);

    return bundle ? known_bundle_migration(bundle, version) : NULL;
}

struct known_bundle *
known_bundle_hold(struct known_bundle *bundle)
{
    bundle->uses++;
    return bundle;
}

void
known_bundle_release(struct known_bundle **bundle_p)
{
    if (*bundle_p) {
        assert((*bundle_p)->uses > 0);
        (*bundle_p)->uses--;
    }
    *bundle_p = NULL;
}

static void
forget(struct known_bundle **table, struct known_bundle *bundle)
{
    HASH_DEL(*table, bundle);
    HASH_CLEAR(hh, bundle->by_version);
    free(bundle->migrations);
    arena_release(&bundle->arena);
    free(bundle);
}

void
known_bundles_sweep(struct known_bundle **table, size_t kept)
{
    struct known_bundle *bundle, *next;
    size_t idle = 0;

    HASH_ITER(hh, *table, bundle, next)
    {
        idle += bundle->uses == 0;
    }
    HASH_ITER(hh, *table, bundle, next)
    {
        if (bundle->uses == 0 && idle > kept) {
            forget(table, bundle);
            idle--;
        }
    }
}
