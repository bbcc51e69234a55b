#include "coordinator/core/history.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

static struct history *
make(const struct applied *applied, size_t count)
{
    struct history *history = mem_zalloc(sizeof *history);

    history->entries = mem_zalloc((count + 1) * sizeof *history->entries);
    for (size_t i = 0; i < count; i++) {
        struct history_entry *entry = &history->entries[history->count], *known;
        HASH_FIND(hh, history->by_version, applied[i].version, strlen(applied[i].version), known);
        if (known) {
            continue; /* a version is applied once; who says it twice is heard once */
        }
        entry->version = arena_text(&history->arena, applied[i].version);
        memcpy(entry->checksum, applied[i].checksum, CHECKSUM_SIZE);
        entry->index = history->count++;
        HASH_ADD_KEYPTR(hh, history->by_version, entry->version, strlen(entry->version), entry);
    }
    return history;
}

const struct history *
history_intern(struct history **table, const struct applied *applied, size_t count)
{
    struct history *history;
    struct text content = {0};

    text_append(&content, "");
    for (size_t i = 0; i < count; i++) {
        text_append_bytes(&content, applied[i].version, strlen(applied[i].version) + 1);
        text_append_bytes(&content, applied[i].checksum, CHECKSUM_SIZE);
    }
    HASH_FIND(hh, *table, content.data, content.size, history);
    if (history) {
        text_release(&content);
        return history;
    }
    history = make(applied, count);
    history->content = content;
    HASH_ADD_KEYPTR(hh, *table, history->content.data, history->content.size, history);
    return history;
}

const struct history_entry *
history_find(const struct history *history, const char *version)
{
    const struct history_entry *entry;

    HASH_FIND(hh, history->by_version, version, strlen(version), entry);
    return entry;
}

void
histories_release(struct history **table)
{
    struct history *history, *next;

    HASH_ITER(hh, *table, history, next)
    {
        HASH_DEL(*table, history);
        HASH_CLEAR(hh, history->by_version);
        free(history->entries);
        text_release(&history->content);
        arena_release(&history->arena);
        free(history);
    }
}
