#include "common/postgres/connection.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libpq-fe.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/mem.h"
#include "common/postgres/canceller.h"
#include "common/postgres/connection_refused.h"

#define CONNECT_TIMEOUT_MS 10000
#define CANCEL_AGAIN_MS 1000  /* between two requests to cancel the same query */
#define CANCEL_GRACE_MS 15000 /* a server that does not answer a cancel for so long is given up */
#define CANCEL_END_MS 5000    /* how long the last request may outlast its query */
#define BOOL_OID 16

struct connection {
    PGconn *pg;
    struct interrupt *interrupt;
    PGresult **answers;
    size_t answer_count, answer_capacity;
    struct sql_error error;
    bool is_lost;
    char tag[64];
    char place[256];
    char last_warning[256];
    uint64_t notice_count;
};

/* One query's wait: how patient it is, and what was done about it so far. */
struct wait {
    struct patience patience;
    int64_t began_ms;
    bool has_looked;
    enum cancel_reason canceled;
    int64_t canceled_ms, asked_ms; /* the first and the last request to cancel */
    struct canceller *canceller;
};

/* ---- opening ------------------------------------------------------------------------------- */

static void
count_notice(void *context, const PGresult *result)
{
    struct connection *connection = context;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    connection->notice_count++;
    if (message && text_equal(severity, "WARNING")) {
        snprintf(connection->last_warning, sizeof connection->last_warning, "%s", message);
    }
}

/* libpq leaves connect_timeout to those who wait for PQconnectPoll. */
static int64_t
connect_timeout_ms(PGconn *pg)
{
    int64_t timeout_ms = CONNECT_TIMEOUT_MS;
    PQconninfoOption *options = PQconninfo(pg);

    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        int64_t seconds;
        if (text_equal(option->keyword, "connect_timeout") && option->val &&
            text_to_number(option->val, 1, 3600, &seconds)) {
            timeout_ms = seconds * 1000;
        }
    }
    PQconninfoFree(options);
    return timeout_ms;
}

static PGconn *
start(const struct connection_config *config)
{
    /* What stands before dbname the conninfo may overrule, what stands behind it not. */
    const char *const keywords[] = {"gssencmode",       "keepalives_idle",  "keepalives_interval",
                                    "keepalives_count", "tcp_user_timeout", "dbname",
                                    "application_name", "client_encoding",  NULL};
    const char *const values[] = {
        "disable", "10", "5", "3", "30000", config->conninfo, config->application_name,
        "UTF8",    NULL};

    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    if (!pg) {
        abort(); /* out of memory, as in mem_zalloc */
    }
    /* Before it is connected an error has no other place for its SQLSTATE than the text. */
    PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
    return pg;
}

/* True when connected; what went wrong is in the PGconn, or in the error when it was us. */
static bool
shake_hands(PGconn *pg, const struct interrupt *interrupt, struct error *error)
{
    int64_t end_ms = clock_now_ms() + connect_timeout_ms(pg);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (PQstatus(pg) != CONNECTION_BAD) {
        if (state == PGRES_POLLING_OK) {
            return true;
        }
        if (state == PGRES_POLLING_FAILED) {
            break;
        }
        int64_t left_ms = end_ms - clock_now_ms();
        struct pollfd items[] = {
            {.fd = PQsocket(pg), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT},
            {.fd = interrupt_descriptor(interrupt), .events = POLLIN},
        };
        int ready = left_ms > 0 ? poll(items, 2, (int)left_ms) : 0;
        if (ready > 0 && items[1].revents) {
            return error_set(error, "E-STOPPED", "stopped while connecting");
        }
        if (ready == 0) {
            return error_set(error, "E-DB-UNREACHABLE", "no answer within the connect time-out");
        }
        state = PQconnectPoll(pg);
    }
    return connection_refused(pg, error);
}

bool
connection_open(const struct connection_config *config, struct connection **connection_p,
                struct error *error)
{
    struct connection *connection = mem_zalloc(sizeof *connection);
    PGconn *pg = start(config);

    connection->pg = pg;
    connection->interrupt = config->interrupt;
    PQsetNoticeReceiver(pg, count_notice, connection);
    bool is_open = shake_hands(pg, config->interrupt, error);
    connection_place_of(pg, connection->place, sizeof connection->place);
    if (!is_open) {
        error_where(error, "%s", connection->place);
        connection_close(&connection);
        return false;
    }
    PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    PQsetnonblocking(pg, 1);
    *connection_p = connection;
    return true;
}

static void
forget_answers(struct connection *connection)
{
    for (size_t i = 0; i < connection->answer_count; i++) {
        PQclear(connection->answers[i]);
    }
    connection->answer_count = 0;
    connection->error = (struct sql_error){0};
}

