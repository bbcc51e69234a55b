#include "coordinator/cli/local_plan.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

static size_t
position_of(const struct manifest *manifest, const char *version)
{
    for (size_t i = 0; i < manifest->migration_count; i++) {
        if (text_equal(manifest->migrations[i].version, version)) {
            return i;
        }
    }
    return manifest->migration_count;
}

static bool
is_applied(const struct applied_migration *applied, size_t count, const char *version)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(applied[i].version, version)) {
            return true;
        }
    }
    return false;
}

static bool
refuse_changed(const struct migration *migration, const struct applied_migration *applied,
               struct error *error)
{
    char found[2 * CHECKSUM_SIZE + 1], recorded[2 * CHECKSUM_SIZE + 1];

    text_hex(migration_checksum(migration), CHECKSUM_SIZE, found);
    text_hex(applied->checksum, CHECKSUM_SIZE, recorded);
    error_set(error, "E-MIG-CHECKSUM", "migration %s was changed after it was applied",
              migration->version);
    error_where(error, "%s", migration->up.path);
    error_found(error, "%.12s…, recorded %.12s…", found, recorded);
    return error_hint(error, "restore the file, or write a new migration");
}

/* What is applied must be among the files, unchanged. */
static bool
check_applied(const struct manifest *manifest, const struct applied_migration *applied,
              size_t applied_count, struct error *error)
{
    for (size_t i = 0; i < applied_count; i++) {
        size_t at = position_of(manifest, applied[i].version);
        if (at == manifest->migration_count) {
            error_set(error, "E-MIG-MISSING", "migration %s is applied, and there is no file of it",
                      applied[i].version);
            return error_hint(error, "are these the right files? they may be older than the "
                                     "database");
        }
        const struct migration *migration = &manifest->migrations[at];
        if (memcmp(migration_checksum(migration), applied[i].checksum, CHECKSUM_SIZE) != 0) {
            return refuse_changed(migration, &applied[i], error);
        }
    }
    return true;
}

/* Where the wish ends: behind this many migrations. */
static bool
find_end(const struct manifest *manifest, const char *to_version, size_t *end, struct error *error)
{
    if (!to_version) {
        *end = manifest->migration_count;
        return true;
    }
    if (text_equal(to_version, "0")) {
        *end = 0;
        return true;
    }
    *end = position_of(manifest, to_version) + 1;
    if (*end > manifest->migration_count) {
        error_set(error, "E-MIG-UNKNOWN", "there is no migration %s", to_version);
        error_where(error, "--to");
        if (manifest->migration_count > 0) {
            error_found(error, "versions: %s … %s", manifest->migrations[0].version,
                        manifest->migrations[manifest->migration_count - 1].version);
        }
        return false;
    }
    return true;
}

/* One behind the last migration of the manifest that is applied. */
static size_t
newest_applied(const struct manifest *manifest, const struct applied_migration *applied,
               size_t applied_count)
{
    size_t newest = 0;

    for (size_t i = 0; i < applied_count; i++) {
        size_t at = position_of(manifest, applied[i].version) + 1;
        newest = at > newest ? at : newest;
    }
    return newest;
}

static bool
refuse_order(const struct migration *migration, const char *newest, struct error *error)
{
    error_set(error, "E-MIG-ORDER", "migration %s is below the newest that is applied",
              migration->version);
    error_where(error, "%s", migration->up.path);
    error_found(error, "applied: %s", newest);
    return error_hint(error, "give it a newer version, or say --out-of-order");
}

bool
local_plan_up(const struct manifest *manifest, const struct applied_migration *applied,
              size_t applied_count, const struct local_wish *wish, struct arena *arena,
              struct local_plan *plan, struct error *error)
{
    size_t end;

    *plan = (struct local_plan){.direction = DIRECTION_UP};
    if (!check_applied(manifest, applied, applied_count, error) ||
        !find_end(manifest, wish->to_version, &end, error)) {
        return false;
    }
    size_t newest = newest_applied(manifest, applied, applied_count);
    plan->steps = arena_alloc(arena, (end + 1) * sizeof *plan->steps);
    for (size_t i = 0; i < end; i++) {
        const struct migration *migration = &manifest->migrations[i];
        if (is_applied(applied, applied_count, migration->version)) {
            continue;
        }
        if (i < newest && !wish->out_of_order) {
            return refuse_order(migration, manifest->migrations[newest - 1].version, error);
        }
        plan->steps[plan->step_count++] = migration;
    }
    return true;
}

static bool
refuse_irreversible(const struct migration *migration, struct error *error)
{
    error_set(error, "E-MIG-NODOWN", "migration %s has no way back", migration->version);
    error_where(error, "%s", migration->up.path);
    if (migration->irreversible) {
        error_found(error, "%s", migration->irreversible);
    }
    return error_hint(error, "write its down file, or go forward with a new migration");
}

bool
local_plan_down(const struct manifest *manifest, const struct applied_migration *applied,
                size_t applied_count, const struct local_wish *wish, struct arena *arena,
                struct local_plan *plan, struct error *error)
{
    size_t end = 0;

    *plan = (struct local_plan){.direction = DIRECTION_DOWN};
    if (!check_applied(manifest, applied, applied_count, error) ||
        (wish->to_version && !find_end(manifest, wish->to_version, &end, error))) {
        return false;
    }
    plan->steps = arena_alloc(arena, (applied_count + 1) * sizeof *plan->steps);
    for (size_t i = manifest->migration_count; i-- > end;) {
        const struct migration *migration = &manifest->migrations[i];
        if (!is_applied(applied, applied_count, migration->version)) {
            continue;
        }
        if (!migration->has_down) {
            return refuse_irreversible(migration, error);
        }
        plan->steps[plan->step_count++] = migration;
        if (!wish->to_version) {
            break;
        }
    }
    return true;
}
