/*
 * layout: how a tool keeps its migrations in a folder: what their files are called, which belong
 * together, in which order they are applied, and what is said in the files themselves. One small
 * file each in layouts/; the table of all is in layout.c.
 */
#ifndef COMMON_MIGRATION_LAYOUT_H
#define COMMON_MIGRATION_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/migration/error_list.h"
#include "common/migration/listing.h"
#include "common/migration/source.h"
#include "common/migration/substitution.h"

/* What a layout works on. */
struct collection {
    struct listing *listing;
    struct source_list *sources;
    struct error_list *errors, *notes;
    unsigned accepted; /* of enum acceptance (refusal.h): what is only noted */
    struct substitutions substitutions;
    const char *placeholder; /* what one looks like, of those that nobody listed; null: none */
};

struct layout {
    const char *name;
    const char *pattern;     /* what its files are called, for people */
    const char *no_way_back; /* why no migration of it has a down; null: they may have */
    /* Whether a file or folder that lies in the folder looks like one of its own. */
    bool (*claims)(struct listing *listing, struct listed_file *file);
    /* It claims a file by its number alone: one that says nothing is no evidence. */
    bool claims_numbers;
    /* The layouts whose files are its own when there is one that it claims; null: none. */
    const char *const *absorbs;
    /* Load the migrations, in the order in which they are applied; add what is wrong. */
    void (*collect)(struct collection *collection);
    const char *placeholder; /* what one looks like: "${…}", "{{…}}", "$…"; null: it has none */
    bool wants_statements;   /* a file without a statement is a mistake; elsewhere it is noted */
    bool takes_folders;      /* its tool keeps migrations in several folders, too */
    /* Its tool runs a file statement by statement when it must: so do we. */
    bool runs_mixed;
};

extern const struct layout layout_dbmate, layout_diesel, layout_drizzle, layout_flyway,
    layout_goose, layout_graphile_migrate, layout_maragu, layout_node_pg_migrate, layout_pairs,
    layout_popx, layout_prisma, layout_sourcegraph, layout_sql_migrate, layout_sqitch, layout_sqlx,
    layout_supabase;

/*
 * The layout with this name, or the one that fits for "auto". Null with E-MIG-LAYOUT: there is no
 * such layout, or files of two lie in the folder; E-MIG-MISSING: of none.
 */
const struct layout *layout_find(const char *name, struct listing *listing, struct error *error);

/* Every layout's name, with commas between. */
const char *layout_names(void);

#endif
