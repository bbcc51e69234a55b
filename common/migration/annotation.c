#include "common/migration/annotation.h"

#include <string.h>

#include "common/base/text.h"

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
take_time(struct reading *reading, const struct annotation_word *word)
{
    struct annotations *annotations = reading->annotations;
    uint64_t *time_ms = text_equal(word->key, "lock_timeout") ? &annotations->lock_timeout_ms
                        : text_equal(word->key, "statement_timeout")
                            ? &annotations->statement_timeout_ms
                            : &annotations->timeout_ms;

    return take_duration(reading, word, time_ms);
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

/* A word that stands alone, or with =true. */
static bool
take_flag(struct reading *reading, const struct annotation_word *word, bool *flag)
{
    *flag = !word->value || text_equal(word->value, "true");
    return *flag ||
           refuse(reading, word, as_written(reading, word), word->key, "the word stands alone");
}

static bool
take_noop(struct reading *reading, const struct annotation_word *word)
{
    return take_flag(reading, word, &reading->annotations->is_noop);
}

static bool
take_raw(struct reading *reading, const struct annotation_word *word)
{
    return take_flag(reading, word, &reading->annotations->is_raw);
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
    {"lock_timeout", KEY_OF_FILE, false, take_time},
    {"statement_timeout", KEY_OF_FILE, false, take_time},
    {"timeout", KEY_OF_FILE, false, take_time},
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
    const char *hint =
        nearest ? arena_format(reading->arena, "did you mean %s?", nearest->name)
                : "stage, transaction, irreversible, lock_timeout, statement_timeout, timeout, "
                  "depends, noop, raw, allow";

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
