/*
 * mirror: each migration that is applied or taken back is also written into the table of the tool
 * that its files were made for, in the transaction of the step, so that the tool goes on seeing the
 * truth. Before a step it is looked whether that table agrees with the journal: where it does not,
 * somebody has used the tool, and nothing is done.
 */
#ifndef AGENT_EXECUTE_MIRROR_H
#define AGENT_EXECUTE_MIRROR_H

#include "agent/execute/try.h"

/*
 * Know the table, before a step's transaction; it is looked for once in a sitting. False with *end:
 * the target is not adopted (E-ADOPT-NEEDED), the table cannot be written, or the database could
 * not be asked.
 */
bool mirror_prepare(struct step_try *try, enum try_end *end);

/* Append what is to be known before the step; how many answers that makes. */
size_t mirror_append_check(const struct step_try *try, struct text *sql);

/*
 * Read them, the first of them at `answer`. False with *end: E-ADOPT-BUSY (again later),
 * E-ADOPT-FAILED, E-ADOPT-NEEDED, E-ADOPT-CHANGED.
 */
bool mirror_check(struct step_try *try, size_t answer, enum try_end *end);

/*
 * All of that in a transaction of its own, for a script that has none: the table is written with
 * the verdict, and meanwhile nobody is held up by the tool's lock.
 */
bool mirror_look(struct step_try *try, enum try_end *end);

/* Append the step's row; how many statements that is. */
size_t mirror_append_write(const struct step_try *try, struct text *sql);

/* Writing it has failed: the verdict. */
enum try_end mirror_write_failed(struct step_try *try);

#endif
