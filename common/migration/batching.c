#include "common/migration/batching.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/sql/splice.h"
#include "common/sql/split.h"

#define DURATION_MOST_MS ((int64_t)24 * 24 * 3600 * 1000)
#define QUERY_SIZE_MAX 4000
#define KEY_COLUMNS_MAX 32

struct batching {
    const struct judged *judged;
    struct arena *arena;
    struct error_list *errors;
    struct batch *batch;
    struct splice_wish wish;
    const struct annotation_word *word; /* the one that is read */
    bool succeeded;
};

static bool
refuse_at(struct batching *batching, struct place place, struct error *error)
{
    error_where(error, "%s:%zu:%zu", batching->judged->path, place.line, place.column);
    batching->succeeded = false;
    return error_list_add(batching->errors, error);
}

static bool
refuse_word(struct batching *batching, const char *text, const char *hint)
{
    const struct annotation_word *word = batching->word;
    struct error error;

    error_set(&error, "E-MIG-ANNOTATION", "%s", text);
    error_found(&error, "%s%s%s", word->key, word->value ? "=" : "",
                word->value ? word->value : "");
    error_hint(&error, "%s", hint);
    return refuse_at(batching, word->place, &error);
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool
take_duration(struct batching *batching, uint64_t *out_ms)
{
    int64_t value_ms = 0;

    if (!text_to_duration_ms(batching->word->value, &value_ms) || value_ms < 0 ||
        value_ms > DURATION_MOST_MS) {
        return refuse_word(batching, "the value is not a duration",
                           "50ms, 2s, 5m, 1h; at most 24d");
    }
    *out_ms = (uint64_t)value_ms;
    return true;
}

static bool
take_number(struct batching *batching, uint64_t *out)
{
    int64_t value = 0;

    if (!text_to_number(batching->word->value, 1, BATCH_ROWS_MOST, &value)) {
        return refuse_word(batching, "the value is not a number",
                           "a whole number from 1 to 10000000");
    }
    *out = (uint64_t)value;
    return true;
}

/* One of some words; its number. */
static bool
take_choice(struct batching *batching, const char *const *choices, const char *allowed,
            unsigned *out)
{
    for (unsigned i = 0; choices[i]; i++) {
        if (strcmp(batching->word->value, choices[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return refuse_word(batching, "the value is not among those allowed", allowed);
}

/* A query: one SELECT, which PostgreSQL's grammar understands. */
static bool
take_query(struct batching *batching, const char **out)
{
    CLEANUP(arena_release) struct arena scratch = {0};
    const char *query = batching->word->value;
    struct sql_script script;
    struct place place;
    struct error error;

    bool is_read =
        sql_split(query, strlen(query), ANNOTATION_MARK, &scratch, &script, &place, &error);
    if (!is_read || script.statement_count != 1 || strlen(query) > QUERY_SIZE_MAX ||
        !text_equal(script.statements[0].facts.tag, "SELECT")) {
        return refuse_word(batching, "the value is not one SELECT",
                           "check=\"SELECT count(*) = 0 FROM t WHERE x IS NULL\"");
    }
    const struct stretch *stretch = &script.statements[0].stretch;
    *out = arena_format(batching->arena, "%.*s", (int)stretch->size, query + stretch->place.offset);
    return true;
}

/* Columns behind commas; as the catalog has them, so one a line. */
static bool
take_key(struct batching *batching, const char **out)
{
    char *columns = arena_text(batching->arena, batching->word->value);
    size_t count = 1;
    bool is_sound = columns[0] && columns[0] != ',';

    for (char *at = columns; *at; at++) {
        if (*at == ',') {
            is_sound = is_sound && at[1] && at[1] != ',';
            *at = '\n';
            count++;
        }
    }
    if (!is_sound || count > KEY_COLUMNS_MAX) {
        return refuse_word(batching, "the value is not a list of columns",
                           "key=id, key=tenant,id, key=ctid");
    }
    *out = columns;
    return true;
}

static const char *const vacuums[] = {"ignore", "slow", "hold", NULL};
static const char *const changes[] = {"refuse", "continue", "restart", NULL};
static const char *const selves[] = {"refuse", "allow", NULL};

static bool
take_autovacuum(struct batching *batching)
{
    unsigned choice = 0;
    bool is_taken = take_choice(batching, vacuums, "ignore, slow, hold", &choice);

    batching->batch->pace.autovacuum = (enum batch_autovacuum)choice;
    return is_taken;
}

static bool
take_on_change(struct batching *batching)
{
    unsigned choice = 0;
    bool is_taken = take_choice(batching, changes, "refuse, continue, restart", &choice);

    batching->batch->on_change = (enum batch_change)choice;
    return is_taken;
}

static bool
take_self(struct batching *batching)
{
    unsigned choice = 0;
    bool is_taken = take_choice(batching, selves, "refuse, allow", &choice);

    batching->wish.may_read_itself = batching->batch->subject.may_read_itself = choice == 1;
    return is_taken;
}

static bool
take_from(struct batching *batching)
{
    batching->wish.from = batching->word->value;
    return true;
}

static bool
take_columns(struct batching *batching)
{
    return take_key(batching, &batching->batch->subject.key);
}

static bool
take_word(struct batching *batching)
{
    struct batch *batch = batching->batch;
    struct batch_pace *pace = &batch->pace;
    const struct {
        const char *key;
        uint64_t *duration, *number;
        const char **query;
        bool (*take)(struct batching *batching);
    } words[] = {
        {"time", &pace->time_ms, NULL, NULL, NULL},
        {"pause", &pace->pause_ms, NULL, NULL, NULL},
        {"min", NULL, &pace->rows_min, NULL, NULL},
        {"max", NULL, &pace->rows_max, NULL, NULL},
        {"lag", &pace->lag_ms, NULL, NULL, NULL},
        {"archive", NULL, &pace->archive, NULL, NULL},
        {"busy", NULL, &pace->busy, NULL, NULL},
        {"hold", NULL, NULL, &pace->hold, NULL},
        {"check", NULL, NULL, &batch->check, NULL},
        {"key", NULL, NULL, NULL, take_columns},
        {"from", NULL, NULL, NULL, take_from},
        {"self", NULL, NULL, NULL, take_self},
        {"autovacuum", NULL, NULL, NULL, take_autovacuum},
        {"on_change", NULL, NULL, NULL, take_on_change},
    };

    if (!batching->word->value || !batching->word->value[0]) {
        return refuse_word(batching, "the word needs a value", "key=id time=250ms pause=50ms");
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].key, batching->word->key) == 0) {
            return words[i].take       ? words[i].take(batching)
                   : words[i].duration ? take_duration(batching, words[i].duration)
                   : words[i].number   ? take_number(batching, words[i].number)
                                       : take_query(batching, words[i].query);
        }
    }
    return refuse_word(batching, "batch has no such word",
                       "key, time, pause, min, max, lag, archive, busy, autovacuum, hold, check, "
                       "from, self, on_change");
}

static bool
take_words(struct batching *batching, const struct batch_annotation *annotation)
{
    const struct batch_pace *pace = &batching->batch->pace;

    for (size_t i = 0; i < annotation->word_count; i++) {
        batching->word = &annotation->words[i];
        for (size_t j = 0; j < i; j++) {
            if (strcmp(annotation->words[j].key, batching->word->key) == 0) {
                refuse_word(batching, "the word stands twice", "leave one of them out");
            }
        }
        take_word(batching);
    }
    if (annotation->word_count && pace->rows_max && pace->rows_min > pace->rows_max) {
        refuse_word(batching, "min is more than max", "min=100 max=100000");
    }
    batching->wish.key = batching->batch->subject.key;
    return batching->succeeded;
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The statement that an annotation stands above, or in; null when there is none. */
static const struct sql_statement *
statement_below(const struct judged *judged, size_t offset, uint64_t *number)
{
    const struct sql_script *script = judged->script;

    *number = 0;
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct sql_statement *statement = &script->statements[i];
        *number += !refusal_is_ours(statement);
        if (offset < statement->stretch.place.offset + statement->stretch.size) {
            return refusal_is_ours(statement) ? NULL : statement;
        }
    }
    return NULL;
}

static void
fill(struct batch *batch, const struct sql_splice *splice)
{
    struct batch_subject *subject = &batch->subject;

    batch->seam = splice->seam;
    batch->is_alone = splice->is_alone;
    batch->excludes = splice->excludes;
    subject->schema = splice->schema;
    subject->table = splice->table;
    subject->is_only = splice->is_only;
    subject->is_insert = splice->is_insert;
    subject->changed = splice->changed;
    subject->predicate = splice->predicate;
    subject->outputs = splice->outputs;
    subject->written = splice->written;
    subject->first_written = splice->first_written;
    subject->into_schema = splice->into_schema;
    subject->into = splice->into;
    subject->overrides = splice->overrides;
}

static bool
cut(struct batching *batching, const struct sql_statement *statement)
{
    const struct judged *judged = batching->judged;
    const char *text = judged->text + statement->stretch.place.offset;
    size_t size = statement->stretch.size, place;
    struct sql_splice splice;
    struct error error;

    if (sql_splice(text, size, &batching->wish, batching->arena, &splice, &place, &error)) {
        fill(batching->batch, &splice);
        return true;
    }
    struct place found = place_after(statement->stretch.place, judged->text,
                                     statement->stretch.place.offset + place);
    error_found(&error, "%s", statement->facts.tag);
    return refuse_at(batching, found, &error);
}

static bool
misplaced(struct batching *batching, struct place place, const char *code, const char *text,
          const char *hint)
{
    struct error error;

    error_set(&error, code, "%s", text);
    error_hint(&error, "%s", hint);
    return refuse_at(batching, place, &error);
}

/* Whether the script leaves its statements their own transactions. */
static bool
check_script(struct batching *batching, const struct batch_annotation *annotation, size_t count)
{
    const struct sql_script *script = batching->judged->script;
    size_t carried_out = 0;

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct sql_statement *statement = &script->statements[i];
        if (statement->facts.kind == SQL_BEGIN) {
            return misplaced(batching, statement->stretch.place, "E-MIG-NOTX",
                             "batches are transactions of their own: they do not go between BEGIN "
                             "and COMMIT",
                             "take BEGIN and COMMIT out");
        }
        carried_out += !refusal_is_ours(statement);
    }
    if (batching->judged->is_verify) {
        return misplaced(batching, annotation->place, "E-MIG-NOTX",
                         "a verify file runs inside the migration's transaction, without batches",
                         "take the annotation batch out");
    }
    return carried_out == count ||
           misplaced(batching, annotation->place, "E-MIG-MIXED",
                     "batches are transactions of their own, and the other statements of the file "
                     "need theirs",
                     "put the statement into a migration of its own");
}

static void
read_one(struct batching *batching, const struct batch_annotation *annotation, uint64_t last)
{
    uint64_t number = 0;
    const struct sql_statement *statement =
        statement_below(batching->judged, annotation->offset, &number);

    batching->wish = (struct splice_wish){0};
    if (!statement || number == last) {
        misplaced(batching, annotation->place, "E-MIG-ANNOTATION",
                  statement ? "the statement has an annotation batch already"
                            : "there is no statement below that could be done in batches",
                  "put it above one UPDATE, DELETE or INSERT … SELECT");
        return;
    }
    batching->batch->statement = number;
    if (take_words(batching, annotation)) {
        cut(batching, statement);
    }
}

bool
batching_read(const struct judged *judged, struct arena *arena, struct batch **batches,
              size_t *batch_count, struct error_list *errors)
{
    const struct annotations *annotations = judged->annotations;
    size_t count = annotations->batch_count;
    struct batching batching = {
        .judged = judged, .arena = arena, .errors = errors, .succeeded = true};

    *batches = arena_alloc(arena, (count + 1) * sizeof **batches);
    *batch_count = count;
    for (size_t i = 0; i < count; i++) {
        batching.batch = &(*batches)[i];
        read_one(&batching, &annotations->batches[i], i ? (*batches)[i - 1].statement : 0);
    }
    if (batching.succeeded && count) {
        check_script(&batching, &annotations->batches[0], count);
    }
    return batching.succeeded;
}

void
batching_keep(struct batch *batch, struct arena *arena)
{
    pack_copy(&batch_shape, batch, arena, batch);
}

size_t
batching_bound(const struct batch *batch)
{
    const struct batch_subject *subject = &batch->subject;
    const char *texts[] = {subject->schema,  subject->table,   batch->seam.reference,
                           subject->key,     subject->changed, subject->predicate,
                           subject->outputs, subject->written, subject->into_schema,
                           subject->into,    batch->check,     batch->pace.hold};
    size_t size = 256;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size += texts[i] ? strlen(texts[i]) : 0;
    }
    return size;
}