void
connection_close(struct connection **connection_p)
{
    struct connection *connection = *connection_p;

    if (connection) {
        forget_answers(connection);
        free(connection->answers);
        PQfinish(connection->pg);
        free(connection);
        *connection_p = NULL;
    }
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* An error always has a message; the first one stays. */
static void
set_message(struct sql_error *error, const char *message)
{
    if (!error->message[0]) {
        snprintf(error->message, sizeof error->message, "%s",
                 message && *message ? message : "the server gave no reason");
        text_mend_utf8(error->message);
        error->message[strcspn(error->message, "\n")] = '\0';
    }
}

static void
lose(struct connection *connection, const struct wait *wait, const char *why)
{
    connection->is_lost = true;
    connection->error.is_lost = true;
    connection->error.canceled = wait->canceled;
    set_message(&connection->error, why);
}

static void
cancel(struct connection *connection, struct wait *wait, enum cancel_reason reason)
{
    int64_t now_ms = clock_now_ms();

    if (wait->canceled == CANCEL_NONE) {
        wait->canceled = reason;
        wait->canceled_ms = now_ms;
    }
    wait->asked_ms = now_ms;
    if (!wait->canceller || canceller_is_over(wait->canceller)) {
        canceller_end(&wait->canceller, 0);
        wait->canceller = canceller_start(connection->pg);
    }
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a && (!b || a < b) ? a : b;
}

/* When to look up from the socket; 0: not before something comes. */
static int64_t
next_moment_ms(const struct wait *wait)
{
    if (wait->canceled != CANCEL_NONE) {
        return wait->asked_ms + CANCEL_AGAIN_MS;
    }
    bool will_look = wait->patience.look_after_ms && !wait->has_looked;
    return earlier(wait->patience.deadline_ms,
                   will_look ? wait->began_ms + wait->patience.look_after_ms : 0);
}

/* Do what is due by now. False when the server is given up. */
static bool
act_in_time(struct connection *connection, struct wait *wait)
{
    int64_t now_ms = clock_now_ms();

    if (wait->canceled != CANCEL_NONE) {
        if (now_ms - wait->canceled_ms >= CANCEL_GRACE_MS) {
            lose(connection, wait, "the server does not answer");
            return false;
        }
        if (now_ms - wait->asked_ms >= CANCEL_AGAIN_MS) {
            cancel(connection, wait, wait->canceled);
        }
        return true;
    }
    if (wait->patience.deadline_ms && now_ms >= wait->patience.deadline_ms) {
        cancel(connection, wait, CANCEL_DEADLINE);
        return true;
    }
    if (wait->patience.look_after_ms && !wait->has_looked &&
        now_ms - wait->began_ms >= wait->patience.look_after_ms) {
        wait->has_looked = true;
        wait->patience.look(wait->patience.context);
    }
    return true;
}

/* Wait until the socket is ready for one of the events; false when the connection is lost. */
static bool
wait_for_socket(struct connection *connection, struct wait *wait, short events)
{
    for (;;) {
        bool is_deaf = !wait->patience.heeds_interrupt || wait->canceled != CANCEL_NONE;
        int64_t moment_ms = next_moment_ms(wait);
        int64_t left_ms = moment_ms ? moment_ms - clock_now_ms() : -1;
        struct pollfd items[] = {
            {.fd = PQsocket(connection->pg), .events = events},
            {.fd = is_deaf ? -1 : interrupt_descriptor(connection->interrupt), .events = POLLIN},
        };
        if (moment_ms && left_ms < 0) {
            left_ms = 0;
        }
        int ready = poll(items, 2, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0 && items[0].revents) {
            return true;
        }
        if (ready > 0 && items[1].revents) {
            cancel(connection, wait, CANCEL_INTERRUPT);
        }
        if (!act_in_time(connection, wait)) {
            return false;
        }
    }
}

/* Take what has come; false when the connection is lost. */
static bool
take_input(struct connection *connection, const struct wait *wait)
{
    if (PQconsumeInput(connection->pg)) {
        return true;
    }
    lose(connection, wait, PQerrorMessage(connection->pg));
    return false;
}

static bool
flush(struct connection *connection, struct wait *wait)
{
    for (;;) {
        int left = PQflush(connection->pg);
        if (left == 0) {
            return true;
        }
        /* A write error is not the end: the server's last words may still be there to be read. */
        if (left < 0) {
            return true;
        }
        if (!wait_for_socket(connection, wait, POLLIN | POLLOUT) || !take_input(connection, wait)) {
            return false;
        }
    }
}

static bool
wait_for_answer(struct connection *connection, struct wait *wait)
{
    while (PQisBusy(connection->pg)) {
        if (!wait_for_socket(connection, wait, POLLIN)) {
            return false;
        }
        /* When it fails libpq has the reason ready as the next result. */
        if (!PQconsumeInput(connection->pg)) {
            return true;
        }
    }
    return true;
}

/* False when there is no connection to wait for any more. */
static bool
begin_wait(struct connection *connection, const struct patience *patience, struct wait *wait)
{
    *wait = (struct wait){.began_ms = clock_now_ms()};
    if (patience) {
        wait->patience = *patience;
    }
    forget_answers(connection);
    if (connection->is_lost) {
        lose(connection, wait, "the connection is lost");
    }
    return !connection->is_lost;
}

/* A request to cancel that outlasts its query would hit the next one: then there is no next one. */
static void
end_wait(struct connection *connection, struct wait *wait)
{
    if (!canceller_end(&wait->canceller, CANCEL_END_MS)) {
        connection->is_lost = true;
    }
}

static bool
send_off(struct connection *connection, struct wait *wait, int was_taken)
{
    if (!was_taken) {
        lose(connection, wait, PQerrorMessage(connection->pg));
        return false;
    }
    if (!flush(connection, wait)) {
        return false;
    }
    if (wait->patience.failpoint && FAILPOINT_FAILS(wait->patience.failpoint)) {
        shutdown(PQsocket(connection->pg), SHUT_RDWR);
    }
    return true;
}

/* ---- answers ------------------------------------------------------------------------------- */

static void
copy_field(char *out, size_t size, const PGresult *result, int field)
{
    const char *value = PQresultErrorField(result, field);
    snprintf(out, size, "%s", value ? value : "");
    text_mend_utf8(out); /* cut in the middle of a character, or from a database without encoding */
}

/* Keep the first error of a query: what follows is only its echo. */
static void
note_error(struct connection *connection, const struct wait *wait, const PGresult *result)
{
    struct sql_error *error = &connection->error;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    int64_t position = 0;

    if (!error->message[0]) {
        copy_field(error->sqlstate, sizeof error->sqlstate, result, PG_DIAG_SQLSTATE);
        copy_field(error->message, sizeof error->message, result, PG_DIAG_MESSAGE_PRIMARY);
        copy_field(error->detail, sizeof error->detail, result, PG_DIAG_MESSAGE_DETAIL);
        copy_field(error->hint, sizeof error->hint, result, PG_DIAG_MESSAGE_HINT);
        copy_field(error->context, sizeof error->context, result, PG_DIAG_CONTEXT);
        const char *text = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
        if (text && text_to_number(text, 1, INT32_MAX, &position)) {
            error->position = (uint64_t)position;
        }
        set_message(error, PQresultErrorMessage(result));
        error->canceled = wait->canceled;
    }
    if (PQstatus(connection->pg) == CONNECTION_BAD || text_equal(severity, "FATAL") ||
        text_equal(severity, "PANIC")) {
        lose(connection, wait, PQresultErrorMessage(result));
    }
}

/* Keep what a statement has answered; an error is kept elsewhere. */
static void
keep_answer(struct connection *connection, PGresult *result)
{
    if (connection->error.message[0]) {
        PQclear(result);
        return;
    }
    connection->answers = mem_grow(connection->answers, connection->answer_count,
                                   &connection->answer_capacity, sizeof *connection->answers);
    connection->answers[connection->answer_count++] = result;
}

/* A command wants rows from us, or sends them as a copy: refuse the one, drop the other. */
static bool
pass_copy(struct connection *connection, struct wait *wait, const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQputCopyEnd(connection->pg, "there is no standard input to copy from");
        return flush(connection, wait);
    }
    for (;;) {
        char *line = NULL;
        int size = PQgetCopyData(connection->pg, &line, 1);
        PQfreemem(line);
        if (size < 0) {
            return true;
        }
        if (size == 0 &&
            (!wait_for_socket(connection, wait, POLLIN) || !take_input(connection, wait))) {
            return false;
        }
    }
}

