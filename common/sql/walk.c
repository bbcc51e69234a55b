#include "common/sql/walk.h"

#include <string.h>

/* What a node wraps: one of 250 members, all pointers in one union. */
static const ProtobufCMessage *
unwrapped(const ProtobufCMessage *message)
{
    const PgQuery__Node *node = (const void *)message;

    if (!message || !WALK_IS(message, node)) {
        return message;
    }
    return node->node_case == PG_QUERY__NODE__NODE__NOT_SET ? NULL : &node->alias->base;
}

static const void *
member_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

static size_t
count_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
}

static bool
is_one_of(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

void
walk(const ProtobufCMessage *message, bool (*visit)(void *, const ProtobufCMessage *),
     void *context)
{
    message = unwrapped(message);
    if (message && visit(context, message)) {
        walk_below(message, visit, context);
    }
}

void
walk_below(const ProtobufCMessage *message, bool (*visit)(void *, const ProtobufCMessage *),
           void *context)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        /* The one kind of oneof beside nodes is a constant's value, and holds nothing more. */
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || is_one_of(field)) {
            continue;
        }
        const void *member = member_of(message, field);
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
        ProtobufCMessage *const *children =
            is_list ? *(ProtobufCMessage *const *const *)member : member;
        for (size_t child = 0; child < (is_list ? count_of(message, field) : 1); child++) {
            walk(children[child], visit, context);
        }
    }
}

void
walk_nodes(PgQuery__Node *const *nodes, size_t count,
           bool (*visit)(void *, const ProtobufCMessage *), void *context)
{
    for (size_t i = 0; i < count; i++) {
        walk_node(nodes[i], visit, context);
    }
}

void
walk_node(const PgQuery__Node *node, bool (*visit)(void *, const ProtobufCMessage *), void *context)
{
    if (node) {
        walk(&node->base, visit, context);
    }
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool
same_lists(const ProtobufCMessage *a, const ProtobufCMessage *b,
           const ProtobufCFieldDescriptor *field)
{
    size_t count = count_of(a, field);
    ProtobufCMessage *const *left = *(ProtobufCMessage *const *const *)member_of(a, field);
    ProtobufCMessage *const *right = *(ProtobufCMessage *const *const *)member_of(b, field);

    if (count != count_of(b, field)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !walk_same(left[i], right[i])) {
            return false;
        }
    }
    return true;
}

static bool
same_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool
same_fields(const ProtobufCMessage *a, const ProtobufCMessage *b,
            const ProtobufCFieldDescriptor *field)
{
    const void *left = member_of(a, field), *right = member_of(b, field);

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return same_lists(a, b, field);
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return walk_same(*(const ProtobufCMessage *const *)left,
                         *(const ProtobufCMessage *const *)right);
    case PROTOBUF_C_TYPE_STRING:
        return same_texts(*(const char *const *)left, *(const char *const *)right);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        return memcmp(left, right, sizeof(uint64_t)) == 0;
    default: /* numbers, words of an enum, truth */
        return memcmp(left, right, sizeof(int32_t)) == 0;
    }
}

/* Which value a constant holds; the value itself hangs in a union that only this tells apart. */
static bool
same_constants(const PgQuery__AConst *a, const PgQuery__AConst *b)
{
    if (a->isnull != b->isnull || a->val_case != b->val_case) {
        return false;
    }
    return a->val_case == PG_QUERY__A__CONST__VAL__NOT_SET ||
           walk_same(&a->ival->base, &b->ival->base);
}

bool
walk_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    a = unwrapped(a);
    b = unwrapped(b);
    if (!a || !b || a->descriptor != b->descriptor) {
        return a == b;
    }
    if (WALK_IS(a, a__const)) {
        return same_constants((const void *)a, (const void *)b);
    }
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];
        bool is_place = strcmp(field->name, "location") == 0;
        if (!is_place && !same_fields(a, b, field)) {
            return false;
        }
    }
    return true;
}
