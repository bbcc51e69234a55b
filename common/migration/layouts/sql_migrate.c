/*
 * sql-migrate: any file called *.sql with `-- +migrate Up` and `-- +migrate Down` in it, several of
 * each as it likes. Its version is the file's name: numbered ones first, by number, then by text.
 * `notransaction` behind Up or Down: without a transaction. StatementBegin … StatementEnd hold one
 * statement, whose ";" may be missing.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<name>.sql with -- +migrate Up in it"
#define MARK "+migrate"
#define ENDING ".sql"

enum part { PART_UP, PART_DOWN, PART_COUNT };

struct sql_migrate_file {
    struct collection *collection;
    struct listed_file *file;
    struct source_builder *builders[PART_COUNT];
    enum transaction_mark marks[PART_COUNT];
    bool has[PART_COUNT];
    enum part part;
    size_t taken;
    bool is_in_statement;
};

static bool
claims(struct listing *listing, struct listed_file *file)
{
    return text_ends_with(file->name, ENDING) && listing_is_marked(listing, file, MARK);
}

static bool
refuse(struct sql_migrate_file *reading, const struct line *line, const char *text,
       const char *hint)
{
    CLEANUP(mem_free)
    char *found = mem_format("%.*s", line->size < 80 ? (int)line->size : 80,
                             reading->file->text + line->offset);

    return collection_refuse_at(reading->collection, reading->file, line->offset, "E-MIG-MARK",
                                text, found, hint);
}

static void
build_to(struct sql_migrate_file *reading, size_t offset)
{
    collection_take(reading->collection, reading->file, reading->taken, offset - reading->taken,
                    reading->builders[reading->part]);
    reading->taken = offset;
}

static bool
begin_part(struct sql_migrate_file *reading, const struct line *line, enum part part,
           bool is_outside)
{
    if (reading->is_in_statement) {
        return refuse(reading, line, "Up or Down inside a statement",
                      "write -- +migrate StatementEnd above");
    }
    if (reading->has[PART_UP] || reading->has[PART_DOWN]) { /* what stands above all is theirs */
        build_to(reading, line->offset);
    }
    reading->part = part;
    reading->has[part] = true;
    reading->marks[part] = is_outside ? MARK_OUTSIDE : reading->marks[part];
    return true;
}

static bool
end_statement(struct sql_migrate_file *reading, const struct line *line)
{
    if (!reading->is_in_statement) {
        return refuse(reading, line, "StatementEnd without StatementBegin", "leave it out");
    }
    build_to(reading, line->offset);
    source_builder_put(reading->builders[reading->part], line->offset, ";", 1);
    reading->is_in_statement = false;
    return true;
}

static bool
read_mark(struct sql_migrate_file *reading, const struct line *line, const char *words, size_t size)
{
    bool is_up = words_are(words, size, "Up"), is_down = words_are(words, size, "Down");
    bool is_up_outside = words_are(words, size, "Up notransaction");
    bool is_down_outside = words_are(words, size, "Down notransaction");

    if (is_up || is_up_outside) {
        return begin_part(reading, line, PART_UP, is_up_outside);
    }
    if (is_down || is_down_outside) {
        return begin_part(reading, line, PART_DOWN, is_down_outside);
    }
    if (words_are(words, size, "StatementBegin")) {
        reading->is_in_statement = true;
        return reading->has[PART_UP] || reading->has[PART_DOWN] ||
               refuse(reading, line, "a statement above -- +migrate Up", "write it above");
    }
    if (words_are(words, size, "StatementEnd")) {
        return end_statement(reading, line);
    }
    return refuse(reading, line, "a mark that sql-migrate does not know",
                  "Up, Down, each with notransaction or without; StatementBegin, StatementEnd");
}

static bool
read_lines(struct sql_migrate_file *reading)
{
    struct line line = {0};
    size_t size;

    while (line_next(reading->file, &line)) {
        const char *words = line_behind_mark(reading->file, &line, MARK, &size);
        if (words && !read_mark(reading, &line, words, size)) {
            return false;
        }
        if (!reading->has[PART_UP] && !reading->has[PART_DOWN] &&
            !line_is_silent(reading->file, &line)) {
            return refuse(reading, &line, "a statement above -- +migrate Up",
                          "write -- +migrate Up above it");
        }
    }
    if (!reading->has[PART_UP] || reading->is_in_statement) {
        return collection_refuse(reading->collection, reading->file->name, "E-MIG-MARK",
                                 reading->has[PART_UP] ? "StatementBegin without StatementEnd"
                                                       : "the file has no -- +migrate Up",
                                 "",
                                 reading->has[PART_UP] ? "write it behind the statement"
                                                       : "write it above the first statement");
    }
    build_to(reading, reading->file->size);
    return true;
}

static bool
read_file(struct collection *collection, struct listed_file *file,
          struct source_migration *migration)
{
    CLEANUP(source_builder_destroy) struct source_builder *up = source_builder_new(file);
    CLEANUP(source_builder_destroy) struct source_builder *down = source_builder_new(file);
    struct sql_migrate_file reading = {
        .collection = collection, .file = file, .builders = {up, down}};
    struct arena *arena = &collection->sources->arena;

    if (!read_lines(&reading)) {
        return false;
    }
    migration->up = source_builder_finish(up, arena);
    migration->up.mark = reading.marks[PART_UP];
    if (reading.has[PART_DOWN]) {
        migration->down = source_builder_finish(down, arena);
        migration->down.mark = reading.marks[PART_DOWN];
    }
    return true;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
    const char *left = ((const struct versioned *)a)->version;
    const char *right = ((const struct versioned *)b)->version;
    size_t left_digits = strspn(left, "0123456789"), right_digits = strspn(right, "0123456789");

    if (!left_digits != !right_digits) {
        return left_digits ? -1 : 1;
    }
    CLEANUP(mem_free) char *left_number = mem_format("%.*s", (int)left_digits, left);
    CLEANUP(mem_free) char *right_number = mem_format("%.*s", (int)right_digits, right);
    int order = version_compare_numbers(left_number, right_number);
    return order ? order : strcmp(left, right);
}

/* What stands in front of the ending, behind the number. */
static const char *
name_of(struct collection *collection, const char *id)
{
    const char *begin = id + strspn(id, "0123456789");
    size_t size = strlen(id) - strlen(ENDING);

    begin += strspn(begin, "_-");
    return *begin && begin < id + size
               ? collection_piece(collection, begin, size - (size_t)(begin - id))
               : id;
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    CLEANUP(mem_free) struct versioned *files = mem_zalloc((listing->count + 1) * sizeof *files);
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        if (!file->is_folder && !collection_refuse_program(collection, file) &&
            collection_takes(collection, file, ENDING)) {
            files[count++] = (struct versioned){.version = file->name, .file = file};
        }
    }
    qsort(files, count, sizeof *files, by_id);
    for (size_t i = 0; i < count; i++) {
        struct source_migration migration = {.version = files[i].version,
                                             .name = name_of(collection, files[i].version)};
        if (collection_load(collection, files[i].file) &&
            read_file(collection, files[i].file, &migration)) {
            collection_add(collection, files[i].file->name, &migration);
        }
    }
}

const struct layout layout_sql_migrate = {.name = "sql-migrate",
                                          .pattern = PATTERN,
                                          .claims = claims,
                                          .collect = collect,
                                          .runs_mixed = true};
