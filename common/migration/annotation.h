/*
 * annotation: what Skein is told in the comments of a plain SQL file.
 *
 *     -- skein: stage=expand lock_timeout=2s irreversible="the old names are gone"
 *
 * A line comment that begins with "skein:" holds words: key, key=value or key="quoted value" (with
 * \" and \\ inside). File keys stand above the first statement; statement keys stand above theirs;
 * `allow` stands above what it allows. Whatever is not known is an error with its place, because a
 * word that is passed over in silence is a promise that is not kept.
 */
#ifndef COMMON_MIGRATION_ANNOTATION_H
#define COMMON_MIGRATION_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/migration/error_list.h"
#include "common/sql/place.h"

/* What an annotation begins with, before the colon. */
#define ANNOTATION_MARK "skein"

/* One word of an annotation. */
struct annotation_word {
    const char *key;
    const char *value; /* null: the key stands alone */
    struct place place;
};

struct annotation {
    struct annotation_word *words;
    size_t word_count;
};

/* What may be silenced, where. */
struct allowance {
    const char *code;   /* "SK012" */
    const char *reason; /* null when not said */
    const char *until;  /* "2027-01-31"; null when not said */
    size_t offset;      /* of the comment in the file */
};

/* A comment that begins with the word `batch`: what it says about the statement below it. */
struct batch_annotation {
    size_t offset;                       /* of the comment in the file */
    struct place place;                  /* of the word */
    const struct annotation_word *words; /* behind it */
    size_t word_count;
};

/* verify="SELECT …", cleanup="…": of the statement below. */
struct query_annotation {
    struct place place; /* of the word */
    const char *text;
    bool is_cleanup;
};

/* Everything that a file's annotations say. */
struct annotations {
    const char *stage;        /* null when not said */
    const char *irreversible; /* null when not said */
    const char *depends;      /* "service@version service@version"; null when not said */
    uint64_t lock_timeout_ms, statement_timeout_ms, timeout_ms; /* 0 when not said */
    bool is_outside;                                            /* transaction=none */
    bool is_raw;  /* raw: run as it stands where the grammar cannot */
    bool is_noop; /* noop: it is meant to hold no statement */
    struct allowance *allowances;
    size_t allowance_count;
    struct batch_annotation *batches; /* in the file's order */
    size_t batch_count;
    struct query_annotation *queries; /* likewise */
    size_t query_count;
};

/*
 * The words of one comment (from its dashes on) whose first byte is at `place`. False when the
 * comment is no annotation, or with the error E-MIG-ANNOTATION (its code is empty otherwise) and
 * its place.
 */
bool annotation_parse(const char *comment, size_t size, struct place place, struct arena *arena,
                      struct annotation *annotation, struct place *error_place,
                      struct error *error);

/*
 * Read all comments of a file. `first_statement` is the offset of its first statement (the text's
 * size when there is none), `path` stands in the errors. False when something was wrong.
 */
bool annotations_read(const char *path, const char *text, const struct stretch *comments,
                      size_t comment_count, size_t first_statement, struct arena *arena,
                      struct annotations *annotations, struct error_list *errors);

/* Whether an `allow=CODE` stands in the lines from one offset to another. */
bool annotations_allow(const struct annotations *annotations, const char *code, size_t from,
                       size_t to);

#endif
