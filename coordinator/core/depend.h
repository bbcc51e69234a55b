/*
 * depend: what `-- skein: depends=service@version` asks for. The targets of that service that are
 * paired with a target of the plan are asked what is applied there, beside the plan's own; where
 * one lacks the version, and the plan does not bring it there before, the target is refused.
 *
 * Two targets are paired when no label that both have differs: a database per region goes with the
 * one of its region, and each of a hundred shards with the one of their environment.
 */
#ifndef COORDINATOR_CORE_DEPEND_H
#define COORDINATOR_CORE_DEPEND_H

#include "coordinator/core/planning.h"

/* Add the targets that have to be asked, once the plan's own are known. */
void depend_add_witnesses(struct core *core, struct planning *planning);

/*
 * Refuse the targets whose migrations depend on what is not there, in these waves; how many. Fewer
 * targets may make other waves: then it is to be asked again.
 */
size_t depend_refuse(struct core *core, struct planning *planning);

#endif
