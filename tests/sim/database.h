/*
 * database: a simulated PostgreSQL server with one target database: backends that act on requests
 * and take their time, the target's advisory lock, backends that go on for a while after their
 * client has died, answers that get lost, stops and starts, times as a standby. What a request
 * does to the database is in contents.
 */
#ifndef TESTS_SIM_DATABASE_H
#define TESTS_SIM_DATABASE_H

#include "tests/sim/contents.h"
#include "tests/sim/faults.h"
#include "tests/sim/world.h"

#define BACKENDS_MAX 16

/* The steps of protocol.md, "Step", as a client asks for them. */
enum request_kind {
    REQUEST_CONNECT,   /* with T1: identity and fitness */
    REQUEST_LOCK,      /* T2: one try */
    REQUEST_READ,      /* T3 */
    REQUEST_BEGIN,     /* T4 and T5: fence and claim */
    REQUEST_STATEMENT, /* T7: the next statement */
    REQUEST_JOURNAL,   /* T8 */
    REQUEST_COMMIT,    /* T9 */
    REQUEST_ROLLBACK,
    REQUEST_WRITE_FAILED, /* the failure into the journal, committed */
    REQUEST_WRITE_VOID,   /* that an attempt may not begin any more, committed */
    REQUEST_WRITE_INTENT, /* fence and intent, committed */
    REQUEST_BUILD,        /* the statement outside of a transaction */
    REQUEST_REPAIR,       /* drop what a broken one has left */
    REQUEST_FINISH,       /* claim and journal row of what was built, committed */
    REQUEST_SURVEY,
    REQUEST_UNLOCK
};

enum answer_kind {
    ANSWER_OK,
    ANSWER_LOST,      /* the connection is gone; whatever was asked may have happened */
    ANSWER_BUSY,      /* LOCK: somebody else has it */
    ANSWER_FENCED,    /* BEGIN, WRITE_INTENT, FINISH */
    ANSWER_TAKEN,     /* BEGIN: claimed already */
    ANSWER_FAILED,    /* STATEMENT, BUILD: for good */
    ANSWER_RETRYABLE, /* STATEMENT, BUILD: may work another time */
    ANSWER_STANDBY    /* CONNECT */
};

struct answer {
    enum answer_kind kind;
    uint64_t backend;       /* CONNECT */
    struct id target_id;    /* CONNECT: whose database it is */
    struct reading reading; /* READ */
};

struct request {
    enum request_kind kind;
    struct work work;
    bool is_first, is_last; /* STATEMENT */
    bool is_retryable;      /* WRITE_FAILED */
};

struct backend {
    uint64_t number; /* 0: a free place */
    bool is_busy;
    bool client_is_gone;
    bool has_lock;
    struct request request; /* what it is busy with */
    struct transaction transaction;
};

struct check;
struct ask;

struct database {
    struct world *world;
    const struct faults *faults;
    struct check *check;
    const struct repository *repository;
    size_t index;
    char name[32];
    const struct service *service;
    struct window window; /* as its agent has it */
    struct id target_id;
    uint64_t system_identifier, oid;
    bool is_up, is_standby;
    uint64_t last_backend, lock_holder;
    struct backend backends[BACKENDS_MAX];
    bool is_broken[PLACES_MAX]; /* the up fails for good */
    struct contents contents;
    struct ask *spare, *all;
};

/* Who gets an answer: the ticket says whether he still waits for it. */
struct client {
    void *subject;
    void (*answered)(void *subject, uint64_t ticket, const struct answer *answer);
};

void database_init(struct database *database, struct world *world, const struct faults *faults,
                   size_t index, const struct service *service);
void database_release(struct database *database);

/* Ask a backend (0: CONNECT makes one) for something; the answer comes later, exactly once. */
void database_ask(struct database *database, uint64_t backend, const struct request *request,
                  const struct client *client, uint64_t ticket);

/* The client says goodbye. */
void database_close(struct database *database, uint64_t backend);

/* The client is gone without a word: what is under way may go on for a while. */
void database_leave(struct database *database, uint64_t backend);

/* End one backend, as pg_terminate_backend does. */
void database_kill(struct database *database, uint64_t backend);

/* Stop the server in an instant, and start it. */
void database_stop(struct database *database);
void database_start(struct database *database);

/* Drop the database and make an empty one of that name: another target. */
void database_replace(struct database *database);

#endif
