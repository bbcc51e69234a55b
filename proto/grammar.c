#include "proto/grammar.h"

#include <inttypes.h>
#include <string.h>

#include "proto/shapes.h"

#define RECORDS_MAX 64

/* The records met in messages, each printed once, in the order in which they were met. */
struct records {
    const struct pack_shape *shapes[RECORDS_MAX];
    size_t count;
};

static void
meet(struct records *records, const struct pack_shape *shape)
{
    for (size_t i = 0; i < records->count; i++) {
        if (records->shapes[i] == shape) {
            return;
        }
    }
    if (records->count < RECORDS_MAX) {
        records->shapes[records->count++] = shape;
    }
}

/* "label" of "struct label". */
static const char *
record_name(const struct pack_shape *shape)
{
    const char *space = strrchr(shape->name, ' ');
    return space ? space + 1 : shape->name;
}

static void
print_words(const struct pack_field *field, struct text *out)
{
    if (!field->names) {
        text_format(out, "number ≤ %" PRIu64, field->max);
        return;
    }
    for (uint64_t i = 0; i <= field->max; i++) {
        text_format(out, "%s%" PRIu64 " %s", i ? ", " : "", i, field->names[i]);
    }
}

static void
print_number(uint64_t max, struct text *out)
{
    if (max == 0) {
        text_append(out, "number < 2^64");
    } else if (max == INT64_MAX) {
        text_append(out, "number");
    } else {
        text_format(out, "number ≤ %" PRIu64, max);
    }
}

static void
print_field(const struct pack_field *field, struct records *records, struct text *out)
{
    text_format(out, "    %-18s ", field->name);
    switch (field->kind) {
    case PACK_UINT:
        print_number(field->max, out);
        break;
    case PACK_INT:
        text_append(out, "number, also negative");
        break;
    case PACK_BOOL:
        text_append(out, "true or false");
        break;
    case PACK_ENUM:
        print_words(field, out);
        break;
    case PACK_TEXT:
        text_format(out, "text ≤ %" PRIu64 ", or nil", field->max);
        break;
    case PACK_NAME:
        text_format(out, "text ≤ %" PRIu64, field->max);
        break;
    case PACK_BYTES:
        text_format(out, "bytes ≤ %" PRIu64, field->max);
        break;
    case PACK_FIXED:
        text_format(out, "%" PRIu64 " bytes", field->max);
        break;
    case PACK_STRUCT:
        meet(records, field->shape);
        text_append(out, record_name(field->shape));
        break;
    case PACK_LIST:
        meet(records, field->shape);
        text_format(out, "list of %s ≤ %" PRIu64, record_name(field->shape), field->max);
        break;
    }
    text_append(out, "\n");
}

static void
print_shape(const struct pack_shape *shape, struct records *records, struct text *out)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        print_field(&shape->fields[i], records, out);
    }
}

static const char *
direction(enum message_sender sender)
{
    switch (sender) {
    case FROM_AGENT:
        return "agent → coordinator";
    case FROM_COORDINATOR:
        return "coordinator →";
    case FROM_OPERATOR:
        return "operator → coordinator";
    default:
        return "agent ↔ coordinator";
    }
}

void
grammar_print(struct text *out)
{
    struct records records = {0};

    text_append(out, "\n## Messages\n");
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT; type++) {
        const struct message_kind *kind = &message_kinds[type];
        text_format(out, "\n### %d %s\n\n%s\n\n", type, kind->name, direction(kind->sender));
        print_shape(kind->shape, &records, out);
    }
    text_append(out, "\n## Records\n");
    for (size_t i = 0; i < records.count; i++) {
        text_format(out, "\n### %s\n\n", record_name(records.shapes[i]));
        print_shape(records.shapes[i], &records, out);
    }
}
