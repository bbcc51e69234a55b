#include "common/migration/reader.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "common/migration/batching.h"
#include "common/migration/collection.h"
#include "common/migration/history_keys.h"
#include "common/migration/refusal.h"
#include "common/sql/deep_stack.h"
#include "common/sql/split.h"

#define MIGRATION_BOUND 2048  /* version, name, stage, irreversible, depends at their longest */
#define STATEMENTS_MAX 200000 /* of all files together; the manifest lists every one */

struct reading {
    const struct migrations_source *from;
    struct error_list *errors, *notes;

    struct listing *files;
    const struct layout *layout;
    size_t error_count; /* before anything was read */
    struct source_list sources;
    struct manifest manifest;
    struct text content;
    struct arena arena; /* what the manifest points to */
    size_t statement_count;
};

/* A version that is taken, and by which file. */
struct version_seen {
    const char *version, *file;
    UT_hash_handle hh;
};

/* One file on its way into the manifest. */
struct script_reading {
    struct reading *reading;
    const struct source *source;
    const char *path; /* for errors */
    const char *text;
    struct error_list found; /* what is wrong with it */
    struct arena scratch;
    struct annotations annotations;
    struct sql_script sql;
    struct batch *batches;
    size_t batch_count;
    bool is_verify;
};

/* ---- the text -------------------------------------------------------------------------------- */

/* `place` is one in the script; people are shown the one in the file. */
static bool
add_error_at(struct script_reading *script, struct error *error, struct place place)
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
    return add_error_at(script, &error, place_after(place_start(), script->text, sound));
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
    return add_error_at(script, &error, place_start());
}

