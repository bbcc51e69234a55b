#include "common/migration/script_raw.h"

#include <string.h>

#include "common/base/text.h"

/* The comments above everything else, which need no grammar to be found. */
static void
find_head_comments(struct script_reading *script)
{
    struct listed_file text = {.text = script->text, .size = script->source->size};
    struct line line = {0};
    size_t count = 0;

    while (line_next(&text, &line) && line_is_silent(&text, &line)) {
        count++;
    }
    script->sql.comments = arena_alloc(&script->scratch, count * sizeof(struct stretch));
    line = (struct line){0};
    while (line_next(&text, &line) && line_is_silent(&text, &line)) {
        if (line.size >= 2 && memcmp(text.text + line.offset, "--", 2) == 0) {
            struct place last = {0};
            struct place place = source_place(script->source, line.offset, &last);
            place.offset = line.offset;
            script->sql.comments[script->sql.comment_count++] =
                (struct stretch){.place = place, .size = line.size};
        }
    }
}

/* All of the script is one statement, from its first byte that is no blank. */
static void
take_whole(struct script_reading *script)
{
    size_t size = script->source->size, begin = 0;
    struct place last = {0};

    if (size >= 3 && memcmp(script->text, "\xef\xbb\xbf", 3) == 0) {
        begin = 3;
    }
    begin += strspn(script->text + begin, " \t\r\n");
    struct place place = source_place(script->source, begin, &last);
    place.offset = begin;
    script->sql.statements = arena_alloc(&script->scratch, sizeof *script->sql.statements);
    *script->sql.statements = (struct sql_statement){
        .stretch = {.place = place, .size = size - begin}, .facts = {.tag = "SCRIPT"}};
    script->sql.statement_count = 1;
    script->is_raw = true;
}

static bool
is_listed_raw(const struct script_reading *script)
{
    const struct migrations_source *from = script->reading->from;

    for (size_t i = 0; i < from->raw_count; i++) {
        if (text_equal(from->raw[i], script->source->file->name)) {
            return true;
        }
    }
    return false;
}

bool
script_understand_raw(struct script_reading *script, struct error *error, struct place place)
{
    bool may_be_raw = error_is(error, "E-MIG-SYNTAX") || error_is(error, "E-MIG-COMPLEX");

    script->sql = (struct sql_script){0};
    if (!may_be_raw) {
        return script_refuse_at(script, error, place);
    }
    find_head_comments(script);
    bool succeeded = annotations_read(
        script->path, script->text, script->sql.comments, script->sql.comment_count,
        script->source->size, &script->scratch, &script->annotations, script->reading->errors);
    if (!script->annotations.is_raw && !is_listed_raw(script)) {
        error_hint(error, "the grammar is that of PostgreSQL 15; to have a newer server run the "
                          "file as it stands: -- skein: raw above all of it, or raw: [file] in "
                          "skein.yaml");
        return script_refuse_at(script, error, place);
    }
    struct place last = {0};
    place = source_place(script->source, place.offset, &last);
    error_prefix(error, "run as it stands");
    error_where(error, "%s:%zu:%zu", script->path, place.line, place.column);
    error_list_add(script->reading->notes, error);
    take_whole(script);
    return succeeded;
}
