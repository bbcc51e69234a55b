#include "coordinator/core/load.h"

#include "common/base/text.h"

/* With its schema; else, where the target's search path is not that of the files, by name alone. */
static const struct table_measure *
find_table(const struct measured *measured, const struct known_work *work)
{
    const struct table_measure *by_name = NULL;

    for (size_t i = 0; i < measured->table_count; i++) {
        const struct table_measure *table = &measured->tables[i];
        if (!text_equal(table->name, work->table)) {
            continue;
        }
        if (text_equal(table->schema, work->schema)) {
            return table;
        }
        by_name = by_name ? by_name : table;
    }
    return by_name;
}

struct load
load_of(const struct known_migration *migration, enum direction direction,
        const struct measured *measured)
{
    struct load load = {.goes_on = migration->has_batches[direction]};
    size_t count = migration->work_counts[direction];

    if (!measured) {
        load.is_unmeasured = count > 0;
        return load;
    }
    for (size_t i = 0; i < count; i++) {
        const struct known_work *work = &migration->works[direction][i];
        const struct table_measure *table = find_table(measured, work);
        if (table) {
            load.bytes[work->kind] += table->bytes * work->times;
            load.partial_bytes += work->is_partial ? table->bytes * work->times : 0;
            load.rows += table->rows > 0 ? (uint64_t)table->rows : 0;
        }
    }
    return load;
}

struct load
load_shared(const struct load *load, double share)
{
    struct load shared = *load;
    uint64_t least = (uint64_t)((double)load->partial_bytes * share);

    shared.bytes[WORK_WRITE] -= load->partial_bytes - least;
    shared.partial_bytes = least;
    return shared;
}

struct load_record
load_record_of(const struct load *load)
{
    return (struct load_record){.scan_bytes = load->bytes[WORK_SCAN],
                                .index_bytes = load->bytes[WORK_INDEX],
                                .write_bytes = load->bytes[WORK_WRITE],
                                .rewrite_bytes = load->bytes[WORK_REWRITE],
                                .partial_bytes = load->partial_bytes,
                                .rows = load->rows,
                                .goes_on = load->goes_on,
                                .is_unmeasured = load->is_unmeasured};
}

struct load
load_of_record(const struct load_record *record)
{
    return (struct load){.bytes = {[WORK_SCAN] = record->scan_bytes,
                                   [WORK_INDEX] = record->index_bytes,
                                   [WORK_WRITE] = record->write_bytes,
                                   [WORK_REWRITE] = record->rewrite_bytes},
                         .partial_bytes = record->partial_bytes,
                         .rows = record->rows,
                         .goes_on = record->goes_on,
                         .is_unmeasured = record->is_unmeasured};
}

bool
load_is_nothing(const struct load *load)
{
    for (size_t i = 0; i < WORK_KIND_COUNT; i++) {
        if (load->bytes[i]) {
            return false;
        }
    }
    return !load->is_unmeasured;
}
