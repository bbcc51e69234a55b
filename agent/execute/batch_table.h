/*
 * batch_table: the table that a batch goes through, as a target's catalog has it: its partitions,
 * each with its key, the key's types and the triggers that matter; and what about it makes batches
 * impossible, found before anything is changed.
 */
#ifndef AGENT_EXECUTE_BATCH_TABLE_H
#define AGENT_EXECUTE_BATCH_TABLE_H

#include "agent/execute/try.h"

#define BATCH_KEY_MAX 32

/* One table with rows of its own. */
struct batch_leaf {
    uint64_t oid;
    const char *schema, *name; /* plain */
    const char *quoted;        /* ONLY "schema"."name" */
    uint64_t rows;             /* as the server estimates */
    uint64_t blocks;
    bool may_move_key;                  /* a trigger, or a generated key column */
    bool may_change_more;               /* a trigger behind UPDATE: it could change other rows */
    bool will_change_more;              /* and its text looks as if it did */
    size_t key_count;                   /* 0: by ctid */
    const char *columns[BATCH_KEY_MAX]; /* quoted */
    const char *types[BATCH_KEY_MAX];   /* can be put behind :: */
};

struct batch_table {
    struct batch_leaf *leaves; /* by schema and name */
    size_t leaf_count;
    bool is_divided; /* the leaves are not the table that is written in the statement */
    bool is_by_ctid;
    uint64_t rows, blocks; /* of all */
};

/*
 * Look; outside any transaction. False with E-BATCH-TABLE, -VIEW, -FOREIGN, -RULE, -KEY,
 * -KEY-CHANGED, -PARTITION, -VOLATILE, -GROUP, -GENERATED, -CTID (its place is for the caller to
 * add), or what kept the database from answering; then a transaction may be open.
 */
bool batch_table_look(struct step_try *try, const struct batch_subject *subject,
                      struct arena *arena, struct batch_table *table, struct error *error);

/* The leaf of that name, or the first behind it; leaf_count when there is none. */
size_t batch_table_find(const struct batch_table *table, const char *schema, const char *name);

#endif