/* The next result, null behind the last and when the connection is lost. */
static PGresult *
next_result(struct connection *connection, struct wait *wait)
{
    for (;;) {
        if (!wait_for_answer(connection, wait)) {
            return NULL;
        }
        PGresult *result = PQgetResult(connection->pg);
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;

        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
            bool is_over = pass_copy(connection, wait, result);
            PQclear(result);
            if (!is_over) {
                return NULL;
            }
            continue;
        }
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            note_error(connection, wait, result);
        }
        return result;
    }
}

bool
connection_run(struct connection *connection, const char *sql, const struct patience *patience)
{
    struct wait wait;

    if (begin_wait(connection, patience, &wait) &&
        send_off(connection, &wait, PQsendQuery(connection->pg, sql))) {
        for (PGresult *result; (result = next_result(connection, &wait));) {
            keep_answer(connection, result);
        }
    }
    end_wait(connection, &wait);
    return !connection->error.message[0];
}

size_t
connection_answer_count(const struct connection *connection)
{
    return connection->answer_count;
}

size_t
connection_row_count(const struct connection *connection, size_t answer)
{
    return answer < connection->answer_count ? (size_t)PQntuples(connection->answers[answer]) : 0;
}

const char *
connection_cell(const struct connection *connection, size_t answer, size_t row, size_t column)
{
    assert(row < connection_row_count(connection, answer));

    const PGresult *result = connection->answers[answer];
    return PQgetisnull(result, (int)row, (int)column) ? NULL
                                                      : PQgetvalue(result, (int)row, (int)column);
}

