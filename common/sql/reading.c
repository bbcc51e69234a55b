#include "common/sql/reading.h"

#include <string.h>

#define FIRST_ROOM 4

/* One more element in an array of the arena; its room doubles. */
static void *
grow(struct arena *arena, void *elements, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return elements;
    }
    *room = *room ? 2 * *room : FIRST_ROOM;
    void *grown = arena_alloc(arena, *room * size);
    if (count) {
        memcpy(grown, elements, count * size);
    }
    return grown;
}

/* ---- effects --------------------------------------------------------------------------------- */

static bool
is_upkeep(enum effect_verb verb)
{
    return verb == EFFECT_REINDEX || verb == EFFECT_CLUSTER || verb == EFFECT_VACUUM ||
           verb == EFFECT_ANALYZE || verb == EFFECT_REFRESH;
}

/* Whether rows or values go for good when this happens to an object of this kind. */
static bool
loses_data(enum effect_verb verb, enum sql_object object)
{
    switch (verb) {
    case EFFECT_DROP:
        return object == OBJECT_TABLE || object == OBJECT_COLUMN || object == OBJECT_SCHEMA ||
               object == OBJECT_DATABASE || object == OBJECT_SEQUENCE ||
               object == OBJECT_ATTRIBUTE || object == OBJECT_EXTENSION ||
               object == OBJECT_TABLESPACE || object == OBJECT_RELATION ||
               object == OBJECT_MATERIALIZED_VIEW;
    case EFFECT_DELETE:
    case EFFECT_TRUNCATE:
    case EFFECT_UPDATE:
        return true;
    default:
        return false;
    }
}

/* Whether another statement could bring back what was before, with all data. */
static bool
can_undo(enum effect_verb verb, enum sql_object object)
{
    if (loses_data(verb, object)) {
        return false;
    }
    return !(object == OBJECT_ENUM_VALUE && verb == EFFECT_CREATE) && object != OBJECT_CODE &&
           verb != EFFECT_INSERT && verb != EFFECT_CALL;
}

/* Whether programs that know what was there before fail afterwards. */
static bool
breaks_readers(enum effect_verb verb, enum sql_object object)
{
    bool is_known_by_name = object != OBJECT_INDEX && object != OBJECT_CONSTRAINT &&
                            object != OBJECT_TRIGGER && object != OBJECT_POLICY &&
                            object != OBJECT_RULE && object != OBJECT_STATISTICS &&
                            object != OBJECT_PUBLICATION && object != OBJECT_PARTITION &&
                            object != OBJECT_DOMAIN_CONSTRAINT && object != OBJECT_INHERITANCE &&
                            object != OBJECT_EVENT_TRIGGER && object != OBJECT_SUBSCRIPTION;

    switch (verb) {
    case EFFECT_DROP:
    case EFFECT_RENAME:
    case EFFECT_MOVE:
        return is_known_by_name;
    case EFFECT_SET_TYPE:
    case EFFECT_REVOKE:
        return true;
    default:
        return false;
    }
}

struct effect *
reading_effect(struct reading *reading, enum effect_verb verb, enum sql_object object,
               const struct object_name *name, const char *part)
{
    struct effects *effects = reading->effects;

    effects->effects = grow(reading->arena, effects->effects, effects->effect_count,
                            &reading->effect_room, sizeof *effects->effects);
    struct effect *effect = &effects->effects[effects->effect_count++];
    *effect = (struct effect){.verb = verb,
                              .object = object,
                              .schema = name->schema,
                              .name = name->name,
                              .part = text_or_null(part),
                              .offset = name->offset ? name->offset : reading->start,
                              .is_schema_written = name->is_schema_written,
                              .is_temporary = name->is_temporary,
                              .loses_data = loses_data(verb, object),
                              .can_undo = can_undo(verb, object) || is_upkeep(verb),
                              .breaks_readers = breaks_readers(verb, object)};
    return effect;
}

/* ---- relations ------------------------------------------------------------------------------- */

