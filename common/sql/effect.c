#include "common/sql/effect.h"

#include "common/sql/deep_stack.h"
#include "common/sql/reading.h"
#include "common/sql/split.h"

/* ---- one statement --------------------------------------------------------------------------- */

void
read_statement(struct reading *reading, const PgQuery__Node *tree)
{
    static bool (*const readers[])(struct reading *, const PgQuery__Node *) = {
        read_rows,        read_table,    read_alter_table, read_index, read_drop,
        read_rename,      read_view,     read_sequence,    read_type,  read_part,
        read_publication, read_function, read_upkeep,      read_other};

    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (readers[i](reading, tree)) {
            return;
        }
    }
}

/* ---- what follows from its parts ------------------------------------------------------------- */

static void
sum_effects(struct effects *effects)
{
    effects->can_undo = !effects->is_opaque;
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        if (effect->is_noop) {
            continue;
        }
        effects->loses_data |= effect->loses_data && !effect->is_temporary;
        effects->can_undo &= effect->can_undo || effect->is_temporary;
    }
}

static void
sum_relations(struct effects *effects)
{
    size_t kept = 0;

    for (size_t i = 0; i < effects->relation_count; i++) {
        struct sql_relation relation = effects->relations[i];
        bool is_weak_index =
            relation.object == OBJECT_INDEX && relation.lock < LOCK_SHARE_UPDATE_EXCLUSIVE;
        if (relation.lock == LOCK_NONE || is_weak_index) {
            continue;
        }
        relation.blocks_reads = lock_mode_blocks_reads(relation.lock) && !relation.is_new;
        relation.blocks_writes = lock_mode_blocks_writes(relation.lock) && !relation.is_new;
        if (!relation.is_new && !relation.is_temporary && relation.lock > effects->strongest) {
            effects->strongest = relation.lock;
        }
        effects->relations[kept++] = relation;
    }
    effects->relation_count = kept;
}

static bool
runs_in_transaction(enum sql_kind kind)
{
    switch (kind) {
    case SQL_CREATE_INDEX_CONCURRENTLY:
    case SQL_DROP_INDEX_CONCURRENTLY:
    case SQL_REINDEX_CONCURRENTLY:
    case SQL_DETACH_CONCURRENTLY:
    case SQL_REPEATABLE:
    case SQL_OUTSIDE:
    case SQL_VERIFIED:
        return false;
    default:
        return true;
    }
}

struct call {
    struct reading reading;
    const PgQuery__Node *tree;
};

static void
read_deeply(void *context)
{
    struct call *call = context;
    read_statement(&call->reading, call->tree);
}

void
effects_read(const struct sql_statement *statement, const struct catalog *catalog, int major,
             struct arena *arena, struct effects *effects)
{
    struct call call = {.tree = statement->tree};

    if (major < SQL_MAJOR_MIN) {
        major = SQL_MAJOR_MIN;
    } else if (major > SQL_MAJOR_MAX) {
        major = SQL_MAJOR_MAX;
    }
    *effects = (struct effects){.class = CLASS_SCHEMA, .major_min = SQL_MAJOR_MIN};
    call.reading = (struct reading){.catalog = catalog,
                                    .major = major,
                                    .arena = arena,
                                    .effects = effects,
                                    .skipped = statement->skipped,
                                    .start = statement->stretch.place.offset};
    effects->in_transaction = runs_in_transaction(statement->facts.kind);
    deep_stack_run(read_deeply, &call);
    effects->settings = statement->facts.settings;
    effects->setting_count = statement->facts.setting_count;
    sum_relations(effects);
    sum_effects(effects);
}
