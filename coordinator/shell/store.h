/*
 * store: the coordinator's durable memory, one SQLite file. What a commit has said yes to survives
 * the death of the process and of the machine. One process at a time may hold it (a lock file
 * beside it names the holder); every opening raises the epoch, so whoever held it before is
 * outranked. It keeps records and bundles as they are given to it and decides nothing.
 *
 * Errors:
 *   E-STORE-LOCKED     another living process holds it
 *   E-STORE-FS         on a network file system, or on one that forgets
 *   E-STORE-PERM       not readable, not writable, not a regular file, open to others
 *   E-STORE-FOREIGN    no store of this program, or of another cluster
 *   E-STORE-NEWER      made by a newer version of this program
 *   E-STORE-CORRUPT    damaged
 *   E-STORE-TAMPERED   a row was changed by somebody else, or the key that would tell is gone
 *   E-STORE-REGRESSED  older than what was here before
 *   E-STORE-FULL       no room: nothing of this transaction is kept; trying again later is fine
 *   E-STORE-BUSY       held up by another reader of the file: likewise
 *   E-STORE-IO         the disk failed; the process must end and look again (status 74)
 *   E-STORE-SQL        a mistake of ours
 */
#ifndef COORDINATOR_SHELL_STORE_H
#define COORDINATOR_SHELL_STORE_H

#include "common/base/error.h"
#include "coordinator/core/record.h"

#define STORE_SCHEMA_VERSION 4 /* 2: rows carry a keyed hash; 3: how fast work went; 4: loads */

struct store;

struct store_options {
    const char *path;
    const struct id *cluster_id; /* the cluster it must belong to; null: any */
    bool refuses_volatile;       /* refuse, not just warn of, a file system in memory */
    bool accepts_older;          /* take a store that went back, and outrank what was before */
    uint64_t size_max;           /* bytes it may grow to; 0: as the disk allows */
    bool inspects;               /* only look, see store_doubt; nothing may be saved then */
};

/* Open the store, or make it; the caller owns the result. */
bool store_open(const struct store_options *options, struct store **store_p, struct error *error);
void store_close(struct store **store_p);

/*
 * A store that is inspected is neither written nor locked against other readers, and taken although
 * it is damaged, changed by somebody else, gone back or newer, as far as it can be read. This is
 * the first that was found; null: nothing yet.
 */
const struct error *store_doubt(const struct store *store);

/* Who leads by this opening, and what the next run is numbered. */
struct id store_cluster_id(const struct store *store);
uint64_t store_epoch(const struct store *store);
bool store_next_number(struct store *store, uint64_t *number, struct error *error);

/* ---- one turn: begin, any number of saves, commit -------------------------------------------- */

bool store_begin(struct store *store, struct error *error);
bool store_save(struct store *store, const struct record *record, struct error *error);

/* True: it is on the disk. False: nothing of the transaction is kept. */
bool store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);

/* Whether trying again later can help (E-STORE-FULL, E-STORE-BUSY). */
bool store_error_passes(const struct error *error);

/* ---- reading back ---------------------------------------------------------------------------- */

/* A record is only valid during the call. */
struct store_reader {
    void (*take)(void *context, const struct record *record);
    void *context;
};

/*
 * Everything that is still open, in the order in which core_load wants it: agents, operators,
 * targets, then runs that have not ended, their legs, and their steps; what was measured of them.
 */
bool store_load(struct store *store, const struct store_reader *reader, struct error *error);

/* Only the agents and the operators. */
bool store_load_parties(struct store *store, const struct store_reader *reader,
                        struct error *error);

/* All targets, those that are gone too. */
bool store_load_targets(struct store *store, const struct store_reader *reader,
                        struct error *error);

/* A run with its legs and all its steps, whether it has ended or not. */
bool store_load_run(struct store *store, const struct id *run_id, const struct store_reader *reader,
                    struct error *error);

/*
 * The run that is meant by a number, an id or "last" (null: the last). False with E-RUN-UNKNOWN, or
 * a store error. The record's memory is the arena's.
 */
bool store_find_run(struct store *store, const char *name, struct arena *arena,
                    struct record *record, struct error *error);

/* The target; its names are null when it is not known. */
bool store_find_target(struct store *store, const struct id *target_id, struct arena *arena,
                       struct record *record, struct error *error);

/* A page of records and how many there are in all. */
struct store_page {
    struct record *records;
    size_t count;
    uint64_t total;
};

/* Runs, newest first. */
bool store_runs(struct store *store, uint64_t offset, size_t limit, struct arena *arena,
                struct store_page *page, struct error *error);

/* A run's legs in order, filtered. */
bool store_legs(struct store *store, const struct id *run_id, enum leg_filter filter,
                uint64_t offset, size_t limit, struct arena *arena, struct store_page *page,
                struct error *error);

/* A run's steps in the order of their first assignment; target_id null: of all targets. */
bool store_steps(struct store *store, const struct id *run_id, const struct id *target_id,
                 uint64_t offset, size_t limit, struct arena *arena, struct store_page *page,
                 struct error *error);

/* The step; record->kind says RECORD_KIND_COUNT when there is none. */
bool store_find_step(struct store *store, const struct id *step_id, struct arena *arena,
                     struct record *record, struct error *error);

/* At which attempt the run's step on this target has failed; 0 when none has. */
bool store_failed_attempt(struct store *store, const struct id *run_id, const struct id *target_id,
                          uint64_t *attempt, struct error *error);

/* The target with this name, its id; false with E-TARGET-UNKNOWN. */
bool store_find_target_named(struct store *store, const char *name, struct id *target_id,
                             struct error *error);

/* A run's waves as they stand by its legs; the counts of steps included. */
bool store_waves(struct store *store, const struct id *run_id, struct arena *arena,
                 struct wave_view **waves, size_t *wave_count, struct error *error);

/* ---- bundles: within a transaction, except for reading ----------------------------------------
 */

/* Where an upload of this bundle is to go on; is_complete when nothing is missing. */
bool store_bundle_offered(struct store *store, const struct digest *digest, uint64_t *offset,
                          bool *is_complete, struct error *error);

/* Keep the next piece. What is not the next piece is ignored; *offset says where to go on. */
bool store_bundle_put(struct store *store, const struct put *put, uint64_t *offset,
                      struct error *error);

/* All bytes are there and have been verified: it may be used from now on. */
bool store_bundle_complete(struct store *store, const struct digest *digest, const char *service,
                           struct error *error);

/* Forget what was uploaded of it. */
bool store_bundle_drop(struct store *store, const struct digest *digest, struct error *error);

/* All bytes of a bundle into `bytes`; complete or, for verifying, not yet. E-BUNDLE-UNKNOWN. */
bool store_bundle_read(struct store *store, const struct digest *digest, bool must_be_complete,
                       struct text *bytes, struct error *error);

#endif
