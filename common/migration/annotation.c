#include "common/migration/annotation.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"

#define WORDS_MAX 64

/* ---- one comment ----------------------------------------------------------------------------- */

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

/* ---- what the words mean --------------------------------------------------------------------- */

struct reading {
    const char *path;
    struct arena *arena;
    struct annotations *annotations;
    struct error_list *errors;
    struct allowance *allowance; /* the one that reason= and until= of this comment belong to */
    size_t comment_offset;
    unsigned seen; /* a bit for each key that stands once in a file */
    bool succeeded;
};

enum key_scope { KEY_OF_FILE, KEY_ANYWHERE, KEY_OF_STATEMENT };

struct key {
    const char *name;
    enum key_scope scope;
    bool is_repeatable;
    bool (*take)(struct reading *reading, const struct annotation_word *word);
};

static bool
refuse(struct reading *reading, const struct annotation_word *word, const char *found,
       const char *hint, const char *text)
{
    struct error error;

    error_set(&error, "E-MIG-ANNOTATION", "%s", text);
    error_where(&error, "%s:%zu:%zu", reading->path, word->place.line, word->place.column);
    error_found(&error, "%s", found);
    error_hint(&error, "%s", hint);
    reading->succeeded = false;
    return error_list_add(reading->errors, &error);
}

static const char *
as_written(struct reading *reading, const struct annotation_word *word)
{
    return word->value ? arena_format(reading->arena, "%s=%s", word->key, word->value) : word->key;
}

static bool
needs_value(struct reading *reading, const struct annotation_word *word, const char *example)
{
    return (word->value && word->value[0]) ||
           refuse(reading, word, as_written(reading, word), example, "the key needs a value");
}

static bool
take_stage(struct reading *reading, const struct annotation_word *word)
{
    if (!needs_value(reading, word, "stage=expand")) {
        return false;
    }
    if (!text_is_name(word->value) || strlen(word->value) > 64) {
        return refuse(reading, word, as_written(reading, word), "stage=expand, stage=contract …",
                      "a stage is one word");
    }
    reading->annotations->stage = word->value;
    return true;
}

static bool
take_transaction(struct reading *reading, const struct annotation_word *word)
{
    if (!text_equal(word->value, "none")) {
        return refuse(reading, word, as_written(reading, word),
                      "transaction=none, or nothing: in one transaction is what we do anyway",
                      "the only value of transaction is none");
    }
    reading->annotations->is_outside = true;
    return true;
}

static bool
take_irreversible(struct reading *reading, const struct annotation_word *word)
{
    if (!needs_value(reading, word, "irreversible=\"the old addresses are gone\"")) {
        return false;
    }
    if (strlen(word->value) > 400) {
        return refuse(reading, word, "a value of more than 400 bytes", "say it in one sentence",
                      "the reason is too long");
    }
    reading->annotations->irreversible = word->value;
    return true;
}

static bool
take_duration(struct reading *reading, const struct annotation_word *word, uint64_t *out_ms)
{
    const int64_t most_ms = (int64_t)24 * 24 * 3600 * 1000; /* PostgreSQL's own limit is near */
    int64_t value_ms = 0;

    if (!word->value || !text_to_duration_ms(word->value, &value_ms) || value_ms < 1 ||
        value_ms > most_ms) {
        return refuse(reading, word, as_written(reading, word),
                      "250ms, 2s, 5m, 1h; more than nothing and at most 24d",
                      "the value is not a duration");
    }
    *out_ms = (uint64_t)value_ms;
    return true;
}

static bool
take_lock_timeout(struct reading *reading, const struct annotation_word *word)
{
    return take_duration(reading, word, &reading->annotations->lock_timeout_ms);
}

static bool
take_timeout(struct reading *reading, const struct annotation_word *word)
{
    return take_duration(reading, word, &reading->annotations->timeout_ms);
}

static bool
take_depends(struct reading *reading, const struct annotation_word *word)
{
    const char *earlier = reading->annotations->depends;

    if (!needs_value(reading, word, "depends=auth@20250810120000")) {
        return false;
    }
    const char *at = strchr(word->value, '@');
    if (!at || at == word->value || !at[1] || !text_is_name(word->value)) {
        return refuse(reading, word, as_written(reading, word), "depends=auth@20250810120000",
                      "a dependency is a service and a version");
    }
    if ((earlier ? strlen(earlier) + 1 : 0) + strlen(word->value) > 1024) {
        return refuse(reading, word, as_written(reading, word), "at most 1024 bytes of them",
                      "too many dependencies");
    }
    reading->annotations->depends =
        earlier ? arena_format(reading->arena, "%s %s", earlier, word->value) : word->value;
    return true;
}

