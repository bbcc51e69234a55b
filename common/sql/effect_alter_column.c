/* ALTER TABLE … COLUMN. */
#include <string.h>

#include "common/sql/alteration.h"

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

/* ---- ADD COLUMN ------------------------------------------------------------------------------ */

/*
 * Whether the table is written anew: PostgreSQL keeps a value beside the table only when it is one
 * and the same for all rows (ATExecAddColumn; since 11). Constraints of a domain are looked at row
 * by row.
 */
static bool
add_rewrites(const struct column_reading *read)
{
    const struct sql_column *column = read->column;

    return column->is_serial || column->is_identity ||
           (column->is_generated && !column->is_virtual) ||
           column->default_volatility == VOLATILITY_VOLATILE || read->domain;
}

/* Whether all rows are read, to find NULLs or to check constraints. */
static bool
add_scans(const struct column_reading *read)
{
    bool has_default = read->column->default_volatility != VOLATILITY_NONE;

    for (size_t i = 0; i < read->constraint_count; i++) {
        if (read->constraints[i]->kind != CONSTRAINT_FOREIGN_KEY || has_default) {
            return true;
        }
    }
    return read->column->is_not_null && !has_default;
}

/* A foreign key of a column without a default holds by itself: it is NULL everywhere. */
static void
add_constraints(struct alteration *alteration, const struct column_reading *read, int location)
{
    struct reading *reading = alteration->reading;
    bool is_filled = read->column->default_volatility != VOLATILITY_NONE || add_rewrites(read);

    for (size_t i = 0; i < read->constraint_count; i++) {
        const struct sql_constraint *constraint = read->constraints[i];
        struct effect *effect = constraint_make(reading, &alteration->name, constraint, location);
        effect->scans = constraint->kind != CONSTRAINT_FOREIGN_KEY || is_filled;
        if (constraint_has_index(constraint)) {
            table_make_index(reading, &alteration->name, constraint);
        } else if (constraint->kind == CONSTRAINT_FOREIGN_KEY && is_filled) {
            struct object_name to = {.schema = constraint->to_schema, .name = constraint->to_table};
            to.table =
                reading->catalog ? catalog_table(reading->catalog, to.schema, to.name) : NULL;
            reading_scan(reading, &to);
        }
    }
}

static void
add_column(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__ColumnDef *def = command->def->column_def;
    struct reading *reading = alteration->reading;
    struct column_reading read = column_read(reading, def, &alteration->name);
    const struct catalog_table *table = alteration->name.table;
    bool is_there = command->missing_ok && table && catalog_column(table, def->colname);

    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
    if (is_there) {
        struct effect *effect =
            reading_effect(reading, EFFECT_CREATE, OBJECT_COLUMN, &alteration->name, def->colname);
        effect->column = read.column;
        effect->if_not_exists = effect->is_noop = true;
        return;
    }
    struct effect *effect = table_make_column(reading, &alteration->name, &read, def->location);
    effect->if_not_exists = command->missing_ok;
    effect->rewrites = add_rewrites(&read);
    effect->scans = effect->rewrites || add_scans(&read);
    bool rewrites = effect->rewrites, scans = effect->scans;
    add_constraints(alteration, &read, def->location);
    if (rewrites) {
        alteration_rewrite(alteration);
    } else if (scans) {
        alteration_scan(alteration);
    }
}

/* ---- DROP COLUMN ----------------------------------------------------------------------------- */

/* Indexes over the column, on the table and on what inherits from it. */
static void
lock_indexes_over(struct reading *reading, const struct catalog_table *table, const char *column)
{
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (index_names(&index->index, column)) {
            reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE);
        }
    }
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        lock_indexes_over(reading, kin->table, column);
    }
}

static void
drop_column(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    const struct catalog_table *table = alteration->name.table;
    bool cascades = command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    struct effect *effect =
        reading_effect(reading, EFFECT_DROP, OBJECT_COLUMN, &alteration->name, command->name);

    effect->if_exists = command->missing_ok;
    effect->cascades = cascades;
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
    if (!table) {
        return;
    }
    lock_indexes_over(reading, table, command->name);
    alteration_lock_sequences(reading, table, command->name, LOCK_ACCESS_EXCLUSIVE);
    for (const struct catalog_constraint *constraint = table->constraints; constraint;
         constraint = constraint->next) {
        if (constraint_names(&constraint->constraint, command->name)) {
            lock_for_dropped_constraint(reading, table, constraint);
        }
    }
    if (cascades) {
        lock_referencing(reading, table, command->name, LOCK_ACCESS_EXCLUSIVE, false);
        lock_views(reading, table, command->name, LOCK_ACCESS_EXCLUSIVE);
    }
}

/* ---- SET NOT NULL ---------------------------------------------------------------------------- */

/*
 * All rows are read, unless the column is NOT NULL already or a valid CHECK proves it (since 12:
 * https://www.postgresql.org/docs/release/12.0/, "Allow ALTER TABLE ... SET NOT NULL to avoid
 * unnecessary table scans").
 */
static bool
is_proved_not_null(const struct alteration *alteration, const char *name)
{
    const struct catalog_table *table = constrained_table(alteration->reading, &alteration->name);
    const struct catalog_column *column = table ? catalog_column(table, name) : NULL;

    return (column && column->column.is_not_null) ||
           (table && catalog_proves_not_null(table, name));
}

static void
set_not_null(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct effect *effect = reading_effect(alteration->reading, EFFECT_SET_NOT_NULL, OBJECT_COLUMN,
                                           &alteration->name, command->name);

    effect->scans = !is_proved_not_null(alteration, command->name);
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
    if (effect->scans) {
        alteration_scan(alteration);
    }
}

