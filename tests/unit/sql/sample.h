/* sample: a text that was split, with all that came of it. */
#ifndef TESTS_UNIT_SQL_SAMPLE_H
#define TESTS_UNIT_SQL_SAMPLE_H

#include <string.h>

#include "common/sql/split.h"

#define MARK "skein"

struct sample {
    struct arena arena;
    struct sql_script script;
    struct place place;
    struct error error;
    bool is_split;
};

static inline void
sample_release(struct sample *sample)
{
    arena_release(&sample->arena);
}

static inline struct sample
split_bytes(const char *text, size_t size)
{
    struct sample sample = {0};
    sample.is_split =
        sql_split(text, size, MARK, &sample.arena, &sample.script, &sample.place, &sample.error);
    return sample;
}

static inline struct sample
split(const char *text)
{
    return split_bytes(text, strlen(text));
}

#endif
