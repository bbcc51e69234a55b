#include "common/migration/bundle.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define MAGIC "skein-bundle 1\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define HEAD_SIZE (MAGIC_SIZE + 9) /* and the manifest's size as 8 hex digits and a newline */

struct digest
digest_of(const void *data, size_t size)
{
    struct digest digest;
    crypto_hash_sha256(digest.bytes, data, size);
    return digest;
}

/* ---- what the bytes are ---------------------------------------------------------------------- */

static bool
refuse(struct error *error, const char *text)
{
    error_set(error, "E-BUNDLE-FORMAT", "the bundle is malformed: %s", text);
    return error_hint(error, "make the bundle again from the migration files");
}

/* The manifest's size as the head says it; false when that is no head. */
static bool
read_head(const char *data, size_t size, size_t *manifest_size)
{
    uint8_t number[4];
    char digits[9] = "";

    if (size < HEAD_SIZE || memcmp(data, MAGIC, MAGIC_SIZE) != 0 || data[HEAD_SIZE - 1] != '\n') {
        return false;
    }
    memcpy(digits, data + MAGIC_SIZE, 8);
    for (const char *digit = digits; *digit; digit++) {
        if (*digit >= 'A' && *digit <= 'F') {
            return false;
        }
    }
    if (!text_from_hex(digits, number, sizeof number)) {
        return false;
    }
    *manifest_size = (size_t)number[0] << 24 | (size_t)number[1] << 16 | (size_t)number[2] << 8 |
                     (size_t)number[3];
    return *manifest_size <= size - HEAD_SIZE;
}

/* ---- what the manifest says of the content ------------------------------------------------- */

static bool
is_inside(uint64_t offset, uint64_t size, uint64_t whole)
{
    return offset <= whole && size <= whole - offset;
}

/* The places of a batch are in its statement and in order; the text is cut there. */
static bool
check_batch(const struct script *script, const struct statement *statement)
{
    const struct batch *batch = script_batch(script, (size_t)(statement - script->statements) + 1);

    if (!batch || script->is_transactional) {
        return false;
    }
    const struct seam *seam = &batch->seam;
    return seam->table_begin < seam->table_end &&
           seam->table_end <= (seam->has_where ? seam->open : seam->close) &&
           seam->open <= seam->close && seam->close <= statement->size;
}

static bool
check_statement(const struct script *script, const struct statement *statement, uint64_t *end,
                struct error *error)
{
    bool is_batch = statement->kind == STATEMENT_BATCH;
    bool is_script = statement->kind == STATEMENT_SCRIPT;
    bool is_plain = statement->kind == STATEMENT_TRANSACTIONAL || is_batch || is_script;

    if (!is_inside(statement->offset, statement->size, script->size) || statement->size == 0) {
        return refuse(error, "a statement lies outside its file");
    }
    if (statement->offset < *end) {
        return refuse(error, "statements overlap or are out of order");
    }
    if (statement->line == 0 || statement->column == 0) {
        return refuse(error, "a statement without a line or a column");
    }
    bool is_free = statement->kind == STATEMENT_REPEATABLE || statement->kind == STATEMENT_VERIFIED;
    bool is_named = statement->object && statement->object[0];
    if (!is_plain && (script->is_transactional || (!is_free && !is_named))) {
        return refuse(error, "an index statement in a transaction, or without an index");
    }
    if (is_script && (!script->is_transactional || script->statement_count != 1)) {
        return refuse(error, "a file as it stands with something beside it");
    }
    if (is_batch && !check_batch(script, statement)) {
        return refuse(error, "a batch in a transaction, or one whose places are none");
    }
    if (statement->kind == STATEMENT_VERIFIED && !statement->verify) {
        return refuse(error, "a statement to be verified without its query");
    }
    if (statement->kind == STATEMENT_REINDEX_CONCURRENTLY && !statement->scope) {
        return refuse(error, "a REINDEX of nothing");
    }
    if (statement->kind == STATEMENT_DETACH_CONCURRENTLY && !statement->table) {
        return refuse(error, "a partition of no table");
    }
    if (statement->kind == STATEMENT_CREATE_INDEX_CONCURRENTLY && !statement->table) {
        return refuse(error, "a CREATE INDEX without a table");
    }
    *end = statement->offset + statement->size;
    return true;
}

/* The text must be UTF-8 as a whole and in each of its statements: none begins inside a character.
 */
static bool
check_text(const struct script *script, const char *text, struct error *error)
{
    struct digest digest = digest_of(text, script->size);

    if (memcmp(digest.bytes, script->checksum, CHECKSUM_SIZE) != 0) {
        return refuse(error, "a file does not have its checksum");
    }
    if (!text_is_utf8(text, script->size)) {
        return refuse(error, "a file is not UTF-8, or has a NUL in it");
    }
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        if (!text_is_utf8(text + statement->offset, statement->size)) {
            return refuse(error, "a statement begins or ends inside a character");
        }
    }
    return true;
}

static bool
check_script(const struct bundle *bundle, const struct script *script, bool exists,
             struct error *error)
{
    uint64_t end = 0;

    if (!exists) {
        bool is_empty = script->size == 0 && script->statement_count == 0;
        return is_empty || refuse(error, "a file that should not be there");
    }
    if (!script->path || !script->path[0]) {
        return refuse(error, "a file without a name");
    }
    if (script->size > SCRIPT_SIZE_MAX ||
        !is_inside(script->offset, script->size, bundle->content_size)) {
        refuse(error, "a file lies outside the content, or is too large");
        return error_where(error, "%s", script->path);
    }
    for (size_t i = 0; i < script->statement_count; i++) {
        if (!check_statement(script, &script->statements[i], &end, error)) {
            return error_where(error, "%s, statement %zu", script->path, i + 1);
        }
    }
    if (!check_text(script, bundle->content + script->offset, error)) {
        return error_where(error, "%s", script->path);
    }
    return true;
}

