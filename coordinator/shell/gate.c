#include "coordinator/shell/gate.h"

#include <czmq.h>
#include <stdatomic.h>
#include <uthash.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define HANDLER_MS 10000 /* a handler that takes no command for so long is dead */

/*
 * How often one key may shake hands: it bounds the connections a single key can pile up, and how
 * fast its holder could guess at routing ids. A command line makes a connection per command.
 */
struct pace {
    int64_t burst, per_second;
};

static const struct pace paces[PARTY_COUNT] = {
    [PARTY_AGENT] = {.burst = 20, .per_second = 1},
    [PARTY_OPERATOR] = {.burst = 200, .per_second = 50},
};

const char *const gate_domains[PARTY_COUNT] = {
    [PARTY_AGENT] = "agents", [PARTY_OPERATOR] = "operators"};

/* ---- a table of keys ------------------------------------------------------------------------ */

struct entry {
    struct key key;
    int64_t handshakes_left, counted_ms;
    UT_hash_handle hh;
};

struct table {
    struct entry *entries[PARTY_COUNT];
};

static struct entry *
table_find(const struct table *table, enum party party, const void *key)
{
    struct entry *entry = NULL;

    HASH_FIND(hh, table->entries[party], key, KEY_SIZE, entry);
    return entry;
}

static void
table_admit(struct table *table, enum party party, const struct key *key)
{
    if (table_find(table, party, key)) {
        return;
    }
    struct entry *entry = mem_zalloc(sizeof *entry);
    entry->key = *key;
    entry->handshakes_left = paces[party].burst;
    HASH_ADD(hh, table->entries[party], key, KEY_SIZE, entry);
}

static void
table_expel(struct table *table, enum party party, const struct key *key)
{
    struct entry *entry = table_find(table, party, key);

    if (entry) {
        HASH_DEL(table->entries[party], entry);
        free(entry);
    }
}

static void
table_clear(struct table *table)
{
    for (enum party party = 0; party < PARTY_COUNT; party++) {
        struct entry *entry, *next;
        HASH_ITER(hh, table->entries[party], entry, next)
        {
            HASH_DEL(table->entries[party], entry);
            free(entry);
        }
    }
}

/* ---- the handler's thread ------------------------------------------------------------------- */

/* What the loop tells the handler: swap the right of one key. Sent as one frame. */
struct command {
    bool is_admission;
    enum party party;
    struct key key;
};

struct handler {
    struct table table;
    atomic_ullong *refused;
    atomic_bool *is_proving;
};

/* What both threads look at. */
struct shared {
    bool is_bound; /* written before the handler says that it is there */
    atomic_ullong refused;
    atomic_bool is_proving; /* the strangers are our own */
};

/* One ZAP request, frame by frame. */
struct request {
    zframe_t *version, *id, *domain, *address, *routing_id, *mechanism, *credentials;
};

static bool
frame_is(zframe_t *frame, const char *text)
{
    return frame && zframe_streq(frame, text);
}

static bool
find_domain(zframe_t *frame, enum party *party)
{
    for (*party = 0; *party < PARTY_COUNT; (*party)++) {
        if (frame_is(frame, gate_domains[*party])) {
            return true;
        }
    }
    return false;
}

/* Whether the key may shake hands once more now. */
static bool
keeps_pace(struct entry *entry, enum party party)
{
    int64_t now_ms = clock_now_ms();
    int64_t gained = (now_ms - entry->counted_ms) * paces[party].per_second / 1000;

    if (gained > 0) {
        entry->handshakes_left += gained;
        entry->counted_ms = now_ms;
    }
    if (entry->handshakes_left > paces[party].burst) {
        entry->handshakes_left = paces[party].burst;
    }
    if (entry->handshakes_left <= 0) {
        return false;
    }
    entry->handshakes_left--;
    return true;
}

/* 200: come in, 300: not now, 400: never. `user` names the key of a 200. */
static const char *
judge(struct handler *handler, const struct request *request, char user[GATE_USER_SIZE])
{
    enum party party;

    user[0] = '\0';
    if (!frame_is(request->version, "1.0") || !find_domain(request->domain, &party) ||
        !frame_is(request->mechanism, "CURVE") || !request->credentials ||
        zframe_size(request->credentials) != KEY_SIZE) {
        return "400";
    }
    struct entry *entry = table_find(&handler->table, party, zframe_data(request->credentials));
    if (!entry) {
        return "400";
    }
    if (!keeps_pace(entry, party)) {
        return "300";
    }
    text_hex(entry->key.bytes, KEY_SIZE, user);
    return "200";
}

