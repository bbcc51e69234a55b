#include "coordinator/core/kept_fault.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define FAULT_TEXTS 6

static void
texts_of(struct fault *fault, const char **texts[FAULT_TEXTS])
{
    texts[0] = &fault->code;
    texts[1] = &fault->text;
    texts[2] = &fault->where;
    texts[3] = &fault->found;
    texts[4] = &fault->hint;
    texts[5] = &fault->sqlstate;
}

struct fault *
fault_keep(const struct fault *fault)
{
    struct fault source = *fault;
    const char **texts[FAULT_TEXTS];
    size_t size = sizeof source;

    if (!fault->code) {
        return NULL;
    }
    texts_of(&source, texts);
    for (size_t i = 0; i < FAULT_TEXTS; i++) {
        size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    }
    struct fault *kept = mem_zalloc(size);
    char *place = (char *)(kept + 1);
    for (size_t i = 0; i < FAULT_TEXTS; i++) {
        if (*texts[i]) {
            size_t length = strlen(*texts[i]) + 1;
            *texts[i] = memcpy(place, *texts[i], length);
            place += length;
        }
    }
    *kept = source;
    return kept;
}

void
fault_replace(struct fault **kept_p, const struct fault *fault)
{
    struct fault *kept = fault_keep(fault);
    free(*kept_p);
    *kept_p = kept;
}

struct fault
fault_of(const struct fault *kept)
{
    return kept ? *kept : (struct fault){0};
}

bool
fault_is_same(const struct fault *kept, const struct fault *fault)
{
    struct fault left = fault_of(kept);
    return pack_equal(&fault_shape, &left, fault);
}
