#include "agent/shell/measure.h"

#include <string.h>

#include "common/base/text.h"

/* What does not fit, or has a name that cannot be told, is at least said to be below something. */
static void
fill_tables(const struct measured_table *tables, size_t count, struct measured *measured)
{
    measured->below = MEASURED_BYTES_MIN;
    for (size_t i = 0; i < count; i++) {
        const struct measured_table *table = &tables[i];
        if (measured->table_count < MEASURED_TABLES_MAX &&
            text_is_utf8(table->schema, strlen(table->schema)) &&
            text_is_utf8(table->name, strlen(table->name))) {
            measured->tables[measured->table_count++] =
                (struct table_measure){table->schema, table->name, table->rows, table->bytes};
        } else if (table->bytes >= measured->below) {
            measured->below = table->bytes + 1;
        }
    }
}

void
agent_measure(struct sitting *sitting, size_t target, struct agent_reports *reports)
{
    struct agent_report *answer = agent_report_new(AGENT_EVENT_MEASURED, target);
    struct measured *measured = arena_alloc(&answer->arena, sizeof *measured);
    struct measured_table *tables = NULL;
    size_t count = 0;
    struct error error;

    measured->succeeded = sitting_measure(sitting, MEASURED_BYTES_MIN, &answer->arena,
                                          &measured->server_version, &tables, &count, &error);
    if (measured->succeeded) {
        measured->tables =
            arena_alloc(&answer->arena, MEASURED_TABLES_MAX * sizeof *measured->tables);
        fill_tables(tables, count, measured);
    } else {
        measured->fault = fault_from_error(&error, &answer->arena);
    }
    answer->event.measured = measured;
    agent_reports_post(reports, &answer);
}
