/*
 * bundle: the immutable, content-addressed set of a service's migrations that a run works from.
 * Its bytes are: the line "skein-bundle 1\n", the manifest's size as 8 hex digits and "\n", the
 * manifest (pack), then the text of every script, one behind the other. Its digest is the SHA-256
 * of all of that.
 */
#ifndef COMMON_MIGRATION_BUNDLE_H
#define COMMON_MIGRATION_BUNDLE_H

#include "common/base/arena.h"
#include "common/migration/manifest.h"

#define DIGEST_SIZE 32
#define BUNDLE_SIZE_MAX ((size_t)64 << 20)

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

struct bundle {
    struct digest digest;
    struct manifest manifest;
    const char *content; /* the scripts' texts; offsets in the manifest count from here */
    size_t content_size;
    struct bytes bytes; /* the whole, as it travels and is stored */
    struct arena arena; /* holds all of the above */
};

/* The digest of size bytes. */
struct digest digest_of(const void *data, size_t size);

/*
 * Put a bundle together from a manifest whose scripts' offsets point into content; copies both.
 * The caller owns the result.
 */
struct bundle *bundle_new(const struct manifest *manifest, const char *content,
                          size_t content_size);

/*
 * Read a bundle from its bytes (copied) and check that they have this digest, that every script
 * lies inside the content and has its checksum, and every statement inside its script. False with
 * E-SIG-DIGEST or E-BUNDLE-FORMAT.
 */
bool bundle_read(const void *data, size_t size, const struct digest *digest,
                 struct bundle **bundle_p, struct error *error);

void bundle_destroy(struct bundle **bundle_p);

/* The text of a script: size bytes, not NUL-terminated; belongs to the bundle. */
const char *bundle_script_text(const struct bundle *bundle, const struct script *script);

#endif
