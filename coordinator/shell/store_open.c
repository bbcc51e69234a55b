/*
 * Opening the store: whose it is, whether it is sound, who held it last. To inspect it is the same
 * way without writing anything, and what would be refused is kept as a doubt.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include "coordinator/shell/store_private.h"

#define BUSY_MAX_MS 5000
#define CHECK_MAX_MS 2000
#define CHECKPOINT_PAGES 4000

/* ---- statements ---------------------------------------------------------------------------- */

static int
prepare(struct store *store, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

static bool
execute(struct store *store, const char *sql, const char *trying, struct error *error)
{
    int status = sqlite3_exec(store->database, sql, NULL, NULL, NULL);

    if (status != SQLITE_OK) {
        return store_fail(store, sqlite3_extended_errcode(store->database), trying, error);
    }
    return true;
}

/* The first number that a statement answers with. */
static bool
ask_number(struct store *store, const char *sql, int64_t *number, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int status = prepare(store, sql, &statement);

    if (status == SQLITE_OK) {
        status = sqlite3_step(statement);
        *number = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    sqlite3_finalize(statement);
    if (status != SQLITE_ROW) {
        return store_fail(store, status, "read the store", error);
    }
    return true;
}

/* INSERT … ON CONFLICT (identity) DO UPDATE SET every column. */
static void
save_sql(enum record_kind kind, struct text *sql)
{
    const struct pack_shape *shape = record_shape(kind);
    const struct store_table *table = &store_tables[kind];

    text_format(sql, "INSERT INTO %s (", table->name);
    store_columns(kind, "", sql);
    text_append(sql, table->identity ? ", mac) VALUES (" : ") VALUES (");
    for (size_t i = 0; i < shape->field_count; i++) {
        text_format(sql, "%s?%zu", i ? ", " : "", i + 1);
    }
    if (!table->identity) {
        text_append(sql, ")");
        return;
    }
    text_format(sql, ", skein_mac('%s'", table->name);
    for (size_t i = 0; i < shape->field_count; i++) {
        text_format(sql, ", ?%zu", i + 1);
    }
    text_format(sql, ")) ON CONFLICT (%s) DO UPDATE SET mac = excluded.mac", table->identity);
    for (size_t i = 0; i < shape->field_count; i++) {
        const char *name = shape->fields[i].name;
        text_format(sql, ", \"%s\" = excluded.\"%s\"", name, name);
    }
}

static bool
prepare_saves(struct store *store, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};

    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        text_clear(&sql);
        save_sql(kind, &sql);
        int status = prepare(store, sql.data, &store->saves[kind]);
        if (status != SQLITE_OK) {
            return store_fail(store, status, "prepare a statement", error);
        }
    }
    return true;
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool
refuse_store(const struct store *store, struct error *error, const char *code, const char *text)
{
    error_set(error, code, "%s", text);
    return error_where(error, "%s", store->path);
}

/*
 * Make the file before SQLite does, closed to others; its companions inherit the mode. The folder's
 * entry must be on the disk before anything that is said relies on it.
 */
static bool
make_file(struct store *store, struct error *error)
{
    CLEANUP(mem_free) char *folder = mem_text(store->path);
    char *slash = strrchr(folder, '/');
    int file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0) {
        return store_fail(store, SQLITE_CANTOPEN, "make the store", error);
    }
    close(file);
    if (slash) {
        slash[slash == folder] = '\0';
    }
    int directory = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_durable = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        close(directory);
    }
    return is_durable || store_fail(store, SQLITE_IOERR_DIR_FSYNC, "make the store", error);
}

static bool
open_database(struct store *store, uint64_t epoch_seen, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int status = sqlite3_open_v2(store->path, &store->database, flags, NULL);

    if (status != SQLITE_OK) {
        return store_fail(store, status, "open the store", error);
    }
    sqlite3_busy_timeout(store->database, BUSY_MAX_MS);
    status = sqlite3_exec(store->database, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL);
    if (status == SQLITE_NOTADB && !epoch_seen) {
        return refuse_store(store, error, "E-STORE-FOREIGN", "the file is no store at all");
    }
    return status == SQLITE_OK || store_fail(store, status, "open the store", error);
}

/* Only after the file is known to be ours: this writes to it. */
static bool
set_up(struct store *store, const struct store_options *options, struct error *error)
{
    CLEANUP(text_release) struct text setup = {0};

    text_format(&setup,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                "PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = %d;"
                "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;"
                "PRAGMA cache_size = -32768;",
                CHECKPOINT_PAGES);
    if (options->size_max) {
        text_format(&setup, "PRAGMA max_page_count = %" PRIu64 ";", options->size_max / 4096);
    }
    return execute(store, setup.data, "open the store", error);
}

