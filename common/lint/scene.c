#include "common/lint/scene.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"

#define LINE_SHOWN_MAX 240
#define TEXT_MAX 1024

/* ---- finding --------------------------------------------------------------------------------- */

/* Cut a line that is too long around the place; what is left out is not marked. */
void
scene_take_line(struct finding *finding, const char *text, size_t size, struct arena *arena)
{
    size_t at = finding->place.offset < size ? finding->place.offset : size;
    size_t begin = at, end = at;

    if (!text || !size) {
        return;
    }
    while (begin > 0 && text[begin - 1] != '\n') {
        begin--;
    }
    while (end < size && text[end] != '\n' && text[end] != '\r') {
        end++;
    }
    if (at - begin <= LINE_SHOWN_MAX && end - begin > LINE_SHOWN_MAX) {
        end = begin + LINE_SHOWN_MAX;
    } else if (end - begin > LINE_SHOWN_MAX) {
        return;
    }
    char *line = arena_alloc(arena, end - begin + 1);
    memcpy(line, text + begin, end - begin);
    for (char *letter = line; *letter; letter++) {
        if ((unsigned char)*letter < ' ' || *letter == 0x7f) {
            *letter = ' ';
        }
    }
    text_mend_utf8(line);
    finding->line = line;
}

/* How far the word or the quoted name goes that begins at a byte. */
static size_t
word_size(const char *text, size_t size, size_t at)
{
    size_t end = at;

    if (at < size && text[at] == '"') {
        for (end++; end < size && text[end] != '"' && text[end] != '\n'; end++) {
        }
        return end < size ? end + 1 - at : end - at;
    }
    while (end < size && (isalnum((unsigned char)text[end]) || strchr("_$.\"", text[end]) ||
                          (text[end] & 0x80))) {
        end++;
    }
    return end > at ? end - at : 1;
}

/* The first line of the statement. */
static size_t
first_line_size(const struct scene *scene, const struct stretch *stretch)
{
    const char *text = scene->script->text + stretch->place.offset;
    const char *end = memchr(text, '\n', stretch->size);
    size_t size = end ? (size_t)(end - text) : stretch->size;

    while (size > 1 && isspace((unsigned char)text[size - 1])) {
        size--;
    }
    return size;
}

