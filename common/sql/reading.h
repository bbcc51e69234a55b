/*
 * reading: one statement that is being read into its effects. For the files of this folder alone:
 * effect_*.c each read some kinds of statements, and this is what they share.
 */
#ifndef COMMON_SQL_READING_H
#define COMMON_SQL_READING_H

#include "common/sql/catalog.h"
#include "common/sql/effect.h"
#include "common/sql/split.h"
#include "common/sql/tree.h"
#include "common/sql/walk.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name
#define TYPE(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name
#define SQL_TEMPORARY_SCHEMA "pg_temp"

struct cte {
    const char *name;
    const struct cte *outer;
};

struct reading {
    const struct catalog *catalog; /* may be null */
    int major;
    struct arena *arena;
    struct effects *effects;
    size_t effect_room, relation_room, call_room;
    size_t skipped, start;  /* what stands in front of the tree's text; the statement's offset */
    const char *schema;     /* inside CREATE SCHEMA: where its elements go; null otherwise */
    const struct cte *ctes; /* the WITH names in scope */
    bool is_inside;         /* a DO block, whose pieces' locations are not the text's */
    size_t depth;           /* of views that are gone into */
};

/* An object's name as it stands in a statement, and what is known behind it. */
struct object_name {
    const char *schema, *name;
    bool is_schema_written, is_temporary;
    const struct catalog_table *table; /* null: not known, or no table */
    size_t offset;
};

/* ---- names: reading_name.c ------------------------------------------------------------------- */

/* Where a location of the tree is in the whole text; the statement's start when it says none. */
size_t reading_offset(const struct reading *reading, int location);

/* A relation that must be there already; a new one, which goes into the first schema. */
struct object_name name_of_relation(const struct reading *reading, const PgQuery__RangeVar *range);
struct object_name name_of_new(const struct reading *reading, const PgQuery__RangeVar *range);

/* The first of them from its parts; the schema may be null. */
struct object_name name_of_parts(const struct reading *reading, const char *schema,
                                 const char *name, int location);

/* From a list of strings, [database.][schema.]name; `dropped` of them at the end are not part. */
struct object_name name_of_list(const struct reading *reading, PgQuery__Node **nodes, size_t count,
                                size_t dropped);
/* The same for a name that is to be made, and for whatever a node can hold. */
struct object_name name_of_new_list(const struct reading *reading, PgQuery__Node **nodes,
                                    size_t count);
struct object_name name_of_node(const struct reading *reading, const PgQuery__Node *node);

/* A table that the catalog knows. */
struct object_name name_of_table(const struct catalog_table *table);

/* The table with its constraints, also of one that the history has not made; null: not known. */
const struct catalog_table *constrained_table(const struct reading *reading,
                                              const struct object_name *name);

/* What has a name but no schema. */
struct object_name name_plain(const char *name);

/* Null for an empty text, which is how protobuf says that there is none. */
const char *text_or_null(const char *text);

/* ---- notes: reading.c ------------------------------------------------------------------------ */

/* One more effect, with the flags that follow from verb and object alone. */
struct effect *reading_effect(struct reading *reading, enum effect_verb verb,
                              enum sql_object object, const struct object_name *name,
                              const char *part);

/* A relation is locked, at least so strongly. The result is to be used at once. */
struct sql_relation *reading_lock(struct reading *reading, const struct object_name *name,
                                  enum sql_object object, enum lock_mode mode);
struct sql_relation *reading_lock_table(struct reading *reading, const struct catalog_table *table,
                                        enum lock_mode mode);
struct sql_relation *reading_lock_index(struct reading *reading, const struct catalog_index *index,
                                        enum lock_mode mode);

/* A table and, as PostgreSQL recurses, what inherits from it and its partitions. */
void reading_lock_family(struct reading *reading, const struct object_name *name,
                         enum sql_object object, enum lock_mode mode);

/* All rows of a table are read, or written anew together with its indexes; with its family. */
void reading_scan(struct reading *reading, const struct object_name *name);
void reading_rewrite(struct reading *reading, const struct object_name *name);

/* ---- what hangs together, as far as the catalog knows: alteration.c ---------------------
 */

/* A table that may not be in the catalog. */
void lock_by_name(struct reading *reading, const char *schema, const char *name,
                  enum lock_mode mode);
/* The sequences that belong to a table, or to one column of it. */
void alteration_lock_sequences(struct reading *reading, const struct catalog_table *table,
                               const char *column, enum lock_mode mode);
void alteration_lock_indexes(struct reading *reading, const struct catalog_table *table,
                             enum lock_mode mode);
/* What a constraint that goes takes along: its index, the other table of a foreign key. */
void lock_for_dropped_constraint(struct reading *reading, const struct catalog_table *table,
                                 const struct catalog_constraint *constraint);
/* The tables whose foreign keys refer to this one, or to one column of it. */
void lock_referencing(struct reading *reading, const struct catalog_table *table,
                      const char *column, enum lock_mode mode, bool scans);
/* The views over a table or over one column of it, and those over them. */
void lock_views(struct reading *reading, const struct catalog_table *table, const char *column,
                enum lock_mode mode);
bool constraint_refers_to(const struct sql_constraint *constraint,
                          const struct catalog_table *table);
/* The same for one column; a foreign key that says no columns refers to the primary key. */
bool constraint_refers_to_column(const struct sql_constraint *constraint,
                                 const struct catalog_table *table, const char *column);
bool constraint_names(const struct sql_constraint *constraint, const char *column);
/* Whether an index of a partition is, by its columns, a part of one of the whole. */
bool index_is_part(const struct sql_index *index, const struct sql_index *of);
bool index_names(const struct sql_index *index, const char *column);