static void
answer(zsock_t *zap, struct handler *handler)
{
    zmsg_t *message = zmsg_recv(zap);
    char user[GATE_USER_SIZE];

    if (!message) {
        return;
    }
    struct request request = {.version = zmsg_first(message)};
    request.id = zmsg_next(message);
    request.domain = zmsg_next(message);
    request.address = zmsg_next(message);
    request.routing_id = zmsg_next(message);
    request.mechanism = zmsg_next(message);
    request.credentials = zmsg_next(message);
    const char *status = judge(handler, &request, user);
    if (status[0] != '2' && !atomic_load(handler->is_proving)) {
        unsigned long long count = atomic_fetch_add(handler->refused, 1) + 1;
        if ((count & (count - 1)) ==
            0) { /* the 1st, 2nd, 4th, 8th …: a flood is not a flood here */
            log_warn("E-AUTH-NONE: handshake refused (%s) from %.*s, %llu so far", status,
                     request.address ? (int)zframe_size(request.address) : 0,
                     request.address ? (const char *)zframe_data(request.address) : "", count);
        }
    }
    FAILPOINT("gate-answer");
    zmsg_t *reply = zmsg_new();
    zmsg_addstr(reply, "1.0");
    zmsg_addmem(reply, request.id ? zframe_data(request.id) : NULL,
                request.id ? zframe_size(request.id) : 0);
    zmsg_addstr(reply, status);
    zmsg_addstr(reply, "");
    zmsg_addstr(reply, user);
    zmsg_addmem(reply, NULL, 0);
    zmsg_send(&reply, zap);
    zmsg_destroy(&message);
}

/* False when the gate closes. */
static bool
obey(zsock_t *pipe, struct handler *handler)
{
    zframe_t *frame = zframe_recv(pipe);
    struct command command;
    bool goes_on = false;

    if (frame && zframe_size(frame) == sizeof command) {
        memcpy(&command, zframe_data(frame), sizeof command);
        (command.is_admission ? table_admit : table_expel)(&handler->table, command.party,
                                                           &command.key);
        goes_on = true;
    }
    zframe_destroy(&frame);
    return goes_on;
}

/* A handler that was closed a moment ago gives its address back in its own time. */
static bool
bind_patiently(zsock_t *zap)
{
    for (int tries = 0; tries < 100; tries++) {
        if (zsock_bind(zap, ZAP_ENDPOINT) == 0) {
            return true;
        }
        zclock_sleep(10);
    }
    return false;
}

static void
handle(zsock_t *pipe, void *context)
{
    struct shared *shared = context;
    struct handler handler = {.refused = &shared->refused, .is_proving = &shared->is_proving};
    zsock_t *zap = zsock_new(ZMQ_REP);
    zpoller_t *poller = zpoller_new(pipe, zap, NULL);

    shared->is_bound = bind_patiently(zap);
    zsock_signal(pipe, 0);
    for (bool goes_on = shared->is_bound; goes_on;) {
        zsock_t *ready = zpoller_wait(poller, -1);
        if (ready == zap) {
            answer(zap, &handler);
        } else {
            goes_on = ready == pipe && obey(pipe, &handler);
        }
    }
    zpoller_destroy(&poller);
    zsock_destroy(&zap);
    table_clear(&handler.table);
}

/* ---- the loop's side ------------------------------------------------------------------------ */

struct gate {
    zactor_t *handler;
    struct table table; /* the same keys, for the question at every message */
    struct shared shared;
};

bool
gate_open(struct gate **gate_p, struct error *error)
{
    struct gate *gate = mem_zalloc(sizeof *gate);

    gate->handler = zactor_new(handle, &gate->shared);
    if (!gate->handler || !gate->shared.is_bound) {
        gate_close(&gate);
        return error_set(error, "E-GATE", "another authentication handler runs in this process");
    }
    zsock_set_sndtimeo(zactor_sock(gate->handler), HANDLER_MS);
    *gate_p = gate;
    return true;
}

void
gate_close(struct gate **gate_p)
{
    struct gate *gate = *gate_p;

    if (gate) {
        zactor_destroy(&gate->handler);
        table_clear(&gate->table);
        free(gate);
        *gate_p = NULL;
    }
}

static void
tell(struct gate *gate, bool is_admission, enum party party, const struct key *key)
{
    struct command command;

    memset(&command, 0, sizeof command);
    command.is_admission = is_admission;
    command.party = party;
    command.key = *key;
    zframe_t *frame = zframe_new(&command, sizeof command);
    if (zframe_send(&frame, gate->handler, 0) < 0) {
        log_fatal(70, "E-GATE: the authentication handler does not listen any more");
    }
}

void
gate_admit(struct gate *gate, enum party party, const struct key *key)
{
    table_admit(&gate->table, party, key);
    tell(gate, true, party, key);
}

void
gate_expel(struct gate *gate, enum party party, const struct key *key)
{
    table_expel(&gate->table, party, key);
    tell(gate, false, party, key);
}

bool
gate_allows(const struct gate *gate, enum party party, const struct key *key)
{
    return table_find(&gate->table, party, key) != NULL;
}

bool
gate_read_user(const char *user, struct key *key)
{
    return user && strlen(user) == GATE_USER_SIZE - 1 && text_from_hex(user, key, sizeof *key);
}

uint64_t
gate_refused_count(struct gate *gate)
{
    return atomic_load(&gate->shared.refused);
}

void
gate_prove(struct gate *gate, bool is_proving)
{
    atomic_store(&gate->shared.is_proving, is_proving);
}
