/*
 * collection: what the layouts have in common when they collect migrations: saying what is wrong
 * with a file, taking its name apart, putting numbers into order, going through its lines.
 */
#ifndef COMMON_MIGRATION_COLLECTION_H
#define COMMON_MIGRATION_COLLECTION_H

#include "common/migration/layout.h"

/* Add an error about a file of the folder, as a whole. Always false. */
bool collection_refuse(struct collection *collection, const char *name, const char *code,
                       const char *text, const char *found, const char *hint);

/* The same with the place of a byte of the file, which is loaded. */
bool collection_refuse_at(struct collection *collection, struct listed_file *file, size_t offset,
                          const char *code, const char *text, const char *found, const char *hint);

/* Note that the tool passes a file over, and so do we. Always false. */
bool collection_pass_over(struct collection *collection, const char *name, const char *why);

/*
 * A file with the right ending is called otherwise than the tool calls its own (`pattern`): refused
 * (E-MIG-NAME), but noted when it holds nothing or the owner accepts it. Always false.
 */
bool collection_refuse_name(struct collection *collection, struct listed_file *file,
                            const char *pattern);

/* A way back from nothing: refused (E-MIG-MISSING), but noted when the owner accepts it. */
void collection_refuse_lonely(struct collection *collection, const struct listed_file *file);

/*
 * Whether a file of the folder takes part: a file with this ending (".sql") whose name can be kept.
 * Hidden files and other endings are passed over in silence; an ending in another case
 * (E-MIG-CASE), a name that is no printable UTF-8 (E-MIG-NAME) are refused.
 */
bool collection_takes(struct collection *collection, const struct listed_file *file,
                      const char *ending);

/* Refuse a program (a.go, a.ts …) whose name begins with a digit: true when it is one. */
bool collection_refuse_program(struct collection *collection, const struct listed_file *file);

/* Read a file. False when that was refused. */
bool collection_load(struct collection *collection, struct listed_file *file);

/* Load <folder>/<name> as a script, when there is such a file. False when that was refused. */
bool collection_load_script(struct collection *collection, const char *folder, const char *name,
                            struct source *source);

/* Whether a loaded file, which is no script, is UTF-8 without NUL; refused with its place. */
bool collection_check_text(struct collection *collection, struct listed_file *file);

/* A loaded file as a script: all of it, with what stands for placeholders put in. */
struct source collection_whole(struct collection *collection, struct listed_file *file);

/* The same with a stretch of it. */
struct source collection_stretch(struct collection *collection, struct listed_file *file,
                                 size_t offset, size_t size);

/* Append a stretch of a loaded file, with what stands for placeholders put in. */
void collection_take(struct collection *collection, struct listed_file *file, size_t offset,
                     size_t size, struct source_builder *builder);

/*
 * Add a migration; where it has no name, its version stands for it. An empty version, what is too
 * long, and too many are refused.
 */
bool collection_add(struct collection *collection, const char *file_name,
                    const struct source_migration *migration);

/* A piece of a text as a text of its own. */
char *collection_piece(struct collection *collection, const char *text, size_t size);

/* Whether a name can be shown and kept: UTF-8 without control characters. */
bool is_printable_name(const char *name);

/* ---- names ----------------------------------------------------------------------------------- */

/* A file whose name begins with a version. */
struct versioned {
    const char *version, *name;
    int part; /* up, down …; which comes first */
    struct listed_file *file;
};

/* What stands behind the last slash: files may lie in folders of the folder. */
const char *name_of_file(const char *path);

/* <digits><separator><name><ending>; false when the file is called otherwise. */
bool collection_take_apart(struct collection *collection, struct listed_file *file,
                           const char *separator, const char *ending, struct versioned *out);

/* Whether a name is <digits><separator>…<ending>. */
bool name_is_numbered(const char *name, const char *separator, const char *ending);

/* Digits of any length as numbers: 9 before 10; 001 is 1. */
int version_compare_numbers(const char *a, const char *b);

/* By number, then by part, then by the file's name; for qsort over struct versioned. */
int versioned_compare(const void *a, const void *b);

/* By the file's name alone, byte for byte, whatever folder it lies in; the same. */
int versioned_compare_names(const void *a, const void *b);

/* Refuse the second of two files with one version (and part): false when it is one. */
bool collection_check_twin(struct collection *collection, const struct versioned *before,
                           const struct versioned *file);

/* Digits, `separator`, a name, ".sql": one migration each, in the order of their numbers. */
struct numbered {
    const char *separator; /* behind the digits */
    const char *pattern;   /* "<version>_<name>.sql", for people */
    bool passes_over;      /* the tool takes no notice of files that are called otherwise */
    int (*compare)(const void *, const void *); /* of struct versioned; null: by number */
    /* What is in a loaded file; false when that was refused. */
    bool (*read)(struct collection *collection, struct listed_file *file,
                 struct source_migration *migration);
};

void collection_collect_numbered(struct collection *collection, const struct numbered *numbered);

/* ---- lines ----------------------------------------------------------------------------------- */

/* A line of a file, without its end. Begin with {0}. */
struct line {
    size_t offset, size; /* of the line */
    size_t next;         /* where the next one begins */
};

/* Go to the next line (from the first on); a byte order mark is no part of it. */
bool line_next(const struct listed_file *file, struct line *line);

/*
 * What stands behind `mark` in a line that is "--", blanks, the mark ("+goose") in upper or lower
 * case, and its words. Null when the line is anything else.
 */
const char *line_behind_mark(const struct listed_file *file, const struct line *line,
                             const char *mark, size_t *size);

/* Whether the mark stands in a line above the first statement; the file is loaded for it. */
bool listing_is_marked(struct listing *listing, struct listed_file *file, const char *mark);

/* Whether nothing but blanks and line comments stand in a file. */
bool listing_is_silent(struct listing *listing, struct listed_file *file);

/* Whether the line is blank or a comment that begins in its first column but for blanks. */
bool line_is_silent(const struct listed_file *file, const struct line *line);

/* Whether words are these, in upper or lower case and with any blanks between. */
bool words_are(const char *words, size_t size, const char *wanted);

#endif
