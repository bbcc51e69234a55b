/*
 * The tables against the structs: a field that was added to a struct and forgotten in its table
 * would silently not travel; a message that could outgrow a frame would be refused on its way.
 */
#include "proto/shapes.h"

#include <stdalign.h>
#include <string.h>

#include "common/io/pack.h"

#include "proto/codec.h"
#include "tests/support/unit.h"

static size_t
align_up(size_t offset, size_t alignment)
{
    return (offset + alignment - 1) / alignment * alignment;
}

static size_t shape_alignment(const struct pack_shape *shape);

static size_t
field_alignment(const struct pack_field *field)
{
    switch (field->kind) {
    case PACK_UINT:
    case PACK_INT:
        return alignof(uint64_t);
    case PACK_ENUM:
        return alignof(int);
    case PACK_TEXT:
    case PACK_NAME:
    case PACK_BYTES:
    case PACK_LIST:
        return alignof(void *);
    case PACK_STRUCT:
        return shape_alignment(field->shape);
    default:
        return 1;
    }
}

static size_t
shape_alignment(const struct pack_shape *shape)
{
    size_t most = 1;
    for (size_t i = 0; i < shape->field_count; i++) {
        size_t alignment = field_alignment(&shape->fields[i]);
        most = alignment > most ? alignment : most;
    }
    return most;
}

static size_t
field_size(const struct pack_field *field)
{
    switch (field->kind) {
    case PACK_UINT:
    case PACK_INT:
        return sizeof(uint64_t);
    case PACK_ENUM:
        return sizeof(int);
    case PACK_TEXT:
    case PACK_NAME:
        return sizeof(char *);
    case PACK_BYTES:
        return sizeof(struct bytes);
    case PACK_LIST:
        return sizeof(void *) + sizeof(size_t);
    case PACK_STRUCT:
        return field->shape->size;
    case PACK_BOOL:
        return sizeof(bool);
    default:
        return field->max;
    }
}

static void
check_covered(const struct pack_shape *shape)
{
    size_t end = 0;

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct pack_field *field = &shape->fields[i];
        end = align_up(end, field_alignment(field));
        if (field->offset != end) {
            fail_msg("%s: something in front of %s is not in the table, or out of order",
                     shape->name, field->name);
        }
        if (field->kind == PACK_LIST) {
            assert_int_equal(field->count_offset, end + sizeof(void *));
        }
        if (field->shape) {
            check_covered(field->shape);
        }
        end += field_size(field);
    }
    if (align_up(end, shape_alignment(shape)) != shape->size) {
        fail_msg("%s: its last fields are not in the table", shape->name);
    }
}

static void
every_field_of_every_struct_is_in_its_table(void **state)
{
    (void)state;
    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        assert_non_null(message_shape((enum message_type)type));
        check_covered(message_shape((enum message_type)type));
    }
    check_covered(&manifest_shape);
    check_covered(&outcome_shape);
    check_covered(&fault_shape);
}

struct most {
    size_t bytes, nodes, depth;
};

static struct most most_of(const struct pack_shape *shape);

static size_t
head_size(uint64_t size)
{
    return size < 0x20 ? 2 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
}

static struct most
most_of_field(const struct pack_field *field)
{
    struct most inner;

    switch (field->kind) {
    case PACK_TEXT:
    case PACK_NAME:
    case PACK_BYTES:
    case PACK_FIXED:
        return (struct most){head_size(field->max) + field->max, 1, 0};
    case PACK_STRUCT:
        return most_of(field->shape);
    case PACK_LIST:
        inner = most_of(field->shape);
        return (struct most){head_size(field->max) + field->max * inner.bytes,
                             1 + field->max * inner.nodes, 1 + inner.depth};
    default:
        return (struct most){9, 1, 0};
    }
}

static struct most
most_of(const struct pack_shape *shape)
{
    struct most sum = {3, 1, 0};
    size_t deepest = 0;

    for (size_t i = 0; i < shape->field_count; i++) {
        struct most field = most_of_field(&shape->fields[i]);
        sum.bytes += field.bytes;
        sum.nodes += field.nodes;
        deepest = field.depth > deepest ? field.depth : deepest;
    }
    sum.depth = 1 + deepest;
    return sum;
}

static void
the_largest_of_every_message_fits_a_frame(void **state)
{
    (void)state;
    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        struct most most = most_of(message_shape((enum message_type)type));
        if (most.bytes + 32 > FRAME_SIZE_MAX || most.nodes + 4 > pack_frame_limits.node_max ||
            most.depth + 1 > pack_frame_limits.depth_max) {
            fail_msg("%s may have %zu bytes, %zu nodes, %zu levels",
                     message_name((enum message_type)type), most.bytes, most.nodes, most.depth);
        }
    }
}

static void
every_message_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int one = 1; one < MESSAGE_TYPE_COUNT; one++) {
        assert_string_not_equal(message_name((enum message_type)one), "NONE");
        for (int two = 1; two < one; two++) {
            assert_string_not_equal(message_name((enum message_type)one),
                                    message_name((enum message_type)two));
        }
    }
    assert_string_equal(message_name(MESSAGE_ASSIGN), "ASSIGN");
}

static void
what_is_no_message_has_no_shape_and_no_sender(void **state)
{
    (void)state;
    static const int types[] = {MESSAGE_NONE, MESSAGE_TYPE_COUNT, 1000};

    for (size_t i = 0; i < 3; i++) {
        enum message_type type = (enum message_type)types[i];
        assert_string_equal(message_name(type), "NONE");
        assert_null(message_shape(type));
        assert_false(message_may_come_from(type, FROM_AGENT));
        assert_false(message_may_come_from(type, FROM_ANY));
    }
}

static void
a_copied_message_stands_alone(void **state)
{
    (void)state;
    struct arena arena = {0};
    char name[] = "auth";
    struct label labels[] = {{"env", "prod"}};
    struct message copy,
        message = {.type = MESSAGE_TARGET,
                   .cluster_id = {{7}},
                   .target = {.name = name, .service = "auth", .labels = labels, .label_count = 1}};

    message_copy(&message, &arena, &copy);
    name[0] = 'X';
    labels[0].value = "test";

    assert_int_equal(copy.type, MESSAGE_TARGET);
    assert_int_equal(copy.cluster_id.bytes[0], 7);
    assert_string_equal(copy.target.name, "auth");
    assert_string_equal(copy.target.labels[0].value, "prod");
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_struct_is_in_its_table),
        cmocka_unit_test(the_largest_of_every_message_fits_a_frame),
        cmocka_unit_test(every_message_has_a_name_of_its_own),
        cmocka_unit_test(what_is_no_message_has_no_shape_and_no_sender),
        cmocka_unit_test(a_copied_message_stands_alone),
    };
    return RUN_TESTS(tests);
}
