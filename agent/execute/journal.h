/*
 * journal: the rows of skein.journal: what was begun and what became of it, each chained to the one
 * before it by a hash, made here under the target's lock. Also reads back what a step's verdict is.
 */
#ifndef AGENT_EXECUTE_JOURNAL_H
#define AGENT_EXECUTE_JOURNAL_H

#include "agent/execute/sitting.h"

/*
 * Void: somebody has looked, under the target's lock, and nothing of this attempt was there; it may
 * not begin any more. A process that still means to carry it out, after a long sleep perhaps, finds
 * this verdict, and the row of its own has no place beside it.
 */
enum journal_state { JOURNAL_INTENT, JOURNAL_DONE, JOURNAL_FAILED, JOURNAL_VOID };

struct journal_row {
    struct id step_id;
    uint64_t attempt;
    const char *version, *name;
    uint8_t checksum[CHECKSUM_SIZE];
    bool is_repeatable; /* it may be applied already, from another text */
    enum direction direction;
    enum journal_state state;
    uint64_t statement; /* the last one begun, from 1 */
    uint64_t statement_count;
    const char *cursor;      /* an intent's object, as it can be written into SQL; or null */
    struct outcome *outcome; /* a verdict's; null for an intent */
    const char *mirror;      /* an intent's: what goes into the tool's own table with the verdict */

    /* Filled in by journal_insert. */
    uint64_t number;
    int64_t recorded_wall_ms;
    uint8_t hash[CHECKSUM_SIZE];
};

/*
 * Append the INSERT of the next row to a query; number, time and hash are filled in, also into the
 * outcome. The caller tells the sitting (sitting_advance) once it is committed.
 */
void journal_insert(struct sitting *sitting, struct journal_row *row, struct text *sql);

/* Append the change to skein.migration that goes with a row about to be inserted. */
void journal_claim(struct sitting *sitting, const struct journal_row *row, struct text *sql);

/*
 * Append a row that is of no migration, and says this; the sitting is told that it is there, so the
 * caller makes it forget what is applied when it is not.
 */
void journal_append_word(struct sitting *sitting, const char *word, struct text *sql);

/* The row of a step that is about to be carried out; without state and outcome. */
struct journal_row journal_row_of(const struct step_order *order);

/*
 * The verdict on a step's attempt, or its success in any attempt: *found and the outcome as it was
 * recorded. False when the database could not be asked.
 */
bool journal_verdict(struct sitting *sitting, const struct id *step_id, uint64_t attempt,
                     struct arena *arena, bool *found, struct outcome *outcome,
                     struct error *error);

/*
 * Write down that an attempt is void; `row` as far as it is known, at least step_id and attempt.
 * False when it could not be written; then look again, there may be another verdict.
 */
bool journal_void(struct sitting *sitting, struct journal_row *row, struct error *error);

/*
 * The last intent of a step that has no verdict yet; *found, and the row with its texts in the
 * arena.
 */
bool journal_open_intent(struct sitting *sitting, const struct id *step_id, struct arena *arena,
                         bool *found, struct journal_row *row, struct error *error);

#endif
