/*
 * run_window: a run that may work only at some times, or a target on which that is so for every
 * run. Outside of either's window nothing is begun, and what still runs is stopped: it is rolled
 * back, or goes on where its last batch has ended, when the window opens again. Within it a step is
 * only begun when it is thought to end in time.
 */
#ifndef COORDINATOR_CORE_RUN_WINDOW_H
#define COORDINATOR_CORE_RUN_WINDOW_H

#include "coordinator/core/planning.h"
#include "coordinator/core/state.h"

/* Whether the run's, or that of the leg's target, is closed now. */
bool run_window_is_closed(const struct core *core, const struct leg *leg);

/* Whether the leg's step at this position may be begun now, those before it in flight. */
bool run_window_lets(const struct core *core, const struct leg *leg, size_t position);

/* Why a leg that could go on does not; null when it is not for the window. */
const char *run_window_note(struct core *core, const struct leg *leg);

/* Watch them: for a run that is made, taken back, or begun again. */
void run_window_watch(struct core *core, struct run *run);

/* The leg's target was reported: it may have a window that nobody knew of. */
void run_window_heed(struct core *core, struct leg *leg);

/* One may have opened, or closed. */
void run_window_tick(struct core *core, struct run *run);

/*
 * False with E-PLAN-WINDOW when a step of the target, as far as is known, takes longer than a
 * whole window.
 */
bool run_window_suffices(struct core *core, const struct planning *planning,
                         const struct entry *entry, struct error *error);

#endif
