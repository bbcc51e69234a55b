#include "tests/sim/watch.h"

#include <stdlib.h>
#include <uthash.h>

#include "common/base/mem.h"

struct watch_entry {
    struct id step_id;
    struct id session; /* that assigned it */
    uint64_t assigned; /* attempt; 0: not at all */
    uint64_t unacked;  /* attempt whose result is held; 0: none */
    UT_hash_handle hh;
};

void
watch_init(struct watch *watch, struct world *world, const char *name)
{
    *watch = (struct watch){.world = world, .name = name};
}

void
watch_release(struct watch *watch)
{
    struct watch_entry *entry, *next;

    HASH_ITER(hh, watch->entries, entry, next)
    {
        HASH_DEL(watch->entries, entry);
        free(entry);
    }
    watch->unacked_count = 0;
}

static struct watch_entry *
entry_of(struct watch *watch, const struct id *step_id)
{
    struct watch_entry *entry;

    HASH_FIND(hh, watch->entries, step_id, sizeof *step_id, entry);
    if (!entry) {
        entry = mem_zalloc(sizeof *entry);
        entry->step_id = *step_id;
        HASH_ADD(hh, watch->entries, step_id, sizeof entry->step_id, entry);
    }
    return entry;
}

static void
is_acknowledged(struct watch *watch, struct watch_entry *entry)
{
    if (entry->unacked) {
        entry->unacked = 0;
        watch->unacked_count--;
    }
}

void
watch_cut(struct watch *watch)
{
    watch->awaits_welcome = watch->has_session = false;
}

static void
hears_welcome(struct watch *watch, const struct welcome *welcome)
{
    for (size_t i = 0; i < WATCH_OFFERS; i++) {
        if (id_equal(&watch->offered[i], &welcome->session)) {
            return;
        }
    }
    watch->offered[watch->offer_count++ % WATCH_OFFERS] = welcome->session;
    if (!watch->awaits_welcome) {
        return;
    }
    watch->awaits_welcome = false;
    watch->has_session = true;
    watch->session = welcome->session;
    watch->lease_ms = (int64_t)welcome->lease_ms;
    watch->lease_until_ms = watch->hello_ms + watch->lease_ms;
    for (size_t i = 0; i < WATCH_PINGS; i++) {
        watch->pings[i].sequence = 0;
    }
}

static void
hears_pong(struct watch *watch, const struct pong *pong)
{
    if (!watch->has_session || !id_equal(&watch->session, &pong->session)) {
        return;
    }
    for (size_t i = 0; i < WATCH_PINGS; i++) {
        int64_t until_ms = watch->pings[i].sent_ms + watch->lease_ms;
        if (watch->pings[i].sequence && watch->pings[i].sequence == pong->sequence &&
            until_ms > watch->lease_until_ms) {
            watch->lease_until_ms = until_ms;
        }
    }
}

static void
hears_assign(struct watch *watch, const struct assign *assign, int64_t now_ms)
{
    if (!watch->has_session || !id_equal(&watch->session, &assign->session) ||
        now_ms >= watch->lease_until_ms) {
        return;
    }
    struct watch_entry *entry = entry_of(watch, &assign->step_id);
    if (assign->attempt >= entry->assigned) {
        entry->assigned = assign->attempt;
        entry->session = assign->session;
    }
    if (assign->attempt > entry->unacked) {
        is_acknowledged(watch, entry);
    }
}

/* To ask for a later attempt is to say that the result of the earlier one is stored. */
static void
hears_question(struct watch *watch, const struct id *session, const struct id *step_id,
               uint64_t attempt)
{
    struct watch_entry *entry = entry_of(watch, step_id);

    if (watch->has_session && id_equal(&watch->session, session) && attempt > entry->unacked) {
        is_acknowledged(watch, entry);
    }
}

void
watch_hears(struct watch *watch, const struct message *message, int64_t now_ms)
{
    if (message->type == MESSAGE_WELCOME) {
        hears_welcome(watch, &message->welcome);
    } else if (message->type == MESSAGE_PONG) {
        hears_pong(watch, &message->pong);
    } else if (message->type == MESSAGE_ASSIGN) {
        hears_assign(watch, &message->assign, now_ms);
    } else if (message->type == MESSAGE_QUERY) {
        const struct query *query = &message->query;
        hears_question(watch, &query->session, &query->step_id, query->attempt);
    } else if (message->type == MESSAGE_CANCEL) {
        const struct cancel *cancel = &message->cancel;
        hears_question(watch, &cancel->session, &cancel->step_id, cancel->attempt);
    } else if (message->type == MESSAGE_BYE) {
        if (id_is_none(&message->bye.session) || id_equal(&message->bye.session, &watch->session)) {
            watch->has_session = false;
        }
    } else if (message->type == MESSAGE_RESULT_ACK) {
        struct watch_entry *entry = entry_of(watch, &message->result_ack.step_id);
        if (message->result_ack.attempt == entry->unacked) {
            is_acknowledged(watch, entry);
        }
    }
}

void
watch_says(struct watch *watch, const struct message *message, int64_t now_ms)
{
    if (message->type == MESSAGE_HELLO) {
        watch->hello_ms = now_ms;
        watch->awaits_welcome = true;
        watch->has_session = false;
    } else if (message->type == MESSAGE_PING) {
        uint64_t sequence = message->ping.sequence;
        watch->pings[sequence % WATCH_PINGS].sequence = sequence;
        watch->pings[sequence % WATCH_PINGS].sent_ms = now_ms;
    }
}

void
watch_executes(struct watch *watch, const struct assign *assign, int64_t now_ms)
{
    struct watch_entry *entry = entry_of(watch, &assign->step_id);
    char id[ID_TEXT_SIZE];

    if (!watch->has_session || now_ms >= watch->lease_until_ms) {
        world_violated(watch->world, "LEASE", "%s begins step %s without a live lease", watch->name,
                       id_text(&assign->step_id, id) + ID_TEXT_SIZE - 9);
    } else if (entry->assigned != assign->attempt || !id_equal(&entry->session, &watch->session)) {
        world_violated(watch->world, "SESSION",
                       "%s begins step %s, which nobody assigned in this session", watch->name,
                       id_text(&assign->step_id, id) + ID_TEXT_SIZE - 9);
    } else if (entry->unacked >= assign->attempt) {
        world_violated(watch->world, "I4",
                       "%s begins step %s again whose result is not acknowledged", watch->name,
                       id_text(&assign->step_id, id) + ID_TEXT_SIZE - 9);
    }
}

void
watch_resolves(struct watch *watch, const struct id *step_id, uint64_t attempt)
{
    const struct watch_entry *entry = entry_of(watch, step_id);
    char id[ID_TEXT_SIZE];

    if (entry->unacked && entry->unacked >= attempt) {
        world_violated(watch->world, "I4", "%s looks step %s up and should know its result",
                       watch->name, id_text(step_id, id) + ID_TEXT_SIZE - 9);
    }
}

void
watch_learns(struct watch *watch, const struct id *step_id, uint64_t attempt,
             const struct outcome *outcome)
{
    if (watch->is_leaving && outcome->kind == OUTCOME_CANCELLED) {
        return; /* a step that a leaving process stops is no result */
    }
    struct watch_entry *entry = entry_of(watch, step_id);
    watch->unacked_count += !entry->unacked;
    entry->unacked = attempt;
}

void
watch_is_idle(struct watch *watch, bool is_idle)
{
    if (is_idle && watch->unacked_count) {
        world_violated(watch->world, "I4", "%s takes itself for idle and holds %llu results",
                       watch->name, (unsigned long long)watch->unacked_count);
    }
}
