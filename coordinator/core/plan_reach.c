#include "coordinator/core/plan_reach.h"

#include "coordinator/core/target.h"

struct target *
entry_target(struct core *core, const struct entry *entry)
{
    return id_is_none(&entry->target_id) ? target_named(core, entry->name)
                                         : target_with_id(core, &entry->target_id);
}

void
entry_set_unreachable(struct core *core, const struct entry *entry, struct error *error)
{
    const struct target *target = entry_target(core, entry);

    if (!target) {
        error_set(error, "E-TARGET-UNREACHABLE", "it is no target any more");
        error_hint(error, "make the plan again");
    } else if (!target->agent->is_active) {
        error_set(error, "E-TARGET-UNREACHABLE", "its agent %s is not enrolled any more",
                  target->agent->name);
        error_hint(error,
                   "have another agent serve it, or skein target remove %s; to go without "
                   "it: --skip-refused",
                   target->name);
    } else {
        error_set(error, "E-TARGET-UNREACHABLE", "%s did not answer",
                  entry->state == ENTRY_ASKED ? "its database" : "its agent");
        error_hint(error,
                   "see `skein agents` and `skein targets`; a database that is gone for "
                   "good: skein target remove %s; to go without it: --skip-refused",
                   target->name);
    }
}
