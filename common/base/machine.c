#include "common/base/machine.h"

const struct machine_edge *
machine_find(const struct machine *machine, int from, int event)
{
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct machine_edge *edge = &machine->edges[i];
        if (edge->from == from && edge->event == event) {
            return edge;
        }
    }
    return NULL;
}
