/*
 * goose: <number>_<name>.sql with `-- +goose Up` and `-- +goose Down` in it. NO TRANSACTION, where
 * ever it stands, is about the whole file. StatementBegin … StatementEnd hold one statement, whose
 * ";" may be missing. Only between ENVSUB ON and OFF are ${NAME} and $NAME placeholders.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/migration/collection.h"

#define PATTERN "<number>_<name>.sql with -- +goose Up in it"
#define MARK "+goose"

struct goose_file {
    struct collection *collection;
    struct listed_file *file;
    struct source_builder *parts[2]; /* up, down */
    size_t part, taken;              /* the part that is open, and up to where it is built */
    bool has_up, has_down, is_outside, is_in_statement, is_in_environment;
};

static bool
claims(struct listing *listing, struct listed_file *file)
{
    return name_is_numbered(file->name, "_", ".sql") && listing_is_marked(listing, file, MARK);
}

static bool
refuse(struct goose_file *goose, const struct line *line, const char *text, const char *hint)
{
    CLEANUP(mem_free)
    char *found = mem_format("%.*s", line->size < 80 ? (int)line->size : 80,
                             goose->file->text + line->offset);

    return collection_refuse_at(goose->collection, goose->file, line->offset, "E-MIG-MARK", text,
                                found, hint);
}

/* Bring the open part up to an offset, with placeholders where they are asked for. */
static void
build_to(struct goose_file *goose, size_t offset)
{
    struct source_builder *builder = goose->parts[goose->part];
    size_t size = offset - goose->taken;

    if (goose->is_in_environment) {
        collection_take(goose->collection, goose->file, goose->taken, size, builder);
    } else {
        source_builder_take(builder, goose->taken, size);
    }
    goose->taken = offset;
}

static bool
begin_up(struct goose_file *goose, const struct line *line)
{
    if (goose->has_up) {
        return refuse(goose, line, "Up stands twice in the file", "leave one of them out");
    }
    goose->has_up = true;
    return true;
}

static bool
begin_down(struct goose_file *goose, const struct line *line)
{
    if (!goose->has_up || goose->has_down) {
        return refuse(goose, line, "Down stands once, behind Up", "order the file: Up, then Down");
    }
    if (goose->is_in_statement) {
        return refuse(goose, line, "Down inside a statement", "write -- +goose StatementEnd above");
    }
    build_to(goose, line->offset);
    goose->has_down = true;
    goose->part = 1;
    return true;
}

static bool
begin_statement(struct goose_file *goose, const struct line *line)
{
    if (!goose->has_up || goose->is_in_statement) {
        return refuse(goose, line, "StatementBegin where no statement can begin",
                      "it stands behind Up or Down, and is ended before the next");
    }
    goose->is_in_statement = true;
    return true;
}

static bool
end_statement(struct goose_file *goose, const struct line *line)
{
    if (!goose->is_in_statement) {
        return refuse(goose, line, "StatementEnd without StatementBegin", "leave it out");
    }
    build_to(goose, line->offset);
    source_builder_put(goose->parts[goose->part], line->offset, ";", 1);
    goose->is_in_statement = false;
    return true;
}

static bool
switch_environment(struct goose_file *goose, const struct line *line, bool is_on)
{
    build_to(goose, line->offset);
    goose->is_in_environment = is_on;
    return true;
}

static bool
read_mark(struct goose_file *goose, const struct line *line, const char *words, size_t size)
{
    if (words_are(words, size, "Up")) {
        return begin_up(goose, line);
    }
    if (words_are(words, size, "Down")) {
        return begin_down(goose, line);
    }
    if (words_are(words, size, "StatementBegin")) {
        return begin_statement(goose, line);
    }
    if (words_are(words, size, "StatementEnd")) {
        return end_statement(goose, line);
    }
    if (words_are(words, size, "NO TRANSACTION")) {
        goose->is_outside = true;
        return true;
    }
    if (words_are(words, size, "ENVSUB ON") || words_are(words, size, "ENVSUB OFF")) {
        return switch_environment(goose, line, words_are(words, size, "ENVSUB ON"));
    }
    return refuse(goose, line, "a mark that goose does not know",
                  "Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF");
}

static bool
read_lines(struct goose_file *goose)
{
    struct line line = {0};
    size_t size;

    while (line_next(goose->file, &line)) {
        const char *words = line_behind_mark(goose->file, &line, MARK, &size);
        if (words && !read_mark(goose, &line, words, size)) {
            return false;
        }
        if (!goose->has_up && !line_is_silent(goose->file, &line)) {
            return refuse(goose, &line, "a statement above -- +goose Up",
                          "write -- +goose Up above it");
        }
    }
    if (!goose->has_up) {
        return collection_refuse(goose->collection, goose->file->name, "E-MIG-MARK",
                                 "the file has no -- +goose Up", "",
                                 "write it above the first statement");
    }
    if (goose->is_in_statement) {
        return collection_refuse(goose->collection, goose->file->name, "E-MIG-MARK",
                                 "StatementBegin without StatementEnd", "",
                                 "write -- +goose StatementEnd behind the statement");
    }
    build_to(goose, goose->file->size);
    return true;
}

static bool
read_file(struct collection *collection, struct listed_file *file,
          struct source_migration *migration)
{
    CLEANUP(source_builder_destroy) struct source_builder *up = source_builder_new(file);
    CLEANUP(source_builder_destroy) struct source_builder *down = source_builder_new(file);
    struct goose_file goose = {.collection = collection, .file = file, .parts = {up, down}};
    struct arena *arena = &collection->sources->arena;

    if (!read_lines(&goose)) {
        return false;
    }
    migration->up = source_builder_finish(up, arena);
    if (goose.has_down) {
        migration->down = source_builder_finish(down, arena);
    }
    if (goose.is_outside) {
        migration->up.mark = migration->down.mark = MARK_OUTSIDE;
    }
    return true;
}

static void
collect(struct collection *collection)
{
    static const struct numbered numbered = {
        .separator = "_", .pattern = PATTERN, .read = read_file};

    collection_collect_numbered(collection, &numbered);
}

const struct layout layout_goose = {.name = "goose",
                                    .pattern = PATTERN,
                                    .claims = claims,
                                    .placeholder = "$…",
                                    .collect = collect,
                                    .runs_mixed = true};