/* ---- TYPE ------------------------------------------------------------------------------------ */

/* USING the column itself, or a cast of it to the new type, is what PostgreSQL would do anyway. */
static bool
is_plain_using(const struct reading *reading, const PgQuery__Node *node, const char *column,
               const char *type)
{
    while (node && node->node_case == NODE(TYPE_CAST)) {
        if (strcmp(type_text(reading, node->type_cast->type_name), type) != 0) {
            return false;
        }
        node = node->type_cast->arg;
    }
    if (!node || node->node_case != NODE(COLUMN_REF) || node->column_ref->n_fields == 0) {
        return false;
    }
    const char *name = tree_string(node->column_ref->fields[node->column_ref->n_fields - 1]);
    return name && strcmp(name, column) == 0;
}

/* The indexes over the column are made anew, from the old files when both types sort alike. */
static bool
remake_indexes(struct reading *reading, const struct catalog_table *table, const char *column,
               bool keeps_files)
{
    bool scans = false;

    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (!index_names(&index->index, column)) {
            continue;
        }
        bool has_expression = index->index.used_count > 0;
        bool rewrites = has_expression || !keeps_files;
        bool has_file = !table->is_partitioned;
        reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE)->rewrites |= rewrites && has_file;
        scans = scans || (rewrites && has_file);
    }
    if (scans) {
        struct object_name name = name_of_table(table);
        reading_scan(reading, &name);
    }
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        scans = remake_indexes(reading, kin->table, column, keeps_files) || scans;
    }
    return scans;
}

/* Constraints over the column are dropped and added again: all rows are checked. */
static bool
remake_constraints(struct reading *reading, const struct catalog_table *table, const char *column)
{
    bool scans = false;

    for (const struct catalog_constraint *constraint = table->constraints; constraint;
         constraint = constraint->next) {
        const struct sql_constraint *known = &constraint->constraint;
        if (!constraint_names(known, column) || !known->is_valid) {
            continue;
        }
        if (known->kind == CONSTRAINT_CHECK) {
            scans = true;
        } else if (known->kind == CONSTRAINT_FOREIGN_KEY) {
            scans = true;
            lock_by_name(reading, known->to_schema, known->to_table, LOCK_ACCESS_EXCLUSIVE);
            struct object_name to = {.schema = known->to_schema, .name = known->to_table};
            to.table = catalog_table(reading->catalog, to.schema, to.name);
            reading_scan(reading, &to);
        }
    }
    lock_referencing(reading, table, column, LOCK_ACCESS_EXCLUSIVE, true);
    return scans;
}

static void
set_type(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    const PgQuery__ColumnDef *def = command->def->column_def;
    const struct catalog_table *table = alteration->name.table;
    const struct catalog_column *known = table ? catalog_column(table, command->name) : NULL;
    struct sql_column *column = arena_alloc(reading->arena, sizeof *column);
    const char *from = known ? known->column.type : NULL;

    column->name = command->name;
    column->type = type_text(reading, def->type_name);
    column->has_using =
        def->raw_default && !is_plain_using(reading, def->raw_default, command->name, column->type);
    struct effect *effect =
        reading_effect(reading, EFFECT_SET_TYPE, OBJECT_COLUMN, &alteration->name, command->name);
    effect->column = column;
    effect->old_type = from;
    effect->offset = reading_offset(reading, def->location);
    effect->rewrites =
        column->has_using || !from || type_change_rewrites(reading, from, column->type);
    effect->scans = effect->rewrites;
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
    if (effect->rewrites) {
        alteration_rewrite(alteration);
    }
    if (!table) {
        return;
    }
    if (known && known->column.is_serial) { /* its default is looked at again */
        alteration_lock_sequences(reading, table, command->name, LOCK_ACCESS_SHARE);
    }
    bool is_changed = !from || strcmp(from, column->type) != 0;
    bool keeps_files = from && !effect->rewrites && type_change_keeps_index(from, column->type);
    bool scans = (is_changed || column->has_using) &&
                 remake_indexes(reading, table, command->name, keeps_files);
    if (remake_constraints(reading, table, command->name)) {
        alteration_scan(alteration);
        scans = true;
    }
    effect->scans = effect->scans || scans;
}

/* ---- DEFAULT, IDENTITY ----------------------------------------------------------------------- */

static void
set_default(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    struct effect *effect =
        reading_effect(reading, command->def ? EFFECT_SET_DEFAULT : EFFECT_DROP_DEFAULT,
                       OBJECT_COLUMN, &alteration->name, command->name);

    if (command->def) {
        struct sql_column *column = arena_alloc(reading->arena, sizeof *column);
        column->name = command->name;
        column->default_volatility = expression_volatility(reading, command->def);
        column->default_text = tree_constant(command->def, reading->arena);
        effect->column = column;
    }
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
}

static void
add_identity(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    struct sql_column *column = arena_alloc(reading->arena, sizeof *column);
    struct column_reading read = {.column = column};

    column->name = command->name;
    column->is_identity = column->is_not_null = true;
    struct effect *effect = table_make_column(reading, &alteration->name, &read, 0);
    effect->verb = EFFECT_SET_IDENTITY;
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, false);
}

bool
alter_column(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    switch (command->subtype) {
    case AT(AddColumn):
        add_column(alteration, command);
        return true;
    case AT(DropColumn):
        drop_column(alteration, command);
        return true;
    case AT(SetNotNull):
        set_not_null(alteration, command);
        return true;
    case AT(AlterColumnType):
        set_type(alteration, command);
        return true;
    case AT(ColumnDefault):
        set_default(alteration, command);
        return true;
    case AT(AddIdentity):
        add_identity(alteration, command);
        return true;
    default:
        return false;
    }
}
