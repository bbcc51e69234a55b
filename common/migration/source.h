/*
 * source: a migration as it lies in the folder, before anybody has looked at its SQL: the texts of
 * its scripts with the places that they come from, and what the tool's own marks say of it.
 */
#ifndef COMMON_MIGRATION_SOURCE_H
#define COMMON_MIGRATION_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/migration/listing.h"
#include "common/sql/place.h"

/* What the tool's own mark says about a script: `transaction:false`, `-- no-transaction` … */
enum transaction_mark { MARK_NONE, MARK_INSIDE, MARK_OUTSIDE };

/* From byte `at` of a script's text on, up to the next piece, it is what stands in the file. */
struct source_piece {
    size_t at, from;
    bool is_other; /* it stands for what begins there, and is another text */
};

/* A script in a file: all of it, or a stretch; file is null when there is no such script. */
struct source {
    struct listed_file *file;
    size_t offset, size; /* size is that of the text; offset that of a stretch of the file */
    const char *text;    /* null: the stretch itself; else put together from pieces */
    struct source_piece *pieces;
    size_t piece_count;
    enum transaction_mark mark;
    bool is_refused; /* an error says why; it need not be looked at */
};

/* A migration as it lies in the folder. */
struct source_migration {
    const char *version, *name;
    struct source up, down, verify;
    bool is_repeatable;   /* carried out again whenever it has changed */
    const char **parents; /* versions that it stands on, where they make no row; in the arena */
    size_t parent_count;
    const void *plan; /* what the layout knows besides (layouts/….h), for the tool's own table */
};

struct source_list {
    struct source_migration *items;
    size_t count, capacity;
    struct arena arena; /* for texts */
};

/* Append a migration; texts must live in the list's arena or the folder. */
struct source_migration *source_list_add(struct source_list *sources);
void source_list_release(struct source_list *sources);

/* The text of a script: source->size bytes. */
const char *source_text(const struct source *source);

/* A script whose text is built here from pieces; in the arena. */
struct source_builder;
struct source_builder *source_builder_new(struct listed_file *file);
void source_builder_destroy(struct source_builder **builder_p);
/* Append a stretch of the file, or a text that stands for what begins at an offset. */
void source_builder_take(struct source_builder *builder, size_t offset, size_t size);
void source_builder_put(struct source_builder *builder, size_t offset, const char *text,
                        size_t size);
void source_builder_refuse(struct source_builder *builder);
struct source source_builder_finish(struct source_builder *builder, struct arena *arena);

/*
 * Where in the file a byte of the script stands. Whoever asks for many asks in their order: `last`
 * begins as {0} and makes the next answer cheap.
 */
struct place source_place(const struct source *source, size_t at, struct place *last);

#endif
