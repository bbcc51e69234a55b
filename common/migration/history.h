/*
 * history: the table in which another tool keeps what it has applied: how it is recognised (by name
 * and by columns: three tools call theirs schema_migrations), which rows it has, what its states
 * mean, and the SQL that writes one migration down there as the tool itself would. One small file
 * each in histories/. Texts only: agent/execute asks the database.
 */
#ifndef COMMON_MIGRATION_HISTORY_H
#define COMMON_MIGRATION_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/migration/manifest.h"

struct history_tool;

/* A table as it was found. */
struct history_place {
    const struct history_tool *tool;
    const char *schema, *table; /* plain names */
    const char *database;       /* the tools' locks are made of it */
    const char *scope; /* whose rows are ours, where the tool serves several; null: all are */
};

/* A row, as the tool's own query (append_rows) brings it into one form. */
enum history_row_column {
    HISTORY_ROW_KEY,      /* what the row is about: the value of the tool's key */
    HISTORY_ROW_CHECKSUM, /* as the tool writes it; null: it has none */
    HISTORY_ROW_STATE,    /* applied, failed, below or repeatable */
    HISTORY_ROW_LABEL,    /* for people; may be null */
    HISTORY_ROW_COLUMN_COUNT
};

struct history_row {
    const char *key, *checksum, *label;
    bool has_failed;    /* the tool itself would refuse to go on: dirty, failed, half done */
    bool is_below;      /* a baseline: all up to this version is in, files or not */
    bool is_repeatable; /* another checksum says that the present text of it is not in force */
};

/* One migration that is written into the table. */
struct history_step {
    const struct history_place *place;
    const struct bundle *bundle;
    const struct migration *migration;
    enum direction direction;
    const struct migration *newest; /* what is the newest applied one afterwards; null: nothing */
    uint64_t duration_us;
};

/* A column that the table must have; its type is one of these words: "text|character varying". */
struct history_field {
    const char *name, *types;
};

#define HISTORY_FIELDS_MAX 14

struct history_tool {
    const char *name;   /* "golang-migrate" */
    const char *layout; /* whose migrations it keeps; null: tables of it are recognised only */
    const char *schema; /* null: any */
    const char *table;
    const char *again; /* how the tool is made to go on after a failure: for people */
    struct history_field fields[HISTORY_FIELDS_MAX + 1]; /* up to one without a name */
    const char *key;                                     /* the migration's key that rows have */
    const char *checksum; /* the key that has the row's checksum; null: rows have none */
    const char *scope;    /* the key that has the place's scope; null: the tool serves only one */
    /* The table has one row, and all up to it is applied. */
    bool is_mark;
    /* A key of this size stands for all longer ones that begin with it; 0: none does. */
    size_t prefix_size;
    /* The query of its rows (enum history_row_column), in the order in which they came, without
     * ';'. */
    void (*append_rows)(const struct history_place *place, struct text *sql);
    /* Write a migration down (null: only who has a layout can), statements with a ';' behind each;
     * how many they are. */
    size_t (*append_write)(const struct history_step *step, struct text *sql);
    /* The arguments of pg_try_advisory_xact_lock for the tool's own lock; null: it has none. */
    void (*append_lock)(const struct history_place *place, struct text *sql);
};

/* All tools; null at the end. */
extern const struct history_tool *const history_tools[];

/* The tool whose migrations lie in this layout; null when none is known. */
const struct history_tool *history_of_layout(const char *layout);

/* A column as the catalog has it. */
struct history_found {
    const char *name, *type; /* format_type without a length: "character varying" */
    bool is_optional;        /* a row may be written without it */
};

/*
 * Whether a table is this tool's: it has all of the tool's columns, and every other one may be left
 * out by who writes a row. `table` is its plain name; null when the owner has said which it is.
 */
bool history_fits(const struct history_tool *tool, const char *schema, const char *table,
                  const struct history_found *columns, size_t column_count);

/* Append what fits into SQL whatever the server's settings: a literal (NULL for null), a name. */
void history_literal(struct text *sql, const char *value);
void history_identifier(struct text *sql, const char *name);

/* The same for a place's table, or another one in its schema: "public"."schema_migrations". */
void history_table(const struct history_place *place, struct text *sql);
void history_sister(const struct history_place *place, const char *table, struct text *sql);

/* A migration's key as a literal; NULL when it has none. */
void history_key(const struct history_step *step, const char *name, struct text *sql);

/* What most tools do, as append_write: a row with one column, or the row whose column is the key.
 */
size_t history_delete(const struct history_step *step, const char *column, const char *key,
                      struct text *sql);
size_t history_insert_or_delete(const struct history_step *step, const char *column,
                                const char *key, struct text *sql);

/* What the plainest tools do, as append_rows and append_write: a row for each applied version. */
void history_version_rows(const struct history_place *place, struct text *sql);
size_t history_version_write(const struct history_step *step, struct text *sql);

/* Whether two keys are the same: numbers however many zeros they begin with, else byte for byte. */
bool history_same_key(const char *a, const char *b);

/* CRC-32 (IEEE), of which some tools make their locks and checksums. */
uint32_t history_crc32(uint32_t crc, const void *data, size_t size);

extern const struct history_tool history_dbmate, history_diesel, history_drizzle, history_flyway,
    history_go_pg, history_golang_migrate, history_goose, history_graphile_migrate, history_maragu,
    history_node_pg_migrate, history_popx, history_postgres_migrations, history_prisma,
    history_sourcegraph, history_sqitch, history_sql_migrate, history_sqlx, history_supabase,
    history_typeorm;

#endif