/* Whose file it is, from its header; *is_new when nothing is in it yet. */
static bool
check_header(struct store *store, bool *is_new, int64_t *version_p, struct error *error)
{
    int64_t application, version, objects;

    if (!ask_number(store, "PRAGMA application_id", &application, error) ||
        !ask_number(store, "PRAGMA user_version", &version, error) ||
        !ask_number(store, "SELECT count(*) FROM sqlite_master", &objects, error)) {
        return false;
    }
    *version_p = version;
    *is_new = application == 0 && version == 0 && objects == 0;
    if (!*is_new && application != STORE_APPLICATION_ID) {
        refuse_store(store, error, "E-STORE-FOREIGN", "the file is no store of a coordinator");
        return error_hint(error, "it is left as it is; give the store a path of its own");
    }
    if (version > STORE_SCHEMA_VERSION) {
        refuse_store(store, error, "E-STORE-NEWER", "the store was made by a newer version");
        error_found(error, "schema %" PRId64 ", this program knows %d", version,
                    STORE_SCHEMA_VERSION);
        error_hint(error, "install the version that made it, or a later one");
        return store_tolerates(store, error);
    }
    return true;
}

static int
is_late(void *deadline_ms)
{
    return clock_now_ms() > *(const int64_t *)deadline_ms;
}

/*
 * Look at the pages for as long as a start may take. A large store is not seen whole; what is open
 * is read in any case, and a damaged page is an error whenever it is met.
 */
static bool
check_pages(struct store *store, struct error *error)
{
    int64_t deadline_ms = clock_now_ms() + CHECK_MAX_MS;
    sqlite3_stmt *statement = NULL;
    bool is_sound = false;

    sqlite3_progress_handler(store->database, 10000, is_late, &deadline_ms);
    int status = prepare(store, "PRAGMA quick_check(1)", &statement);
    if (status == SQLITE_OK) {
        status = sqlite3_step(statement);
    }
    if (status == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(statement, 0);
        is_sound = text_equal(verdict, "ok");
        if (!is_sound) {
            refuse_store(store, error, "E-STORE-CORRUPT", "the store is damaged");
            error_found(error, "%s", verdict ? verdict : "no answer");
            error_hint(error, "put a backup back; the databases know what was applied to them");
        }
    } else if (status == SQLITE_INTERRUPT) {
        log_info("the store is too large to be checked whole at a start");
        is_sound = true;
    } else {
        store_fail(store, status, "check the store", error);
    }
    sqlite3_finalize(statement);
    sqlite3_progress_handler(store->database, 0, NULL, NULL);
    return is_sound || store_tolerates(store, error);
}

