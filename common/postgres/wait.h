/*
 * wait: how one query is waited for: patient as it was told, deaf or not to the interrupt, asking
 * the server to cancel when the patience is over, and giving it up when it does not answer that
 * either. The inside of connection, shared by connection.c and wait.c alone.
 */
#ifndef COMMON_POSTGRES_WAIT_H
#define COMMON_POSTGRES_WAIT_H

#include "common/postgres/canceller.h"
#include "common/postgres/connection.h"

struct connection {
    PGconn *pg;
    struct interrupt *interrupt;
    PGresult **answers;
    size_t answer_count, answer_capacity;
    struct sql_error error;
    bool is_lost, has_settings;
    char tag[64];
    char place[256];
    char last_warning[256];
    uint64_t notice_count;
};

/* One query's wait: how patient it is, and what was done about it so far. */
struct wait {
    struct patience patience;
    int64_t began_ms;
    int64_t look_ms; /* when to look next; 0: never */
    enum cancel_reason canceled;
    int64_t canceled_ms, asked_ms; /* the first and the last request to cancel */
    struct canceller *canceller;
};

/* Begin; false when there is no connection to wait for any more. */
bool wait_begin(struct connection *connection, const struct patience *patience, struct wait *wait);

/* A request to cancel that outlasts its query would hit the next one: then there is no next one. */
void wait_end(struct connection *connection, struct wait *wait);

/* Send what libpq has (not) taken; false when the connection is lost. */
bool wait_send_off(struct connection *connection, struct wait *wait, int was_taken);
bool wait_flush(struct connection *connection, struct wait *wait);

/* Wait until the socket is ready for one of the events; until an answer is whole. */
bool wait_for_socket(struct connection *connection, struct wait *wait, short events);
bool wait_for_answer(struct connection *connection, struct wait *wait);

/* Take what has come. */
bool wait_take_input(struct connection *connection, const struct wait *wait);

/* The connection is gone, and why; an error always has a message, and the first one stays. */
void connection_lose(struct connection *connection, const struct wait *wait, const char *why);
void connection_set_message(struct sql_error *error, const char *message);

/* Let go of the answers of the query before. */
void connection_forget_answers(struct connection *connection);

#endif
