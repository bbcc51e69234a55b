#include "common/sql/parse.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/sql/walk.h"

/* ---- a copy ---------------------------------------------------------------------------------- */

static ProtobufCMessage *copied(struct arena *arena, const ProtobufCMessage *message);

/* Which of a oneof's members is there; members beside a oneof always are. */
static bool
is_there(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    bool is_one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    const char *base = (const char *)message;

    return !is_one_of ||
           *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id;
}

/* A list in the copy's place: trees hold lists of messages alone. */
static void
copy_list(struct arena *arena, ProtobufCMessage *copy, const ProtobufCFieldDescriptor *field)
{
    char *base = (char *)copy;
    size_t count = *(size_t *)(void *)(base + field->quantifier_offset);
    ProtobufCMessage ***member = (ProtobufCMessage ***)(void *)(base + field->offset);

    if (count == 0) {
        return;
    }
    ProtobufCMessage **list = arena_copy(arena, *member, count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = copied(arena, list[i]);
    }
    *member = list;
}

/* What a member points at; numbers came along with the message. */
static void
copy_member(struct arena *arena, ProtobufCMessage *copy, const ProtobufCFieldDescriptor *field)
{
    void *member = (char *)copy + field->offset;

    if (!is_there(copy, field)) {
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->label == PROTOBUF_C_LABEL_REPEATED) {
        copy_list(arena, copy, field);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)member = copied(arena, *(ProtobufCMessage **)member);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        char **text = member;
        *text = *text && **text ? arena_text(arena, *text) : (char *)(uintptr_t) "";
    }
}

static ProtobufCMessage *
copied(struct arena *arena, const ProtobufCMessage *message)
{
    if (!message) {
        return NULL;
    }
    ProtobufCMessage *copy = arena_copy(arena, message, message->descriptor->sizeof_message);
    if (WALK_IS(message, node)) {
        /* One of 250 members, all pointers in one union: asking each in turn would take long. */
        PgQuery__Node *node = (PgQuery__Node *)(void *)copy;
        if (node->node_case != PG_QUERY__NODE__NODE__NOT_SET) {
            node->alias = (PgQuery__Alias *)(void *)copied(arena, &node->alias->base);
        }
        return copy;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        copy_member(arena, copy, &message->descriptor->fields[i]);
    }
    return copy;
}

/* ---- in libpg_query's way -------------------------------------------------------------------- */

/* Where the tree goes that is about to be packed by this thread; null: it is packed. */
static _Thread_local struct catch
{
    struct arena *arena;
    PgQuery__ParseResult *tree;
}
*catch;

/*
 * libpg_query calls these two through the dynamic linker, which finds ours first. They do what its
 * own do, except while a tree is being caught.
 */
__attribute__((visibility("default"))) size_t
pg_query__parse_result__get_packed_size(const PgQuery__ParseResult *message)
{
    if (!catch) {
        return protobuf_c_message_get_packed_size(&message->base);
    }
    catch->tree = (PgQuery__ParseResult *)(void *)copied(catch->arena, &message->base);
    return 0;
}

__attribute__((visibility("default"))) size_t
pg_query__parse_result__pack(const PgQuery__ParseResult *message, uint8_t *out)
{
    return catch ? 0 : protobuf_c_message_pack(&message->base, out);
}

/* ---- parsing --------------------------------------------------------------------------------- */

static void *
take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
leave(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

PgQuery__ParseResult *
parse(const char *text, struct arena *arena, PgQueryProtobufParseResult *said)
{
    struct catch caught = {.arena = arena};
    ProtobufCAllocator allocator = {take, leave, arena};

    catch = &caught;
    *said = pg_query_parse_protobuf(text);
    catch = NULL;
    if (said->error || caught.tree) {
        return said->error ? NULL : caught.tree;
    }
    PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
        &allocator, said->parse_tree.len, (const uint8_t *)said->parse_tree.data);
    assert(tree);
    return tree;
}

/* ---- what libpg_query forgets ------------------------------------------------------------------
 */

/*
 * pg_query_parse_plpgsql leaves one empty string behind for each block that it is given. A build
 * that looks for leaks is told, so that it finds ours.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
const char *__lsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void)
{
    return "leak:pg_query_raw_parse\n";
}
#endif
#endif
