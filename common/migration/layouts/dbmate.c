/*
 * dbmate: <digits><anything>.sql with a block behind `-- migrate:up` and one behind
 * `-- migrate:down`; newer versions know several of each. Sorted by the files' names, not by
 * number, from however many folders; recorded by the digits alone. `transaction:false` behind a
 * mark: without a transaction.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<version><name>.sql with -- migrate:up and -- migrate:down in it"

enum block { BLOCK_HEAD, BLOCK_UP, BLOCK_DOWN };

struct stretch_of_file {
    size_t offset, size;
};

struct blocks {
    struct collection *collection;
    struct listed_file *file;
    struct source_builder *up;
    struct stretch_of_file *downs;
    size_t down_count, down_capacity;
    enum transaction_mark up_mark, down_mark;
    enum block block;
    size_t begin; /* of the open block */
    bool has_up;
};

static bool
claims(struct listing *listing, struct listed_file *file)
{
    return name_is_numbered(file->name, "", ".sql") &&
           (listing_is_marked(listing, file, "migrate:up") ||
            listing_is_marked(listing, file, "migrate:down"));
}

/* "migrate:up" and a blank or nothing behind it. */
static bool
is_mark(const struct listed_file *file, const struct line *line, const char *mark,
        const char **options, size_t *size)
{
    *options = line_behind_mark(file, line, mark, size);
    return *options && (*size == 0 || isspace((unsigned char)**options));
}

static void
end_block(struct blocks *blocks, size_t end)
{
    size_t size = end - blocks->begin;

    if (blocks->block == BLOCK_UP) {
        collection_take(blocks->collection, blocks->file, blocks->begin, size, blocks->up);
    } else {
        if (blocks->down_count == blocks->down_capacity) {
            blocks->downs = mem_grow(blocks->downs, blocks->down_count, &blocks->down_capacity,
                                     sizeof *blocks->downs);
        }
        blocks->downs[blocks->down_count++] =
            (struct stretch_of_file){.offset = blocks->begin, .size = size};
    }
    blocks->begin = end;
}

/* transaction:false, which is the only option there is. */
static bool
read_options(struct blocks *blocks, const char *options, size_t size, enum transaction_mark *mark)
{
    CLEANUP(mem_free) char *copy = mem_copy(options, size + 1);
    char *rest = NULL;

    copy[size] = '\0';
    for (char *word = strtok_r(copy, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (text_equal(word, "transaction:false")) {
            *mark = MARK_OUTSIDE;
        } else if (!text_equal(word, "transaction:true")) {
            return collection_refuse_at(blocks->collection, blocks->file,
                                        (size_t)(options - blocks->file->text), "E-MIG-ANNOTATION",
                                        "an option that dbmate does not know", word,
                                        "transaction:true, transaction:false");
        }
    }
    return true;
}

static bool
read_line(struct blocks *blocks, const struct line *line)
{
    const char *options;
    size_t size;

    if (is_mark(blocks->file, line, "migrate:up", &options, &size)) {
        if (blocks->block != BLOCK_HEAD) {
            end_block(blocks, line->offset);
        }
        blocks->block = BLOCK_UP;
        blocks->has_up = true;
        return read_options(blocks, options, size, &blocks->up_mark);
    }
    if (is_mark(blocks->file, line, "migrate:down", &options, &size)) {
        if (!blocks->has_up) {
            return collection_refuse_at(blocks->collection, blocks->file, line->offset,
                                        "E-MIG-MARK", "-- migrate:down before -- migrate:up", "",
                                        "write the up block first");
        }
        end_block(blocks, line->offset);
        blocks->block = BLOCK_DOWN;
        return read_options(blocks, options, size, &blocks->down_mark);
    }
    return blocks->block != BLOCK_HEAD || line_is_silent(blocks->file, line) ||
           collection_refuse_at(blocks->collection, blocks->file, line->offset, "E-MIG-MARK",
                                "a statement above -- migrate:up", "",
                                "write -- migrate:up above it");
}

static bool
read_lines(struct blocks *blocks)
{
    struct line line = {0};

    while (line_next(blocks->file, &line)) {
        if (!read_line(blocks, &line)) {
            return false;
        }
    }
    if (!blocks->has_up) {
        return collection_refuse(blocks->collection, blocks->file->name, "E-MIG-MARK",
                                 "the file has no -- migrate:up", "",
                                 "write it above the first statement");
    }
    end_block(blocks, blocks->file->size);
    return true;
}

/* What came last is undone first. */
static struct source
downs_of(const struct blocks *blocks, struct arena *arena)
{
    CLEANUP(source_builder_destroy)
    struct source_builder *builder = source_builder_new(blocks->file);

    for (size_t i = blocks->down_count; i > 0; i--) {
        collection_take(blocks->collection, blocks->file, blocks->downs[i - 1].offset,
                        blocks->downs[i - 1].size, builder);
    }
    struct source source = source_builder_finish(builder, arena);
    source.mark = blocks->down_mark;
    return source;
}

static bool
read_file(struct collection *collection, struct listed_file *file,
          struct source_migration *migration)
{
    CLEANUP(source_builder_destroy) struct source_builder *up = source_builder_new(file);
    struct blocks blocks = {.collection = collection, .file = file, .up = up};
    bool succeeded = read_lines(&blocks);

    if (succeeded) {
        migration->name += strspn(migration->name, "_-");
        migration->up = source_builder_finish(up, &collection->sources->arena);
        migration->up.mark = blocks.up_mark;
    }
    if (succeeded && blocks.down_count) {
        migration->down = downs_of(&blocks, &collection->sources->arena);
    }
    free(blocks.downs);
    return succeeded;
}

static void
collect(struct collection *collection)
{
    static const struct numbered numbered = {.separator = "",
                                             .pattern = PATTERN,
                                             .passes_over = true,
                                             .compare = versioned_compare_names,
                                             .read = read_file};

    collection_collect_numbered(collection, &numbered);
}

const struct layout layout_dbmate = {.name = "dbmate",
                                     .pattern = PATTERN,
                                     .claims = claims,
                                     .collect = collect,
                                     .takes_folders = true,
                                     .runs_mixed = true};
