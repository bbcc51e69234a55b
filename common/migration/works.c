#include "common/migration/works.h"

#include "common/base/text.h"
#include "common/migration/refusal.h"
#include "common/sql/catalog.h"

#define MAJOR_ASSUMED 15 /* the server is not known here; the grammar's own */

struct work_list {
    struct statement_work items[STATEMENT_WORKS_MAX];
    size_t count;
};

/* A table is named once, with what takes longest. */
static void
add(struct work_list *list, const char *schema, const char *table, enum work_kind kind,
    bool is_partial)
{
    if (!schema || !table) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct statement_work *work = &list->items[i];
        if (text_equal(work->table, table) && text_equal(work->schema, schema)) {
            work->kind = work->kind > kind ? work->kind : kind;
            work->is_partial = work->is_partial && is_partial;
            return;
        }
    }
    if (list->count < STATEMENT_WORKS_MAX) {
        list->items[list->count++] = (struct statement_work){
            .schema = schema, .table = table, .kind = kind, .is_partial = is_partial};
    }
}

static bool
is_about(const struct effect *effect, const struct sql_relation *relation)
{
    return text_equal(effect->name, relation->name) &&
           (!effect->schema || text_equal(effect->schema, relation->schema));
}

/* Whether the statement takes the table's content away, which costs nothing. */
static bool
is_thrown_away(const struct effects *effects, const struct sql_relation *relation)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_whole = effect->verb == EFFECT_TRUNCATE ||
                        (effect->verb == EFFECT_DROP && !effect->part &&
                         effect->object != OBJECT_INDEX && effect->object != OBJECT_TRIGGER);
        if (is_whole && is_about(effect, relation)) {
            return true;
        }
    }
    return false;
}

static bool
makes_index(const struct effect *effect)
{
    const struct sql_constraint *constraint = effect->constraint;

    if (effect->verb == EFFECT_REINDEX) {
        return true;
    }
    if (effect->verb != EFFECT_CREATE) {
        return false;
    }
    return effect->object == OBJECT_INDEX ||
           (constraint && !constraint->index &&
            (constraint->kind == CONSTRAINT_PRIMARY_KEY || constraint->kind == CONSTRAINT_UNIQUE ||
             constraint->kind == CONSTRAINT_EXCLUSION));
}

static enum work_kind
kind_of_scan(const struct effects *effects, const struct sql_relation *relation)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        if (makes_index(&effects->effects[i]) && is_about(&effects->effects[i], relation)) {
            return WORK_INDEX;
        }
    }
    return WORK_SCAN;
}

/* Of a partition whose parent is there too: the parent's size has it in it. */
static bool
is_counted_with_parent(const struct effects *effects, const struct catalog *catalog,
                       const struct sql_relation *relation)
{
    const struct catalog_table *table = catalog_table(catalog, relation->schema, relation->name);

    for (const struct catalog_kin *kin = table ? table->parents : NULL; kin; kin = kin->next) {
        const struct sql_relation *parent =
            effects_relation(effects, kin->table->schema, kin->table->name);
        if (kin->is_partition && parent && (parent->scans || parent->rewrites)) {
            return true;
        }
    }
    return false;
}

static void
add_relations(struct work_list *list, const struct effects *effects, const struct catalog *catalog)
{
    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        bool has_rows = relation->object == OBJECT_TABLE || relation->object == OBJECT_RELATION ||
                        relation->object == OBJECT_MATERIALIZED_VIEW;
        if (!has_rows || relation->is_new || relation->is_temporary ||
            (!relation->scans && !relation->rewrites) || is_thrown_away(effects, relation) ||
            is_counted_with_parent(effects, catalog, relation)) {
            continue;
        }
        add(list, relation->schema, relation->name,
            relation->rewrites ? WORK_REWRITE : kind_of_scan(effects, relation), false);
    }
}

static bool
is_new(const struct effects *effects, const struct effect *effect)
{
    const struct sql_relation *relation = effects_relation(effects, effect->schema, effect->name);

    return effect->is_temporary || (relation && (relation->is_new || relation->is_temporary));
}

/* UPDATE and DELETE go through their table, INSERT … SELECT through what it reads. */
static void
add_rows(struct work_list *list, const struct effects *effects)
{
    bool copies = false;

    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        copies |= effect->verb == EFFECT_INSERT && !effect->is_bounded;
        if ((effect->verb == EFFECT_UPDATE || effect->verb == EFFECT_DELETE) &&
            !is_new(effects, effect)) {
            add(list, effect->schema, effect->name, WORK_WRITE, effect->is_bounded);
        }
    }
    for (size_t i = 0; copies && i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        if (effect->verb == EFFECT_READ && !effect->part && !is_new(effects, effect)) {
            add(list, effect->schema, effect->name, WORK_WRITE, false);
        }
    }
}

static bool
lives_in_schema(enum sql_object object)
{
    switch (object) {
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATERIALIZED_VIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_ENUM:
    case OBJECT_DOMAIN:
    case OBJECT_TYPE:
    case OBJECT_FUNCTION:
        return true;
    default:
        return false; /* an index follows its table, whose schema may not be written */
    }
}

/* What may be there, or may not be made at all, asks for nothing that is sure. */
static const char *
schema_of_new(const struct effects *effects)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_sure = effect->verb == EFFECT_CREATE && !effect->part && !effect->is_temporary &&
                       !effect->is_implied && !effect->is_noop && !effect->is_conditional &&
                       !effect->if_not_exists;
        if (is_sure && lives_in_schema(effect->object)) {
            return effect->is_schema_written ? effect->schema : "";
        }
    }
    return NULL;
}

/* Null also where it may have been there before. */
static const char *
maker_of(const struct reading *reading, const struct statement_work *work)
{
    const struct catalog_table *table = catalog_table(reading->catalog, work->schema, work->table);

    return table && table->file && !table->was_perhaps_there ? reading->versions[table->file]
                                                             : NULL;
}

static void
keep(const struct work_list *list, struct reading *reading, struct statement *statement)
{
    struct arena *arena = &reading->arena;

    statement->works = arena_copy(arena, list->items, list->count * sizeof *list->items);
    statement->work_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        struct statement_work *work = &statement->works[i];
        work->made_by = maker_of(reading, work);
        work->schema = arena_text(arena, work->schema);
        work->table = arena_text(arena, work->table);
    }
}

void
works_read(struct script_reading *script, struct migration *migration, enum direction direction)
{
    struct reading *reading = script->reading;
    struct script *out = direction == DIRECTION_UP ? &migration->up : &migration->down;
    size_t kept = 0;

    if (!reading->catalog || script->is_raw) {
        return;
    }
    reading->versions[catalog_begin_file(reading->catalog)] = migration->version;
    for (size_t i = 0; i < script->sql.statement_count; i++) {
        const struct sql_statement *statement = &script->sql.statements[i];
        struct effects effects;
        struct work_list list = {.count = 0};
        if (refusal_is_ours(statement)) {
            continue;
        }
        effects_read(statement, reading->catalog, MAJOR_ASSUMED, &script->scratch, &effects);
        add_relations(&list, &effects, reading->catalog);
        add_rows(&list, &effects);
        out->statements[kept].creates_in = arena_text(&reading->arena, schema_of_new(&effects));
        keep(&list, reading, &out->statements[kept++]);
        if (direction == DIRECTION_UP) {
            catalog_apply(reading->catalog, &effects);
        }
    }
}
