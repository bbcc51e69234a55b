/*
 * check: the promises of docs/protocol.md, "Invariants", as an observer sees them who looks at the
 * databases, at the store and at every message at once. Whatever happens is told to it; it keeps
 * what it needs to know and ends the story when a promise is broken. It decides nothing and changes
 * nothing.
 *
 * A step's truth is what the database did; its record is what the coordinator's store says.
 */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "common/migration/outcome.h"
#include "proto/message.h"
#include "tests/sim/contents.h"
#include "tests/sim/disk.h"
#include "tests/sim/world.h"

struct check;
struct database;

/* The caller owns the result. */
struct check *check_new(struct world *world, const struct disk *disk);
void check_destroy(struct check **check_p);

/* ---- the databases ------------------------------------------------------------------------- */

/* The first statement of a step is about to run. */
void check_begins(struct check *check, const struct database *database, const struct work *work);

/* The effect of a step is there for good. */
void check_took_effect(struct check *check, const struct database *database,
                       const struct work *work);

/* The database is about to be dropped; what took effect there is gone with it. */
void check_replaced(struct check *check, const struct database *database);

/* The journal row of a step that is not transactional is there. */
void check_finished(struct check *check, const struct database *database, const struct work *work);

/* Whoever carried a step out, or looked it up, says what became of it. */
void check_found_out(struct check *check, const struct database *database, const struct work *work,
                     const struct outcome *outcome);

/* The whole database, its journal against its effects. */
void check_database(struct check *check, const struct database *database);

/* ---- the coordinator ----------------------------------------------------------------------- */

/* A transaction begins; its records, one by one; it is committed. Before the disk has them. */
void check_saved(struct check *check, const struct record *record);
void check_turn_is_saved(struct check *check);

/* The coordinator is about to send this to an agent. */
void check_told(struct check *check, const struct message *message);

/* An agent is about to send this. */
void check_said(struct check *check, const struct message *message);

/* ---- the end ------------------------------------------------------------------------------- */

/* Everything is healed and still: every run has ended, every effect is known. */
void check_all_ended(struct check *check);

/* Every target was reported anew: the store says of it what is true. */
void check_report(struct check *check, const struct database *database);

/* How many steps have taken effect, of all that there are. */
uint64_t check_effect_count(const struct check *check);

#endif
