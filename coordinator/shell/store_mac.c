/*
 * What makes a changed row known: each carries a keyed hash of its values, made and compared by
 * SQLite itself as the function skein_mac(table, value…). The key is a small file beside the store,
 * `PATH.key`; whoever can write to the store and not read the key can change nothing unseen. A row
 * that is taken out, or put back as it was before, is not noticed by this.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"

#include "coordinator/shell/store_private.h"

#define KEY_SIZE 32
#define MAC_SIZE 16

/* ---- the function -------------------------------------------------------------------------- */

/* Kind and length stand before each value, so that no two rows are the same bytes. */
static void
add_value(crypto_generichash_state *state, sqlite3_value *value)
{
    int kind = sqlite3_value_type(value);
    sqlite3_int64 number = kind == SQLITE_INTEGER ? sqlite3_value_int64(value) : 0;
    const void *data = kind == SQLITE_NULL      ? NULL
                       : kind == SQLITE_INTEGER ? (const void *)&number
                                                : sqlite3_value_blob(value);
    uint32_t head[2] = {(uint32_t)kind, kind == SQLITE_NULL ? 0
                                        : kind == SQLITE_INTEGER
                                            ? (uint32_t)sizeof number
                                            : (uint32_t)sqlite3_value_bytes(value)};

    crypto_generichash_update(state, (const unsigned char *)head, sizeof head);
    if (data && head[1]) {
        crypto_generichash_update(state, data, head[1]);
    }
}

static void
compute(sqlite3_context *context, int count, sqlite3_value **values)
{
    const uint8_t *key = sqlite3_user_data(context);
    unsigned char mac[MAC_SIZE];
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, KEY_SIZE, sizeof mac);
    for (int i = 0; i < count; i++) {
        add_value(&state, values[i]);
    }
    crypto_generichash_final(&state, mac, sizeof mac);
    sqlite3_result_blob(context, mac, sizeof mac, SQLITE_TRANSIENT);
}

static void
forget_key(void *key)
{
    sodium_memzero(key, KEY_SIZE);
    free(key);
}

/* ---- the key ------------------------------------------------------------------------------- */

static bool
refuse_key(const char *path, const char *code, const char *text, struct error *error)
{
    error_set(error, code, "the key of the store's rows: %s", text);
    return error_where(error, "%s", path);
}

static bool
read_key(int file, const char *path, uint8_t key[KEY_SIZE], struct error *error)
{
    struct stat about;
    uint8_t content[KEY_SIZE + 1];

    if (fstat(file, &about) < 0 || !S_ISREG(about.st_mode) || about.st_mode & (S_IRWXG | S_IRWXO)) {
        return refuse_key(path, "E-STORE-PERM", "others may read it, or it is no file", error);
    }
    if (read(file, content, sizeof content) != KEY_SIZE) {
        return refuse_key(path, "E-STORE-TAMPERED", "it is not as long as it was made", error);
    }
    memcpy(key, content, KEY_SIZE);
    return true;
}

static bool
make_key(const char *path, uint8_t key[KEY_SIZE], struct error *error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    randombytes_buf(key, KEY_SIZE);
    bool is_made = file >= 0 && write(file, key, KEY_SIZE) == KEY_SIZE && fsync(file) == 0;
    int why = errno;
    if (file >= 0) {
        close(file);
    }
    if (!is_made) {
        if (file >= 0) {
            unlink(path); /* half a key is none */
        }
        const char *code = why == ENOSPC || why == EDQUOT ? "E-STORE-FULL" : "E-STORE-PERM";
        return refuse_key(path, code, strerror(why), error);
    }
    return true;
}

/* *is_new: there was none, and the rows that are there have to be marked with this one. */
static bool
have_key(const struct store *store, bool may_make, uint8_t key[KEY_SIZE], bool *is_new,
         struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s.key", store->path);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    *is_new = file < 0 && errno == ENOENT;
    if (file >= 0) {
        bool is_read = read_key(file, path, key, error);
        close(file);
        return is_read;
    }
    if (!*is_new) {
        return refuse_key(path, "E-STORE-PERM", strerror(errno), error);
    }
    if (!may_make) {
        refuse_key(path, "E-STORE-TAMPERED", "it is gone: nobody can tell what was changed", error);
        return error_hint(error, "put it back; to trust the store as it is, start once with "
                                 "--accept-older-store");
    }
    return make_key(path, key, error);
}

/* ---- the rows ------------------------------------------------------------------------------ */

/* UPDATE of every row, as they are now. */
static void
append_marking(bool adds_column, struct text *sql)
{
    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        const char *table = store_tables[kind].name;
        if (!store_tables[kind].identity) {
            continue;
        }
        if (adds_column && kind != RECORD_PACE && kind != RECORD_LOAD) {
            text_format(sql, "ALTER TABLE %s ADD COLUMN mac BLOB;", table);
        }
        text_format(sql, "UPDATE %s SET mac = skein_mac('%s', ", table, table);
        store_columns(kind, "", sql);
        text_append(sql, ");");
    }
}

static bool
mark_all(struct store *store, int64_t version, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};

    text_append(&sql, "BEGIN IMMEDIATE;");
    append_marking(version < 2, &sql);
    text_format(&sql, "PRAGMA user_version = %d; COMMIT;", STORE_SCHEMA_VERSION);
    int status = sqlite3_exec(store->database, text_of(&sql), NULL, NULL, NULL);
    if (status == SQLITE_OK) {
        return true;
    }
    store_fail(store, sqlite3_extended_errcode(store->database), "mark the store's rows", error);
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Give SQLite the function; takes the key. */
static bool
compare_hashes(struct store *store, uint8_t *key, struct error *error)
{
    int status = sqlite3_create_function_v2(store->database, "skein_mac", -1,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                            key, compute, NULL, NULL, forget_key);

    store->has_macs = status == SQLITE_OK;
    return store->has_macs || store_fail(store, status, "open the store", error);
}

/* Nothing is marked here: what cannot be compared is not. */
static bool
open_to_inspect(struct store *store, int64_t version, uint8_t *key, struct error *error)
{
    bool is_new_key;

    if (version >= 2 && version <= STORE_SCHEMA_VERSION &&
        have_key(store, false, key, &is_new_key, error)) {
        return compare_hashes(store, key, error);
    }
    if (version < 2) {
        error_set(error, "E-STORE-TAMPERED", "the rows carry no hash that could be compared");
        error_where(error, "%s", store->path);
    }
    forget_key(key);
    return version > STORE_SCHEMA_VERSION || store_tolerates(store, error);
}

bool
store_mac_open(struct store *store, const struct store_options *options, bool is_new_store,
               int64_t version, struct error *error)
{
    uint8_t *key = mem_zalloc(KEY_SIZE);
    bool is_old = version < 2, is_new_key;

    if (sodium_init() < 0) {
        free(key);
        return error_set(error, "E-LIB-VERSION", "libsodium does not start");
    }
    if (store->inspects) {
        return open_to_inspect(store, version, key, error);
    }
    bool is_there =
        have_key(store, is_new_store || is_old || options->accepts_older, key, &is_new_key, error);
    if (!is_there) {
        forget_key(key);
        return false;
    }
    if (is_old && !is_new_store && !is_new_key && !options->accepts_older) {
        forget_key(key);
        error_set(error, "E-STORE-TAMPERED", "the store says that it is older than its key");
        return error_where(error, "%s", store->path);
    }
    if (!compare_hashes(store, key, error)) {
        return false;
    }
    return (!is_old && !is_new_key) || is_new_store || mark_all(store, version, error);
}
