#include "common/sql/seam.h"

#include <string.h>

#define PIECES_MAX 8

/* A stretch of the statement, and what is put in behind it. */
struct piece {
    size_t begin, end;
    char *insertion;
};

struct pieces {
    struct piece items[PIECES_MAX];
    size_t count, at; /* where the next one begins */
};

static void
add(struct pieces *pieces, size_t end, struct text *insertion)
{
    text_append(insertion, "");
    pieces->items[pieces->count++] =
        (struct piece){.begin = pieces->at, .end = end, .insertion = insertion->data};
    pieces->at = end;
    *insertion = (struct text){0};
}

/* The table's name gives way to another; its columns keep the name that they are called by. */
static void
cut_table(struct pieces *pieces, const struct seam *seam, const char *table)
{
    struct text insertion = {0};

    if (!table) {
        return;
    }
    text_append(&insertion, table);
    if (!seam->has_alias) {
        text_format(&insertion, " AS %s", seam->reference);
    }
    add(pieces, (size_t)seam->table_begin, &insertion);
    pieces->at = (size_t)seam->table_end;
}

static void
cut(const struct seam *seam, size_t size, const struct seam_filling *filling, struct pieces *pieces)
{
    struct text insertion = {0};

    *pieces = (struct pieces){0};
    cut_table(pieces, seam, filling->table);
    if (seam->has_where) {
        text_append(&insertion, " (");
        add(pieces, (size_t)seam->open, &insertion);
        text_format(&insertion, ") AND (%s)", filling->range);
    } else {
        text_format(&insertion, " WHERE (%s)", filling->range);
    }
    if (filling->returning) {
        text_format(&insertion, " RETURNING %s", filling->returning);
    }
    add(pieces, (size_t)seam->close, &insertion);
    add(pieces, size, &insertion);
}

static void
release(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++) {
        struct text insertion = {.data = pieces->items[i].insertion};
        text_release(&insertion);
    }
}

void
seam_compose(const struct seam *seam, const char *statement, size_t size,
             const struct seam_filling *filling, struct text *out)
{
    struct pieces pieces;

    cut(seam, size, filling, &pieces);
    text_append(out, filling->before ? filling->before : "");
    for (size_t i = 0; i < pieces.count; i++) {
        const struct piece *piece = &pieces.items[i];
        text_append_bytes(out, statement + piece->begin, piece->end - piece->begin);
        text_append(out, piece->insertion);
    }
    /* The statement may end in a comment that goes on to the end of its line. */
    if (filling->behind) {
        text_format(out, "\n%s", filling->behind);
    }
    release(&pieces);
}

size_t
seam_origin(const struct seam *seam, size_t size, const struct seam_filling *filling,
            size_t composed)
{
    struct pieces pieces;
    size_t before = filling->before ? strlen(filling->before) : 0;
    size_t origin = size, at = before;

    cut(seam, size, filling, &pieces);
    for (size_t i = 0; i < pieces.count; i++) {
        const struct piece *piece = &pieces.items[i];
        size_t length = piece->end - piece->begin;
        if (composed < at + length) {
            origin = composed < at ? piece->begin : piece->begin + (composed - at);
            break;
        }
        at += length;
        if (composed < at + strlen(piece->insertion)) {
            origin = piece->end;
            break;
        }
        at += strlen(piece->insertion);
    }
    release(&pieces);
    return origin;
}
