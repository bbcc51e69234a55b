/*
 * What hangs on tables: triggers (SHARE ROW EXCLUSIVE), rules and policies (ACCESS EXCLUSIVE),
 * statistics objects (SHARE UPDATE EXCLUSIVE). CreateTriggerFiringOn in trigger.c,
 * DefineQueryRewrite in rewriteDefine.c, CreatePolicy in policy.c, CreateStatistics in statscmds.c.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- triggers -------------------------------------------------------------------------------- */

static bool
has_part(const struct object_name *table, enum sql_object object, const char *name)
{
    for (const struct catalog_part *part = table->table ? table->table->parts : NULL; part;
         part = part->next) {
        if (part->object == object && strcmp(part->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
create_trigger(struct reading *reading, const PgQuery__CreateTrigStmt *statement)
{
    struct object_name table = name_of_relation(reading, statement->relation);
    bool replaces = statement->replace &&
                    (!table.table || has_part(&table, OBJECT_TRIGGER, statement->trigname));
    struct effect *effect = reading_effect(reading, replaces ? EFFECT_REPLACE : EFFECT_CREATE,
                                           OBJECT_TRIGGER, &table, statement->trigname);

    if (statement->n_funcname) {
        effect->function = tree_string(statement->funcname[statement->n_funcname - 1]);
    }
    if (statement->replace) { /* https://www.postgresql.org/docs/release/14.0/ */
        reading_needs(reading, 14);
    }
    bool is_partitioned = table.table && table.table->is_partitioned;
    if (is_partitioned && statement->row) {
        reading_lock_family(reading, &table, OBJECT_TABLE, LOCK_SHARE_ROW_EXCLUSIVE);
    } else {
        reading_lock(reading, &table, OBJECT_TABLE, LOCK_SHARE_ROW_EXCLUSIVE);
    }
    if (statement->constrrel) {
        struct object_name other = name_of_relation(reading, statement->constrrel);
        reading_lock(reading, &other, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    }
    read_query(reading, statement->when_clause, false);
}

/* ---- rules, policies ------------------------------------------------------------------------- */

static void
create_rule(struct reading *reading, const PgQuery__RuleStmt *statement)
{
    struct object_name table = name_of_relation(reading, statement->relation);

    reading_effect(reading, statement->replace ? EFFECT_REPLACE : EFFECT_CREATE, OBJECT_RULE,
                   &table, statement->rulename);
    reading_lock(reading, &table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
}

static void
create_policy(struct reading *reading, const PgQuery__CreatePolicyStmt *statement)
{
    struct object_name table = name_of_relation(reading, statement->table);

    reading_effect(reading, EFFECT_CREATE, OBJECT_POLICY, &table, statement->policy_name);
    reading_lock(reading, &table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    read_query(reading, statement->qual, false);
    read_query(reading, statement->with_check, false);
}

static void
alter_policy(struct reading *reading, const PgQuery__AlterPolicyStmt *statement)
{
    struct object_name table = name_of_relation(reading, statement->table);

    reading_effect(reading, EFFECT_ALTER, OBJECT_POLICY, &table, statement->policy_name);
    reading_lock(reading, &table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    read_query(reading, statement->qual, false);
    read_query(reading, statement->with_check, false);
}

/* ---- statistics ------------------------------------------------------------------------------ */

void
lock_statistics(struct reading *reading, const struct object_name *name)
{
    const struct catalog_table *table = NULL;

    while (reading->catalog && (table = catalog_next(reading->catalog, table))) {
        for (const struct catalog_part *part = table->parts; part; part = part->next) {
            if (part->object == OBJECT_STATISTICS && strcmp(part->name, name->name) == 0) {
                reading_lock_table(reading, table, LOCK_SHARE_UPDATE_EXCLUSIVE);
            }
        }
    }
}

static void
create_statistics(struct reading *reading, const PgQuery__CreateStatsStmt *statement)
{
    const char *name =
        statement->n_defnames ? tree_string(statement->defnames[statement->n_defnames - 1]) : NULL;

    for (size_t i = 0; i < statement->n_relations; i++) {
        if (statement->relations[i]->node_case != NODE(RANGE_VAR)) {
            continue;
        }
        struct object_name table = name_of_relation(reading, statement->relations[i]->range_var);
        reading_effect(reading, EFFECT_CREATE, OBJECT_STATISTICS, &table, name)->if_not_exists =
            statement->if_not_exists;
        reading_lock(reading, &table, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
}

bool
read_part(struct reading *reading, const PgQuery__Node *tree)
{
    struct object_name name;

    switch (tree->node_case) {
    case NODE(CREATE_TRIG_STMT):
        create_trigger(reading, tree->create_trig_stmt);
        return true;
    case NODE(RULE_STMT):
        create_rule(reading, tree->rule_stmt);
        return true;
    case NODE(CREATE_POLICY_STMT):
        create_policy(reading, tree->create_policy_stmt);
        return true;
    case NODE(ALTER_POLICY_STMT):
        alter_policy(reading, tree->alter_policy_stmt);
        return true;
    case NODE(CREATE_STATS_STMT):
        create_statistics(reading, tree->create_stats_stmt);
        return true;
    case NODE(ALTER_STATS_STMT):
        name = name_of_new_list(reading, tree->alter_stats_stmt->defnames,
                                tree->alter_stats_stmt->n_defnames);
        reading_effect(reading, EFFECT_SET_STATISTICS, OBJECT_STATISTICS, &name, NULL);
        reading_needs(reading, 13);
        return true;
    default:
        return false;
    }
}