/* It needs at least this version. */
void reading_needs(struct reading *reading, int major);

/* ---- parts of statements --------------------------------------------------------------------- */

/* as format_type would say it: column_type.c. */
const char *type_text(const struct reading *reading, const PgQuery__TypeName *type);
const struct catalog_type *type_known(const struct reading *reading, const PgQuery__TypeName *type);

/* What ALTER COLUMN … TYPE does to the table and to an index over the column. */
bool type_change_rewrites(const struct reading *reading, const char *from, const char *to);
bool type_change_keeps_index(const char *from, const char *to);

/* effect_expression.c */
enum sql_volatility expression_volatility(const struct reading *reading, const PgQuery__Node *node);
const char *expression_constant(const PgQuery__Node *node, struct arena *arena);
/* The columns that an expression names, each once. */
const char *const *expression_columns(const PgQuery__Node *node, struct arena *arena,
                                      size_t *count);
/* The column of a condition that says `column IS NOT NULL` (AND others); null otherwise. */
const char *expression_not_null(const PgQuery__Node *node);

/* Whether it is one of PostgreSQL's own functions; unknown ones are volatile: builtin.c. */
bool function_is_builtin(const char *schema, const char *name, enum sql_volatility *volatility);

/* effect_column.c: a column with its constraints; these are null-terminated, the caller's to note.
 */
struct column_reading {
    struct sql_column *column;
    struct sql_constraint **constraints;
    size_t constraint_count;
    const struct catalog_type *domain; /* its type, when that is a domain with constraints */
};
struct column_reading column_read(const struct reading *reading, const PgQuery__ColumnDef *def,
                                  const struct object_name *table);

/* effect_constraint.c */
struct sql_constraint *constraint_read(const struct reading *reading,
                                       const PgQuery__Constraint *node,
                                       const struct object_name *table, const char *column);
/* Note that it is made, and lock what it refers to. */
struct effect *constraint_make(struct reading *reading, const struct object_name *table,
                               const struct sql_constraint *constraint, int location);
/* PostgreSQL's own choice of a name: table_column_suffix in 63 bytes. */
const char *name_chosen(struct arena *arena, const char *table, const char *column,
                        const char *suffix);

/* effect_table.c: a column with its sequence, and the index of a constraint that has one. */
struct effect *table_make_column(struct reading *reading, const struct object_name *table,
                                 const struct column_reading *read, int location);
void table_make_index(struct reading *reading, const struct object_name *table,
                      const struct sql_constraint *constraint);
bool constraint_has_index(const struct sql_constraint *constraint);

/* effect_view.c: the columns that a view's query names. */
void query_columns(struct reading *reading, const PgQuery__Node *query, struct sql_table *made);

/* ---- statements ------------------------------------------------------------------------------ */

/* Each reads the statements of one noun; false: not one of its own. */
bool read_table(struct reading *reading, const PgQuery__Node *tree);
bool read_alter_table(struct reading *reading, const PgQuery__Node *tree);
bool read_index(struct reading *reading, const PgQuery__Node *tree);
bool read_drop(struct reading *reading, const PgQuery__Node *tree);
bool read_rename(struct reading *reading, const PgQuery__Node *tree);
bool read_rows(struct reading *reading, const PgQuery__Node *tree);
bool read_view(struct reading *reading, const PgQuery__Node *tree);
bool read_type(struct reading *reading, const PgQuery__Node *tree);
bool read_sequence(struct reading *reading, const PgQuery__Node *tree);
bool read_part(struct reading *reading, const PgQuery__Node *tree);     /* triggers, policies … */
bool read_function(struct reading *reading, const PgQuery__Node *tree); /* and DO, CALL */
/* DO: effect_code.c. */
void read_block(struct reading *reading, const PgQuery__DoStmt *statement);
bool read_upkeep(struct reading *reading, const PgQuery__Node *tree);
bool read_publication(struct reading *reading, const PgQuery__Node *tree);
bool read_other(struct reading *reading, const PgQuery__Node *tree);

/* Any statement inside another: an element of CREATE SCHEMA, the query of EXPLAIN. */
void read_statement(struct reading *reading, const PgQuery__Node *tree);

/* ---- queries: effect_query.c, effect_rows.c ----------------------------------------------------
 */

/*
 * A query or an expression: what it reads, changes and calls. One that is run locks what is behind
 * a view and below a parent, too; one that is only analysed does not.
 */
void read_query(struct reading *reading, const PgQuery__Node *tree, bool is_run);
/* The same for what is below a message, which itself was read. */
void read_below(struct reading *reading, const ProtobufCMessage *message, bool is_run);

/* INSERT, UPDATE, DELETE, MERGE, also inside WITH; false: something else. */
bool read_change(struct reading *reading, const ProtobufCMessage *message, bool is_run);

/* COPY FROM, whose rows are new ones: the locks of INSERT. */
void read_copied(struct reading *reading, const struct object_name *name, PgQuery__Node **columns,
                 size_t count);

/* Lock a relation for its rows, with what stands behind it. */
void lock_rows(struct reading *reading, const struct object_name *name, bool is_only, bool is_run,
               enum lock_mode mode);

/* PostgreSQL's own catalogs, which nobody's rules are about. */
bool name_is_system(const struct object_name *name);

/* ---- kinds of objects: effect_object.c ---------------------------------------------------------
 */

enum sql_object object_of_type(PgQuery__ObjectType type);
bool object_is_relation(enum sql_object object);
bool object_is_part(enum sql_object object); /* of a relation */

/* Whether a type's text ("app.mood[]") is of this type. */
bool type_is_named(const char *text, const char *schema, const char *name);

/* The table that a statistics object is over. */
void lock_statistics(struct reading *reading, const struct object_name *name);

#endif
