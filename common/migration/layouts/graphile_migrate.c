/*
 * graphile-migrate: committed/<digits>[-<name>].sql, each with a head of `--! Previous:` and
 * `--! Hash:` lines, which make a chain, and a body behind a blank line. `--! no-transaction` as
 * the body's first line: without a transaction. Up only. current.sql is not committed: not ours.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "committed/<digits>-<name>.sql"
#define FOLDER "committed"

/* What the head of a committed migration says. */
struct head {
    char *previous, *hash; /* in the list's arena; null: not said */
    bool allows_invalid_hash, is_outside;
    size_t previous_offset;
};

static bool
claims(struct listing *listing, struct listed_file *file)
{
    if (file->is_folder) {
        return text_equal(file->name, FOLDER);
    }
    return isdigit((unsigned char)file->name[0]) && text_ends_with(file->name, ".sql") &&
           listing_is_marked(listing, file, "! Previous:");
}

/* What stands behind "--! <key>:", without blanks around it; null when the line is another. */
static char *
value_of(struct collection *collection, const struct listed_file *file, const struct line *line,
         const char *key)
{
    size_t size;
    const char *value = line_behind_mark(file, line, key, &size);

    while (value && size && strchr(" \t", *value)) {
        value++;
        size--;
    }
    while (value && size && strchr(" \t\r", value[size - 1])) {
        size--;
    }
    return value ? collection_piece(collection, value, size) : NULL;
}

static void
read_head(struct collection *collection, const struct listed_file *file, struct head *head)
{
    struct line line = {0};
    size_t size;
    bool is_behind = false;

    while (line_next(file, &line)) {
        if (line.size == 0) {
            is_behind = true;
        } else if (!text_starts_with(file->text + line.offset, "--!")) {
            return;
        } else if (is_behind) {
            const char *words = line_behind_mark(file, &line, "!", &size);
            head->is_outside = words_are(words, size, "no-transaction");
            return;
        } else if (line_behind_mark(file, &line, "! Previous:", &size)) {
            head->previous = value_of(collection, file, &line, "! Previous:");
            head->previous_offset = line.offset;
        } else if (line_behind_mark(file, &line, "! Hash:", &size)) {
            head->hash = value_of(collection, file, &line, "! Hash:");
        } else if (line_behind_mark(file, &line, "! AllowInvalidHash", &size)) {
            head->allows_invalid_hash = true;
        }
    }
}

/* Each names the hash of the one before it; the first says "-". */
static bool
check_chain(struct collection *collection, struct listed_file *file, const struct head *head,
            const char *before)
{
    const char *wanted = before ? before : "-";

    if (!head->previous || !head->hash) {
        return collection_refuse(collection, file->name, "E-MIG-MARK",
                                 "the file has no --! Previous: and --! Hash: above its body", "",
                                 "graphile-migrate commit writes them");
    }
    return text_equal(head->previous, wanted) || head->allows_invalid_hash ||
           collection_refuse_at(collection, file, head->previous_offset, "E-MIG-MARK",
                                "the migration was not committed behind the one before it", wanted,
                                "graphile-migrate uncommit, and commit again");
}

/* <digits>[-<name>].sql, in the folder or in committed/. */
static bool
take(struct collection *collection, struct listed_file *file, const char *prefix,
     struct versioned *out)
{
    size_t prefix_size = strlen(prefix);

    if (file->is_folder || strncmp(file->name, prefix, prefix_size) != 0 ||
        strchr(file->name + prefix_size, '/') || !collection_takes(collection, file, ".sql")) {
        return false;
    }
    const char *name = file->name + prefix_size, *current = "current.sql";
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || (name[digits] != '-' && name[digits] != '.')) {
        return !prefix_size && text_equal(name, current)
                   ? false
                   : collection_pass_over(collection, file->name, "files are called " PATTERN);
    }
    size_t rest = strlen(name) - digits - strlen(".sql");
    out->version = collection_piece(collection, name, digits);
    out->name = rest > 1 ? collection_piece(collection, name + digits + 1, rest - 1) : "";
    out->file = file;
    return true;
}

static int
by_file_name(const void *a, const void *b)
{
    const struct versioned *left = a, *right = b;
    return strcmp(left->file->name, right->file->name);
}

static void
collect_files(struct collection *collection, const struct versioned *files, size_t count)
{
    const char *before = NULL;

    for (size_t i = 0; i < count; i++) {
        struct listed_file *file = files[i].file;
        struct source_migration migration = {.version = files[i].version, .name = files[i].name};
        struct head head = {0};
        if (!collection_load(collection, file)) {
            continue;
        }
        read_head(collection, file, &head);
        check_chain(collection, file, &head, before);
        before = head.hash;
        migration.up = collection_whole(collection, file);
        migration.up.mark = head.is_outside ? MARK_OUTSIDE : MARK_NONE;
        collection_add(collection, file->name, &migration);
    }
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    const char *prefix = listing_has(listing, FOLDER) ? FOLDER "/" : "";
    struct error error;
    size_t count = 0;

    if (prefix[0] && !listing_descend(listing, &error)) {
        error_list_add(collection->errors, &error);
        return;
    }
    CLEANUP(mem_free) struct versioned *files = mem_zalloc((listing->count + 1) * sizeof *files);
    for (size_t i = 0; i < listing->count; i++) {
        count += take(collection, &listing->files[i], prefix, &files[count]);
    }
    qsort(files, count, sizeof *files, by_file_name);
    collect_files(collection, files, count);
}

const struct layout layout_graphile_migrate = {.name = "graphile-migrate",
                                               .pattern = PATTERN,
                                               .no_way_back = "graphile-migrate knows no way back",
                                               .claims = claims,
                                               .collect = collect,
                                               .runs_mixed = true};