/* How many characters begin in a stretch. */
static size_t
count_characters(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

static void __attribute__((format(printf, 5, 0)))
add(struct scene *scene, size_t statement, size_t offset, size_t size, const char *format,
    va_list values)
{
    struct linting *linting = scene->linting;
    struct arena *arena = &linting->findings->arena;
    struct place last = {0};
    char text[TEXT_MAX];

    vsnprintf(text, sizeof text, format, values);
    text_mend_utf8(text);
    struct finding *finding = finding_list_add(linting->findings);
    finding->rule = scene->rule;
    finding->severity = linting_severity(linting, scene->rule);
    finding->path = scene->script->path;
    finding->place = source_place(scene->script->source, offset, &last);
    finding->columns = count_characters(scene->script->text + offset, size);
    finding->text = arena_text(arena, text);
    finding->script = linting->script_count;
    finding->statement = statement;
    if (scene->table && !scene->is_new) {
        finding->schema = arena_text(arena, scene->table->schema);
        finding->table = arena_text(arena, scene->table->name);
    }
    if (scene->effect && scene->effect->object == OBJECT_COLUMN) {
        finding->column = arena_text(arena, scene->effect->part);
    }
    scene_take_line(finding, scene->script->source->file->text, scene->script->source->file->size,
                    arena);
    linting->fresh = linting->findings->count - 1;
}

void
scene_find_at(struct scene *scene, size_t offset, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    add(scene, scene->statement_index, offset,
        word_size(scene->script->text, scene->script->size, offset), format, values);
    va_end(values);
}

static void __attribute__((format(printf, 3, 0)))
find_in(struct scene *scene, size_t statement_index, const char *format, va_list values)
{
    if (statement_index == FINDING_OF_FILE) {
        add(scene, statement_index, 0, 0, format, values);
        return;
    }
    const struct stretch *stretch = &scene->script->sql.statements[statement_index].stretch;
    add(scene, statement_index, stretch->place.offset, first_line_size(scene, stretch), format,
        values);
}

void
scene_find_in(struct scene *scene, size_t statement_index, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    find_in(scene, statement_index, format, values);
    va_end(values);
}

/* At a byte of a statement; when that is outside of it, at the statement. */
static void __attribute__((format(printf, 4, 0)))
find_at(struct scene *scene, size_t statement_index, size_t offset, const char *format,
        va_list values)
{
    const struct stretch *stretch = statement_index == FINDING_OF_FILE
                                        ? NULL
                                        : &scene->script->sql.statements[statement_index].stretch;
    bool is_inside =
        stretch && offset > stretch->place.offset && offset < stretch->place.offset + stretch->size;

    if (is_inside) {
        add(scene, statement_index, offset,
            word_size(scene->script->text, scene->script->size, offset), format, values);
    } else {
        find_in(scene, statement_index, format, values);
    }
}

void
scene_find(struct scene *scene, const char *format, ...)
{
    size_t offset = scene->call ? scene->call->offset : scene->effect ? scene->effect->offset : 0;
    va_list values;

    va_start(values, format);
    find_at(scene, scene->statement_index, offset, format, values);
    va_end(values);
}

void
scene_find_effect(struct scene *scene, size_t statement_index, const struct effect *effect,
                  const char *format, ...)
{
    va_list values;

    va_start(values, format);
    find_at(scene, statement_index, effect->offset, format, values);
    va_end(values);
}

void
scene_fix(struct scene *scene, size_t offset, size_t size, const char *text)
{
    struct linting *linting = scene->linting;
    struct finding *finding = &linting->findings->items[linting->fresh];
    struct place last = {0};
    struct place begin = source_place(scene->script->source, offset, &last);
    struct place end = source_place(scene->script->source, offset + size, &last);

    /* What a placeholder stands for cannot be written back. */
    if (finding->fix_count == FINDING_FIXES_MAX || end.offset - begin.offset != size) {
        finding->fix_count = 0;
        return;
    }
    finding->fixes[finding->fix_count++] = (struct fix){
        .begin = begin, .end = end, .text = arena_text(&linting->findings->arena, text)};
}

bool
scene_is_fixed(const struct scene *scene)
{
    const struct linting *linting = scene->linting;
    return linting->findings->items[linting->fresh].fix_count > 0;
}

void
scene_note_made(struct scene *scene, const struct effect *effect)
{
    struct linting *linting = scene->linting;
    struct arena *arena = &linting->migration_arena;
    bool is_index = effect->object == OBJECT_INDEX;

    if (linting->made_count == linting->made_capacity) {
        linting->made = mem_grow(linting->made, linting->made_count, &linting->made_capacity,
                                 sizeof *linting->made);
    }
    linting->made[linting->made_count++] = (struct made_object){
        .object = effect->object,
        .schema = arena_text(arena, effect->schema),
        .name = arena_text(arena, effect->name),
        .part = arena_text(arena, is_index ? scene_index(effect) : effect->part)};
}

/* ---- questions ------------------------------------------------------------------------------- */

bool
scene_is_new(const struct scene *scene, const char *schema, const char *name)
{
    const struct catalog_table *table = catalog_table(scene->catalog, schema, name);

    return scene->script->part != ON_DOWN && table && linting_is_new(scene->linting, table->file);
}

bool
scene_is_new_type(const struct scene *scene, const char *schema, const char *name)
{
    const struct catalog_type *type = catalog_type(scene->catalog, schema, name);

    return scene->script->part != ON_DOWN && type && linting_is_new(scene->linting, type->file);
}

const char *
scene_file_name(const struct scene *scene, size_t file)
{
    const struct linting *linting = scene->linting;

    return file > 0 && file <= linting->file_count ? linting->files[file - 1] : "an earlier one";
}

const char *
scene_name(const struct scene *scene, const char *schema, const char *name)
{
    bool is_plain = !schema || !schema[0] || text_equal(schema, "public");
    return is_plain ? name : arena_format(scene->arena, "%s.%s", schema, name);
}

const char *
scene_object(const struct scene *scene)
{
    return scene_name(scene, scene->effect->schema, scene->effect->name);
}

const char *
scene_table(const struct scene *scene)
{
    return scene->table ? scene_name(scene, scene->table->schema, scene->table->name)
                        : scene_object(scene);
}

const char *
scene_index(const struct effect *effect)
{
    const char *made = effect->index ? effect->index->name : NULL;
    return made ? made : effect->part ? effect->part : effect->name;
}

bool
scene_may_run_outside(const struct scene *scene)
{
    const struct layout *layout = scene->linting->reading.layout;

    return scene->script->source->mark == MARK_OUTSIDE || text_equal(layout->name, "pairs");
}

const struct catalog_table *
scene_catalog_table(const struct scene *scene)
{
    return scene->table ? catalog_table(scene->catalog, scene->table->schema, scene->table->name)
                        : NULL;
}

/* ---- words ----------------------------------------------------------------------------------- */

const char *
scene_text(const struct scene *scene, size_t *size)
{
    *size = scene->statement->stretch.size;
    return scene->script->text + scene->statement->stretch.place.offset;
}

/* Behind a string, a quoted name, a comment or a dollar-quoted body that begins at `at`; else at.
 */
static size_t
skip_opaque(const char *text, size_t size, size_t at)
{
    if (text[at] == '\'' || text[at] == '"') {
        char quote = text[at++];
        while (at < size && text[at] != quote) {
            at++;
        }
        return at < size ? at + 1 : size;
    }
    if (at + 1 < size && strncmp(text + at, "--", 2) == 0) {
        const char *end = memchr(text + at, '\n', size - at);
        return end ? (size_t)(end - text) : size;
    }
    if (at + 1 < size && strncmp(text + at, "/*", 2) == 0) {
        const char *end = memmem(text + at, size - at, "*/", 2);
        return end ? (size_t)(end - text) + 2 : size;
    }
    if (text[at] == '$') {
        size_t tag = at + 1;
        while (tag < size && (isalnum((unsigned char)text[tag]) || text[tag] == '_')) {
            tag++;
        }
        if (tag < size && text[tag] == '$') {
            size_t mark = tag + 1 - at;
            const char *end = memmem(text + tag + 1, size - tag - 1, text + at, mark);
            return end ? (size_t)(end - text) + mark : size;
        }
    }
    return at;
}

/* The next word from `at` on; its size is 0 when there is none. */
static size_t
next_word(const char *text, size_t size, size_t at, size_t *begin)
{
    while (at < size) {
        size_t behind = skip_opaque(text, size, at);
        if (behind > at) {
            at = behind;
        } else if (isalpha((unsigned char)text[at]) || text[at] == '_') {
            *begin = at;
            while (at < size && (isalnum((unsigned char)text[at]) || text[at] == '_')) {
                at++;
            }
            return at - *begin;
        } else {
            at++;
        }
    }
    return 0;
}

/* Whether the words follow each other from `at` on; where the last of them ends. */
static bool
words_follow(const char *text, size_t size, size_t at, const char *words, size_t *end)
{
    while (*words) {
        size_t wanted = strcspn(words, " "), begin = 0;
        size_t found = next_word(text, size, at, &begin);
        if (found != wanted || strncasecmp(text + begin, words, wanted) != 0) {
            return false;
        }
        at = *end = begin + found;
        words += wanted + (words[wanted] == ' ');
    }
    return true;
}

/* Where the words stand in a text; false when they do not. */
bool
text_has_words(const char *text, size_t text_size, const char *words, size_t *offset, size_t *size)
{
    size_t begin = 0, found = 0, end = 0;

    for (size_t at = 0; (found = next_word(text, text_size, at, &begin)) > 0; at = begin + found) {
        if (words_follow(text, text_size, begin, words, &end)) {
            *offset = begin;
            *size = end - begin;
            return true;
        }
    }
    return false;
}

bool
scene_words(const struct scene *scene, const char *words, size_t *offset, size_t *size)
{
    size_t text_size = 0;
    const char *text = scene_text(scene, &text_size);
    bool is_there = text_has_words(text, text_size, words, offset, size);

    *offset += is_there ? scene->statement->stretch.place.offset : 0;
    return is_there;
}

bool
scene_comes_later(const struct scene *scene, const char *words)
{
    size_t offset = 0, size = 0;

    for (size_t i = scene->statement_index; i < scene->script->sql.statement_count; i++) {
        const struct stretch *stretch = &scene->script->sql.statements[i].stretch;
        if (text_has_words(scene->script->text + stretch->place.offset, stretch->size, words,
                           &offset, &size)) {
            return true;
        }
    }
    return false;
}

bool
scene_has_word(const struct scene *scene, const char *word)
{
    size_t offset = 0, size = 0;
    return scene_words(scene, word, &offset, &size);
}
