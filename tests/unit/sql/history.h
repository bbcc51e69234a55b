/* history: files replayed one after the other into a catalog, and the effects of the last
 * statement. */
#ifndef TESTS_UNIT_SQL_HISTORY_H
#define TESTS_UNIT_SQL_HISTORY_H

#include <string.h>

#include "common/base/mem.h"
#include "common/sql/catalog.h"
#include "common/sql/deep_stack.h"
#include "common/sql/split.h"

#include "tests/support/unit.h"

struct history {
    struct arena arena;
    struct catalog *catalog;
    struct effects effects;
    int major;
};

static inline void
history_end(struct history *history)
{
    catalog_destroy(&history->catalog);
    arena_release(&history->arena);
}

struct history_file {
    struct history *history;
    const char *text;
    struct error error;
    bool is_read;
};

static inline void
history_read(void *context)
{
    struct history_file *file = context;
    struct history *history = file->history;
    struct sql_script script;
    struct place place;

    file->is_read = sql_split(file->text, strlen(file->text), "skein", &history->arena, &script,
                              &place, &file->error);
    catalog_begin_file(history->catalog);
    for (size_t i = 0; file->is_read && i < script.statement_count; i++) {
        effects_read(&script.statements[i], history->catalog, history->major, &history->arena,
                     &history->effects);
        catalog_apply(history->catalog, &history->effects);
    }
}

/* One more file, on one deep stack; what its last statement does stays in `effects`. */
static inline void
history_add(struct history *history, const char *text)
{
    struct history_file file = {.history = history, .text = text};

    deep_stack_run(history_read, &file);
    if (!file.is_read) {
        fail_msg("%s: %s", text, file.error.text);
    }
}

/* A history of two files on a server of this version: what was before, and the statement. */
static inline struct history
history_of(int major, const char *before, const char *statement)
{
    struct history history = {.catalog = catalog_new(), .major = major};

    if (before) {
        history_add(&history, before);
    }
    history_add(&history, statement);
    return history;
}

#endif
