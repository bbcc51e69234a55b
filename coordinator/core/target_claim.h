/*
 * target_claim: whether an agent may serve a target: two agents for one database, a copy, a name
 * used twice are refused.
 */
#ifndef COORDINATOR_CORE_TARGET_CLAIM_H
#define COORDINATOR_CORE_TARGET_CLAIM_H

#include "coordinator/core/state.h"

/*
 * What an agent reports against the target of that database (known) and that of its name, both of
 * which may be null or the same. False with E-DB-DUP-IDENTITY, E-TARGET-…, E-NAME-SYNTAX.
 */
bool target_claim_check(const struct core *core, const struct target *known,
                        const struct target *namesake, const struct agent *agent,
                        const struct target_report *report, struct error *error);

#endif
