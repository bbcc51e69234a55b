#include "coordinator/core/itinerary.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

static void
append_text(struct text *content, const char *text)
{
    text_append_bytes(content, text ? "+" : "-", 1);
    if (text) {
        text_append_bytes(content, text, strlen(text) + 1);
    }
}

static void
describe(const struct itinerary_draft *draft, struct text *content)
{
    append_text(content, draft->from_version);
    append_text(content, draft->to_version);
    for (size_t i = 0; i < draft->step_count; i++) {
        append_text(content, draft->steps[i].version);
        append_text(content, draft->steps[i].name);
        text_append_bytes(content, draft->steps[i].digest.bytes, DIGEST_SIZE);
    }
}

static struct itinerary *
make(const struct itinerary_draft *draft)
{
    struct itinerary *itinerary = mem_zalloc(sizeof *itinerary);

    itinerary->from_version = mem_text(draft->from_version);
    itinerary->to_version = mem_text(draft->to_version);
    itinerary->step_count = draft->step_count;
    itinerary->steps = mem_zalloc((draft->step_count + 1) * sizeof *itinerary->steps);
    for (size_t i = 0; i < draft->step_count; i++) {
        itinerary->steps[i].version = mem_text(draft->steps[i].version);
        itinerary->steps[i].name = mem_text(draft->steps[i].name);
        itinerary->steps[i].digest = draft->steps[i].digest;
    }
    return itinerary;
}

struct itinerary *
itinerary_take(struct itinerary **table, const struct itinerary_draft *draft)
{
    struct itinerary *itinerary;
    struct text content = {0};

    describe(draft, &content);
    HASH_FIND(hh, *table, content.data, content.size, itinerary);
    if (itinerary) {
        text_release(&content);
        return itinerary_share(itinerary);
    }
    itinerary = make(draft);
    itinerary->content = content;
    HASH_ADD_KEYPTR(hh, *table, itinerary->content.data, itinerary->content.size, itinerary);
    return itinerary_share(itinerary);
}

struct itinerary *
itinerary_share(struct itinerary *itinerary)
{
    itinerary->uses++;
    return itinerary;
}

static void
free_text(const char **text)
{
    free((void *)(uintptr_t)*text);
}

void
itinerary_drop(struct itinerary **table, struct itinerary **itinerary_p)
{
    struct itinerary *itinerary = *itinerary_p;

    *itinerary_p = NULL;
    if (!itinerary) {
        return;
    }
    assert(itinerary->uses > 0);
    if (--itinerary->uses > 0) {
        return;
    }
    HASH_DEL(*table, itinerary);
    for (size_t i = 0; i < itinerary->step_count; i++) {
        free_text(&itinerary->steps[i].version);
        free_text(&itinerary->steps[i].name);
    }
    free(itinerary->steps);
    free(itinerary->from_version);
    free(itinerary->to_version);
    text_release(&itinerary->content);
    free(itinerary);
}