static bool
make_schema(struct store *store, const struct store_options *options, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct id cluster_id = options->cluster_id ? *options->cluster_id : id_random();
    char hex[2 * sizeof cluster_id.bytes + 1];

    text_hex(cluster_id.bytes, sizeof cluster_id.bytes, hex);
    text_append(&sql, "BEGIN IMMEDIATE;");
    text_append(&sql, store_schema);
    text_format(&sql, "INSERT INTO meta VALUES (1, x'%s', 0);", hex);
    text_format(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
    return execute(store, sql.data, "make the store", error);
}

/* Tables that came later; there is nothing in them to lose, so they may be made before the rest. */
static bool
add_tables(struct store *store, int64_t version, struct error *error)
{
    static const char tables[] = STORE_SCHEMA_PACE STORE_SCHEMA_LOAD;

    return version >= STORE_SCHEMA_VERSION ||
           execute(store, tables, "bring the store up to date", error);
}

static bool
note_version(struct store *store, int64_t version, struct error *error)
{
    CLEANUP(mem_free) char *sql = mem_format("PRAGMA user_version = %d", STORE_SCHEMA_VERSION);
    return version >= STORE_SCHEMA_VERSION ||
           execute(store, sql, "bring the store up to date", error);
}

static bool
read_cluster(struct store *store, const struct store_options *options, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int status = prepare(store, "SELECT cluster_id, epoch FROM meta", &statement);
    bool is_read = false;

    if (status == SQLITE_OK && (status = sqlite3_step(statement)) == SQLITE_ROW &&
        sqlite3_column_bytes(statement, 0) == sizeof store->cluster_id) {
        memcpy(&store->cluster_id, sqlite3_column_blob(statement, 0), sizeof store->cluster_id);
        store->epoch = (uint64_t)sqlite3_column_int64(statement, 1);
        is_read = true;
    }
    sqlite3_finalize(statement);
    if (!is_read) {
        refuse_store(store, error, "E-STORE-CORRUPT", "the store does not say whose it is");
        return store_tolerates(store, error);
    }
    if (options->cluster_id && !id_equal(options->cluster_id, &store->cluster_id)) {
        char text[ID_TEXT_SIZE];
        refuse_store(store, error, "E-STORE-FOREIGN", "the store belongs to another cluster");
        return error_found(error, "cluster %s", id_text(&store->cluster_id, text));
    }
    return true;
}

static bool
check_epoch(struct store *store, const struct store_options *options, uint64_t epoch_seen,
            struct error *error)
{
    if (epoch_seen <= store->epoch || options->accepts_older) {
        return true;
    }
    refuse_store(store, error, "E-STORE-REGRESSED", "the store is older than it was here");
    error_found(error, "epoch %" PRIu64 ", %" PRIu64 " was seen", store->epoch, epoch_seen);
    error_hint(error, "if a backup was put back on purpose, start once with "
                      "--accept-older-store; agents then tell what was applied");
    return store_tolerates(store, error);
}

/* From here on whoever held the store before is outranked. */
static bool
raise_epoch(struct store *store, uint64_t epoch_seen, struct error *error)
{
    if (epoch_seen > store->epoch) {
        store->epoch = epoch_seen;
    }
    CLEANUP(mem_free)
    char *sql = mem_format("UPDATE meta SET epoch = %" PRIu64, store->epoch + 1);
    FAILPOINT("store-epoch");
    if (!execute(store, sql, "raise the epoch", error)) {
        return false;
    }
    store->epoch++;
    return store_lock_witness(store, error);
}

static bool
open_parts(struct store *store, const struct store_options *options, struct error *error)
{
    uint64_t epoch_seen;
    int64_t version;
    bool is_new;

    if (!store_place_check(options, error) || !store_lock(store, &epoch_seen, error) ||
        !make_file(store, error) || !open_database(store, epoch_seen, error) ||
        !check_header(store, &is_new, &version, error) || !set_up(store, options, error)) {
        return false;
    }
    if (is_new && epoch_seen && !options->accepts_older) {
        refuse_store(store, error, "E-STORE-REGRESSED", "the store that was here is gone");
        error_found(error, "an empty file, epoch %" PRIu64 " was seen", epoch_seen);
        return error_hint(error, "put it back; to begin anew, start once with "
                                 "--accept-older-store");
    }
    if (is_new ? !make_schema(store, options, error) : !check_pages(store, error)) {
        return false;
    }
    version = is_new ? STORE_SCHEMA_VERSION : version;
    return add_tables(store, version, error) &&
           store_mac_open(store, options, is_new, version, error) &&
           note_version(store, version, error) && read_cluster(store, options, error) &&
           prepare_saves(store, error) && check_epoch(store, options, epoch_seen, error) &&
           raise_epoch(store, epoch_seen, error);
}

/* ---- opening to inspect -------------------------------------------------------------------- */

static bool
open_read_only(struct store *store, bool is_immutable)
{
    CLEANUP(text_release) struct text uri = {0};

    text_append(&uri, "file:");
    for (const char *byte = store->path; *byte; byte++) {
        text_format(&uri, strchr("%?#", *byte) ? "%%%02x" : "%c", *byte);
    }
    text_append(&uri, is_immutable ? "?immutable=1" : "");
    sqlite3_close(store->database);
    store->database = NULL;
    int flags =
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    return sqlite3_open_v2(text_of(&uri), &store->database, flags, NULL) == SQLITE_OK &&
           sqlite3_exec(store->database, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) ==
               SQLITE_OK;
}

/*
 * SQLite needs its shared-memory file beside the store even to read. Where that cannot be made, the
 * store is read as a file that nobody changes, which leaves out what is still in its log: so only
 * when nothing is.
 */
static bool
open_unwritten(struct store *store, struct error *error)
{
    CLEANUP(mem_free) char *log = mem_format("%s-wal", store->path);
    struct stat about;

    if (open_read_only(store, false)) {
        sqlite3_busy_timeout(store->database, BUSY_MAX_MS);
        return true;
    }
    int status = sqlite3_extended_errcode(store->database);
    bool must_write = (status & 0xff) == SQLITE_CANTOPEN || (status & 0xff) == SQLITE_READONLY;
    bool has_log = stat(log, &about) == 0 && about.st_size > 0;
    if (must_write && !has_log && open_read_only(store, true)) {
        return true;
    }
    store_fail(store, status, "read the store", error);
    if (must_write) {
        error_hint(error, "copy the store, its -wal, .key and .lock files to a folder that can be "
                          "written, and inspect it there");
    }
    return false;
}

static bool
open_to_inspect(struct store *store, const struct store_options *options, struct error *error)
{
    uint64_t epoch_seen = 0;
    int64_t version;
    bool is_empty;

    if (!store_place_check(options, error) || !store_lock(store, &epoch_seen, error) ||
        !open_unwritten(store, error) || !check_header(store, &is_empty, &version, error)) {
        return false;
    }
    if (is_empty) {
        return refuse_store(store, error, "E-STORE-FOREIGN", "the file holds no store yet");
    }
    return check_pages(store, error) && store_mac_open(store, options, false, version, error) &&
           read_cluster(store, options, error) && check_epoch(store, options, epoch_seen, error);
}

bool
store_open(const struct store_options *options, struct store **store_p, struct error *error)
{
    struct store *store = mem_zalloc(sizeof *store);

    store->path = mem_text(options->path);
    store->lock_file = -1;
    store->inspects = options->inspects;
    if (!(store->inspects ? open_to_inspect : open_parts)(store, options, error)) {
        store_close(&store);
        return false;
    }
    *store_p = store;
    return true;
}
