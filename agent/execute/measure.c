#include "agent/execute/execute.h"

#include "agent/execute/sitting.h"

bool
sitting_measure(struct sitting *sitting, uint64_t bytes_min, struct arena *arena,
                struct inventory *inventory, struct error *error)
{
    struct patience patience = sitting_patience();

    if (!sitting_look(sitting, false, error)) {
        return false;
    }
    return inventory_read(sitting->connection, bytes_min, &patience, arena, inventory) ||
           sitting_query_failed(sitting, "cannot read the sizes of the tables", error);
}
