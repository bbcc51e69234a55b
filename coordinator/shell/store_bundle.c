/*
 * Bundles in the store: the bytes in pieces as they were uploaded, one behind the other. An upload
 * that broke off goes on where it was.
 */
#include "common/base/text.h"

#include "coordinator/shell/store_private.h"

#define PIECE_SIZE_MIN 1024 /* bounds how many pieces there can be */

struct upload {
    uint64_t size, received;
    bool is_there, is_complete;
};

static void
bind_digest(sqlite3_stmt *statement, const struct digest *digest)
{
    sqlite3_bind_blob(statement, 1, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
}

static bool
find_upload(struct store *store, const struct digest *digest, struct upload *upload,
            struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_BUNDLE, error);

    if (!statement) {
        return false;
    }
    bind_digest(statement, digest);
    int status = sqlite3_step(statement);
    *upload = (struct upload){0};
    if (status == SQLITE_ROW) {
        upload->is_there = true;
        upload->size = (uint64_t)sqlite3_column_int64(statement, 0);
        upload->received = (uint64_t)sqlite3_column_int64(statement, 1);
        upload->is_complete = sqlite3_column_int(statement, 2) != 0;
    }
    sqlite3_reset(statement);
    if (status != SQLITE_ROW && status != SQLITE_DONE) {
        return store_fail(store, status, "read a bundle", error);
    }
    return true;
}

bool
store_bundle_offered(struct store *store, const struct digest *digest, uint64_t *offset,
                     bool *is_complete, struct error *error)
{
    struct upload upload;

    if (!find_upload(store, digest, &upload, error)) {
        return false;
    }
    *offset = upload.received;
    *is_complete = upload.is_complete;
    return true;
}

static bool
begin_upload(struct store *store, const struct put *put, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_BUNDLE_BEGIN, error);

    if (!statement) {
        return false;
    }
    bind_digest(statement, &put->digest);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)put->total);
    return store_run(store, statement, "begin an upload", error);
}

static bool
add_piece(struct store *store, const struct put *put, struct error *error)
{
    sqlite3_stmt *add = store_query(store, QUERY_PIECE_ADD, error);
    sqlite3_stmt *grow = add ? store_query(store, QUERY_BUNDLE_GROW, error) : NULL;

    if (!grow) {
        return false;
    }
    bind_digest(add, &put->digest);
    sqlite3_bind_int64(add, 2, (sqlite3_int64)put->offset);
    sqlite3_bind_blob(add, 3, put->bytes.data, (int)put->bytes.size, SQLITE_STATIC);
    bind_digest(grow, &put->digest);
    sqlite3_bind_int64(grow, 2, (sqlite3_int64)(put->offset + put->bytes.size));
    return store_run(store, add, "keep a piece", error) &&
           store_run(store, grow, "keep a piece", error);
}

static bool
check_put(const struct put *put, const struct upload *upload, struct error *error)
{
    if (put->total == 0 || put->total > BUNDLE_SIZE_MAX) {
        error_set(error, "E-SIG-LENGTH", "a bundle has from 1 to %zu bytes", BUNDLE_SIZE_MAX);
        return error_found(error, "%llu", (unsigned long long)put->total);
    }
    if (put->bytes.size == 0 || put->bytes.size > CHUNK_SIZE_MAX || put->offset > put->total ||
        put->bytes.size > put->total - put->offset) {
        return error_set(error, "E-SIG-LENGTH", "a piece goes beyond its bundle, or is empty");
    }
    if (put->bytes.size < PIECE_SIZE_MIN && put->offset + put->bytes.size != put->total) {
        error_set(error, "E-SIG-LENGTH", "only the last piece of a bundle may be short");
        return error_found(error, "%zu bytes, at least %d", put->bytes.size, PIECE_SIZE_MIN);
    }
    if (upload->is_there && upload->size != put->total) {
        error_set(error, "E-SIG-LENGTH", "the bundle was announced with another size");
        return error_found(error, "%llu, before %llu", (unsigned long long)put->total,
                           (unsigned long long)upload->size);
    }
    return true;
}

bool
store_bundle_put(struct store *store, const struct put *put, uint64_t *offset, struct error *error)
{
    struct upload upload;

    if (!find_upload(store, &put->digest, &upload, error) || !check_put(put, &upload, error)) {
        return false;
    }
    *offset = upload.received;
    if (upload.is_complete || put->offset != upload.received) {
        return true;
    }
    *offset += put->bytes.size;
    return (upload.is_there || begin_upload(store, put, error)) && add_piece(store, put, error);
}

bool
store_bundle_complete(struct store *store, const struct digest *digest, const char *service,
                      struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_BUNDLE_COMPLETE, error);

    if (!statement) {
        return false;
    }
    bind_digest(statement, digest);
    sqlite3_bind_text(statement, 2, service, -1, SQLITE_STATIC);
    return store_run(store, statement, "keep a bundle", error);
}

bool
store_bundle_drop(struct store *store, const struct digest *digest, struct error *error)
{
    static const enum store_query order[] = {QUERY_PIECE_DROP, QUERY_BUNDLE_DROP};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        sqlite3_stmt *statement = store_query(store, order[i], error);
        if (!statement) {
            return false;
        }
        bind_digest(statement, digest);
        if (!store_run(store, statement, "forget an upload", error)) {
            return false;
        }
    }
    return true;
}

bool
store_bundle_read(struct store *store, const struct digest *digest, bool must_be_complete,
                  struct text *bytes, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_PIECES, error);
    struct upload upload;
    int status;

    if (!statement || !find_upload(store, digest, &upload, error)) {
        return false;
    }
    if (!upload.is_there || (must_be_complete && !upload.is_complete)) {
        return error_set(error, "E-BUNDLE-UNKNOWN", "there is no such bundle");
    }
    bind_digest(statement, digest);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        text_append_bytes(bytes, sqlite3_column_blob(statement, 0),
                          (size_t)sqlite3_column_bytes(statement, 0));
    }
    sqlite3_reset(statement);
    return status == SQLITE_DONE || store_fail(store, status, "read a bundle", error);
}