static int
compare_versions(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static bool
check_versions(const struct manifest *manifest, struct error *error)
{
    size_t count = manifest->migration_count;
    CLEANUP(mem_free) const char **versions = mem_zalloc(count * sizeof *versions);

    for (size_t i = 0; i < count; i++) {
        versions[i] = manifest->migrations[i].version;
    }
    qsort(versions, count, sizeof *versions, compare_versions);
    for (size_t i = 0; i < count; i++) {
        if (!versions[i][0] || (i > 0 && strcmp(versions[i - 1], versions[i]) == 0)) {
            refuse(error, "a version that is empty or there twice");
            return error_where(error, "version '%s'", versions[i]);
        }
    }
    return true;
}

static bool
check_manifest(const struct bundle *bundle, struct error *error)
{
    const struct manifest *manifest = &bundle->manifest;

    if (manifest->format != 1) {
        return refuse(error, "an unknown format");
    }
    if (!text_is_name(manifest->service)) {
        return refuse(error, "the service's name is none");
    }
    if (!check_versions(manifest, error)) {
        return false;
    }
    for (size_t i = 0; i < manifest->migration_count; i++) {
        const struct migration *migration = &manifest->migrations[i];
        if (!migration->has_up) {
            refuse(error, "a migration without an up file");
            return error_where(error, "version '%s'", migration->version);
        }
        if (!check_script(bundle, &migration->up, true, error) ||
            !check_script(bundle, &migration->down, migration->has_down, error) ||
            !check_script(bundle, &migration->verify, migration->has_verify, error)) {
            return false;
        }
    }
    return true;
}

/* ---- reading and making ---------------------------------------------------------------------- */

static bool
check_digest(const void *data, size_t size, const struct digest *digest, struct error *error)
{
    struct digest found = digest_of(data, size);
    char found_hex[2 * DIGEST_SIZE + 1], wanted_hex[2 * DIGEST_SIZE + 1];

    if (memcmp(found.bytes, digest->bytes, DIGEST_SIZE) == 0) {
        return true;
    }
    text_hex(found.bytes, DIGEST_SIZE, found_hex);
    text_hex(digest->bytes, DIGEST_SIZE, wanted_hex);
    error_set(error, "E-SIG-DIGEST", "the bundle's bytes do not have its digest");
    error_where(error, "bundle %s", wanted_hex);
    error_found(error, "sha256 %s", found_hex);
    return error_hint(error, "it was damaged or changed on its way; fetch it again");
}

/* Fill a bundle whose bytes are there. */
static bool
read_bytes(struct bundle *bundle, struct error *error)
{
    const char *data = bundle->bytes.data;
    size_t size = bundle->bytes.size, manifest_size;

    if (!read_head(data, size, &manifest_size)) {
        return refuse(error, "its first lines are not a bundle's");
    }
    bundle->content = data + HEAD_SIZE + manifest_size;
    bundle->content_size = size - HEAD_SIZE - manifest_size;
    if (!pack_decode(&manifest_shape, data + HEAD_SIZE, manifest_size, &pack_manifest_limits,
                     &bundle->arena, &bundle->manifest, error)) {
        struct error cause = *error;
        refuse(error, cause.text);
        error_where(error, "manifest: %s", cause.where);
        return error_found(error, "%s", cause.found);
    }
    return check_manifest(bundle, error);
}

bool
bundle_read(const void *data, size_t size, const struct digest *digest, struct bundle **bundle_p,
            struct error *error)
{
    *bundle_p = NULL;
    if (size > BUNDLE_SIZE_MAX) {
        refuse(error, "it is too large");
        return error_found(error, "%zu bytes, at most %zu allowed", size, BUNDLE_SIZE_MAX);
    }
    if (!check_digest(data, size, digest, error)) {
        return false;
    }
    struct bundle *bundle = mem_zalloc(sizeof *bundle);
    bundle->digest = *digest;
    bundle->bytes = (struct bytes){.data = arena_copy(&bundle->arena, data, size), .size = size};
    if (!read_bytes(bundle, error)) {
        bundle_destroy(&bundle);
        return false;
    }
    *bundle_p = bundle;
    return true;
}

struct bundle *
bundle_new(const struct manifest *manifest, const char *content, size_t content_size)
{
    CLEANUP(text_release) struct text packed = {0};
    CLEANUP(text_release) struct text bytes = {0};
    struct bundle *bundle = NULL;
    struct error error;

    pack_encode(&manifest_shape, manifest, &packed);
    text_format(&bytes, "%s%08zx\n", MAGIC, packed.size);
    text_append_bytes(&bytes, packed.data, packed.size);
    text_append_bytes(&bytes, content, content_size);
    struct digest digest = digest_of(bytes.data, bytes.size);
    bool is_sound = bundle_read(bytes.data, bytes.size, &digest, &bundle, &error);
    assert(is_sound);
    return bundle;
}

void
bundle_destroy(struct bundle **bundle_p)
{
    if (*bundle_p) {
        struct arena arena = (*bundle_p)->arena;
        arena_release(&arena);
        free(*bundle_p);
        *bundle_p = NULL;
    }
}

const char *
bundle_script_text(const struct bundle *bundle, const struct script *script)
{
    return bundle->content + script->offset;
}
