/* ALTER TABLE … CONSTRAINT. */
#include <string.h>

#include "common/sql/alteration.h"

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

static const struct catalog_constraint *
known_constraint(const struct alteration *alteration, const char *name)
{
    const struct catalog_table *table = constrained_table(alteration->reading, &alteration->name);

    return table ? catalog_constraint(table, name) : NULL;
}

/* ---- ADD ------------------------------------------------------------------------------------- */

static void
scan_referred(struct alteration *alteration, const struct sql_constraint *constraint)
{
    struct reading *reading = alteration->reading;
    struct object_name to = {.schema = constraint->to_schema, .name = constraint->to_table};

    to.table = reading->catalog ? catalog_table(reading->catalog, to.schema, to.name) : NULL;
    reading_scan(reading, &to);
}

static void
add_foreign_key(struct alteration *alteration, const struct sql_constraint *constraint)
{
    alteration_lock(alteration, LOCK_SHARE_ROW_EXCLUSIVE, true);
    if (constraint->is_valid) {
        alteration_scan(alteration);
        scan_referred(alteration, constraint);
    }
}

static const struct catalog_index *
index_of(const struct alteration *alteration, const char *name)
{
    const struct catalog_table *table = alteration->name.table;

    for (const struct catalog_index *index = table ? table->indexes : NULL; index;
         index = index->next) {
        if (strcmp(index->index.name, name) == 0) {
            return index;
        }
    }
    return NULL;
}

/* Whether all columns of an index are known to be NOT NULL. */
static bool
is_never_null(const struct alteration *alteration, const struct catalog_index *index)
{
    for (size_t i = 0; i < index->index.column_count; i++) {
        const char *name = index->index.columns[i];
        const struct catalog_column *column =
            name ? catalog_column(alteration->name.table, name) : NULL;
        bool is_proved = column && (column->column.is_not_null ||
                                    catalog_proves_not_null(alteration->name.table, name));
        if (!is_proved) {
            return false;
        }
    }
    return true;
}

/* The index is renamed when the constraint has another name; a primary key makes NOT NULL. */
static bool
add_using_index(struct alteration *alteration, const struct sql_constraint *constraint)
{
    const struct catalog_index *index = index_of(alteration, constraint->index);

    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, false);
    if (index && strcmp(constraint->index, constraint->name) != 0) {
        reading_lock_index(alteration->reading, index, LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
    bool scans =
        constraint->kind == CONSTRAINT_PRIMARY_KEY && !(index && is_never_null(alteration, index));
    if (scans) {
        alteration_scan(alteration);
    }
    return scans;
}

static void
add_with_index(struct alteration *alteration, const struct sql_constraint *constraint)
{
    const struct catalog_table *table = alteration->name.table;

    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, false);
    for (const struct catalog_kin *kin = table && table->is_partitioned ? table->children : NULL;
         kin; kin = kin->next) {
        struct object_name child = name_of_table(kin->table);
        reading_lock_family(alteration->reading, &child, OBJECT_TABLE, LOCK_SHARE);
    }
    if (table && !table->is_partitioned) {
        struct object_name alone = alteration->name;
        alone.table = NULL; /* the index is not made on what inherits */
        reading_scan(alteration->reading, &alone);
    } else {
        alteration_scan(alteration);
    }
    table_make_index(alteration->reading, &alteration->name, constraint);
}

static void
add_constraint(struct alteration *alteration, const PgQuery__Constraint *node)
{
    struct sql_constraint *constraint =
        constraint_read(alteration->reading, node, &alteration->name, NULL);
    size_t at = alteration->reading->effects->effect_count;
    bool scans = constraint->is_valid;

    constraint_make(alteration->reading, &alteration->name, constraint, node->location);
    if (constraint->kind == CONSTRAINT_FOREIGN_KEY) {
        add_foreign_key(alteration, constraint);
    } else if (constraint->index) {
        scans = add_using_index(alteration, constraint);
    } else if (constraint_has_index(constraint)) {
        add_with_index(alteration, constraint);
    } else {
        alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
        if (constraint->is_valid) {
            alteration_scan(alteration);
        }
    }
    alteration->reading->effects->effects[at].scans = scans;
}

/* ---- VALIDATE, DROP -------------------------------------------------------------------------- */

static void
validate_constraint(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    const struct catalog_constraint *known = known_constraint(alteration, command->name);
    struct effect *effect = reading_effect(alteration->reading, EFFECT_VALIDATE, OBJECT_CONSTRAINT,
                                           &alteration->name, command->name);

    effect->constraint = known ? &known->constraint : NULL;
    effect->scans = !known || !known->constraint.is_valid;
    bool is_foreign = known && known->constraint.kind == CONSTRAINT_FOREIGN_KEY;
    bool scans = effect->scans;
    alteration_lock(alteration, LOCK_SHARE_UPDATE_EXCLUSIVE, !is_foreign);
    if (scans && is_foreign) {
        lock_by_name(alteration->reading, known->constraint.to_schema, known->constraint.to_table,
                     LOCK_ROW_SHARE);
        scan_referred(alteration, &known->constraint);
    }
    if (scans) {
        alteration_scan(alteration);
    }
}

static void
drop_constraint(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    const struct catalog_constraint *known = known_constraint(alteration, command->name);
    struct effect *effect = reading_effect(alteration->reading, EFFECT_DROP, OBJECT_CONSTRAINT,
                                           &alteration->name, command->name);

    effect->constraint = known ? &known->constraint : NULL;
    effect->if_exists = command->missing_ok;
    effect->cascades = command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    bool is_check = known && known->constraint.kind == CONSTRAINT_CHECK;
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, is_check || !known);
    if (!known) {
        return;
    }
    const struct catalog_table *table = constrained_table(alteration->reading, &alteration->name);
    lock_for_dropped_constraint(alteration->reading, table, known);
    if (effect->cascades && constraint_has_index(&known->constraint) &&
        known->constraint.column_count) {
        lock_referencing(alteration->reading, table, known->constraint.columns[0],
                         LOCK_ACCESS_EXCLUSIVE, false);
    }
}

bool
alter_constraint(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    switch (command->subtype) {
    case AT(AddConstraint):
        add_constraint(alteration, command->def->constraint);
        return true;
    case AT(ValidateConstraint):
        validate_constraint(alteration, command);
        return true;
    case AT(DropConstraint):
        drop_constraint(alteration, command);
        return true;
    default:
        return false;
    }
}
