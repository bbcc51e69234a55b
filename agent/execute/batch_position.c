#include "agent/execute/batch_position.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH "batch "

bool
batch_is_cursor(const char *cursor)
{
    return text_starts_with(cursor, BATCH);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* With its size in front: it may hold anything. */
static void
write_text(struct text *cursor, const char *value)
{
    text_format(cursor, " %zu:%s", strlen(value), value);
}

static void
write_point(struct text *cursor, const char *name, const struct batch_point *point)
{
    text_format(cursor, " %s %zu", name, point->count);
    for (size_t i = 0; i < point->count; i++) {
        write_text(cursor, point->values[i]);
    }
}

void
batch_position_write(const struct batch_position *position, struct text *cursor)
{
    text_format(cursor,
                BATCH "file %s statement %" PRIu64 " over %d pass %" PRIu64 " rows %" PRIu64
                      " passed %" PRIu64 " batches %" PRIu64 " size %" PRIu64 " in",
                position->file, position->statement, position->is_over, position->pass,
                position->rows, position->passed, position->batches, position->size);
    write_text(cursor, position->schema ? position->schema : "");
    write_text(cursor, position->name ? position->name : "");
    write_point(cursor, "at", &position->at);
    write_point(cursor, "end", &position->end);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    const char *at; /* null: it is none */
    struct arena *arena;
};

static void
read_word(struct reader *reader, const char *word)
{
    bool is_there = reader->at && text_starts_with(reader->at, word);
    reader->at = is_there ? reader->at + strlen(word) : NULL;
}

static uint64_t
read_number(struct reader *reader)
{
    char *end = NULL;

    if (!reader->at || *reader->at < '0' || *reader->at > '9') {
        reader->at = NULL;
        return 0;
    }
    uint64_t number = strtoull(reader->at, &end, 10);
    reader->at = end;
    return number;
}

static uint64_t
read_named(struct reader *reader, const char *name)
{
    read_word(reader, name);
    return read_number(reader);
}

static void
read_file(struct reader *reader, char file[BATCH_FILE_SIZE])
{
    read_word(reader, BATCH "file ");
    if (!reader->at || strspn(reader->at, "0123456789abcdef") != BATCH_FILE_SIZE - 1) {
        reader->at = NULL;
        return;
    }
    memcpy(file, reader->at, BATCH_FILE_SIZE - 1);
    reader->at += BATCH_FILE_SIZE - 1;
}

static const char *
read_text(struct reader *reader)
{
    size_t size = read_named(reader, " ");

    read_word(reader, ":");
    if (!reader->at || strlen(reader->at) < size) {
        reader->at = NULL;
        return NULL;
    }
    const char *value = arena_format(reader->arena, "%.*s", (int)size, reader->at);
    reader->at += size;
    return value;
}

static void
read_point(struct reader *reader, const char *name, struct batch_point *point)
{
    uint64_t count = read_named(reader, name);

    if (count > BATCH_KEY_MAX) {
        reader->at = NULL;
        return;
    }
    point->count = (size_t)count;
    for (size_t i = 0; i < point->count && reader->at; i++) {
        point->values[i] = read_text(reader);
    }
}

bool
batch_position_read(const char *cursor, struct arena *arena, struct batch_position *position)
{
    struct reader reader = {.at = cursor, .arena = arena};

    *position = (struct batch_position){0};
    read_file(&reader, position->file);
    position->statement = read_named(&reader, " statement ");
    position->is_over = read_named(&reader, " over ") != 0;
    position->pass = read_named(&reader, " pass ");
    position->rows = read_named(&reader, " rows ");
    position->passed = read_named(&reader, " passed ");
    position->batches = read_named(&reader, " batches ");
    position->size = read_named(&reader, " size ");
    read_word(&reader, " in");
    position->schema = read_text(&reader);
    position->name = read_text(&reader);
    read_point(&reader, " at ", &position->at);
    read_point(&reader, " end ", &position->end);
    if (position->name && !position->name[0]) {
        position->schema = position->name = NULL;
    }
    return reader.at && !*reader.at && position->statement > 0;
}

void
batch_position_name_file(const struct script *script, char file[BATCH_FILE_SIZE])
{
    char hex[2 * CHECKSUM_SIZE + 1];

    text_hex(script->checksum, CHECKSUM_SIZE, hex);
    memcpy(file, hex, BATCH_FILE_SIZE - 1);
    file[BATCH_FILE_SIZE - 1] = '\0';
}

/* ---- copying --------------------------------------------------------------------------------- */

static void
copy_point(struct batch_point *point, struct arena *arena)
{
    for (size_t i = 0; i < point->count; i++) {
        point->values[i] = arena_text(arena, point->values[i]);
    }
}

void
batch_position_copy(const struct batch_position *from, struct arena *arena,
                    struct batch_position *to)
{
    *to = *from;
    to->schema = arena_text(arena, from->schema);
    to->name = arena_text(arena, from->name);
    copy_point(&to->at, arena);
    copy_point(&to->end, arena);
}
