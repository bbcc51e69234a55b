/*
 * scene: what the check of a rule is shown, and the few questions that checks ask. The members that
 * do not belong to the rule's scope are null. A check calls scene_find for everything it finds;
 * what a statement does is read in common/sql/effect.h, what was there before it in
 * common/sql/catalog.h.
 */
#ifndef COMMON_LINT_SCENE_H
#define COMMON_LINT_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/lint/rule.h"
#include "common/migration/annotation.h"
#include "common/migration/source.h"
#include "common/sql/catalog.h"
#include "common/sql/effect.h"
#include "common/sql/split.h"

/* One script of a migration as it was understood. */
struct lint_script {
    const char *path; /* for people */
    const struct source *source;
    const char *text; /* what was parsed; all offsets count from here */
    size_t size;
    enum rule_part part;
    struct sql_script sql;
    struct effects *effects; /* of each statement; those behind the present one are empty */
    struct annotations annotations;
    bool is_transactional; /* all in one transaction */
};

/* What the up of a migration has made, for whoever looks at its down; as in struct effect. */
struct made_object {
    enum sql_object object;
    const char *schema, *name, *part;
};

struct linting;

struct scene {
    struct linting *linting;
    const struct rule *rule;
    struct arena *arena; /* for the length of the script */

    const struct source_migration *migration;
    size_t migration_index; /* of the folder, from 0 */
    const struct lint_script *script;
    const struct catalog *catalog;  /* before the statement */
    unsigned server_major;          /* the oldest server that it has to run on */
    bool is_piece;                  /* the migration before or behind it has the same name */
    bool has_downs;                 /* at least half of those just before it have a way back */
    const struct made_object *made; /* in a down: what the up has made and noted */
    size_t made_count;

    const struct sql_statement *statement;
    size_t statement_index; /* FINDING_OF_FILE outside of statements */
    const struct effects *effects;
    const struct effect *effect;
    const struct sql_call *call;
    /* The table, view … that the effect is about: of a new index, its table. Null: none. */
    const struct sql_relation *table;
    bool is_new; /* it was made in this change: nobody waits for it, it holds no old rows */
};

/* Say that something is wrong there: at the effect, the call, the statement, or in the file. */
void scene_find(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same at a byte of the script's text. */
void scene_find_at(struct scene *scene, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at another statement of the script. */
void scene_find_in(struct scene *scene, size_t statement_index, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at an effect of another statement of the script. */
void scene_find_effect(struct scene *scene, size_t statement_index, const struct effect *effect,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * How to put right what scene_find said last: `size` bytes at a place of the script's text become
 * `text`. Up to FINDING_FIXES_MAX of them; all are done or none.
 */
void scene_fix(struct scene *scene, size_t offset, size_t size, const char *text);

/* Whether what scene_find said last has a fix. */
bool scene_is_fixed(const struct scene *scene);

/* What scene_find said last is about this column: it is idle when the column goes as well. */
void scene_about_column(struct scene *scene, const char *column);

/* Take what scene_find said last back when the table turns out to be a list of a few rows. */
void scene_unless_list(struct scene *scene, const char *schema, const char *name);

/* Keep for the down's scene->made what an effect of the up makes. */
void scene_note_made(struct scene *scene, const struct effect *effect);

/* ---- questions ------------------------------------------------------------------------------- */

/* Whether the table was made in this migration, or in one that is as new. */
bool scene_is_new(const struct scene *scene, const char *schema, const char *name);

/* The same of an enum, domain or other type. */
bool scene_is_new_type(const struct scene *scene, const char *schema, const char *name);

/* Whether only a trigger can call a function of this name, as far as the history says. */
bool scene_is_trigger_function(const struct scene *scene, const char *name);

/* The unique indexes that the script has dropped from the effect's table; null behind the last. */
const struct sql_index *scene_dropped_key(const struct scene *scene, size_t index);

/* The CREATE FUNCTION of such a one; null when it is not known. */
const char *scene_trigger_text(const struct scene *scene, const char *name);

/* The name of a file of the history by its number in the catalog, for people. */
const char *scene_file_name(const struct scene *scene, size_t file);

/* A name as people write it: users, app.users (public is left out). */
const char *scene_name(const struct scene *scene, const char *schema, const char *name);

/* The same of the effect's object, its table, an index's table. */
const char *scene_object(const struct scene *scene);
const char *scene_table(const struct scene *scene);

/* The plain name of the index that an effect is about. */
const char *scene_index(const struct effect *effect);

/*
 * Whether the script may become one that runs outside of a transaction without a mark of its tool's
 * that says so.
 */
bool scene_may_run_outside(const struct scene *scene);

/* The table as the history left it; null when it is not known. */
const struct catalog_table *scene_catalog_table(const struct scene *scene);

/*
 * Where words of the statement stand in the script's text: keywords in upper case with one blank
 * between, not in strings, quoted names and comments. False when they are not there.
 */
bool scene_words(const struct scene *scene, const char *words, size_t *offset, size_t *size);

/* The same in any text; the offset is the text's. */
bool text_has_words(const char *text, size_t text_size, const char *words, size_t *offset,
                    size_t *size);

/* Whether this statement, or one behind it in the script, has these words. */
bool scene_comes_later(const struct scene *scene, const char *words);

/* Whether one of the statement's words is this keyword. */
bool scene_has_word(const struct scene *scene, const char *word);

/* The text of the statement: not terminated. */
const char *scene_text(const struct scene *scene, size_t *size);

#endif
