#include "common/migration/script_reading.h"

#include <string.h>

#include "common/base/text.h"
#include "common/migration/batching.h"
#include "common/migration/script_raw.h"
#include "common/migration/verified.h"
#include "common/sql/psql.h"

/* ---- the text -------------------------------------------------------------------------------- */

bool
script_refuse_at(struct script_reading *script, struct error *error, struct place place)
{
    struct place last = {0};

    place = source_place(script->source, place.offset, &last);
    error_where(error, "%s:%zu:%zu", script->path, place.line, place.column);
    return error_list_add(&script->found, error);
}

/* The end of the longest piece from the front that is UTF-8 without NUL. */
static size_t
sound_size(const char *text, size_t size)
{
    size_t sound = 0;

    while (sound < size) {
        const char *end = memchr(text + sound, '\n', size - sound);
        size_t line = end ? (size_t)(end - text) + 1 - sound : size - sound;
        if (!text_is_utf8(text + sound, line)) {
            break;
        }
        sound += line;
    }
    while (sound < size) {
        size_t step = 1;
        while (step < 5 && sound + step <= size && !text_is_utf8(text + sound, step)) {
            step++;
        }
        if (step == 5 || sound + step > size) {
            break;
        }
        sound += step;
    }
    return sound;
}

static bool
check_encoding(struct script_reading *script)
{
    size_t size = script->source->size, sound = 0;
    struct error error;

    if (text_is_utf8(script->text, size)) {
        return true;
    }
    sound = sound_size(script->text, size);
    bool is_nul = script->text[sound] == '\0';
    error_set(&error, "E-MIG-ENCODING",
              is_nul ? "a NUL byte in the file" : "the file is not UTF-8");
    error_found(&error, "byte 0x%02x at offset %zu", (unsigned char)script->text[sound], sound);
    error_hint(&error, "save the file as UTF-8");
    return script_refuse_at(script, &error, place_after(place_start(), script->text, sound));
}

static void
relocate(const struct source *source, struct stretch *stretch, struct place *last)
{
    struct place place = source_place(source, stretch->place.offset, last);

    stretch->place.line = place.line;
    stretch->place.column = place.column;
}

/* Lines and columns of a stretch of a file, or of what was put together, as they are in the file.
 */
static void
relocate_all(struct script_reading *script)
{
    const struct source *source = script->source;
    struct sql_script *sql = &script->sql;
    struct place last = {0};

    if (!source->offset && !source->piece_count) {
        return;
    }
    for (size_t i = 0; i < sql->statement_count; i++) {
        relocate(source, &sql->statements[i].stretch, &last);
    }
    for (size_t i = 0; i < sql->comment_count; i++) {
        relocate(source, &sql->comments[i], &last);
    }
    for (size_t i = 0; i < sql->long_name_count; i++) {
        relocate(source, &sql->long_names[i], &last);
    }
}

static bool
check_count(struct script_reading *script)
{
    struct reading *reading = script->reading;
    struct error error;

    reading->statement_count += script->sql.statement_count;
    if (reading->statement_count <= STATEMENTS_MAX) {
        return true;
    }
    error_set(&error, "E-MIG-COUNT", "too many statements in the service's migrations");
    error_found(&error, "more than %d", STATEMENTS_MAX);
    error_hint(&error, "load rows with few statements of many rows each");
    return script_refuse_at(script, &error, place_start());
}

/* ---- the text, understood -------------------------------------------------------------------- */

/* psql's harmless commands stand between statements, or the server would see them. */
static bool
check_passed_over(struct script_reading *script, const char *clean)
{
    struct error error;

    for (size_t i = 0; clean && i < script->sql.statement_count; i++) {
        const struct stretch *stretch = &script->sql.statements[i].stretch;
        size_t offset = stretch->place.offset;
        if (memcmp(clean + offset, script->text + offset, stretch->size) != 0) {
            error_set(&error, "E-MIG-PSQL", "a command of psql inside a statement");
            error_found(&error, "%s", script->sql.statements[i].facts.tag);
            error_hint(&error, "end the statement with a ; before it, or take it out");
            return script_refuse_at(script, &error, stretch->place);
        }
    }
    return true;
}

bool
script_understand(struct script_reading *script)
{
    struct place place;
    struct error error;

    if (!check_encoding(script)) {
        return false;
    }
    const char *clean = psql_pass_over(script->text, script->source->size, &script->scratch);
    if (!sql_split(clean ? clean : script->text, script->source->size, ANNOTATION_MARK,
                   &script->scratch, &script->sql, &place, &error)) {
        return script_understand_raw(script, &error, place);
    }
    if (!check_passed_over(script, clean)) {
        return false;
    }
    if (!check_count(script)) {
        return false;
    }
    relocate_all(script);
    size_t first = script->sql.statement_count ? script->sql.statements[0].stretch.place.offset
                                               : script->source->size;
    bool succeeded = annotations_read(script->path, script->text, script->sql.comments,
                                      script->sql.comment_count, first, &script->scratch,
                                      &script->annotations, script->reading->errors);
    succeeded = verified_read(script) && succeeded;
    script->judged = (struct judged){.path = script->path,
                                     .text = script->text,
                                     .script = &script->sql,
                                     .annotations = &script->annotations,
                                     .is_verify = script->is_verify,
                                     .is_outside = script->source->mark == MARK_OUTSIDE,
                                     .runs_mixed = script->reading->layout->runs_mixed,
                                     .accepted = script->reading->from->accepted};
    succeeded = refusals_find(&script->judged, &script->found, script->reading->notes) && succeeded;
    return batching_read(&script->judged, &script->scratch, &script->batches, &script->batch_count,
                         &script->found) &&
           succeeded;
}