/* Split it, read what its comments say, and look for what cannot be run. */
static bool
understand(struct script_reading *script)
{
    struct place place;
    struct error error;

    if (!check_encoding(script)) {
        return false;
    }
    if (!sql_split(script->text, script->source->size, ANNOTATION_MARK, &script->scratch,
                   &script->sql, &place, &error)) {
        return add_error_at(script, &error, place);
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
    struct judged judged = {.path = script->path,
                            .text = script->text,
                            .script = &script->sql,
                            .annotations = &script->annotations,
                            .is_verify = script->is_verify,
                            .accepted = script->reading->from->accepted};
    succeeded = refusals_find(&judged, &script->found, script->reading->notes) && succeeded;
    return batching_read(&judged, &script->scratch, &script->batches, &script->batch_count,
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
    out->is_transactional = refusal_is_transactional(sql) && !script->batch_count;
    out->batches = arena_copy(arena, script->batches, script->batch_count * sizeof *out->batches);
    out->batch_count = script->batch_count;
    for (size_t i = 0; i < script->batch_count; i++) {
        batching_keep(&out->batches[i], arena);
        out->statements[out->batches[i].statement - 1].kind = STATEMENT_BATCH;
    }
}

static void
keep_script(struct script_reading *script, struct script *out)
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
        annotations->lock_timeout_ms ? annotations->lock_timeout_ms : lock_timeout_ms;
    out->timeout_ms = annotations->timeout_ms ? annotations->timeout_ms : timeout_ms;
    keep_statements(script, out);
    text_append_bytes(&reading->content, script->text, source->size);
}

/* ---- the files of one migration -------------------------------------------------------------- */

static bool
add_whole_file_error(struct script_reading *script, const char *code, const char *text,
                     const char *hint)
{
    struct error error;

    error_set(&error, code, "%s", text);
    error_where(&error, "%s", script->path);
    error_hint(&error, "%s", hint);
    return error_list_add(&script->found, &error);
}

static void
open_script(struct script_reading *script, struct reading *reading, const struct source *source)
{
    *script =
        (struct script_reading){.reading = reading, .source = source, .text = source_text(source)};
    script->path =
        arena_format(&reading->arena, "%s/%s", reading->from->folder, source->file->name);
}

/* Pass on what was found, as errors or as notes, and let go of the rest. */
static void
close_script(struct script_reading *script, struct error_list *list)
{
    for (size_t i = 0; i < script->found.count; i++) {
        error_list_add(list, &script->found.errors[i]);
    }
    list->dropped += script->found.dropped;
    error_list_release(&script->found);
    arena_release(&script->scratch);
}

/* What only an up file may say. */
static bool
check_keys_of_other(struct script_reading *script)
{
    const struct annotations *annotations = &script->annotations;

    if (!annotations->stage && !annotations->irreversible && !annotations->depends) {
        return true;
    }
    struct error error;
    error_set(&error, "E-MIG-ANNOTATION",
              "stage, irreversible and depends belong to the migration");
    error_where(&error, "%s", script->path);
    error_hint(&error, "write them into its up file");
    return error_list_add(script->reading->errors, &error);
}

/* Whether anything is carried out. */
static bool
has_statements(const struct script_reading *script)
{
    for (size_t i = 0; i < script->sql.statement_count; i++) {
        if (!refusal_is_ours(&script->sql.statements[i])) {
            return true;
        }
    }
    return false;
}

/* A file without a statement does nothing: that must be meant so. */
static bool
check_empty(struct script_reading *script, const char *text, const char *hint)
{
    return has_statements(script) || script->annotations.is_noop ||
           add_whole_file_error(script, "E-MIG-EMPTY", text, hint);
}

static bool
check_up_empty(struct script_reading *script)
{
    bool is_accepted = (script->reading->from->accepted & ACCEPT_EMPTY) != 0;

    if (check_empty(script, "the migration holds no statement",
                    "if that is meant so, write into it: -- skein: noop; for all old files: "
                    "accept: [E-MIG-EMPTY] in skein.yaml, or --accept E-MIG-EMPTY") ||
        !is_accepted) {
        return !script->found.count;
    }
    error_list_add(script->reading->notes, &script->found.errors[0]);
    error_list_release(&script->found);
    return true;
}

static void
read_up(struct reading *reading, const struct source_migration *source, struct migration *migration)
{
    struct script_reading script;

    open_script(&script, reading, &source->up);
    if (understand(&script) && check_up_empty(&script)) {
        migration->has_up = true;
        migration->stage = arena_text(&reading->arena, script.annotations.stage);
        if (script.annotations.irreversible) {
            migration->irreversible = arena_text(&reading->arena, script.annotations.irreversible);
        }
        migration->depends = arena_text(&reading->arena, script.annotations.depends);
        keep_script(&script, &migration->up);
    }
    close_script(&script, reading->errors);
}

/* Why there is no way back, for whoever asks for one: the first thing that is wrong. */
static void
close_way_back(struct script_reading *script, struct migration *migration)
{
    const struct error *first = script->found.errors;

    if (script->found.count && !migration->irreversible) {
        char *why =
            arena_format(&script->reading->arena, "its down file cannot be used: %.200s (%.200s)",
                         first->text, first->where);
        text_mend_utf8(why);
        migration->irreversible = why;
    }
}

static void
read_down(struct reading *reading, const struct source_migration *source,
          struct migration *migration)
{
    struct script_reading script;

    open_script(&script, reading, &source->down);
    bool is_usable = understand(&script) && check_keys_of_other(&script) &&
                     check_empty(&script, "the down file holds no statement",
                                 "if there is nothing to undo, write into it: -- skein: noop");
    if (is_usable && migration->irreversible) {
        is_usable = add_whole_file_error(&script, "E-MIG-IRREVERSIBLE",
                                         "the up file says irreversible: this file is never used",
                                         "remove it, or the annotation");
    }
    if (is_usable) {
        migration->has_down = true;
        keep_script(&script, &migration->down);
    }
    close_way_back(&script, migration);
    close_script(&script, reading->notes);
}

static void
read_verify(struct reading *reading, const struct source_migration *source,
            struct migration *migration)
{
    struct script_reading script;

    open_script(&script, reading, &source->verify);
    script.is_verify = true;
    if (understand(&script) && check_keys_of_other(&script) &&
        check_empty(&script, "the verify file holds no statement",
                    "write queries that fail when the migration did not work")) {
        migration->has_verify = true;
        keep_script(&script, &migration->verify);
    }
    close_script(&script, reading->errors);
}

static void
read_migration(struct reading *reading, const struct source_migration *source,
               struct migration *migration)
{
    migration->version = source->version;
    migration->name = source->name;
    migration->irreversible = reading->layout->no_way_back;
    if (source->up.file) {
        read_up(reading, source, migration);
    }
    if (source->down.file) {
        read_down(reading, source, migration);
    }
    if (source->verify.file) {
        read_verify(reading, source, migration);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* A bound for the manifest's size: the numbers, and the texts as they are. */
static size_t
script_bound(const struct script *script)
{
    size_t size = 128 + (script->path ? strlen(script->path) : 0);

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        const char *texts[] = {statement->tag, statement->object, statement->schema,
                               statement->table};
        size += 64;
        for (size_t text = 0; text < sizeof texts / sizeof *texts; text++) {
            size += texts[text] ? strlen(texts[text]) : 0;
        }
    }
    for (size_t i = 0; i < script->batch_count; i++) {
        size += batching_bound(&script->batches[i]);
    }
    return size;
}

static size_t
keys_bound(const struct migration *migration)
{
    size_t size = 0;

    for (size_t i = 0; i < migration->key_count; i++) {
        size += 16 + strlen(migration->keys[i].name) + strlen(migration->keys[i].value);
    }
    return size;
}

static bool
check_size(struct reading *reading)
{
    size_t size = reading->content.size;
    struct error error;

    for (size_t i = 0; i < reading->manifest.migration_count; i++) {
        const struct migration *migration = &reading->manifest.migrations[i];
        size += MIGRATION_BOUND + script_bound(&migration->up) + script_bound(&migration->down) +
                script_bound(&migration->verify) + keys_bound(migration);
    }
    if (size <= BUNDLE_SIZE_MAX) {
        return true;
    }
    error_set(&error, "E-MIG-SIZE", "the service's migrations are too large together");
    error_where(&error, "%s", reading->from->folder);
    error_found(&error, "%zu bytes, at most %zu", size, BUNDLE_SIZE_MAX);
    error_hint(&error, "squash the oldest into one");
    return error_list_add(reading->errors, &error);
}

/* Whatever a layout collects: versions are the journal's keys. */
static void
check_versions(struct reading *reading)
{
    const struct source_list *sources = &reading->sources;
    struct version_seen *seen = NULL, *next = NULL, *entry = NULL;
    struct error error;

    for (size_t i = 0; i < sources->count; i++) {
        const struct source_migration *source = &sources->items[i];
        HASH_FIND_STR(seen, source->version, entry);
        if (entry) {
            error_set(&error, "E-MIG-DUP", "the version is there twice");
            error_where(&error, "%s/%s", reading->from->folder, source->up.file->name);
            error_found(&error, "%.200s", entry->file);
            error_hint(&error, "give one of them another version");
            error_list_add(reading->errors, &error);
            continue;
        }
        entry = mem_zalloc(sizeof *entry);
        *entry = (struct version_seen){.version = source->version,
                                       .file = source->up.file ? source->up.file->name : ""};
        HASH_ADD_KEYPTR(hh, seen, entry->version, strlen(entry->version), entry);
    }
    HASH_ITER(hh, seen, entry, next)
    {
        HASH_DEL(seen, entry);
        free(entry);
    }
}

/* Nothing was collected and nobody said why. */
static bool
check_nothing(struct reading *reading)
{
    struct error error;

    if (reading->errors->count > reading->error_count) {
        return false;
    }
    error_set(&error, "E-MIG-MISSING", "no migrations in the folder");
    error_where(&error, "%s", reading->from->folder);
    error_hint(&error, "layout %s: files are called %s", reading->layout->name,
               reading->layout->pattern);
    return error_list_add(reading->errors, &error);
}

static bool
collect(struct reading *reading)
{
    struct collection collection = {
        .sources = &reading->sources, .errors = reading->errors, .notes = reading->notes};
    struct error error;

    if (!listing_open(reading->from->folder, &reading->files, &error)) {
        return error_list_add(reading->errors, &error);
    }
    collection.listing = reading->files;
    reading->layout = layout_find(reading->from->layout, reading->files, &error);
    if (!reading->layout) {
        return error_list_add(reading->errors, &error);
    }
    collection.placeholder = reading->layout->placeholder;
    reading->layout->collect(&collection);
    check_versions(reading);
    return reading->sources.count > 0 || check_nothing(reading);
}

static void
read_all(void *context)
{
    struct reading *reading = context;

    if (!collect(reading)) {
        return;
    }
    const struct layout *layout = reading->layout;
    size_t count = reading->sources.count;
    reading->manifest = (struct manifest){.format = 1,
                                          .service = reading->from->service,
                                          .layout = layout->name,
                                          .history_table = reading->from->history_table,
                                          .mirrors_history = !reading->from->has_no_mirror,
                                          .migration_count = count};
    reading->manifest.migrations =
        arena_alloc(&reading->arena, count * sizeof *reading->manifest.migrations);
    for (size_t i = 0; i < count; i++) {
        read_migration(reading, &reading->sources.items[i], &reading->manifest.migrations[i]);
    }
    history_keys_make(reading->files, &reading->sources, &reading->manifest, &reading->arena);
    check_size(reading);
}

bool
migrations_read_source(const struct migrations_source *source, struct bundle **bundle_p,
                       struct error_list *errors, struct error_list *notes)
{
    struct reading reading = {.from = source, .errors = errors, .notes = notes};
    size_t before = errors->count + errors->dropped;

    reading.error_count = errors->count;
    *bundle_p = NULL;
    if (!text_is_name(source->service)) {
        struct error error;
        error_set(&error, "E-NAME-SYNTAX", "the service's name is none");
        error_hint(&error, "names: [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without ..");
        return error_list_add(errors, &error);
    }
    deep_stack_run(read_all, &reading);
    bool succeeded = errors->count + errors->dropped == before;
    if (succeeded) {
        *bundle_p = bundle_new(&reading.manifest, text_of(&reading.content), reading.content.size);
    }
    source_list_release(&reading.sources);
    listing_destroy(&reading.files);
    text_release(&reading.content);
    arena_release(&reading.arena);
    return succeeded;
}

bool
migrations_read(const char *folder, const char *service, const char *layout,
                struct bundle **bundle_p, struct error_list *errors, struct error_list *notes)
{
    struct migrations_source source = {.folder = folder, .service = service, .layout = layout};

    return migrations_read_source(&source, bundle_p, errors, notes);
}
