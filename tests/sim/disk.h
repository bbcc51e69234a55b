/*
 * disk: what the coordinator's store holds. What was saved is there after every crash; what was
 * not is not; a transaction is there whole or not at all.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include "coordinator/core/core.h"
#include "coordinator/core/record.h"

struct disk_row;

struct disk {
    struct disk_row *rows;
    uint64_t epoch;       /* of the last start */
    uint64_t next_number; /* of the next run */
    uint64_t audit_count;
    struct record_list {
        const struct record **items;
        size_t count, capacity;
    } runs; /* all runs, in the order in which they were made */
};

/* Forget all runs, as a store that was restored from an older copy. */
void disk_forget_runs(struct disk *disk);

void disk_release(struct disk *disk);

/* Keep a copy of the record, in the place of the one with the same identity. */
void disk_save(struct disk *disk, const struct record *record);

/* What is kept under this identity; null when nothing is. The second id is a leg's target. */
const struct record *disk_find(const struct disk *disk, enum record_kind kind, const struct id *id,
                               const struct id *second);
const struct record *disk_find_named(const struct disk *disk, enum record_kind kind,
                                     const char *name);

/* Call `take` for every record of this kind, in the order in which they were made. */
void disk_each(const struct disk *disk, enum record_kind kind,
               void (*take)(void *context, const struct record *record), void *context);

/* All it holds but the audit and what targets have come to, a line for each record. */
void disk_print(const struct disk *disk, struct text *out);

#endif
