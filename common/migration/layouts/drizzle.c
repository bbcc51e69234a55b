/*
 * drizzle: <tag>.sql for each entry of meta/_journal.json, in the journal's order. Statements stand
 * apart by `--> statement-breakpoint` and may lack their ";". Up only. The tool passes over an
 * entry that is older (`when`) than the newest it has applied; that is noted.
 */
#include "common/migration/layouts/drizzle.h"

#include <jansson.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "meta/_journal.json and <tag>.sql"
#define JOURNAL "meta/_journal.json"
#define BREAKPOINT "--> statement-breakpoint"

static bool
claims(struct listing *listing, struct listed_file *file)
{
    return file->is_folder && text_equal(file->name, "meta") && listing_has(listing, JOURNAL);
}

/* What stands at a breakpoint is a comment of SQL; a ";" in front of it ends the statement. */
static struct source
script_of(struct collection *collection, struct listed_file *file)
{
    CLEANUP(source_builder_destroy) struct source_builder *builder = source_builder_new(file);
    size_t taken = 0;
    const char *at = NULL;

    for (const char *from = file->text; (at = strstr(from, BREAKPOINT)); from = at + 1) {
        size_t offset = (size_t)(at - file->text);
        collection_take(collection, file, taken, offset - taken, builder);
        source_builder_put(builder, offset, "\n;", 2);
        taken = offset;
    }
    if (taken == 0) {
        return collection_whole(collection, file);
    }
    collection_take(collection, file, taken, file->size - taken, builder);
    return source_builder_finish(builder, &collection->sources->arena);
}

/* ---- the journal ----------------------------------------------------------------------------- */

static bool
refuse_journal(struct collection *collection, const char *text, const char *found)
{
    return collection_refuse(collection, JOURNAL, "E-MIG-MARK", text, found,
                             "drizzle-kit writes it: { \"dialect\": \"postgresql\", \"entries\": "
                             "[ { \"tag\": …, \"when\": … } ] }");
}

static json_t *
read_journal(struct collection *collection)
{
    struct listed_file *file = listing_file(collection->listing, JOURNAL);
    json_error_t error;

    if (!file) {
        collection_refuse(collection, JOURNAL, "E-MIG-MISSING", "the journal is not there", "",
                          "the folder is the one that holds meta/");
        return NULL;
    }
    if (!collection_load(collection, file)) {
        return NULL;
    }
    json_t *journal = json_loadb(file->text, file->size, JSON_REJECT_DUPLICATES, &error);
    if (!journal) {
        CLEANUP(mem_free)
        char *found = mem_format("%d:%d: %s", error.line, error.column, error.text);
        refuse_journal(collection, "the journal is no JSON", found);
    }
    return journal;
}

static bool
check_journal(struct collection *collection, const json_t *journal, const json_t **entries)
{
    const char *dialect = json_string_value(json_object_get(journal, "dialect"));

    if (dialect && !text_equal(dialect, "postgresql") && !text_equal(dialect, "pg")) {
        return collection_refuse(collection, JOURNAL, "E-MIG-LAYOUT",
                                 "the migrations are for another database", dialect,
                                 "\"dialect\": \"postgresql\" is what can be read");
    }
    *entries = json_object_get(journal, "entries");
    return json_is_array(*entries) || refuse_journal(collection, "the journal has no entries", "");
}

/* ---- entries --------------------------------------------------------------------------------- */

static void
note_skipped(struct collection *collection, const char *tag)
{
    struct error error;

    error_set(&error, "E-MIG-ORDER",
              "older than the entry before it: drizzle passes it over where that is applied");
    error_where(&error, "%s/" JOURNAL, collection->listing->path);
    error_found(&error, "%.200s", tag);
    error_hint(&error, "Skein carries it out; generate it anew to have drizzle do so, too");
    error_list_add(collection->notes, &error);
}

/* A tag is a file's name: no folders in it. */
static bool
check_entry(struct collection *collection, const char *tag, const json_t *when)
{
    if (!tag || !tag[0] || tag[0] == '.' || strchr(tag, '/') || !is_printable_name(tag)) {
        return refuse_journal(collection, "an entry without a tag", tag ? tag : "");
    }
    return json_is_integer(when) || refuse_journal(collection, "an entry without a when", tag);
}

static void
collect_entry(struct collection *collection, const json_t *entry, json_int_t *newest)
{
    const char *tag = json_string_value(json_object_get(entry, "tag"));
    const json_t *when = json_object_get(entry, "when");

    if (!check_entry(collection, tag, when)) {
        return;
    }
    CLEANUP(mem_free) char *path = mem_format("%s.sql", tag);
    struct listed_file *file = listing_file(collection->listing, path);
    if (!file) {
        collection_refuse(collection, path, "E-MIG-MISSING", "the journal names it", JOURNAL,
                          "add it, or take the entry out");
        return;
    }
    if (json_integer_value(when) < *newest) {
        note_skipped(collection, tag);
    } else {
        *newest = json_integer_value(when);
    }
    const char *behind = strchr(tag, '_');
    struct arena *arena = &collection->sources->arena;
    struct drizzle_entry *plan = arena_alloc(arena, sizeof *plan);
    plan->when_ms = json_integer_value(when);
    struct source_migration migration = {
        .version = arena_text(arena, tag),
        .name = arena_text(arena, behind && behind[1] ? behind + 1 : tag),
        .plan = plan};
    if (collection_load(collection, file)) {
        migration.up = script_of(collection, file);
        collection_add(collection, path, &migration);
    }
}

/* Files that the journal does not know are none of drizzle's. */
static void
note_others(struct collection *collection, const json_t *entries)
{
    for (size_t i = 0; i < collection->listing->count; i++) {
        const char *name = collection->listing->files[i].name;
        bool is_known = !text_ends_with(name, ".sql");
        for (size_t entry = 0; !is_known && entry < json_array_size(entries); entry++) {
            const char *tag =
                json_string_value(json_object_get(json_array_get(entries, entry), "tag"));
            is_known =
                tag && strlen(name) == strlen(tag) + 4 && strncmp(name, tag, strlen(tag)) == 0;
        }
        if (!is_known) {
            collection_pass_over(collection, name, "the journal does not name it");
        }
    }
}

static void
collect(struct collection *collection)
{
    json_t *journal = read_journal(collection);
    const json_t *entries = NULL;
    json_int_t newest = 0;

    if (journal && check_journal(collection, journal, &entries)) {
        for (size_t i = 0; i < json_array_size(entries); i++) {
            collect_entry(collection, json_array_get(entries, i), &newest);
        }
        note_others(collection, entries);
    }
    json_decref(journal);
}

static const char *const absorbed[] = {"sqlx", "node-pg-migrate", NULL};

const struct layout layout_drizzle = {.name = "drizzle",
                                      .pattern = PATTERN,
                                      .no_way_back = "drizzle knows no way back",
                                      .claims = claims,
                                      .absorbs = absorbed,
                                      .collect = collect};
