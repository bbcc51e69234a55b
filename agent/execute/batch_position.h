/*
 * batch_position: how far a batched statement has come. It is written into the journal as the
 * cursor of an intent, in the same transaction as the batch that brought it there; so whatever
 * dies, what the journal says is what was done.
 */
#ifndef AGENT_EXECUTE_BATCH_POSITION_H
#define AGENT_EXECUTE_BATCH_POSITION_H

#include "agent/execute/batch_table.h"

#define BATCH_FILE_SIZE (16 + 1)

/* A row's key: as text, each column; none: before the first row. */
struct batch_point {
    size_t count;
    const char *values[BATCH_KEY_MAX];
};

struct batch_position {
    char file[BATCH_FILE_SIZE]; /* the first digits of the script's checksum */
    uint64_t statement;         /* 0: nothing was begun */
    bool is_over;               /* the statement is done and verified */
    uint64_t pass;              /* from 1: how often the table is gone through */
    uint64_t rows;              /* changed so far */
    uint64_t passed;            /* keys (or blocks) gone through in this pass */
    uint64_t batches;
    uint64_t size;             /* of the next batch */
    const char *schema, *name; /* the leaf; null: before the first */
    struct batch_point at;     /* the last key that was done */
    struct batch_point end;    /* the last key that there was when the leaf was begun */
};

/* What every cursor of a batch begins with. */
bool batch_is_cursor(const char *cursor);

/* Append it as a cursor; and read one back, its texts into the arena. False when it is none. */
void batch_position_write(const struct batch_position *position, struct text *cursor);
bool batch_position_read(const char *cursor, struct arena *arena, struct batch_position *position);

/* What tells a script from one that was changed. */
void batch_position_name_file(const struct script *script, char file[BATCH_FILE_SIZE]);

/* A deep copy. */
void batch_position_copy(const struct batch_position *from, struct arena *arena,
                         struct batch_position *to);

#endif
