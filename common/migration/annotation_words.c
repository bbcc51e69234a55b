#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/migration/annotation.h"

#define WORDS_MAX 64

struct parser {
    const char *comment;
    size_t size, at;
    struct place place; /* of the comment */
    struct arena *arena;
    struct place *error_place;
    struct error *error;
};

static struct place
place_of(const struct parser *parser, size_t at)
{
    struct place start = {.line = parser->place.line, .column = parser->place.column};
    struct place place = place_after(start, parser->comment, at);
    place.offset += parser->place.offset;
    return place;
}

static bool
wrong(struct parser *parser, size_t at, const char *text)
{
    *parser->error_place = place_of(parser, at);
    error_set(parser->error, "E-MIG-ANNOTATION", "%s", text);
    return error_hint(parser->error,
                      "an annotation is written: -- skein: key key=value key=\"two words\"");
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool
is_control(char byte)
{
    return (unsigned char)byte < ' ' || byte == 0x7f;
}

static bool
is_key_letter(char byte)
{
    return islower((unsigned char)byte) || isdigit((unsigned char)byte) || byte == '_' ||
           byte == '-';
}

static void
skip_blanks(struct parser *parser)
{
    while (parser->at < parser->size && is_blank(parser->comment[parser->at])) {
        parser->at++;
    }
}

static char *
piece(struct parser *parser, size_t begin, size_t end)
{
    char *text = arena_alloc(parser->arena, end - begin + 1);
    memcpy(text, parser->comment + begin, end - begin);
    return text;
}

/* Behind the opening quote; `\"` and `\\` stand for themselves. */
static bool
parse_quoted(struct parser *parser, const char **value)
{
    size_t begin = parser->at - 1, size = 0;
    char *out = arena_alloc(parser->arena, parser->size - begin + 1);

    for (; parser->at < parser->size; parser->at++) {
        char byte = parser->comment[parser->at];
        bool has_next = parser->at + 1 < parser->size;
        if (byte == '"') {
            parser->at++;
            *value = out;
            return true;
        }
        if (byte == '\\' && has_next && strchr("\"\\", parser->comment[parser->at + 1])) {
            byte = parser->comment[++parser->at];
        }
        if (is_control(byte) && byte != '\t') {
            return wrong(parser, parser->at, "a control character in an annotation");
        }
        out[size++] = byte;
    }
    return wrong(parser, begin, "the quoted value does not end on its line");
}

static bool
parse_value(struct parser *parser, const char **value)
{
    size_t begin = parser->at;

    if (parser->at < parser->size && parser->comment[parser->at] == '"') {
        parser->at++;
        return parse_quoted(parser, value);
    }
    while (parser->at < parser->size && !is_blank(parser->comment[parser->at])) {
        char byte = parser->comment[parser->at];
        if (byte == '"' || is_control(byte)) {
            return wrong(parser, parser->at,
                         "a value with quotes or blanks in it stands in quotes");
        }
        parser->at++;
    }
    if (parser->at == begin) {
        return wrong(parser, begin, "a value is missing");
    }
    *value = piece(parser, begin, parser->at);
    return true;
}

static bool
parse_word(struct parser *parser, struct annotation_word *word)
{
    size_t begin = parser->at;

    while (parser->at < parser->size && is_key_letter(parser->comment[parser->at])) {
        parser->at++;
    }
    if (parser->at == begin) {
        return wrong(parser, begin, "a key is written in lower case");
    }
    word->key = piece(parser, begin, parser->at);
    word->place = place_of(parser, begin);
    word->value = NULL;
    if (parser->at < parser->size && parser->comment[parser->at] == '=') {
        parser->at++;
        if (!parse_value(parser, &word->value)) {
            return false;
        }
    }
    if (parser->at < parser->size && !is_blank(parser->comment[parser->at])) {
        return wrong(parser, parser->at, "words are separated by blanks");
    }
    return true;
}

/* Go behind "-- skein:"; false when that is not there, or is written in another way. */
static bool
parse_mark(struct parser *parser)
{
    size_t mark_size = strlen(ANNOTATION_MARK);

    while (parser->at < parser->size && parser->comment[parser->at] == '-') {
        parser->at++;
    }
    skip_blanks(parser);
    size_t begin = parser->at, left = parser->size - begin;
    if (left <= mark_size ||
        strncasecmp(parser->comment + begin, ANNOTATION_MARK, mark_size) != 0) {
        return false;
    }
    parser->at += mark_size;
    skip_blanks(parser);
    if (parser->at == parser->size || parser->comment[parser->at] != ':') {
        return false;
    }
    bool is_exact = parser->at == begin + mark_size &&
                    memcmp(parser->comment + begin, ANNOTATION_MARK, mark_size) == 0;
    parser->at++;
    return is_exact || wrong(parser, begin, "the mark of an annotation is \"skein:\"");
}

bool
annotation_parse(const char *comment, size_t size, struct place place, struct arena *arena,
                 struct annotation *annotation, struct place *error_place, struct error *error)
{
    struct parser parser = {comment, size, 0, place, arena, error_place, error};

    *annotation = (struct annotation){0};
    error->code[0] = '\0';
    if (!parse_mark(&parser)) {
        return false;
    }
    annotation->words = arena_alloc(arena, WORDS_MAX * sizeof *annotation->words);
    for (skip_blanks(&parser); parser.at < size; skip_blanks(&parser)) {
        if (annotation->word_count == WORDS_MAX) {
            return wrong(&parser, parser.at, "more words than anybody needs");
        }
        if (!parse_word(&parser, &annotation->words[annotation->word_count])) {
            return false;
        }
        annotation->word_count++;
    }
    return annotation->word_count > 0 || wrong(&parser, parser.at, "an annotation without a word");
}
