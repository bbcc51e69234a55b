/*
 * look: what the check of a rule is shown, and the few questions that checks ask. The members that
 * do not belong to the rule's scope are null. A check calls look_find for everything it finds; what
 * a statement does is read in common/sql/effect.h, what was there before it in
 * common/sql/catalog.h.
 */
#ifndef COMMON_LINT_LOOK_H
#define COMMON_LINT_LOOK_H

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

struct linting;

struct look {
    struct linting *linting;
    const struct rule *rule;
    struct arena *arena; /* for the length of the script */

    const struct source_migration *migration;
    size_t migration_index; /* of the folder, from 0 */
    const struct lint_script *script;
    const struct catalog *catalog; /* before the statement */
    unsigned server_major;         /* the oldest server that it has to run on */

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
void look_find(struct look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same at a byte of the script's text. */
void look_find_at(struct look *look, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at another statement of the script. */
void look_find_in(struct look *look, size_t statement_index, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * How to put right what look_find said last: `size` bytes at a place of the script's text become
 * `text`. Up to FINDING_FIXES_MAX of them; all are done or none.
 */
void look_fix(struct look *look, size_t offset, size_t size, const char *text);

/* ---- questions ------------------------------------------------------------------------------- */

/* Whether the table was made in this migration, or in one that is as new. */
bool look_is_new(const struct look *look, const char *schema, const char *name);

/* A name as people write it: users, app.users (public is left out). */
const char *look_name(const struct look *look, const char *schema, const char *name);

/* The same of the effect's object, its table, an index's table. */
const char *look_object(const struct look *look);
const char *look_table(const struct look *look);

/* The table as the history left it; null when it is not known. */
const struct catalog_table *look_catalog_table(const struct look *look);

/*
 * Where words of the statement stand in the script's text: keywords in upper case with one blank
 * between, not in strings, quoted names and comments. False when they are not there.
 */
bool look_words(const struct look *look, const char *words, size_t *offset, size_t *size);

/* Whether one of the statement's words is this keyword. */
bool look_has_word(const struct look *look, const char *word);

/* The text of the statement: not terminated. */
const char *look_text(const struct look *look, size_t *size);

#endif
