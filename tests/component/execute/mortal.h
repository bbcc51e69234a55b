/* mortal: what can die while a step is carried out: its process, its backend, the server. */
#ifndef TESTS_COMPONENT_EXECUTE_MORTAL_H
#define TESTS_COMPONENT_EXECUTE_MORTAL_H

#include "common/base/random.h"
#include "tests/component/execute/scene.h"

enum death { DEATH_PROCESS, DEATH_BACKEND, DEATH_SERVER, DEATH_COUNT };

/* Carry the order out in a child process; it ends with 0 when the step is done. */
pid_t mortal_start(struct scene *scene, const struct step_order *order);

/* Whether the child has ended; *is_done: well. */
bool mortal_has_ended(pid_t child, bool *is_done);

/* The backend that works for a sitting; 0 when there is none, or the server is busy recovering. */
pid_t mortal_backend(const struct scene *scene);

/* It recovers from the death of a backend. */
void mortal_await_server(const struct scene *scene);

/*
 * Kill, with SIGKILL or as an administrator in a hurry does; the server is started again. False
 * when there was nothing to kill.
 */
bool mortal_kill(struct scene *scene, enum death death, pid_t child, struct random *random);

#endif
