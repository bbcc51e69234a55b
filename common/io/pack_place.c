#include "common/io/pack_place.h"

void
place_text(const struct place *place, struct text *out)
{
    if (!place) {
        return;
    }
    place_text(place->parent, out);
    if (place->name) {
        text_format(out, "%s%s", out->size ? "." : "", place->name);
    } else {
        text_format(out, "[%zu]", place->index);
    }
}
