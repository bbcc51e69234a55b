/*
 * worker: what carries steps out beside an agent's loop: the recipe of docs/protocol.md, "In the
 * target database", request by request, so that anything may die between any two of them. It has
 * one connection to its database, keeps it with the target's lock for a moment after each job, and
 * does one job at a time.
 */
#ifndef TESTS_SIM_WORKER_H
#define TESTS_SIM_WORKER_H

#include "common/migration/outcome.h"
#include "tests/sim/database.h"
#include "tests/sim/network.h"

enum job_kind { JOB_NONE, JOB_EXAMINE, JOB_EXECUTE, JOB_RESOLVE, JOB_SURVEY };

struct job {
    enum job_kind kind;
    struct work work;      /* EXECUTE; RESOLVE: only step_id and attempt */
    bool is_transactional; /* EXECUTE */
    size_t statement_count;
    struct id survey_id; /* SURVEY */
};

enum job_end {
    JOB_SUCCEEDED, /* EXECUTE, RESOLVE: with an outcome */
    JOB_NOT_FOUND, /* RESOLVE: nothing of it is left */
    JOB_UNKNOWN,   /* EXECUTE: stopped before the truth could be found out;
                      else: the database could not be asked, the fault says why */
};

struct worker_report {
    enum job_end end;
    struct outcome outcome;
    struct fault fault;
};

enum worker_phase {
    PHASE_IDLE,
    PHASE_CONNECT,
    PHASE_LOCK,
    PHASE_READ,
    PHASE_BEGIN,
    PHASE_STATEMENT,
    PHASE_JOURNAL,
    PHASE_COMMIT,
    PHASE_ROLLBACK,
    PHASE_WRITE_FAILED,
    PHASE_WRITE_VOID,
    PHASE_WRITE_INTENT,
    PHASE_REPAIR,
    PHASE_BUILD,
    PHASE_FINISH,
    PHASE_SURVEY
};

struct worker {
    struct world *world;
    const struct faults *faults;
    struct check *check;
    struct database *database;
    const struct peer *peer; /* of its process: stops with it */
    void *subject;
    size_t target;
    void (*ended)(void *subject, size_t target, const struct job *job,
                  const struct worker_report *report);
    void (*progress)(void *subject, size_t target, const struct id *step_id, uint64_t statement);
    void (*dies)(void *subject); /* the process is killed here */

    struct job job;
    enum worker_phase phase;
    uint64_t ticket;     /* of the answer or the moment it waits for */
    uint64_t backend;    /* 0: not connected */
    struct id target_id; /* of the database that was examined last */
    bool has_lock, is_stopped;
    struct reading reading; /* of T3 */
    uint64_t statement;
    unsigned tries, waits;
    struct fault fault; /* why it fails, once it does */
    struct answer held; /* until the process goes on */
};

void worker_start(struct worker *worker, const struct job *job);

/* End a running EXECUTE early. */
void worker_stop(struct worker *worker);

/* The process dies, and the worker with it. */
void worker_die(struct worker *worker);

#endif
