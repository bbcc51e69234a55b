#include "tests/sim/contents.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/mutation.h"

void
contents_release(struct contents *contents)
{
    free(contents->journal);
    *contents = (struct contents){0};
}

enum extent
contents_extent(const struct contents *contents, size_t place, enum direction direction)
{
    enum index_state index = contents->indexes[place];

    if (index == INDEX_INVALID) {
        return HALF_THERE;
    }
    return (index == INDEX_VALID) == (direction == DIRECTION_UP) ? THERE : NOT_THERE;
}

struct reading
contents_read(const struct contents *contents, const struct work *work)
{
    const struct applied_row *applied = &contents->applied[work->place];
    struct reading reading = {.is_applied = applied->is_there};
    bool is_judged = false; /* behind the rows that are still to be looked at */

    reading.has_same_checksum = applied->is_there && memcmp(applied->checksum, work->checksum,
                                                            sizeof applied->checksum) == 0;
    for (size_t i = contents->journal_count; i-- > 0;) {
        const struct journal_row *row = &contents->journal[i];
        if (!id_equal(&row->step_id, &work->step_id)) {
            continue;
        }
        if (row->state == JOURNAL_INTENT && !is_judged && !reading.has_intent) {
            reading.has_intent = true;
            reading.intent = *row;
        }
        is_judged = is_judged || row->state != JOURNAL_INTENT;
        if (row->state == JOURNAL_DONE || (row->state != JOURNAL_INTENT && !reading.has_verdict &&
                                           row->attempt == work->attempt)) {
            reading.has_verdict = true;
            reading.verdict = *row;
        }
    }
    return reading;
}

bool
contents_pass_fence(struct contents *contents, const struct token *token)
{
    struct token *fence = &contents->fence;

    if (MUTATION(SKIP_FENCE)) {
        return true;
    }
    if (token->epoch < fence->epoch ||
        (token->epoch == fence->epoch && !id_equal(&token->instance, &fence->instance))) {
        return false;
    }
    *fence = *token;
    return true;
}

bool
contents_may_claim(const struct contents *contents, const struct work *work)
{
    return contents->applied[work->place].is_there == (work->direction == DIRECTION_DOWN);
}

void
contents_write(struct contents *contents, const struct work *work, enum journal_state state,
               bool is_retryable)
{
    contents->journal = mem_grow(contents->journal, contents->journal_count,
                                 &contents->journal_capacity, sizeof *contents->journal);
    struct journal_row *row = &contents->journal[contents->journal_count++];
    *row = (struct journal_row){
        .step_id = work->step_id,
        .attempt = work->attempt,
        .place = work->place,
        .direction = work->direction,
        .state = state,
        .is_retryable = is_retryable,
    };
    memcpy(row->checksum, work->checksum, sizeof row->checksum);
}

static void
take_out_of_order(struct contents *contents, size_t place)
{
    size_t kept = 0;

    for (size_t i = 0; i < contents->applied_count; i++) {
        if (contents->order[i] != place) {
            contents->order[kept++] = contents->order[i];
        }
    }
    contents->applied_count = kept;
}

static void
set_applied(struct contents *contents, const struct work *work)
{
    struct applied_row *row = &contents->applied[work->place];

    row->is_there = work->direction == DIRECTION_UP;
    row->step_id = work->step_id;
    memcpy(row->checksum, work->checksum, sizeof row->checksum);
    take_out_of_order(contents, work->place);
    if (row->is_there) {
        contents->order[contents->applied_count++] = work->place;
    }
}

void
contents_commit(struct contents *contents, const struct transaction *transaction)
{
    const struct work *work = &transaction->work;

    assert(transaction->is_open);
    if (transaction->has_claim) {
        set_applied(contents, work);
    }
    if (transaction->has_effect) {
        contents->probe[work->place] += work->direction == DIRECTION_UP ? 1 : -1;
    }
    if (transaction->has_journal) {
        contents_write(contents, work, JOURNAL_DONE, false);
    }
}

void
contents_finish(struct contents *contents, const struct work *work)
{
    set_applied(contents, work);
    contents_write(contents, work, JOURNAL_DONE, false);
}

void
contents_use_tool(struct contents *contents, size_t count)
{
    contents->by_tool = count;
    for (size_t place = 0; place < count; place++) {
        contents->probe[place] = 1;
    }
}

size_t
contents_adopt(struct contents *contents, const struct manifest *manifest)
{
    size_t count = 0;

    for (size_t place = 0; place < contents->by_tool && place < manifest->migration_count;
         place++) {
        struct work work = {.place = place, .direction = DIRECTION_UP};
        if (!contents->applied[place].is_there) {
            memcpy(work.checksum, migration_checksum(&manifest->migrations[place]),
                   sizeof work.checksum);
            contents_finish(contents, &work);
            count++;
        }
    }
    return count;
}