static bool
take_noop(struct reading *reading, const struct annotation_word *word)
{
    if (word->value && !text_equal(word->value, "true")) {
        return refuse(reading, word, as_written(reading, word), "noop", "noop stands alone");
    }
    reading->annotations->is_noop = true;
    return true;
}

static bool
take_raw(struct reading *reading, const struct annotation_word *word)
{
    if (word->value && !text_equal(word->value, "true")) {
        return refuse(reading, word, as_written(reading, word), "raw", "raw stands alone");
    }
    reading->annotations->is_raw = true;
    return true;
}

static bool
take_query(struct reading *reading, const struct annotation_word *word)
{
    struct annotations *annotations = reading->annotations;
    size_t count = annotations->query_count;

    if (!word->value || !word->value[0]) {
        return refuse(reading, word, as_written(reading, word), "verify=\"SELECT …\"",
                      "the value is missing");
    }
    struct query_annotation *all = arena_alloc(reading->arena, (count + 1) * sizeof *all);
    if (count) {
        memcpy(all, annotations->queries, count * sizeof *all);
    }
    all[count] = (struct query_annotation){
        .place = word->place, .text = word->value, .is_cleanup = text_equal(word->key, "cleanup")};
    annotations->queries = all;
    annotations->query_count = count + 1;
    return true;
}

/* Its words are its own, so it begins its comment; see batching. */
static bool
take_batch(struct reading *reading, const struct annotation_word *word)
{
    return refuse(reading, word, as_written(reading, word), "batch key=id time=250ms",
                  "batch is the first word of its annotation, and stands alone");
}

static void
keep_batch(struct reading *reading, const struct annotation *annotation)
{
    struct annotations *annotations = reading->annotations;
    size_t count = annotations->batch_count;
    struct batch_annotation *all = arena_alloc(reading->arena, (count + 1) * sizeof *all);

    if (count) {
        memcpy(all, annotations->batches, count * sizeof *all);
    }
    all[count] = (struct batch_annotation){.offset = reading->comment_offset,
                                           .place = annotation->words[0].place,
                                           .words = annotation->words + 1,
                                           .word_count = annotation->word_count - 1};
    annotations->batches = all;
    annotations->batch_count = count + 1;
}

/* SK012 of the linter, and the one refusal that is a matter of taste. */
static bool
is_code(const char *code)
{
    size_t digits = strspn(code + (text_starts_with(code, "SK") ? 2 : 0), "0123456789");
    return (text_starts_with(code, "SK") && digits > 0 && !code[2 + digits]) ||
           text_equal(code, "E-MIG-IDENT");
}

static bool
take_allow(struct reading *reading, const struct annotation_word *word)
{
    struct annotations *annotations = reading->annotations;
    size_t count = annotations->allowance_count;

    if (!needs_value(reading, word, "allow=SK012 reason=\"…\" until=2027-01-31")) {
        return false;
    }
    if (!is_code(word->value)) {
        return refuse(reading, word, as_written(reading, word), "allow=SK012, allow=E-MIG-IDENT",
                      "this cannot be allowed");
    }
    struct allowance *all = arena_alloc(reading->arena, (count + 1) * sizeof *all);
    if (count) {
        memcpy(all, annotations->allowances, count * sizeof *all);
    }
    all[count] = (struct allowance){.code = word->value, .offset = reading->comment_offset};
    annotations->allowances = all;
    annotations->allowance_count = count + 1;
    reading->allowance = &all[count];
    return true;
}

static bool
belongs_to_allow(struct reading *reading, const struct annotation_word *word)
{
    return reading->allowance ||
           refuse(reading, word, as_written(reading, word),
                  "allow=SK012 reason=\"…\" until=2027-01-31", "the key stands behind an allow");
}

static bool
take_reason(struct reading *reading, const struct annotation_word *word)
{
    if (!belongs_to_allow(reading, word) || !needs_value(reading, word, "reason=\"why\"")) {
        return false;
    }
    reading->allowance->reason = word->value;
    return true;
}

/* A day of the calendar as 2027-01-31. */
static bool
is_date(const char *text)
{
    static const int64_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    char year[5] = "", month[3] = "", day[3] = "";
    int64_t year_number, month_number, day_number;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-') {
        return false;
    }
    memcpy(year, text, 4);
    memcpy(month, text + 5, 2);
    memcpy(day, text + 8, 2);
    return text_to_number(year, 2000, 9999, &year_number) &&
           text_to_number(month, 1, 12, &month_number) &&
           text_to_number(day, 1, days[month_number - 1], &day_number);
}