/* ---- into the manifest ----------------------------------------------------------------------- */

static enum statement_kind
kind_of(enum sql_kind kind)
{
    switch (kind) {
    case SQL_CREATE_INDEX_CONCURRENTLY:
        return STATEMENT_CREATE_INDEX_CONCURRENTLY;
    case SQL_DROP_INDEX_CONCURRENTLY:
        return STATEMENT_DROP_INDEX_CONCURRENTLY;
    case SQL_REINDEX_CONCURRENTLY:
        return STATEMENT_REINDEX_CONCURRENTLY;
    case SQL_DETACH_CONCURRENTLY:
        return STATEMENT_DETACH_CONCURRENTLY;
    case SQL_REPEATABLE:
        return STATEMENT_REPEATABLE;
    case SQL_VERIFIED:
        return STATEMENT_VERIFIED;
    default:
        return STATEMENT_TRANSACTIONAL;
    }
}

/* The text of the tree goes with the scratch arena; the manifest's lives on. */
static struct wanted_lock *
locks_of(const struct sql_locks *from, struct arena *arena)
{
    struct wanted_lock *locks = arena_alloc(arena, (from->count + 1) * sizeof *locks);

    for (size_t i = 0; i < from->count; i++) {
        locks[i] = (struct wanted_lock){arena_text(arena, from->locks[i].relation),
                                        (enum table_lock)from->locks[i].mode};
    }
    return locks;
}

static struct statement
statement_of(const struct sql_statement *from, struct arena *arena)
{
    const struct sql_facts *facts = &from->facts;

    return (struct statement){.offset = from->stretch.place.offset,
                              .size = from->stretch.size,
                              .line = from->stretch.place.line,
                              .column = from->stretch.place.column,
                              .kind = kind_of(facts->kind),
                              .tag = arena_text(arena, facts->tag),
                              .locks = locks_of(&facts->locks, arena),
                              .lock_count = facts->locks.count,
                              .object = arena_text(arena, facts->index),
                              .schema = arena_text(arena, facts->schema),
                              .table = arena_text(arena, facts->table),
                              .scope = arena_text(arena, facts->scope),
                              .verify = arena_text(arena, facts->verify),
                              .cleanup = arena_text(arena, facts->cleanup),
                              .is_unique = facts->is_unique,
                              .if_exists = facts->if_exists};
}

/* The statements that are carried out. */
static void
keep_statements(struct script_reading *script, struct script *out)
{
    struct arena *arena = &script->reading->arena;
    const struct sql_script *sql = &script->sql;

    out->statements = arena_alloc(arena, sql->statement_count * sizeof *out->statements);
    for (size_t i = 0; i < sql->statement_count; i++) {
        if (!refusal_is_ours(&sql->statements[i])) {
            out->statements[out->statement_count++] = statement_of(&sql->statements[i], arena);
        }
    }
    if (script->is_raw) {
        out->statements->kind = STATEMENT_SCRIPT;
        out->is_transactional = true;
        return;
    }
    out->is_transactional = refusal_is_transactional(&script->judged) && !script->batch_count;
    out->batches = arena_copy(arena, script->batches, script->batch_count * sizeof *out->batches);
    out->batch_count = script->batch_count;
    for (size_t i = 0; i < script->batch_count; i++) {
        batching_keep(&out->batches[i], arena);
        out->statements[out->batches[i].statement - 1].kind = STATEMENT_BATCH;
    }
}

/* What the file says, what its SET says, what is said for all files. */
static uint64_t
first_of(uint64_t file_ms, uint64_t set_ms, uint64_t service_ms)
{
    return file_ms ? file_ms : set_ms ? set_ms : service_ms;
}

void
script_keep(struct script_reading *script, struct script *out)
{
    struct reading *reading = script->reading;
    const struct source *source = script->source;
    const struct annotations *annotations = &script->annotations;
    struct digest checksum = digest_of(script->text, source->size);
    uint64_t lock_timeout_ms = 0, timeout_ms = 0;

    refusal_timeouts(&script->sql, &lock_timeout_ms, &timeout_ms);
    out->path = arena_text(&reading->arena, source->file->name);
    out->offset = reading->content.size;
    out->size = source->size;
    memcpy(out->checksum, checksum.bytes, CHECKSUM_SIZE);
    out->lock_timeout_ms =
        first_of(annotations->lock_timeout_ms, lock_timeout_ms, reading->from->lock_timeout_ms);
    out->statement_timeout_ms =
        first_of(annotations->statement_timeout_ms, 0, reading->from->statement_timeout_ms);
    out->timeout_ms = first_of(annotations->timeout_ms, timeout_ms, reading->from->timeout_ms);
    keep_statements(script, out);
    text_append_bytes(&reading->content, script->text, source->size);
}

void
script_open(struct script_reading *script, struct reading *reading, const struct source *source)
{
    *script =
        (struct script_reading){.reading = reading, .source = source, .text = source_text(source)};
    script->path =
        arena_format(&reading->arena, "%s/%s", reading->from->folder, source->file->name);
}

void
script_close(struct script_reading *script, struct error_list *list)
{
    for (size_t i = 0; i < script->found.count; i++) {
        error_list_add(list, &script->found.errors[i]);
    }
    list->dropped += script->found.dropped;
    error_list_release(&script->found);
    arena_release(&script->scratch);
}
