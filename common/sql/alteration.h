/*
 * alteration: one ALTER TABLE that is being read; its sub-commands are read by several files. For
 * the files of this folder alone.
 */
#ifndef COMMON_SQL_ALTERATION_H
#define COMMON_SQL_ALTERATION_H

#include "common/sql/reading.h"

struct alteration {
    struct reading *reading;
    struct object_name name;
    enum sql_object object;
    bool is_only; /* ALTER TABLE ONLY */
};

/* Lock the relation, and what inherits from it when the sub-command goes there. */
void alteration_lock(struct alteration *alteration, enum lock_mode mode, bool goes_to_children);

/* All of it is read; written anew. With its children, unless ONLY. */
void alteration_scan(struct alteration *alteration);
void alteration_rewrite(struct alteration *alteration);
/* The one table, not its children: SET LOGGED and its like. */
void alteration_rewrite_only(struct alteration *alteration);

/* Each reads the sub-commands of one noun; false: not one of its own. */
bool alter_column(struct alteration *alteration, const PgQuery__AlterTableCmd *command);
bool alter_constraint(struct alteration *alteration, const PgQuery__AlterTableCmd *command);
bool alter_partition(struct alteration *alteration, const PgQuery__AlterTableCmd *command);

#endif