const char *
connection_tag(const struct connection *connection, size_t answer)
{
    return answer < connection->answer_count ? PQcmdStatus(connection->answers[answer]) : "";
}

bool
connection_cell_bytes(const struct connection *connection, size_t answer, size_t row, size_t column,
                      void *out, size_t size)
{
    const char *cell = connection_cell(connection, answer, row, column);
    size_t found = 0;
    unsigned char *data = cell ? PQunescapeBytea((const unsigned char *)cell, &found) : NULL;
    bool fits = data && found == size;

    if (fits) {
        memcpy(out, data, size);
    }
    PQfreemem(data);
    return fits;
}

/* A row on its way past: only the first one's first column is looked at. */
static void
see_rows(const PGresult *result, bool is_first, struct command_end *end)
{
    if (is_first && PQntuples(result) > 0 && PQnfields(result) > 0 &&
        PQftype(result, 0) == BOOL_OID && !PQgetisnull(result, 0, 0)) {
        end->is_false = PQgetvalue(result, 0, 0)[0] == 'f';
    }
}

static void
see_end(struct connection *connection, PGresult *result, struct command_end *end)
{
    int64_t rows = 0;

    snprintf(connection->tag, sizeof connection->tag, "%s", PQcmdStatus(result));
    if (text_to_number(PQcmdTuples(result), 0, INT64_MAX, &rows)) {
        end->rows = (uint64_t)rows;
    }
}

bool
connection_command(struct connection *connection, const char *sql, const struct patience *patience,
                   struct command_end *end)
{
    struct wait wait;
    bool is_first = true;

    *end = (struct command_end){.tag = connection->tag};
    connection->tag[0] = '\0';
    if (begin_wait(connection, patience, &wait) &&
        send_off(connection, &wait,
                 PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 0))) {
        PQsetSingleRowMode(connection->pg);
        for (PGresult *result; (result = next_result(connection, &wait));) {
            see_rows(result, is_first, end);
            is_first = is_first && PQntuples(result) == 0;
            see_end(connection, result, end);
            PQclear(result);
        }
    }
    end_wait(connection, &wait);
    return !connection->error.message[0];
}

/* ---- facts --------------------------------------------------------------------------------- */

const struct sql_error *
connection_error(const struct connection *connection)
{
    return &connection->error;
}

bool
connection_is_lost(const struct connection *connection)
{
    return connection->is_lost;
}

bool
connection_is_in_transaction(const struct connection *connection)
{
    return PQtransactionStatus(connection->pg) == PQTRANS_INTRANS;
}

int
connection_backend_pid(const struct connection *connection)
{
    return PQbackendPID(connection->pg);
}

int
connection_server_version(const struct connection *connection)
{
    return PQserverVersion(connection->pg);
}

const char *
connection_place(const struct connection *connection)
{
    return connection->place;
}

const char *
connection_user(const struct connection *connection)
{
    return PQuser(connection->pg);
}

const char *
connection_database(const struct connection *connection)
{
    return PQdb(connection->pg);
}

uint64_t
connection_notice_count(const struct connection *connection)
{
    return connection->notice_count;
}

const char *
connection_last_warning(const struct connection *connection)
{
    return connection->last_warning;
}

/* ---- quoting ------------------------------------------------------------------------------- */

static void
append_quoted(struct text *sql, char *quoted)
{
    assert(quoted); /* null only when the text is not UTF-8, which bundles and names are */

    text_append(sql, quoted);
    PQfreemem(quoted);
}

void
connection_literal(struct connection *connection, struct text *sql, const char *value)
{
    if (value) {
        append_quoted(sql, PQescapeLiteral(connection->pg, value, strlen(value)));
    } else {
        text_append(sql, "NULL");
    }
}

void
connection_identifier(struct connection *connection, struct text *sql, const char *name)
{
    append_quoted(sql, PQescapeIdentifier(connection->pg, name, strlen(name)));
}

void
connection_bytes(struct connection *connection, struct text *sql, const void *data, size_t size)
{
    CLEANUP(mem_free) char *hex = mem_zalloc(2 * size + 1);

    (void)connection;
    text_hex(data, size, hex);
    text_append(sql, "decode('");
    text_append_bytes(sql, hex, 2 * size);
    text_append(sql, "', 'hex')");
}
