#include "tests/sim/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"

#define IDENTITY_SIZE 40

struct identity {
    uint8_t bytes[IDENTITY_SIZE]; /* kind, then two ids or a name */
};

struct disk_row {
    struct identity identity;
    struct record record;
    struct arena arena;
    UT_hash_handle hh;
};

void
disk_forget_runs(struct disk *disk)
{
    struct disk_row *row, *next;

    HASH_ITER(hh, disk->rows, row, next)
    {
        if (record_run_id(&row->record)) {
            HASH_DEL(disk->rows, row);
            arena_release(&row->arena);
            free(row);
        }
    }
    disk->runs.count = 0;
}

void
disk_release(struct disk *disk)
{
    struct disk_row *row, *next;

    HASH_ITER(hh, disk->rows, row, next)
    {
        HASH_DEL(disk->rows, row);
        arena_release(&row->arena);
        free(row);
    }
    free(disk->runs.items);
    *disk = (struct disk){0};
}

static struct identity
identity_of(enum record_kind kind, const struct id *id, const struct id *second)
{
    struct identity identity = {.bytes = {(uint8_t)kind}};

    memcpy(identity.bytes + 8, id->bytes, sizeof id->bytes);
    if (second) {
        memcpy(identity.bytes + 8 + sizeof id->bytes, second->bytes, sizeof second->bytes);
    }
    return identity;
}

static struct identity
identity_named(enum record_kind kind, const char *name)
{
    struct identity identity = {.bytes = {(uint8_t)kind}};

    assert(strlen(name) < IDENTITY_SIZE - 8);
    memcpy(identity.bytes + 8, name, strlen(name));
    return identity;
}

static struct identity
identity_of_record(const struct record *record)
{
    switch (record->kind) {
    case RECORD_AGENT:
        return identity_named(record->kind, record->agent.name);
    case RECORD_OPERATOR:
        return identity_named(record->kind, record->operator.name);
    case RECORD_TARGET:
        return identity_of(record->kind, &record->target.target_id, NULL);
    case RECORD_RUN:
        return identity_of(record->kind, &record->run.run_id, NULL);
    case RECORD_LEG:
        return identity_of(record->kind, &record->leg.run_id, &record->leg.target_id);
    case RECORD_STEP:
        return identity_of(record->kind, &record->step.step_id, NULL);
    case RECORD_LOAD: {
        const struct id place = {
            {(uint8_t)record->load.ordinal, (uint8_t)(record->load.ordinal >> 8),
             (uint8_t)record->load.position, (uint8_t)(record->load.position >> 8)}};
        return identity_of(record->kind, &record->load.run_id, &place);
    }
    case RECORD_PACE: {
        const struct id kind = {{(uint8_t)record->pace.kind}};
        return identity_of(record->kind, &record->pace.target_id, &kind);
    }
    case RECORD_AUDIT:
    case RECORD_KIND_COUNT:
        break;
    }
    abort();
}

static struct disk_row *
find(const struct disk *disk, const struct identity *identity)
{
    struct disk_row *row;
    HASH_FIND(hh, disk->rows, identity, sizeof *identity, row);
    return row;
}

static void
keep_run(struct disk *disk, const struct record *run)
{
    struct record_list *runs = &disk->runs;

    runs->items = mem_grow(runs->items, runs->count, &runs->capacity, sizeof *runs->items);
    runs->items[runs->count++] = run;
    if (run->run.number >= disk->next_number) {
        disk->next_number = run->run.number + 1;
    }
}

void
disk_save(struct disk *disk, const struct record *record)
{
    if (record->kind == RECORD_AUDIT) {
        disk->audit_count++;
        return;
    }
    struct identity identity = identity_of_record(record);
    struct disk_row *row = find(disk, &identity);
    if (row) {
        arena_clear(&row->arena);
        record_copy(record, &row->arena, &row->record);
        return;
    }
    row = mem_zalloc(sizeof *row);
    row->identity = identity;
    record_copy(record, &row->arena, &row->record);
    HASH_ADD(hh, disk->rows, identity, sizeof row->identity, row);
    if (record->kind == RECORD_RUN) {
        keep_run(disk, &row->record);
    }
}

const struct record *
disk_find(const struct disk *disk, enum record_kind kind, const struct id *id,
          const struct id *second)
{
    struct identity identity = identity_of(kind, id, second);
    struct disk_row *row = find(disk, &identity);
    return row ? &row->record : NULL;
}

const struct record *
disk_find_named(const struct disk *disk, enum record_kind kind, const char *name)
{
    struct identity identity = identity_named(kind, name);
    struct disk_row *row = find(disk, &identity);
    return row ? &row->record : NULL;
}

void
disk_each(const struct disk *disk, enum record_kind kind,
          void (*take)(void *context, const struct record *record), void *context)
{
    struct disk_row *row, *next;

    HASH_ITER(hh, disk->rows, row, next)
    {
        if (row->record.kind == kind) {
            take(context, &row->record);
        }
    }
}

void
disk_print(const struct disk *disk, struct text *out)
{
    struct disk_row *row, *next;

    HASH_ITER(hh, disk->rows, row, next)
    {
        struct record record = row->record;
        if (record.kind == RECORD_TARGET) {
            record.target.applied_count = 0; /* hearsay, until it is reported anew */
            record.target.applied_version = NULL;
        }
        text_format(out, "%s ", record_name(record.kind));
        pack_print(record_shape(record.kind), &record.agent, out);
        text_append(out, "\n");
    }
}
