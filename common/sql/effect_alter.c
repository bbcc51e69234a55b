/*
 * ALTER TABLE and its kin for other relations: one effect for each sub-command. Locks are
 * AlterTableGetLockLevel in src/backend/commands/tablecmds.c; scans and rewrites are its phase 3
 * (ATRewriteTables): https://www.postgresql.org/docs/current/sql-altertable.html, "Notes".
 */
#include <string.h>

#include "common/sql/alteration.h"

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

/* ---- sub-commands without surprises ---------------------------------------------------------- */

static const struct plain {
    PgQuery__AlterTableType subtype;
    enum effect_verb verb;
    enum sql_object object;
    enum lock_mode lock;
} plains[] = {
    {AT(DropNotNull), EFFECT_DROP_NOT_NULL, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(DropExpression), EFFECT_SET_EXPRESSION, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(SetStatistics), EFFECT_SET_STATISTICS, OBJECT_COLUMN, LOCK_SHARE_UPDATE_EXCLUSIVE},
    {AT(SetOptions), EFFECT_SET_OPTIONS, OBJECT_COLUMN, LOCK_SHARE_UPDATE_EXCLUSIVE},
    {AT(ResetOptions), EFFECT_SET_OPTIONS, OBJECT_COLUMN, LOCK_SHARE_UPDATE_EXCLUSIVE},
    {AT(SetStorage), EFFECT_SET_STORAGE, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(SetCompression), EFFECT_SET_STORAGE, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(AlterColumnGenericOptions), EFFECT_SET_OPTIONS, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(ClusterOn), EFFECT_SET_OPTIONS, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE},
    {AT(DropCluster), EFFECT_SET_OPTIONS, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE},
    {AT(DropOids), EFFECT_ALTER, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(ChangeOwner), EFFECT_SET_OWNER, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(EnableTrig), EFFECT_ENABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(EnableAlwaysTrig), EFFECT_ENABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(EnableReplicaTrig), EFFECT_ENABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(EnableTrigAll), EFFECT_ENABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(EnableTrigUser), EFFECT_ENABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(DisableTrig), EFFECT_DISABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(DisableTrigAll), EFFECT_DISABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(DisableTrigUser), EFFECT_DISABLE, OBJECT_TRIGGER, LOCK_SHARE_ROW_EXCLUSIVE},
    {AT(EnableRule), EFFECT_ENABLE, OBJECT_RULE, LOCK_ACCESS_EXCLUSIVE},
    {AT(EnableAlwaysRule), EFFECT_ENABLE, OBJECT_RULE, LOCK_ACCESS_EXCLUSIVE},
    {AT(EnableReplicaRule), EFFECT_ENABLE, OBJECT_RULE, LOCK_ACCESS_EXCLUSIVE},
    {AT(DisableRule), EFFECT_DISABLE, OBJECT_RULE, LOCK_ACCESS_EXCLUSIVE},
    {AT(EnableRowSecurity), EFFECT_ENABLE, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(DisableRowSecurity), EFFECT_DISABLE, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(ForceRowSecurity), EFFECT_ENABLE, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(NoForceRowSecurity), EFFECT_DISABLE, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(AddOf), EFFECT_ALTER, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(DropOf), EFFECT_ALTER, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(ReplicaIdentity), EFFECT_SET_REPLICA_IDENTITY, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(GenericOptions), EFFECT_SET_OPTIONS, OBJECT_FOREIGN_TABLE, LOCK_ACCESS_EXCLUSIVE},
    {AT(DropIdentity), EFFECT_DROP_IDENTITY, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(SetIdentity), EFFECT_SET_IDENTITY, OBJECT_COLUMN, LOCK_ACCESS_EXCLUSIVE},
    {AT(AlterConstraint), EFFECT_ALTER, OBJECT_CONSTRAINT, LOCK_ACCESS_EXCLUSIVE},
};

static const struct plain *
plain_of(PgQuery__AlterTableType subtype)
{
    for (size_t i = 0; i < sizeof plains / sizeof *plains; i++) {
        if (plains[i].subtype == subtype) {
            return &plains[i];
        }
    }
    return NULL;
}

static bool
goes_to_children(PgQuery__AlterTableType subtype)
{
    switch (subtype) {
    case AT(DropNotNull):
    case AT(DropExpression):
    case AT(SetStatistics):
    case AT(SetStorage):
    case AT(SetCompression):
    case AT(EnableTrig):
    case AT(EnableAlwaysTrig):
    case AT(EnableReplicaTrig):
    case AT(EnableTrigAll):
    case AT(EnableTrigUser):
    case AT(DisableTrig):
    case AT(DisableTrigAll):
    case AT(DisableTrigUser):
    case AT(AlterConstraint):
        return true;
    default:
        return false;
    }
}

