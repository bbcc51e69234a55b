#include "common/postgres/connection.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/postgres/connection_refused.h"
#include "common/postgres/wait.h"

#define CONNECT_TIMEOUT_MS 10000
#define BOOL_OID 16

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

/* A service may have options of its own; libpq does not tell before it connects. */
static bool
has_options(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    bool has = getenv("PGOPTIONS") || getenv("PGSERVICE");

    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        has = has || (option->val && (text_equal(option->keyword, "options") ||
                                      text_equal(option->keyword, "service")));
    }
    PQconninfoFree(options);
    return has;
}

static PGconn *
start(const struct connection_config *config, const char *settings)
{
    /* What stands before dbname the conninfo may overrule, what stands behind it not. */
    const char *const keywords[] = {"gssencmode",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "dbname",
                                    "application_name",
                                    "client_encoding",
                                    "options",
                                    NULL};
    const char *const values[] = {
        "disable", "10",     "5", "3", "30000", config->conninfo, config->application_name,
        "UTF8",    settings, NULL};

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
    const char *settings = has_options(config->conninfo) ? NULL : config->settings;
    PGconn *pg = start(config, settings);

    connection->pg = pg;
    connection->has_settings = settings;
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

bool
connection_has_settings(const struct connection *connection)
{
    return connection->has_settings;
}

void
connection_forget_answers(struct connection *connection)
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
        connection_forget_answers(connection);
        free(connection->answers);
        PQfinish(connection->pg);
        free(connection);
        *connection_p = NULL;
    }
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
        connection_set_message(error, PQresultErrorMessage(result));
        error->canceled = wait->canceled;
    }
    if (PQstatus(connection->pg) == CONNECTION_BAD || text_equal(severity, "FATAL") ||
        text_equal(severity, "PANIC")) {
        connection_lose(connection, wait, PQresultErrorMessage(result));
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
        return wait_flush(connection, wait);
    }
    for (;;) {
        char *line = NULL;
        int size = PQgetCopyData(connection->pg, &line, 1);
        PQfreemem(line);
        if (size < 0) {
            return true;
        }
        if (size == 0 &&
            (!wait_for_socket(connection, wait, POLLIN) || !wait_take_input(connection, wait))) {
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

    if (wait_begin(connection, patience, &wait) &&
        wait_send_off(connection, &wait, PQsendQuery(connection->pg, sql))) {
        for (PGresult *result; (result = next_result(connection, &wait));) {
            keep_answer(connection, result);
        }
    }
    wait_end(connection, &wait);
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

uint64_t
connection_number(const struct connection *connection, size_t answer, size_t row, size_t column)
{
    const char *cell = connection_cell(connection, answer, row, column);
    return cell && cell[0] != '-' ? strtoull(cell, NULL, 10) : 0;
}

bool
connection_is_true(const struct connection *connection, size_t answer, size_t row, size_t column)
{
    const char *cell = connection_cell(connection, answer, row, column);
    return cell && cell[0] == 't';
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
    if (wait_begin(connection, patience, &wait) &&
        wait_send_off(connection, &wait,
                      PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 0))) {
        PQsetSingleRowMode(connection->pg);
        for (PGresult *result; (result = next_result(connection, &wait));) {
            see_rows(result, is_first, end);
            is_first = is_first && PQntuples(result) == 0;
            see_end(connection, result, end);
            PQclear(result);
        }
    }
    wait_end(connection, &wait);
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
connection_relation(struct connection *connection, struct text *sql, const char *schema,
                    const char *name)
{
    if (schema) {
        connection_identifier(connection, sql, schema);
        text_append(sql, ".");
    }
    connection_identifier(connection, sql, name);
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
