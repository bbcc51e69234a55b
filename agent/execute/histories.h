/*
 * histories: the other tools' history tables in a target: which there are, what their rows say, and
 * whether Skein may work here before it has adopted them.
 */
#ifndef AGENT_EXECUTE_HISTORIES_H
#define AGENT_EXECUTE_HISTORIES_H

#include "common/migration/history.h"
#include "agent/execute/sitting.h"

#define ADOPTED_NOTHING "adopted nothing" /* the cursor of a row without a version */

struct found_history {
    struct history_place place;
    bool can_read, can_write; /* the connecting role may */
    bool is_in_path;          /* its schema is one where unqualified names are looked for */
};

/*
 * All of them, those in the search_path first; they live in the arena. `named` is the [schema.]name
 * that the owner has given the table of `tool`; both null: tables as the tools call them.
 */
bool histories_find(struct sitting *sitting, const struct history_tool *tool, const char *named,
                    struct arena *arena, struct found_history **found, size_t *count,
                    struct error *error);

/*
 * The table that this manifest's tool keeps in the target; *found is null when there is none. False
 * with E-ADOPT-AMBIGUOUS, or when the database could not be asked.
 */
bool histories_find_own(struct sitting *sitting, const struct manifest *manifest,
                        struct arena *arena, const struct found_history **found,
                        struct error *error);

/* "public.schema_migrations", for people; in the arena. */
const char *histories_name(const struct history_place *place, struct arena *arena);

/* Its rows, in the arena. False with E-ADOPT-PRIV, or when the database could not be asked. */
bool histories_read(struct sitting *sitting, const struct found_history *history,
                    struct arena *arena, struct history_row **rows, size_t *count,
                    struct error *error);

/*
 * Whether the owner has said that no other tool's table is about this service (and has not adopted
 * one since).
 */
bool histories_is_unheeded(struct sitting *sitting, bool *is_unheeded, struct error *error);

/* The schemas that have a table of this name, "a.t, b.t", into the text: none of them fits. */
bool histories_find_namesakes(struct sitting *sitting, const char *table, struct text *names,
                              struct error *error);

/*
 * Whether a target of which Skein's journal knows nothing may be worked on: not when another tool
 * has applied something there (E-ADOPT-NEEDED): all of it would run again. The manifest may be
 * null: not known yet.
 */
bool histories_check_adopted(struct sitting *sitting, const struct manifest *manifest,
                             struct error *error);

#endif
