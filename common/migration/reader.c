#include "common/migration/reader.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "common/migration/batching.h"
#include "common/migration/history_keys.h"
#include "common/migration/script_reading.h"
#include "common/migration/works.h"
#include "common/sql/catalog.h"
#include "common/sql/deep_stack.h"

#define MIGRATION_BOUND 2048 /* version, name, stage, irreversible, depends at their longest */

/* A version that is taken, and by which file. */
struct version_seen {
    const char *version, *file;
    UT_hash_handle hh;
};

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
    const struct reading *reading = script->reading;
    bool is_accepted =
        (reading->from->accepted & ACCEPT_EMPTY) != 0 || !reading->layout->wants_statements;

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

    script_open(&script, reading, &source->up);
    if (script_understand(&script) && check_up_empty(&script)) {
        migration->has_up = true;
        migration->stage = arena_text(&reading->arena, script.annotations.stage);
        if (script.annotations.irreversible) {
            migration->irreversible = arena_text(&reading->arena, script.annotations.irreversible);
        }
        migration->depends = arena_text(&reading->arena, script.annotations.depends);
        script_keep(&script, &migration->up);
        works_read(&script, migration, DIRECTION_UP);
    }
    script_close(&script, reading->errors);
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

    script_open(&script, reading, &source->down);
    bool may_be_empty = (migration->has_up && migration->up.statement_count == 0) ||
                        (reading->from->accepted & ACCEPT_EMPTY) != 0;
    bool is_usable =
        script_understand(&script) && check_keys_of_other(&script) &&
        (may_be_empty || check_empty(&script, "the down file holds no statement",
                                     "if there is nothing to undo, write into it: -- skein: noop"));
    if (is_usable && migration->irreversible) {
        is_usable = add_whole_file_error(&script, "E-MIG-IRREVERSIBLE",
                                         "the up file says irreversible: this file is never used",
                                         "remove it, or the annotation");
    }
    if (is_usable) {
        migration->has_down = true;
        script_keep(&script, &migration->down);
        works_read(&script, migration, DIRECTION_DOWN);
    }
    close_way_back(&script, migration);
    script_close(&script, reading->notes);
}

static void
read_verify(struct reading *reading, const struct source_migration *source,
            struct migration *migration)
{
    struct script_reading script;

    script_open(&script, reading, &source->verify);
    script.is_verify = true;
    bool is_understood = script_understand(&script) && check_keys_of_other(&script);
    bool is_unused =
        is_understood && !check_empty(&script, "the verify file holds no statement",
                                      "write queries that fail when the migration did not work");
    if (is_understood && !is_unused) {
        migration->has_verify = true;
        script_keep(&script, &migration->verify);
    }
    bool is_noted = is_unused && !reading->layout->wants_statements;
    script_close(&script, is_noted ? reading->notes : reading->errors);
}

static void
read_migration(struct reading *reading, const struct source_migration *source,
               struct migration *migration)
{
    migration->version = source->version;
    migration->name = source->name;
    migration->irreversible = reading->layout->no_way_back;
    migration->is_repeatable = source->is_repeatable;
    if (source->is_repeatable) {
        migration->irreversible = "repeatable: change it, and it is carried out again";
    }
    if (source->up.file && !source->up.is_refused) {
        read_up(reading, source, migration);
    }
    if (source->down.file && !source->down.is_refused) {
        read_down(reading, source, migration);
    }
    if (source->verify.file && !source->verify.is_refused) {
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
                               statement->table, statement->creates_in};
        size += 64;
        for (size_t work = 0; work < statement->work_count; work++) {
            const struct statement_work *about = &statement->works[work];
            size += 16 + strlen(about->schema) + strlen(about->table) +
                    (about->made_by ? strlen(about->made_by) : 0);
        }
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
open_files(struct reading *reading, struct error *error)
{
    const struct migrations_source *from = reading->from;
    bool succeeded = from->folder_count
                         ? listing_open_folders(from->folder, from->folders, from->folder_count,
                                                &reading->files, error)
                         : listing_open(from->folder, &reading->files, error);

    if (succeeded) {
        reading->files->naming = from->naming;
    }
    return succeeded;
}

bool
reading_collect(struct reading *reading)
{
    struct collection collection = {.sources = &reading->sources,
                                    .errors = reading->errors,
                                    .notes = reading->notes,
                                    .accepted = reading->from->accepted,
                                    .substitutions = reading->from->substitutions};
    struct error error;

    if (!open_files(reading, &error)) {
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

    if (!reading_collect(reading)) {
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
    reading->versions = arena_alloc(&reading->arena, (2 * count + 1) * sizeof *reading->versions);
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
    struct reading reading = {
        .from = source, .errors = errors, .notes = notes, .catalog = catalog_new()};
    size_t before = errors->count + errors->dropped;

    reading.error_count = errors->count;
    *bundle_p = NULL;
    if (!text_is_name(source->service)) {
        struct error error;
        char shown[TEXT_SHOWN_SIZE];
        error_set(&error, "E-NAME-SYNTAX", "'%s' cannot be a service's name",
                  text_shown(source->service ? source->service : "", shown));
        error_hint(&error, "names: [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without ..");
        catalog_destroy(&reading.catalog);
        return error_list_add(errors, &error);
    }
    deep_stack_run(read_all, &reading);
    bool succeeded = errors->count + errors->dropped == before;
    if (succeeded) {
        *bundle_p = bundle_new(&reading.manifest, text_of(&reading.content), reading.content.size);
    }
    source_list_release(&reading.sources);
    listing_destroy(&reading.files);
    catalog_destroy(&reading.catalog);
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
