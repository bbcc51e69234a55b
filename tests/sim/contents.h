/*
 * contents: what a simulated target database holds: the fence, what is applied, the journal, the
 * indexes that are built outside of transactions, and the probe, which has no unique key and so
 * counts every effect. A transaction's changes are kept apart until its commit.
 */
#ifndef TESTS_SIM_CONTENTS_H
#define TESTS_SIM_CONTENTS_H

#include "common/base/id.h"
#include "common/migration/manifest.h"
#include "proto/message.h"
#include "tests/sim/repository.h"

enum index_state { INDEX_ABSENT, INDEX_INVALID, INDEX_VALID };
/* VOID: nothing of this attempt was there, and it may not begin any more. */
enum journal_state { JOURNAL_INTENT, JOURNAL_DONE, JOURNAL_FAILED, JOURNAL_VOID };

/* One piece of work as the database sees it. */
struct work {
    struct id step_id;
    uint64_t attempt;
    struct token token; /* epoch 0: no order, somebody looks what became of one */
    size_t place;       /* of the migration in its service */
    enum direction direction;
    uint8_t checksum[CHECKSUM_SIZE];
};

struct journal_row {
    struct id step_id;
    uint64_t attempt;
    size_t place;
    enum direction direction;
    enum journal_state state;
    bool is_retryable; /* FAILED */
    uint8_t checksum[CHECKSUM_SIZE];
};

struct contents {
    struct token fence;
    struct applied_row {
        bool is_there;
        struct id step_id;
        uint8_t checksum[CHECKSUM_SIZE];
    } applied[PLACES_MAX];
    size_t order[PLACES_MAX]; /* places in the order in which they were applied */
    size_t applied_count;
    enum index_state indexes[PLACES_MAX];
    int probe[PLACES_MAX]; /* effects, an up counting 1 and a down -1 */
    size_t by_tool;        /* so many of the first were made by another tool, as its table says */
    struct journal_row *journal;
    size_t journal_count, journal_capacity;
};

/* A transaction that is not over yet. */
struct transaction {
    bool is_open, has_fence, has_claim, has_effect, has_journal;
    struct work work;
};

/* What T3 reads about a piece of work. */
struct reading {
    bool has_verdict, has_intent;
    struct journal_row verdict; /* on this attempt, or the step's success in any */
    struct journal_row intent;  /* the step's last, when there is no verdict behind it */
    bool is_applied;            /* the migration */
    bool has_same_checksum;
};

void contents_release(struct contents *contents);

/* Whether what a statement outside of a transaction is to bring about is there. */
enum extent { NOT_THERE, HALF_THERE, THERE };
enum extent contents_extent(const struct contents *contents, size_t place,
                            enum direction direction);

struct reading contents_read(const struct contents *contents, const struct work *work);

/* T4: whether the token may pass; remembers it when it may. */
bool contents_pass_fence(struct contents *contents, const struct token *token);

/* T5: whether the migration may be claimed: an up's row is not there yet, a down's still is. */
bool contents_may_claim(const struct contents *contents, const struct work *work);

/* T9: what the transaction did becomes true. */
void contents_commit(struct contents *contents, const struct transaction *transaction);

/* A journal row in a transaction of its own. */
void contents_write(struct contents *contents, const struct work *work, enum journal_state state,
                    bool is_retryable);

/* Another tool has made the first so many; our journal does not know of it. */
void contents_use_tool(struct contents *contents, size_t count);

/* What the tool's table has and the journal has not is written down: how many. */
size_t contents_adopt(struct contents *contents, const struct manifest *manifest);

/* The applied row of a step outside of a transaction, with its journal row. */
void contents_finish(struct contents *contents, const struct work *work);

#endif
