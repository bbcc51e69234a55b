#include "tests/sim/database.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/sim/check.h"

struct ask {
    struct database *database;
    uint64_t backend;
    struct request request;
    struct client client;
    uint64_t ticket;
    struct ask *next_spare, *next;
};

void
database_init(struct database *database, struct world *world, const struct faults *faults,
              size_t index, const struct service *service)
{
    *database = (struct database){.world = world, .faults = faults, .index = index, .is_up = true};
    database->service = service;
    database->target_id = id_draw(&world->random);
    database->system_identifier = random_next(&world->random) >> 1;
    database->oid = 16384 + index;
    snprintf(database->name, sizeof database->name, "%s-%zu", service->name, index);
    for (size_t i = 0; i < PLACES_MAX; i++) {
        database->is_broken[i] = world_chance(world, faults->migration_is_broken);
    }
}

void
database_release(struct database *database)
{
    while (database->all) {
        struct ask *ask = database->all;
        database->all = ask->next;
        free(ask);
    }
    contents_release(&database->contents);
    *database = (struct database){0};
}

/* ---- backends ------------------------------------------------------------------------------ */

static struct backend *
find_backend(struct database *database, uint64_t number)
{
    for (size_t i = 0; number && i < BACKENDS_MAX; i++) {
        if (database->backends[i].number == number) {
            return &database->backends[i];
        }
    }
    return NULL;
}

static struct backend *
backend_new(struct database *database)
{
    for (size_t i = 0; i < BACKENDS_MAX; i++) {
        if (!database->backends[i].number) {
            database->backends[i] = (struct backend){.number = ++database->last_backend};
            return &database->backends[i];
        }
    }
    return NULL;
}

/* From here on the old index does not serve any more: that is the effect of a drop. */
static void
invalidate(struct database *database, const struct work *work)
{
    enum index_state *index = &database->contents.indexes[work->place];
    bool was_valid = *index == INDEX_VALID;

    *index = INDEX_INVALID;
    if (was_valid) {
        database->contents.probe[work->place]--;
        check_took_effect(database->check, database, work);
    }
}

/* A build that is broken off leaves its index behind, if it had got that far. */
static void
break_off(struct database *database, const struct request *request)
{
    bool is_up = request->work.direction == DIRECTION_UP;
    enum index_state index = database->contents.indexes[request->work.place];

    if (request->kind == REQUEST_BUILD && world_chance(database->world, 700) &&
        index == (is_up ? INDEX_ABSENT : INDEX_VALID)) {
        invalidate(database, &request->work);
    }
}

/* What it does is broken off, its transaction rolled back, its lock let go of: all at once. */
static void
end_backend(struct database *database, struct backend *backend)
{
    if (backend->is_busy) {
        break_off(database, &backend->request);
    }
    if (database->lock_holder == backend->number) {
        database->lock_holder = 0;
    }
    *backend = (struct backend){0};
}

void
database_kill(struct database *database, uint64_t backend)
{
    struct backend *found = find_backend(database, backend);

    if (found) {
        world_trace(database->world, database->name, "backend %llu is terminated",
                    (unsigned long long)backend);
        end_backend(database, found);
    }
}

void
database_close(struct database *database, uint64_t backend)
{
    struct backend *found = find_backend(database, backend);

    if (found) {
        end_backend(database, found);
    }
}

/* A backend that works for nobody notices it after a while (client_connection_check_interval). */
static void
notice_gone(void *subject, uint64_t number)
{
    struct database *database = subject;
    struct backend *backend = find_backend(database, number);

    if (backend && backend->client_is_gone) {
        world_trace(database->world, database->name, "orphan backend %llu ends",
                    (unsigned long long)number);
        end_backend(database, backend);
    }
}

void
database_leave(struct database *database, uint64_t number)
{
    struct backend *backend = find_backend(database, number);

    if (!backend) {
        return;
    }
    if (!backend->is_busy && world_chance(database->world, 800)) {
        end_backend(database, backend);
        return;
    }
    backend->client_is_gone = true;
    world_plan(database->world, world_between(database->world, 1 * MS, 30 * SECOND), notice_gone,
               database, number);
}

void
database_stop(struct database *database)
{
    world_trace(database->world, database->name, "stops");
    database->is_up = false;
    for (size_t i = 0; i < BACKENDS_MAX; i++) {
        if (database->backends[i].number) {
            end_backend(database, &database->backends[i]);
        }
    }
}

void
database_start(struct database *database)
{
    world_trace(database->world, database->name, "starts%s",
                database->is_standby ? " as a standby" : "");
    database->is_up = true;
}

void
database_replace(struct database *database)
{
    database_stop(database);
    world_trace(database->world, database->name, "is dropped and made anew");
    check_replaced(database->check, database);
    contents_release(&database->contents);
    database->target_id = id_draw(&database->world->random);
    database->oid += 1000;
    database_start(database);
}

