/*
 * connection: one connection to one PostgreSQL server over libpq. Every wait has a bound, or says
 * that it has none, and heeds an interrupt from another thread; a wait that is over asks the server
 * to cancel, and when the server does not even answer that, the connection is given up. Errors are
 * kept with their facts. It knows nothing of migrations.
 */
#ifndef COMMON_POSTGRES_CONNECTION_H
#define COMMON_POSTGRES_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/postgres/interrupt.h"

struct connection;

struct connection_config {
    const char *conninfo;         /* libpq's; holds no password (connection_check_conninfo) */
    const char *application_name; /* as pg_stat_activity shows it; cut to 63 bytes by the server */
    const char *settings; /* "-c name=value …": what the session begins with; may be null */
    struct interrupt *interrupt; /* belongs to the caller and outlives the connection */
};

/* Why a running query was asked to end early. */
enum cancel_reason { CANCEL_NONE, CANCEL_DEADLINE, CANCEL_INTERRUPT };

/* What is known of a query that failed. */
struct sql_error {
    bool is_lost;                /* the connection is gone; what the server did is not known */
    enum cancel_reason canceled; /* we had asked for the end of it */
    char sqlstate[6];            /* empty when PostgreSQL did not say it */
    char message[512], detail[320], hint[320], context[320];
    uint64_t position; /* in characters of the query, from 1; 0 when not said */
};

/* How a query is waited for; all zeros is: for ever, deaf to the interrupt. */
struct patience {
    int64_t deadline_ms; /* by clock_now_ms; 0: none */
    bool heeds_interrupt;
    /* When no answer came for this long, call look(), which says when again; 0: never (again). */
    int64_t look_after_ms;
    int64_t (*look)(void *context);
    void *context;
    const char *failpoint; /* passed when the query is sent and no answer read; may be null */
};

/* What became of one command whose rows nobody wanted. */
struct command_end {
    const char *tag; /* "UPDATE 3"; lives until the next query */
    uint64_t rows;   /* affected or returned */
    bool is_false;   /* its first row's first column is the boolean false */
};

/*
 * Refuse a conninfo or URI that holds a secret (E-SECRET-ARGV) or that libpq cannot read
 * (E-DB-CONNINFO). Nothing of it is repeated in the error.
 */
bool connection_check_conninfo(const char *conninfo, struct error *error);

/*
 * Connect within connect_timeout (the conninfo's, else 10 s). False with E-DB-AUTH, -CONNECTIONS,
 * -PASSFILE, -POOLER, -PRIV, -RESTART, -TLS, -UNREACHABLE, -WRONG, E-STOPPED.
 */
bool connection_open(const struct connection_config *config, struct connection **connection_p,
                     struct error *error);
void connection_close(struct connection **connection_p);

/*
 * Whether the session has begun with the config's settings, so that RESET brings them back. Options
 * of the user's own (conninfo, PGOPTIONS, a service) go instead of them.
 */
bool connection_has_settings(const struct connection *connection);

/*
 * Statements in one string and one round trip, as one transaction unless they say otherwise; what
 * they answer is kept until the next query. False when one failed (those behind it did not run).
 */
bool connection_run(struct connection *connection, const char *sql,
                    const struct patience *patience);

/* How many statements have answered; their rows, cells (null for NULL) and tags. */
size_t connection_answer_count(const struct connection *connection);
size_t connection_row_count(const struct connection *connection, size_t answer);
const char *connection_cell(const struct connection *connection, size_t answer, size_t row,
                            size_t column);
const char *connection_tag(const struct connection *connection, size_t answer);

/* A cell as a whole number (0: NULL, negative, or none), and whether it is true. */
uint64_t connection_number(const struct connection *connection, size_t answer, size_t row,
                           size_t column);
bool connection_is_true(const struct connection *connection, size_t answer, size_t row,
                        size_t column);

/* A bytea of exactly this size; false when it is none. */
bool connection_cell_bytes(const struct connection *connection, size_t answer, size_t row,
                           size_t column, void *out, size_t size);

/*
 * Exactly one command (the server refuses more), its rows counted one by one and dropped, however
 * many they are.
 */
bool connection_command(struct connection *connection, const char *sql,
                        const struct patience *patience, struct command_end *end);

/* Why the last query failed. */
const struct sql_error *connection_error(const struct connection *connection);

/* Whether it is gone; whether it is inside a transaction that still stands. */
bool connection_is_lost(const struct connection *connection);
bool connection_is_in_transaction(const struct connection *connection);

/* As the server said when it was opened. */
int connection_backend_pid(const struct connection *connection);
int connection_server_version(const struct connection *connection);

/* "role@host:port/database", for people. */
const char *connection_place(const struct connection *connection);
const char *connection_user(const struct connection *connection);
const char *connection_database(const struct connection *connection);

/* How many notices have come since it was opened; the text of the last warning, "" when none. */
uint64_t connection_notice_count(const struct connection *connection);
const char *connection_last_warning(const struct connection *connection);

/* Append a value to a query: a quoted literal (NULL for null), a quoted identifier, bytes. */
void connection_literal(struct connection *connection, struct text *sql, const char *value);
void connection_identifier(struct connection *connection, struct text *sql, const char *name);
/* "app"."orders"; without a schema, as the search path finds it. */
void connection_relation(struct connection *connection, struct text *sql, const char *schema,
                         const char *name);
void connection_bytes(struct connection *connection, struct text *sql, const void *data,
                      size_t size);

#endif
