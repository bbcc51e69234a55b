/*
 * walk: going through libpg_query's parse trees, whatever they are made of, by libpg_query's own
 * descriptors of what hangs where. For the files of this folder alone.
 */
#ifndef COMMON_SQL_WALK_H
#define COMMON_SQL_WALK_H

#include <pg_query/pg_query.pb-c.h>
#include <stdbool.h>

/* Whether a message is of a type: WALK_IS(message, func_call). */
#define WALK_IS(message, type) ((message)->descriptor == &pg_query__##type##__descriptor)

/*
 * Call visit for a message and all that hangs below it, from the top; where it answers false, what
 * is below is left out. The nodes that only wrap another message are passed over.
 */
void walk(const ProtobufCMessage *message,
          bool (*visit)(void *context, const ProtobufCMessage *message), void *context);

/* The same without the message itself. */
void walk_below(const ProtobufCMessage *message,
                bool (*visit)(void *context, const ProtobufCMessage *message), void *context);

/* The same for each of a list of nodes; and for one that may be null. */
void walk_nodes(PgQuery__Node *const *nodes, size_t count,
                bool (*visit)(void *context, const ProtobufCMessage *message), void *context);
void walk_node(const PgQuery__Node *node,
               bool (*visit)(void *context, const ProtobufCMessage *message), void *context);

/* Whether two trees say the same, wherever it stands in the text. */
bool walk_same(const ProtobufCMessage *a, const ProtobufCMessage *b);

#endif