static void
lock_index_named(struct alteration *alteration, const char *name, enum lock_mode mode)
{
    const struct catalog_table *table = alteration->name.table;

    for (const struct catalog_index *index = table && name ? table->indexes : NULL; index;
         index = index->next) {
        if (strcmp(index->index.name, name) == 0) {
            reading_lock_index(alteration->reading, index, mode);
        }
    }
}

/* Relations beside the table that a sub-command locks. */
static void
lock_companions(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    const struct catalog_table *table = alteration->name.table;

    switch (command->subtype) {
    case AT(ChangeOwner):
        alteration_lock_indexes(reading, table, LOCK_ACCESS_EXCLUSIVE);
        alteration_lock_sequences(reading, table, NULL, LOCK_ACCESS_EXCLUSIVE);
        break;
    case AT(DropIdentity):
        alteration_lock_sequences(reading, table, command->name, LOCK_ACCESS_EXCLUSIVE);
        break;
    case AT(SetIdentity):
        alteration_lock_sequences(reading, table, command->name, LOCK_SHARE_ROW_EXCLUSIVE);
        break;
    case AT(ClusterOn):
        lock_index_named(alteration, command->name, LOCK_SHARE_UPDATE_EXCLUSIVE);
        break;
    case AT(ReplicaIdentity):
        lock_index_named(alteration, command->def->replica_identity_stmt->name, LOCK_SHARE);
        break;
    default:
        break;
    }
}

static void
alter_plain(struct alteration *alteration, const PgQuery__AlterTableCmd *command,
            const struct plain *plain)
{
    struct reading *reading = alteration->reading;
    enum sql_object object = plain->object == OBJECT_TABLE ? alteration->object : plain->object;
    struct effect *effect =
        reading_effect(reading, plain->verb, object, &alteration->name, command->name);

    effect->if_exists = command->missing_ok;
    if (command->subtype == AT(SetCompression)) {
        reading_needs(reading, 14);
    } else if (command->subtype == AT(DropExpression)) {
        reading_needs(reading, 13);
    }
    alteration_lock(alteration, plain->lock, goes_to_children(command->subtype));
    lock_companions(alteration, command);
}

/* ---- storage parameters ---------------------------------------------------------------------- */

