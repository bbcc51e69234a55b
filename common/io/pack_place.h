/*
 * pack_place: the way from the outermost struct to a field or an element, for errors:
 * "legs[3].fault.text". Lives on the stack of whoever walks the shape. For the files of pack alone.
 */
#ifndef COMMON_IO_PACK_PLACE_H
#define COMMON_IO_PACK_PLACE_H

#include <stddef.h>

#include "common/base/text.h"

struct place {
    const struct place *parent;
    const char *name; /* null: element `index` of the parent */
    size_t index;
};

/* Append the way to `out`; nothing for null. */
void place_text(const struct place *place, struct text *out);

#endif
