/*
 * stand: a coordinator that says what a test lets it say, over a real ROUTER with CURVE and ZAP, to
 * a real skein-agent process with targets in a throw-away PostgreSQL server. Everything waits for
 * what it waits for, with a deadline, and the test fails when it does not come.
 */
#ifndef TESTS_COMPONENT_AGENT_STAND_H
#define TESTS_COMPONENT_AGENT_STAND_H

#include "common/io/keys.h"
#include "proto/message.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/cluster.h"

#define STAND_WAIT_MS 60000 /* a sanitizer, or valgrind, on a busy machine */
#define STAND_TARGETS 2
#define STAND_HEARTBEAT_MS 1000
#define STAND_LEASE_MS 6000

struct stand {
    char folder[64];
    char endpoint[64];
    struct key_pair keys, agent_keys;
    struct cluster *cluster;
    void *context, *gate, *router;
    bool refuses_key; /* the gate lets nobody in */
    uint8_t route[16];
    size_t route_size;
    struct id session, cluster_id, run_id;
    struct token token;
    struct id target_ids[STAND_TARGETS];
    struct bundle *bundle;
    size_t piece_max; /* bytes in one CHUNK */
    bool is_deaf;     /* does not answer PING */
    pid_t agent;
    struct arena arena;
    struct message *heard; /* not asked for yet */
    size_t heard_count, heard_capacity;
};

/* Folder, keys, databases db0 and db1 in `cluster`, an open ROUTER; no agent yet. */
struct stand *stand_new(struct cluster *cluster);
void stand_destroy(struct stand **stand_p);

/* Destroy the one that a failed test has left, if any. */
void stand_clear_up(void);

/* Open and close the coordinator's end; always at the same endpoint. */
void stand_listen(struct stand *stand);
void stand_hang_up(struct stand *stand);

/* Start skein-agent; with this SKEIN_FAILPOINT when not null. */
void stand_start_agent(struct stand *stand, const char *failpoint);

/* Its wait status, once it has ended within wait_ms. */
int stand_await_end(struct stand *stand, int wait_ms);
void stand_kill_agent(struct stand *stand);

/* What it has logged; lives until the stand is gone. */
const char *stand_log(struct stand *stand);
void stand_await_log(struct stand *stand, const char *piece);

/* Whether the agent says nothing of this type for so long. */
bool stand_is_silent(struct stand *stand, enum message_type type, int wait_ms);

/*
 * The next message of this type; others are kept for when they are asked for. PING is answered and
 * FETCH served from the bundle on the way. Lives until the stand is gone.
 */
const struct message *stand_hear(struct stand *stand, enum message_type type);

/* The next STATE or RESULT of a step. */
const struct message *stand_hear_of(struct stand *stand, unsigned number);

/* Forget what was heard and not asked for. */
void stand_forget(struct stand *stand);

/* Say it; session, cluster and token are filled in. */
void stand_say(struct stand *stand, struct message message);
void stand_say_bytes(struct stand *stand, const void *data, size_t size);

/* HELLO is heard, WELCOME said; then every target's report, ready. */
void stand_welcome(struct stand *stand);
void stand_begin(struct stand *stand);

/* A step's id; ASSIGN, QUERY, CANCEL, RESULT_ACK of step `number` on a target. */
struct id stand_step(unsigned number);
void stand_assign(struct stand *stand, size_t target, unsigned number, const char *version,
                  uint64_t position, uint64_t attempt);
void stand_query(struct stand *stand, size_t target, unsigned number, uint64_t attempt);
void stand_cancel(struct stand *stand, size_t target, unsigned number, uint64_t attempt);
void stand_acknowledge(struct stand *stand, unsigned number, uint64_t attempt);

/* The one number that SQL answers in a target's database. */
long stand_count(struct stand *stand, size_t target, const char *sql);

#endif
