/*
 * store_files: stores in folders of their own, for tests of what the store makes of its files.
 */
#ifndef TESTS_COMPONENT_COORDINATOR_STORE_FILES_H
#define TESTS_COMPONENT_COORDINATOR_STORE_FILES_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "coordinator/shell/store.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

static inline bool
try_open(const struct store_options *options, struct store **store, struct error *error)
{
    memset(error, 0, sizeof *error);
    *store = NULL;
    return store_open(options, store, error);
}

static inline struct store *
opened(const struct folder *folder)
{
    const struct store_options options = {.path = folder_path(folder, "store.db")};
    struct store *store;
    struct error error;

    if (!try_open(&options, &store, &error)) {
        fail_msg("%s: %s (%s)", error.code, error.text, error.found);
    }
    return store;
}

static inline void
assert_refused(const struct store_options *options, const char *code)
{
    struct store *store;
    struct error error;

    assert_false(try_open(options, &store, &error));
    assert_string_equal(error.code, code);
    assert_true(error.where[0] != '\0');
    assert_null(store);
}

static inline struct store_options
at(const struct folder *folder)
{
    return (struct store_options){.path = folder_path(folder, "store.db")};
}

/* The content of a file, so that "unchanged" can be said. */
static inline struct text
content_of(const char *path)
{
    struct text content = {0};
    char piece[4096];
    FILE *file = fopen(path, "r");

    for (size_t size; file && (size = fread(piece, 1, sizeof piece, file)) > 0;) {
        text_append_bytes(&content, piece, size);
    }
    if (file) {
        fclose(file);
    }
    return content;
}

static inline void
execute(const struct folder *folder, const char *name, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(SQLITE_OK, sqlite3_open(folder_path(folder, name), &database));
    assert_int_equal(SQLITE_OK, sqlite3_exec(database, sql, NULL, NULL, NULL));
    sqlite3_close(database);
    assert_int_equal(0, chmod(folder_path(folder, name), 0600));
}

static inline struct record
agent_named(const char *name)
{
    return (struct record){.kind = RECORD_AGENT, .agent = {.name = name, .is_active = true}};
}

static inline bool
save(struct store *store, const struct record *record, struct error *error)
{
    if (store_begin(store, error) && store_save(store, record, error) &&
        store_commit(store, error)) {
        return true;
    }
    store_rollback(store);
    return false;
}

static inline void
count(void *context, const struct record *record)
{
    (void)record;
    ++*(size_t *)context;
}

static inline size_t
records_in(struct store *store)
{
    size_t total = 0;
    const struct store_reader reader = {count, &total};
    struct error error;

    assert_true(store_load(store, &reader, &error));
    return total;
}

#endif
