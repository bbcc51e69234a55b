#include "coordinator/cli/machine_print.h"

#include "common/base/mem.h"
#include "coordinator/cli/grid.h"

void
machine_print_text(const struct machine *machine, const struct terminal *terminal, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    text_format(out, "%s%s%s\n", terminal_style(terminal, STYLE_STRONG), machine->name,
                terminal_style(terminal, STYLE_PLAIN));
    grid_column(grid, "from", GRID_LEFT);
    grid_column(grid, "event", GRID_LEFT);
    grid_column(grid, "to", GRID_LEFT);
    grid_column(grid, "why", GRID_SHRINKS);
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct machine_edge *edge = &machine->edges[i];
        grid_row(grid);
        grid_cell(grid, STYLE_PLAIN, "%s", machine->states[edge->from]);
        grid_cell(grid, STYLE_NAME, "%s", machine->events[edge->event]);
        grid_cell(grid, STYLE_PLAIN, "%s", machine->states[edge->to]);
        grid_cell(grid, STYLE_PLAIN, "%s", edge->why);
    }
    grid_render(grid, terminal, 2, out);
}

/* Mermaid's and Graphviz' identifiers have no spaces. */
static void
append_identifier(const char *name, struct text *out)
{
    for (; *name; name++) {
        text_append_bytes(out, *name == ' ' || *name == '-' ? "_" : name, 1);
    }
}

void
machine_print_mermaid(const struct machine *machine, struct text *out)
{
    text_append(out, "stateDiagram-v2\n    [*] --> ");
    append_identifier(machine->states[0], out);
    text_append(out, "\n");
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct machine_edge *edge = &machine->edges[i];
        text_append(out, "    ");
        append_identifier(machine->states[edge->from], out);
        text_append(out, " --> ");
        append_identifier(machine->states[edge->to], out);
        text_format(out, " : %s\n", machine->events[edge->event]);
    }
}

void
machine_print_markdown(const struct machine *machine, struct text *out)
{
    text_format(out, "## %s\n\n```mermaid\n", machine->name);
    machine_print_mermaid(machine, out);
    text_append(out, "```\n\n| from | event | to | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct machine_edge *edge = &machine->edges[i];
        text_format(out, "| %s | %s | %s | %s |\n", machine->states[edge->from],
                    machine->events[edge->event], machine->states[edge->to], edge->why);
    }
}

void
machine_print_dot(const struct machine *machine, struct text *out)
{
    text_append(out, "digraph ");
    append_identifier(machine->name, out);
    text_append(out, " {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n");
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct machine_edge *edge = &machine->edges[i];
        text_append(out, "    ");
        append_identifier(machine->states[edge->from], out);
        text_append(out, " -> ");
        append_identifier(machine->states[edge->to], out);
        text_format(out, " [label=\"%s\"];\n", machine->events[edge->event]);
    }
    text_append(out, "}\n");
}