static bool
take_until(struct reading *reading, const struct annotation_word *word)
{
    if (!belongs_to_allow(reading, word)) {
        return false;
    }
    if (!word->value || !is_date(word->value)) {
        return refuse(reading, word, as_written(reading, word), "until=2027-01-31",
                      "the value is not a day");
    }
    reading->allowance->until = word->value;
    return true;
}

static const struct key keys[] = {
    {"stage", KEY_OF_FILE, false, take_stage},
    {"transaction", KEY_OF_FILE, false, take_transaction},
    {"irreversible", KEY_OF_FILE, false, take_irreversible},
    {"lock_timeout", KEY_OF_FILE, false, take_lock_timeout},
    {"timeout", KEY_OF_FILE, false, take_timeout},
    {"depends", KEY_OF_FILE, true, take_depends},
    {"noop", KEY_OF_FILE, false, take_noop},
    {"raw", KEY_OF_FILE, false, take_raw},
    {"allow", KEY_ANYWHERE, true, take_allow},
    {"reason", KEY_ANYWHERE, true, take_reason},
    {"until", KEY_ANYWHERE, true, take_until},
    {"batch", KEY_OF_STATEMENT, true, take_batch},
    {"verify", KEY_OF_STATEMENT, true, take_query},
    {"cleanup", KEY_OF_STATEMENT, true, take_query},
};

#define KEY_COUNT (sizeof keys / sizeof *keys)

static const struct key *
nearest_key(const char *name)
{
    const struct key *best = NULL;
    size_t best_distance = 3;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        size_t distance = text_distance(name, keys[i].name);
        if (distance < best_distance) {
            best = &keys[i];
            best_distance = distance;
        }
    }
    return best;
}

static bool
refuse_unknown(struct reading *reading, const struct annotation_word *word)
{
    const struct key *nearest = nearest_key(word->key);
    const char *hint = nearest ? arena_format(reading->arena, "did you mean %s?", nearest->name)
                               : "stage, transaction, irreversible, lock_timeout, timeout, "
                                 "depends, noop, allow";

    return refuse(reading, word, as_written(reading, word), hint, "unknown annotation");
}

static bool
take_word(struct reading *reading, const struct annotation_word *word, bool is_above)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!text_equal(keys[i].name, word->key)) {
            continue;
        }
        if (keys[i].scope == KEY_OF_FILE && !is_above) {
            return refuse(reading, word, as_written(reading, word),
                          "put it above the first statement", "the key is about the whole file");
        }
        if (!keys[i].is_repeatable && reading->seen & 1U << i) {
            return refuse(reading, word, as_written(reading, word), "leave one of them out",
                          "the key stands twice in the file");
        }
        reading->seen |= 1U << i;
        return keys[i].take(reading, word);
    }
    return refuse_unknown(reading, word);
}

static void
read_comment(struct reading *reading, const char *text, const struct stretch *comment,
             size_t first_statement)
{
    struct annotation annotation;
    struct place place;
    struct error error;

    if (!annotation_parse(text + comment->place.offset, comment->size, comment->place,
                          reading->arena, &annotation, &place, &error)) {
        if (error.code[0]) {
            error_where(&error, "%s:%zu:%zu", reading->path, place.line, place.column);
            reading->succeeded = error_list_add(reading->errors, &error);
        }
        return;
    }
    reading->allowance = NULL;
    reading->comment_offset = comment->place.offset;
    if (text_equal(annotation.words[0].key, "batch") && !annotation.words[0].value) {
        keep_batch(reading, &annotation);
        return;
    }
    bool is_above = comment->place.offset < first_statement;
    for (size_t i = 0; i < annotation.word_count; i++) {
        take_word(reading, &annotation.words[i], is_above);
    }
}

bool
annotations_read(const char *path, const char *text, const struct stretch *comments,
                 size_t comment_count, size_t first_statement, struct arena *arena,
                 struct annotations *annotations, struct error_list *errors)
{
    struct reading reading = {.path = path,
                              .arena = arena,
                              .annotations = annotations,
                              .errors = errors,
                              .succeeded = true};

    *annotations = (struct annotations){0};
    for (size_t i = 0; i < comment_count; i++) {
        read_comment(&reading, text, &comments[i], first_statement);
    }
    return reading.succeeded;
}

bool
annotations_allow(const struct annotations *annotations, const char *code, size_t from, size_t to)
{
    for (size_t i = 0; i < annotations->allowance_count; i++) {
        const struct allowance *allowance = &annotations->allowances[i];
        if (allowance->offset >= from && allowance->offset < to &&
            text_equal(allowance->code, code)) {
            return true;
        }
    }
    return false;
}
