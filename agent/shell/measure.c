#include "agent/shell/measure.h"

#include <string.h>

#include "common/base/text.h"

/* What does not fit, or has a name that cannot be told, is at least said to be below something. */
static void
fill_tables(const struct inventory *inventory, struct measured *measured)
{
    measured->below = MEASURED_BYTES_MIN;
    for (size_t i = 0; i < inventory->table_count; i++) {
        const struct inventory_table *table = &inventory->tables[i];
        if (measured->table_count < MEASURED_TABLES_MAX &&
            text_is_utf8(table->schema, strlen(table->schema)) &&
            text_is_utf8(table->name, strlen(table->name))) {
            measured->tables[measured->table_count++] = (struct table_measure){
                table->schema, table->name, table->rows, table->bytes, table->writes_per_hour};
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
    struct inventory inventory;
    struct error error;

    measured->succeeded =
        sitting_measure(sitting, MEASURED_BYTES_MIN, &answer->arena, &inventory, &error);
    if (measured->succeeded) {
        measured->server_version = inventory.server_version;
        measured->replicas = inventory.replicas;
        measured->tables =
            arena_alloc(&answer->arena, MEASURED_TABLES_MAX * sizeof *measured->tables);
        fill_tables(&inventory, measured);
    } else {
        measured->fault = fault_from_error(&error, &answer->arena);
    }
    answer->event.measured = measured;
    agent_reports_post(reports, &answer);
}
