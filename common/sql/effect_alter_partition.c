/*
 * ALTER TABLE … ATTACH and DETACH PARTITION, ALTER INDEX … ATTACH PARTITION.
 * https://www.postgresql.org/docs/current/sql-altertable.html: "Attaching a partition acquires a
 * SHARE UPDATE EXCLUSIVE lock on the parent table, in addition to the ACCESS EXCLUSIVE locks on the
 * table being attached and on the default partition (if any)."
 */
#include <string.h>

#include "common/sql/alteration.h"

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

/* The default partition, whose rows may belong into the other one. */
static void
lock_default(struct alteration *alteration, const struct catalog_table *except, bool scans)
{
    const struct catalog_table *table = alteration->name.table;

    for (const struct catalog_kin *kin = table ? table->children : NULL; kin; kin = kin->next) {
        if (!kin->is_default || kin->table == except) {
            continue;
        }
        struct object_name name = name_of_table(kin->table);
        reading_lock_family(alteration->reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
        if (scans) {
            reading_scan(alteration->reading, &name);
        }
    }
}

/*
 * Whether a valid CHECK of the table is about the columns of the key: then it is taken for the
 * proof that all rows belong into the partition, as the documentation advises to write it.
 */
static bool
has_proof(const struct catalog_table *parent, const struct catalog_table *table)
{
    for (size_t i = 0; parent && table && i < parent->key_count; i++) {
        bool is_named = false;
        for (const struct catalog_constraint *known = table->constraints; known;
             known = known->next) {
            is_named = is_named ||
                       (known->constraint.kind == CONSTRAINT_CHECK && known->constraint.is_valid &&
                        constraint_names(&known->constraint, parent->key[i]));
        }
        if (!is_named) {
            return false;
        }
    }
    return parent && table && parent->key_count;
}

/* Whether the partition must be given an index like one of the parent's: none over its columns. */
static bool
lacks_index(const struct catalog_table *parent, const struct catalog_table *table)
{
    for (const struct catalog_index *index = parent ? parent->indexes : NULL; index;
         index = index->next) {
        bool is_there = false;
        for (const struct catalog_index *own = table ? table->indexes : NULL; own;
             own = own->next) {
            is_there = is_there || index_is_part(&own->index, &index->index);
        }
        if (!is_there) {
            return true;
        }
    }
    return false;
}

static void
attach(struct alteration *alteration, const PgQuery__PartitionCmd *part)
{
    struct reading *reading = alteration->reading;
    struct object_name name = name_of_relation(reading, part->name);
    struct effect *effect =
        reading_effect(reading, EFFECT_ATTACH, OBJECT_PARTITION, &alteration->name, name.name);
    bool is_default = part->bound && part->bound->is_default;

    effect->new_name = name.schema;
    effect->scans = !has_proof(alteration->name.table, constrained_table(reading, &name));
    effect->is_bounded = !is_default;
    alteration_lock(alteration, LOCK_SHARE_UPDATE_EXCLUSIVE, false);
    reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    if (effect->scans || lacks_index(alteration->name.table, name.table)) {
        reading_scan(reading, &name);
    }
    lock_default(alteration, NULL, true);
    alteration_lock_indexes(reading, alteration->name.table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    for (const struct catalog_constraint *known =
             alteration->name.table ? alteration->name.table->constraints : NULL;
         known; known = known->next) {
        if (known->constraint.kind == CONSTRAINT_FOREIGN_KEY) {
            lock_by_name(reading, known->constraint.to_schema, known->constraint.to_table,
                         LOCK_SHARE_ROW_EXCLUSIVE);
        }
    }
}

/* https://www.postgresql.org/docs/release/14.0/: DETACH … CONCURRENTLY. */
static void
detach(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    const PgQuery__PartitionCmd *part = command->def->partition_cmd;
    struct object_name name = name_of_relation(reading, part->name);
    bool is_weak = part->concurrent || command->subtype == AT(DetachPartitionFinalize);
    struct effect *effect =
        reading_effect(reading, EFFECT_DETACH, OBJECT_PARTITION, &alteration->name, name.name);

    effect->new_name = name.schema;
    effect->is_concurrent = part->concurrent;
    if (is_weak) {
        reading_needs(reading, 14);
    }
    alteration_lock(alteration, is_weak ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE,
                    false);
    reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    lock_default(alteration, name.table, false);
    for (const struct catalog_index *index = name.table ? name.table->indexes : NULL;
         index && alteration->name.table && alteration->name.table->indexes; index = index->next) {
        reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
attach_index(struct alteration *alteration, const PgQuery__PartitionCmd *part)
{
    struct reading *reading = alteration->reading;
    struct object_name name = name_of_relation(reading, part->name);
    const struct catalog *catalog = reading->catalog;
    const struct catalog_index *parent =
        catalog ? catalog_index(catalog, alteration->name.schema, alteration->name.name) : NULL;
    const struct catalog_index *child =
        catalog ? catalog_index(catalog, name.schema, name.name) : NULL;

    struct effect *effect =
        reading_effect(reading, EFFECT_ATTACH, OBJECT_INDEX, &alteration->name, name.name);
    effect->new_name = name.schema;
    reading_lock(reading, &alteration->name, OBJECT_INDEX, LOCK_SHARE_UPDATE_EXCLUSIVE);
    reading_lock(reading, &name, OBJECT_INDEX, LOCK_ACCESS_EXCLUSIVE);
    if (parent) {
        reading_lock_table(reading, parent->table, LOCK_ACCESS_SHARE);
    }
    if (child) {
        reading_lock_table(reading, child->table, LOCK_ACCESS_SHARE);
    }
}

bool
alter_partition(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    switch (command->subtype) {
    case AT(AttachPartition):
        if (alteration->object == OBJECT_INDEX) {
            attach_index(alteration, command->def->partition_cmd);
        } else {
            attach(alteration, command->def->partition_cmd);
        }
        return true;
    case AT(DetachPartition):
    case AT(DetachPartitionFinalize):
        detach(alteration, command);
        return true;
    default:
        return false;
    }
}
