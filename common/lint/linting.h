/*
 * linting: what the files of the engine share while one folder is looked at. For this folder alone.
 */
#ifndef COMMON_LINT_LINTING_H
#define COMMON_LINT_LINTING_H

#include "common/lint/lint.h"
#include "common/lint/scene.h"
#include "common/migration/script_reading.h"

/* A rule that is switched on. */
struct active_rule {
    const struct rule *rule;
    enum severity severity;
};

struct linting {
    const struct lint_wish *wish;
    struct finding_list *findings;
    struct lint_tally *tally;

    struct active_rule *active[RULE_SCOPE_COUNT];
    size_t active_count[RULE_SCOPE_COUNT];
    struct arena arena; /* for the length of the folder */

    struct reading reading; /* of the folder */
    struct catalog *catalog;
    enum lint_change *changes; /* to each file of the catalog, by its number less one */
    size_t settled;            /* how far migrations go that were there before the change */
    const char *last_settled;  /* the name of that file */
    size_t new_since;          /* without a change: the first file whose tables are new */
    size_t fresh;              /* the finding that scene_fix is about; FINDING_OF_FILE: none */
    const char **files;        /* names, by their number in the catalog less one */
    size_t file_count;
    bool is_incomplete;           /* a file could not be read, or runs code that nobody has read */
    struct early_use *early_uses; /* not_yet.c */
    struct known_thing *trigger_functions, *lists; /* known.c */
    struct dropped_key *dropped_keys;              /* by the present script; known.c */
    struct made_object *made;                      /* by the up of the present migration */
    size_t made_count, made_capacity;
    struct arena migration_arena; /* for the length of a migration */
    size_t script_count; /* scripts looked at: tells the findings of one from those of another */
};

/* One script of a migration, on its way through. */
struct script_look {
    struct linting *linting;
    const struct source_migration *migration;
    size_t migration_index;
    struct lint_script script;
    const char *path;
    struct arena *arena;  /* for the length of the script */
    size_t first_finding; /* of this script */
    struct place last;    /* makes source_place cheap */
    bool is_reported;
};

/* Make `active` from the rules and the wish. */
void linting_open(struct linting *linting);
void linting_close(struct linting *linting);

/* Whether what a file of the catalog has made is new. */
bool linting_is_new(const struct linting *linting, size_t file);

/* The severity that a rule has by the wish. */
enum severity linting_severity(const struct linting *linting, const struct rule *rule);

/* Read a script, replay it when it is an up, look at it when it is reported. */
void script_lint(struct linting *linting, const struct source_migration *migration,
                 size_t migration_index, const struct source *source, const char *path,
                 enum rule_part part, bool is_reported);

/* Say something by a rule of the engine; null when the rule is off. At a byte of the script. */
struct finding *script_find(struct script_look *scene, const char *id, size_t offset, size_t size,
                            size_t statement, const char *text);

/* What the reader has against a folder, or against a script (else null), as a finding. */
void linting_refuse(struct linting *linting, const char *id, const struct error *error,
                    const struct source *source);

void linting_refuse_all(struct linting *linting, const struct error_list *errors,
                        const struct source *source);

/* Drop what is allowed, and find what allows nothing, has no reason or has expired. */
void allow_apply(struct script_look *scene);

/* A statement's relations that nothing has made so far; those that it makes; not_yet.c. */
void not_yet_use(struct script_look *scene, size_t statement, const struct effects *effects);
void not_yet_make(struct script_look *scene, const struct effects *effects);
void not_yet_release(struct linting *linting);

/* What a statement of an up says of functions, and of rows that migrations write out; known.c. */
void known_learn(struct script_look *scene, size_t statement, const struct effects *effects);
/* Before a statement is replayed: keep the unique indexes that it drops. */
void known_note_drops(struct script_look *scene, const struct effects *effects);
/* Whether a table is a list that migrations keep: "schema.name". */
bool known_is_list(const struct linting *linting, const char *key);
void known_release(struct linting *linting);

/* Drop the script's findings that another of its statements makes idle; withdraw.c. */
void withdraw_idle(struct script_look *scene);
/* At the end of the folder: those from `first` on that hold for a table unless it is a list. */
void withdraw_lists(struct linting *linting, size_t first);

/* The first of the migrations that go out with this one, or were made days before; release.c. */
size_t release_first(const struct source_list *sources, size_t index);
/* Whether at least half of the migrations just before it have a way back. */
bool release_writes_downs(const struct source_list *sources, size_t index);

/* Write the source line of a finding, made printable, into it. */
void scene_take_line(struct finding *finding, const char *text, size_t size, struct arena *arena);

#endif