/* ---- what requests do ---------------------------------------------------------------------- */

static struct answer
connect_and_look(struct database *database)
{
    struct backend *backend = database->is_up ? backend_new(database) : NULL;

    if (!backend) {
        return (struct answer){.kind = ANSWER_LOST};
    }
    return (struct answer){.kind = database->is_standby ? ANSWER_STANDBY : ANSWER_OK,
                           .backend = backend->number,
                           .target_id = database->target_id};
}

static enum answer_kind
try_lock(struct database *database, struct backend *backend)
{
    if (database->lock_holder && database->lock_holder != backend->number) {
        return ANSWER_BUSY;
    }
    database->lock_holder = backend->number;
    backend->has_lock = true;
    return ANSWER_OK;
}

static enum answer_kind
begin(struct database *database, struct backend *backend, const struct work *work)
{
    if (!contents_pass_fence(&database->contents, &work->token)) {
        return ANSWER_FENCED;
    }
    if (!contents_may_claim(&database->contents, work)) {
        return ANSWER_TAKEN;
    }
    backend->transaction =
        (struct transaction){.is_open = true, .has_fence = true, .has_claim = true, .work = *work};
    return ANSWER_OK;
}

static enum answer_kind
run_statement(struct database *database, struct backend *backend, const struct request *request)
{
    assert(backend->transaction.is_open);
    if (world_chance(database->world, database->faults->statement_fails)) {
        return ANSWER_RETRYABLE;
    }
    if (request->is_last && request->work.direction == DIRECTION_UP &&
        database->is_broken[request->work.place]) {
        return ANSWER_FAILED;
    }
    backend->transaction.has_effect = true;
    return ANSWER_OK;
}

static enum answer_kind
commit(struct database *database, struct backend *backend)
{
    const struct work work = backend->transaction.work;

    assert(backend->transaction.is_open && backend->transaction.has_effect);
    contents_commit(&database->contents, &backend->transaction);
    backend->transaction = (struct transaction){0};
    check_took_effect(database->check, database, &work);
    return ANSWER_OK;
}

static enum answer_kind
write_intent(struct database *database, const struct work *work)
{
    if (!contents_pass_fence(&database->contents, &work->token)) {
        return ANSWER_FENCED;
    }
    contents_write(&database->contents, work, JOURNAL_INTENT, false);
    return ANSWER_OK;
}

/* An index that is built or dropped outside of a transaction; broken off it is left invalid. */
static enum answer_kind
build(struct database *database, const struct work *work)
{
    enum index_state *index = &database->contents.indexes[work->place];
    bool is_up = work->direction == DIRECTION_UP;

    if (is_up ? *index != INDEX_ABSENT : *index == INDEX_ABSENT) {
        return ANSWER_FAILED; /* it exists already; there is none */
    }
    if (is_up && database->is_broken[work->place]) {
        *index = INDEX_INVALID;
        return ANSWER_FAILED;
    }
    invalidate(database, work);
    if (world_chance(database->world, database->faults->statement_fails)) {
        return ANSWER_RETRYABLE;
    }
    *index = is_up ? INDEX_VALID : INDEX_ABSENT;
    if (is_up) {
        database->contents.probe[work->place]++;
        check_took_effect(database->check, database, work);
    }
    return ANSWER_OK;
}

static enum answer_kind
finish(struct database *database, const struct work *work)
{
    contents_finish(&database->contents, work);
    check_finished(database->check, database, work);
    return ANSWER_OK;
}

static enum answer_kind
act(struct database *database, struct backend *backend, const struct request *request,
    struct answer *answer)
{
    const struct work *work = &request->work;

    switch (request->kind) {
    case REQUEST_CONNECT:
        break;
    case REQUEST_LOCK:
        return try_lock(database, backend);
    case REQUEST_READ:
        answer->reading = contents_read(&database->contents, work);
        return ANSWER_OK;
    case REQUEST_BEGIN:
        return begin(database, backend, work);
    case REQUEST_STATEMENT:
        return run_statement(database, backend, request);
    case REQUEST_JOURNAL:
        backend->transaction.has_journal = true;
        return ANSWER_OK;
    case REQUEST_COMMIT:
        return commit(database, backend);
    case REQUEST_ROLLBACK:
        backend->transaction = (struct transaction){0};
        return ANSWER_OK;
    case REQUEST_WRITE_FAILED:
        contents_write(&database->contents, work, JOURNAL_FAILED, request->is_retryable);
        return ANSWER_OK;
    case REQUEST_WRITE_VOID:
        contents_write(&database->contents, work, JOURNAL_VOID, false);
        return ANSWER_OK;
    case REQUEST_WRITE_INTENT:
        return write_intent(database, work);
    case REQUEST_BUILD:
        return build(database, work);
    case REQUEST_REPAIR:
        database->contents.indexes[work->place] = INDEX_ABSENT;
        return ANSWER_OK;
    case REQUEST_FINISH:
        return finish(database, work);
    case REQUEST_SURVEY:
        return ANSWER_OK;
    case REQUEST_UNLOCK:
        if (database->lock_holder == backend->number) {
            database->lock_holder = 0;
        }
        return ANSWER_OK;
    }
    abort();
}

