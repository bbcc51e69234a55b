/*
 * run_window: a run that may work only at some times. Outside of its window nothing of it is begun,
 * and what still runs is stopped: it is rolled back, or goes on where its last batch has ended,
 * when the window opens again. Within it a step is only begun when it is thought to end in time.
 */
#ifndef COORDINATOR_CORE_RUN_WINDOW_H
#define COORDINATOR_CORE_RUN_WINDOW_H

#include "coordinator/core/planning.h"
#include "coordinator/core/state.h"

/* Whether there is one, and it is closed now. */
bool run_window_is_closed(const struct core *core, const struct run *run);

/* Whether the leg's step at this position may be begun now, those before it in flight. */
bool run_window_lets(const struct core *core, const struct leg *leg, size_t position);

/* Why a leg that could go on does not; null when it is not for the window. */
const char *run_window_note(struct core *core, const struct leg *leg);

/* Watch it: for a run that is made, taken back, or begun again. */
void run_window_watch(struct core *core, struct run *run);

/* It may have opened, or closed. */
void run_window_tick(struct core *core, struct run *run);

/*
 * False with E-PLAN-WINDOW when a step of the target, as far as is known, takes longer than the
 * whole window.
 */
bool run_window_suffices(const struct core *core, const struct planning *planning,
                         const struct entry *entry, struct error *error);

#endif
