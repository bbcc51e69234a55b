#include "coordinator/shell/bundles.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/failpoint.h"
#include "common/base/mem.h"

struct kept {
    struct bundle *bundle;
    uint64_t used; /* the larger, the later */
};

struct bundles {
    struct store *store;
    size_t size_max, size;
    struct kept *kept;
    size_t count, capacity;
    uint64_t clock;
};

struct bundles *
bundles_new(struct store *store, size_t size_max)
{
    struct bundles *bundles = mem_zalloc(sizeof *bundles);

    bundles->store = store;
    bundles->size_max = size_max;
    return bundles;
}

static void
drop(struct bundles *bundles, size_t index)
{
    bundles->size -= bundles->kept[index].bundle->bytes.size;
    bundle_destroy(&bundles->kept[index].bundle);
    bundles->kept[index] = bundles->kept[--bundles->count];
}

void
bundles_destroy(struct bundles **bundles_p)
{
    struct bundles *bundles = *bundles_p;

    if (bundles) {
        while (bundles->count) {
            drop(bundles, bundles->count - 1);
        }
        free(bundles->kept);
        free(bundles);
        *bundles_p = NULL;
    }
}

size_t
bundles_size(const struct bundles *bundles)
{
    return bundles->size;
}

/* The one that was not asked for the longest goes first. */
static void
make_room(struct bundles *bundles, size_t size)
{
    while (bundles->count && bundles->size + size > bundles->size_max) {
        size_t oldest = 0;
        for (size_t i = 1; i < bundles->count; i++) {
            if (bundles->kept[i].used < bundles->kept[oldest].used) {
                oldest = i;
            }
        }
        drop(bundles, oldest);
    }
}

static struct kept *
find(struct bundles *bundles, const struct digest *digest)
{
    for (size_t i = 0; i < bundles->count; i++) {
        if (memcmp(&bundles->kept[i].bundle->digest, digest, sizeof *digest) == 0) {
            return &bundles->kept[i];
        }
    }
    return NULL;
}

static const struct bundle *
keep(struct bundles *bundles, struct bundle *bundle)
{
    struct kept *former = find(bundles, &bundle->digest);

    if (former) {
        drop(bundles, (size_t)(former - bundles->kept));
    }
    make_room(bundles, bundle->bytes.size);
    bundles->kept =
        mem_grow(bundles->kept, bundles->count, &bundles->capacity, sizeof *bundles->kept);
    bundles->kept[bundles->count++] = (struct kept){bundle, ++bundles->clock};
    bundles->size += bundle->bytes.size;
    return bundle;
}

/* Read the bytes from the store and verify them; null when they are not what the digest says. */
static struct bundle *
read_bundle(struct bundles *bundles, const struct digest *digest, bool must_be_complete,
            struct error *error)
{
    CLEANUP(text_release) struct text bytes = {0};
    struct bundle *bundle = NULL;

    if (!store_bundle_read(bundles->store, digest, must_be_complete, &bytes, error) ||
        !bundle_read(bytes.data, bytes.size, digest, &bundle, error)) {
        return NULL;
    }
    return bundle;
}

const struct bundle *
bundles_get(struct bundles *bundles, const struct digest *digest, struct error *error)
{
    struct kept *kept = find(bundles, digest);

    if (kept) {
        kept->used = ++bundles->clock;
        return kept->bundle;
    }
    struct bundle *bundle = read_bundle(bundles, digest, true, error);
    return bundle ? keep(bundles, bundle) : NULL;
}

static bool
finish(struct bundles *bundles, const struct digest *digest, struct error *error)
{
    struct bundle *bundle = read_bundle(bundles, digest, false, error);

    if (!bundle) {
        struct error dropping;
        /* A store that fails here has said so already, or will at the commit. */
        return store_bundle_drop(bundles->store, digest, &dropping) && false;
    }
    FAILPOINT("upload-verified");
    if (!store_bundle_complete(bundles->store, digest, bundle->manifest.service, error)) {
        bundle_destroy(&bundle);
        return false;
    }
    keep(bundles, bundle);
    return true;
}

bool
bundles_put(struct bundles *bundles, const struct put *put, uint64_t *offset, bool *is_complete,
            struct error *error)
{
    if (!store_bundle_put(bundles->store, put, offset, error)) {
        return false;
    }
    FAILPOINT("upload-piece");
    if (*offset == put->total &&
        !store_bundle_offered(bundles->store, &put->digest, offset, is_complete, error)) {
        return false;
    }
    if (*offset < put->total || *is_complete) {
        return true;
    }
    *is_complete = finish(bundles, &put->digest, error);
    return *is_complete;
}
