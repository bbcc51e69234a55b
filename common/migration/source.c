#include "common/migration/source.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_SIZE 3

struct source_migration *
source_list_add(struct source_list *sources)
{
    if (sources->count == sources->capacity) {
        sources->items =
            mem_grow(sources->items, sources->count, &sources->capacity, sizeof *sources->items);
    }
    struct source_migration *item = &sources->items[sources->count++];
    *item = (struct source_migration){0};
    return item;
}

void
source_list_release(struct source_list *sources)
{
    free(sources->items);
    arena_release(&sources->arena);
    *sources = (struct source_list){0};
}

const char *
source_text(const struct source *source)
{
    return source->text ? source->text : source->file->text + source->offset;
}

/* ---- texts from pieces ----------------------------------------------------------------------- */

struct source_builder {
    struct listed_file *file;
    struct text text;
    struct source_piece *pieces;
    size_t count, capacity;
    bool is_refused;
};

struct source_builder *
source_builder_new(struct listed_file *file)
{
    struct source_builder *builder = mem_zalloc(sizeof *builder);
    builder->file = file;
    return builder;
}

void
source_builder_destroy(struct source_builder **builder_p)
{
    if (*builder_p) {
        text_release(&(*builder_p)->text);
        free((*builder_p)->pieces);
        free(*builder_p);
        *builder_p = NULL;
    }
}

static void
add_piece(struct source_builder *builder, size_t from, bool is_other)
{
    if (builder->count == builder->capacity) {
        builder->pieces =
            mem_grow(builder->pieces, builder->count, &builder->capacity, sizeof *builder->pieces);
    }
    builder->pieces[builder->count++] =
        (struct source_piece){.at = builder->text.size, .from = from, .is_other = is_other};
}

void
source_builder_take(struct source_builder *builder, size_t offset, size_t size)
{
    if (size) {
        add_piece(builder, offset, false);
        text_append_bytes(&builder->text, builder->file->text + offset, size);
    }
}

void
source_builder_put(struct source_builder *builder, size_t offset, const char *text, size_t size)
{
    if (size) {
        add_piece(builder, offset, true);
        text_append_bytes(&builder->text, text, size);
    }
}

void
source_builder_refuse(struct source_builder *builder)
{
    builder->is_refused = true;
}

struct source
source_builder_finish(struct source_builder *builder, struct arena *arena)
{
    return (struct source){
        .file = builder->file,
        .offset = builder->count ? builder->pieces[0].from : 0,
        .size = builder->text.size,
        .text = arena_copy(arena, text_of(&builder->text), builder->text.size + 1),
        .pieces = arena_copy(arena, builder->pieces, builder->count * sizeof *builder->pieces),
        .piece_count = builder->count,
        .is_refused = builder->is_refused};
}

/* ---- places ---------------------------------------------------------------------------------- */

/* The last piece that begins at or before a byte of the text. */
static const struct source_piece *
piece_at(const struct source *source, size_t at)
{
    size_t first = 0, end = source->piece_count;

    while (end - first > 1) {
        size_t middle = first + (end - first) / 2;
        if (source->pieces[middle].at <= at) {
            first = middle;
        } else {
            end = middle;
        }
    }
    return &source->pieces[first];
}

static size_t
offset_of(const struct source *source, size_t at)
{
    if (!source->piece_count) {
        return source->offset + at;
    }
    const struct source_piece *piece = piece_at(source, at);
    return piece->is_other ? piece->from : piece->from + (at - piece->at);
}

struct place
source_place(const struct source *source, size_t at, struct place *last)
{
    const struct listed_file *file = source->file;
    size_t offset = offset_of(source, at);
    bool has_mark = file->size >= BYTE_ORDER_MARK_SIZE &&
                    memcmp(file->text, BYTE_ORDER_MARK, BYTE_ORDER_MARK_SIZE) == 0;

    if (last->line == 0 || offset < last->offset) {
        *last = place_start();
        last->offset = has_mark && offset >= BYTE_ORDER_MARK_SIZE ? BYTE_ORDER_MARK_SIZE : 0;
    }
    *last = place_after(*last, file->text, offset < file->size ? offset : file->size);
    return *last;
}