/* Those of reloptions.c that take ACCESS EXCLUSIVE; all others SHARE UPDATE EXCLUSIVE. */
static bool
is_strong_option(const char *name)
{
    static const char *const names[] = {"user_catalog_table",
                                        "security_barrier",
                                        "check_option",
                                        "security_invoker",
                                        "fastupdate",
                                        "buffering",
                                        "gin_pending_list_limit",
                                        "pages_per_range",
                                        "autosummarize",
                                        "length"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
alter_options(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    enum lock_mode lock = LOCK_SHARE_UPDATE_EXCLUSIVE;
    const PgQuery__Node *def = command->def;

    reading_effect(alteration->reading, EFFECT_SET_OPTIONS, alteration->object, &alteration->name,
                   NULL);
    for (size_t i = 0; def && def->node_case == NODE(LIST) && i < def->list->n_items; i++) {
        if (is_strong_option(def->list->items[i]->def_elem->defname)) {
            lock = LOCK_ACCESS_EXCLUSIVE;
        }
    }
    alteration_lock(alteration, lock, false);
}

/* ---- the whole table ------------------------------------------------------------------------- */

/* Whether the catalog says that the table is stored like this already. */
static bool
is_so_already(const struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    const struct catalog_table *table = alteration->name.table;

    if (!table) {
        return false;
    }
    switch (command->subtype) {
    case AT(SetLogged):
        return !table->is_unlogged;
    case AT(SetUnLogged):
        return table->is_unlogged;
    case AT(SetAccessMethod):
        return !table->is_stored_elsewhere && strcmp(command->name, "heap") == 0;
    default:
        return !table->is_stored_elsewhere && strcmp(command->name, "pg_default") == 0;
    }
}

static void
alter_storage(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    enum effect_verb verb = EFFECT_SET_TABLESPACE;

    if (command->subtype == AT(SetLogged)) {
        verb = EFFECT_SET_LOGGED;
    } else if (command->subtype == AT(SetUnLogged)) {
        verb = EFFECT_SET_UNLOGGED;
    } else if (command->subtype == AT(SetAccessMethod)) {
        verb = EFFECT_SET_ACCESS_METHOD;
        reading_needs(reading, 15);
    }
    struct effect *effect =
        reading_effect(reading, verb, alteration->object, &alteration->name, NULL);
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, false);
    if (alteration->object == OBJECT_SEQUENCE || is_so_already(alteration, command)) {
        return;
    }
    effect->rewrites = true;
    if (alteration->object == OBJECT_INDEX) {
        reading_lock(reading, &alteration->name, OBJECT_INDEX, LOCK_ACCESS_EXCLUSIVE)->rewrites =
            true;
        return;
    }
    alteration_rewrite_only(alteration);
}

static void
alter_inheritance(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    struct reading *reading = alteration->reading;
    struct object_name parent = name_of_relation(reading, command->def->range_var);
    bool is_added = command->subtype == AT(AddInherit);
    struct effect *effect = reading_effect(reading, is_added ? EFFECT_ATTACH : EFFECT_DETACH,
                                           OBJECT_INHERITANCE, &parent, alteration->name.name);

    effect->new_name = alteration->name.schema;
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, false);
    reading_lock(reading, &parent, OBJECT_TABLE,
                 is_added ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_SHARE);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static void
alter_unknown(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    reading_effect(alteration->reading, EFFECT_ALTER, alteration->object, &alteration->name,
                   command->name);
    alteration_lock(alteration, LOCK_ACCESS_EXCLUSIVE, true);
}

static void
alter(struct alteration *alteration, const PgQuery__AlterTableCmd *command)
{
    const struct plain *plain = plain_of(command->subtype);

    if (plain) {
        alter_plain(alteration, command, plain);
        return;
    }
    switch (command->subtype) {
    case AT(SetRelOptions):
    case AT(ResetRelOptions):
    case AT(ReplaceRelOptions):
        alter_options(alteration, command);
        break;
    case AT(SetLogged):
    case AT(SetUnLogged):
    case AT(SetTableSpace):
    case AT(SetAccessMethod):
        alter_storage(alteration, command);
        break;
    case AT(AddInherit):
    case AT(DropInherit):
        alter_inheritance(alteration, command);
        break;
    default:
        if (!alter_column(alteration, command) && !alter_constraint(alteration, command) &&
            !alter_partition(alteration, command)) {
            alter_unknown(alteration, command);
        }
    }
}

static enum sql_object
object_of(PgQuery__ObjectType type)
{
    switch (type) {
    case TYPE(INDEX):
        return OBJECT_INDEX;
    case TYPE(VIEW):
        return OBJECT_VIEW;
    case TYPE(MATVIEW):
        return OBJECT_MATERIALIZED_VIEW;
    case TYPE(SEQUENCE):
        return OBJECT_SEQUENCE;
    case TYPE(FOREIGN_TABLE):
        return OBJECT_FOREIGN_TABLE;
    case TYPE(TYPE):
        return OBJECT_TYPE;
    default:
        return OBJECT_TABLE;
    }
}

/* ALTER TYPE … ADD ATTRIBUTE of a composite type, whose relation nobody reads or writes. */
static void
alter_type(struct reading *reading, const PgQuery__AlterTableStmt *statement)
{
    struct object_name name = name_of_relation(reading, statement->relation);

    for (size_t i = 0; i < statement->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = statement->cmds[i]->alter_table_cmd;
        const char *attribute = text_or_null(command->name);
        enum effect_verb verb = EFFECT_ALTER;
        if (command->subtype == AT(AddColumn)) {
            verb = EFFECT_CREATE;
            attribute = command->def->column_def->colname;
        } else if (command->subtype == AT(DropColumn)) {
            verb = EFFECT_DROP;
        } else if (command->subtype == AT(AlterColumnType)) {
            verb = EFFECT_SET_TYPE;
        }
        reading_effect(reading, verb, attribute ? OBJECT_ATTRIBUTE : OBJECT_TYPE, &name, attribute);
    }
}

bool
read_alter_table(struct reading *reading, const PgQuery__Node *tree)
{
    if (tree->node_case != NODE(ALTER_TABLE_STMT)) {
        return false;
    }
    const PgQuery__AlterTableStmt *statement = tree->alter_table_stmt;
    if (statement->objtype == TYPE(TYPE)) {
        alter_type(reading, statement);
        return true;
    }
    struct alteration alteration = {.reading = reading,
                                    .name = name_of_relation(reading, statement->relation),
                                    .object = object_of(statement->objtype),
                                    .is_only = !statement->relation->inh};
    if (alteration.name.table) { /* ALTER TABLE may name a view or a sequence */
        alteration.object = alteration.name.table->object;
    }
    for (size_t i = 0; i < statement->n_cmds; i++) {
        size_t first = reading->effects->effect_count;
        alter(&alteration, statement->cmds[i]->alter_table_cmd);
        for (size_t at = first; at < reading->effects->effect_count; at++) {
            reading->effects->effects[at].if_exists |= statement->missing_ok;
        }
    }
    return true;
}
