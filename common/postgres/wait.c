#include "common/postgres/wait.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libpq-fe.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"

#define CANCEL_AGAIN_MS 1000  /* between two requests to cancel the same query */
#define CANCEL_GRACE_MS 15000 /* a server that does not answer a cancel for so long is given up */
#define CANCEL_END_MS 5000    /* how long the last request may outlast its query */

/* An error always has a message; the first one stays. */
void
connection_set_message(struct sql_error *error, const char *message)
{
    if (!error->message[0]) {
        snprintf(error->message, sizeof error->message, "%s",
                 message && *message ? message : "the server gave no reason");
        text_mend_utf8(error->message);
        error->message[strcspn(error->message, "\n")] = '\0';
    }
}

void
connection_lose(struct connection *connection, const struct wait *wait, const char *why)
{
    connection->is_lost = true;
    connection->error.is_lost = true;
    connection->error.canceled = wait->canceled;
    connection_set_message(&connection->error, why);
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
    return earlier(wait->patience.deadline_ms, wait->look_ms);
}

/* Do what is due by now. False when the server is given up. */
static bool
act_in_time(struct connection *connection, struct wait *wait)
{
    int64_t now_ms = clock_now_ms();

    if (wait->canceled != CANCEL_NONE) {
        if (now_ms - wait->canceled_ms >= CANCEL_GRACE_MS) {
            connection_lose(connection, wait, "the server does not answer");
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
    if (wait->look_ms && now_ms >= wait->look_ms) {
        int64_t next_ms = wait->patience.look(wait->patience.context);
        wait->look_ms = next_ms ? clock_now_ms() + next_ms : 0;
    }
    return true;
}

/* Wait until the socket is ready for one of the events; false when the connection is lost. */
bool
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
bool
wait_take_input(struct connection *connection, const struct wait *wait)
{
    if (PQconsumeInput(connection->pg)) {
        return true;
    }
    connection_lose(connection, wait, PQerrorMessage(connection->pg));
    return false;
}

bool
wait_flush(struct connection *connection, struct wait *wait)
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
        if (!wait_for_socket(connection, wait, POLLIN | POLLOUT) ||
            !wait_take_input(connection, wait)) {
            return false;
        }
    }
}

bool
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
bool
wait_begin(struct connection *connection, const struct patience *patience, struct wait *wait)
{
    *wait = (struct wait){.began_ms = clock_now_ms()};
    if (patience) {
        wait->patience = *patience;
        wait->look_ms = patience->look_after_ms ? wait->began_ms + patience->look_after_ms : 0;
    }
    connection_forget_answers(connection);
    if (connection->is_lost) {
        connection_lose(connection, wait, "the connection is lost");
    }
    return !connection->is_lost;
}

/* A request to cancel that outlasts its query would hit the next one: then there is no next one. */
void
wait_end(struct connection *connection, struct wait *wait)
{
    if (!canceller_end(&wait->canceller, CANCEL_END_MS)) {
        connection->is_lost = true;
    }
}

bool
wait_send_off(struct connection *connection, struct wait *wait, int was_taken)
{
    if (!was_taken) {
        connection_lose(connection, wait, PQerrorMessage(connection->pg));
        return false;
    }
    if (!wait_flush(connection, wait)) {
        return false;
    }
    if (wait->patience.failpoint && FAILPOINT_FAILS(wait->patience.failpoint)) {
        shutdown(PQsocket(connection->pg), SHUT_RDWR);
    }
    return true;
}