static struct sql_relation *
find(const struct effects *effects, const char *schema, const char *name)
{
    for (size_t i = 0; i < effects->relation_count; i++) {
        struct sql_relation *relation = &effects->relations[i];
        if (strcmp(relation->name, name) == 0 && strcmp(relation->schema, schema) == 0) {
            return relation;
        }
    }
    return NULL;
}

static struct sql_relation *
add(struct reading *reading, const struct object_name *name, enum sql_object object)
{
    struct effects *effects = reading->effects;

    effects->relations = grow(reading->arena, effects->relations, effects->relation_count,
                              &reading->relation_room, sizeof *effects->relations);
    struct sql_relation *relation = &effects->relations[effects->relation_count++];
    *relation = (struct sql_relation){.schema = name->schema, .name = name->name, .object = object};
    relation->is_temporary = name->is_temporary;
    if (name->table) {
        relation->object = name->table->object;
        relation->is_in_history = true;
        relation->is_new = name->table->file == catalog_file(reading->catalog);
    }
    return relation;
}

struct sql_relation *
reading_lock(struct reading *reading, const struct object_name *name, enum sql_object object,
             enum lock_mode mode)
{
    const char *schema = name->schema ? name->schema : "public";
    struct object_name full = *name;
    full.schema = schema;
    struct sql_relation *relation = find(reading->effects, schema, name->name);

    if (!relation) {
        relation = add(reading, &full, object);
    }
    if (mode > relation->lock) {
        relation->lock = mode;
    }
    return relation;
}

struct sql_relation *
reading_lock_table(struct reading *reading, const struct catalog_table *table, enum lock_mode mode)
{
    struct object_name name = name_of_table(table);
    return reading_lock(reading, &name, table->object, mode);
}

struct sql_relation *
reading_lock_index(struct reading *reading, const struct catalog_index *index, enum lock_mode mode)
{
    struct object_name name = {.schema = index->schema, .name = index->index.name};
    struct sql_relation *relation = reading_lock(reading, &name, OBJECT_INDEX, mode);

    relation->is_in_history = true;
    relation->is_new = index->file == catalog_file(reading->catalog);
    relation->is_temporary = index->table && index->table->is_temporary;
    return relation;
}

static void
lock_children(struct reading *reading, const struct catalog_table *table, enum lock_mode mode)
{
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        const struct sql_relation *met =
            find(reading->effects, kin->table->schema, kin->table->name);
        if (!met || met->lock < mode) { /* else what is below it was there as well */
            reading_lock_table(reading, kin->table, mode);
            lock_children(reading, kin->table, mode);
        }
    }
}

void
reading_lock_family(struct reading *reading, const struct object_name *name, enum sql_object object,
                    enum lock_mode mode)
{
    reading_lock(reading, name, object, mode);
    if (name->table) {
        lock_children(reading, name->table, mode);
    }
}

void
reading_scan(struct reading *reading, const struct object_name *name)
{
    bool has_rows = !name->table || !name->table->is_partitioned;

    if (has_rows) {
        reading_lock(reading, name, OBJECT_TABLE, LOCK_NONE)->scans = true;
    }
    for (const struct catalog_kin *kin = name->table ? name->table->children : NULL; kin;
         kin = kin->next) {
        struct object_name child = name_of_table(kin->table);
        reading_scan(reading, &child);
    }
}

void
reading_rewrite(struct reading *reading, const struct object_name *name)
{
    const struct catalog_table *table = name->table;

    if (!table || !table->is_partitioned) {
        struct sql_relation *relation = reading_lock(reading, name, OBJECT_TABLE, LOCK_NONE);
        relation->rewrites = relation->scans = true;
    }
    if (!table) {
        return;
    }
    for (const struct catalog_index *index = table->indexes; index && !table->is_partitioned;
         index = index->next) {
        reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE)->rewrites = true;
    }
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        struct object_name child = name_of_table(kin->table);
        reading_rewrite(reading, &child);
    }
}

void
reading_needs(struct reading *reading, int major)
{
    if (reading->effects->major_min < major) {
        reading->effects->major_min = major;
    }
}

const struct sql_relation *
effects_relation(const struct effects *effects, const char *schema, const char *name)
{
    return find(effects, schema ? schema : "public", name);
}