/* ---- asking -------------------------------------------------------------------------------- */

static struct ask *
ask_new(struct database *database)
{
    struct ask *ask = database->spare;

    if (ask) {
        database->spare = ask->next_spare;
    } else {
        ask = mem_zalloc(sizeof *ask);
        ask->next = database->all;
        database->all = ask;
    }
    ask->database = database;
    return ask;
}

static struct answer
answer_of(struct ask *ask)
{
    struct database *database = ask->database;
    struct world *world = database->world;
    struct backend *backend = find_backend(database, ask->backend);
    struct answer answer = {.kind = ANSWER_LOST};

    if (ask->request.kind == REQUEST_CONNECT) {
        return connect_and_look(database);
    }
    if (!backend) {
        return answer;
    }
    if (world_chance(world, database->faults->request_lost)) {
        end_backend(database, backend);
        return answer;
    }
    backend->is_busy = false;
    answer.kind = act(database, backend, &ask->request, &answer);
    if (backend->client_is_gone) {
        end_backend(database, backend);
        answer.kind = ANSWER_LOST;
    } else if (world_chance(world, database->faults->answer_lost)) {
        database_leave(database, backend->number);
        answer.kind = ANSWER_LOST;
    }
    return answer;
}

static void
answer_now(void *subject, uint64_t number)
{
    struct ask *ask = subject;
    struct database *database = ask->database;
    (void)number;

    struct answer answer = answer_of(ask);
    struct client client = ask->client;
    uint64_t ticket = ask->ticket;
    ask->next_spare = database->spare;
    database->spare = ask;
    world_note(database->world, (uint64_t)ask->request.kind << 8 | (uint64_t)answer.kind);
    client.answered(client.subject, ticket, &answer);
}

/* The client hears that the connection is gone; the backend goes on with what it was asked. */
static void
cut_connection(struct database *database, struct backend *backend, const struct client *client,
               uint64_t ticket, int64_t within_us)
{
    struct ask *ask = ask_new(database);

    backend->client_is_gone = true;
    ask->backend = 0;
    ask->request = (struct request){.kind = REQUEST_UNLOCK};
    ask->client = *client;
    ask->ticket = ticket;
    world_plan(database->world, world_between(database->world, 0, within_us), answer_now, ask, 0);
}

static int64_t
duration_us(struct database *database, enum request_kind kind)
{
    struct world *world = database->world;

    switch (kind) {
    case REQUEST_CONNECT:
        return world_between(world, 2 * MS, 10 * MS);
    case REQUEST_STATEMENT:
        return world_chance(world, database->faults->statement_is_slow)
                   ? world_between(world, 500 * MS, 30 * SECOND)
                   : world_between(world, 1 * MS, 200 * MS);
    case REQUEST_BUILD:
        return world_between(world, 50 * MS, 5 * SECOND);
    case REQUEST_COMMIT:
        return world_chance(world, database->faults->statement_is_slow)
                   ? world_between(world, 100 * MS, 10 * SECOND) /* a replica is waited for */
                   : world_between(world, 1 * MS, 10 * MS);
    case REQUEST_WRITE_FAILED:
    case REQUEST_WRITE_VOID:
    case REQUEST_WRITE_INTENT:
    case REQUEST_FINISH:
        return world_between(world, 1 * MS, 10 * MS);
    default:
        return world_between(world, 200, 2 * MS);
    }
}

void
database_ask(struct database *database, uint64_t backend, const struct request *request,
             const struct client *client, uint64_t ticket)
{
    struct backend *found = find_backend(database, backend);
    struct ask *ask = ask_new(database);

    ask->backend = backend;
    ask->request = *request;
    ask->client = *client;
    ask->ticket = ticket;
    if (found) {
        found->is_busy = true;
        found->request = *request;
        bool is_begin =
            request->kind == REQUEST_STATEMENT ? request->is_first : request->kind == REQUEST_BUILD;
        if (is_begin && request->work.token.epoch) {
            check_begins(database->check, database, &request->work);
        }
    }
    int64_t for_us = duration_us(database, request->kind);
    world_plan(database->world, for_us, answer_now, ask, 0);
    if (found && world_chance(database->world, database->faults->connection_cut)) {
        cut_connection(database, found, client, ticket, for_us);
    }
}
