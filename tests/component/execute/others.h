/* others: sessions beside the one that is tested, which hold what they are told to hold. */
#ifndef TESTS_COMPONENT_EXECUTE_OTHERS_H
#define TESTS_COMPONENT_EXECUTE_OTHERS_H

#include <libpq-fe.h>

#include "tests/component/execute/scene.h"

/* A session in the scene's database as superuser; it ends with PQfinish. */
PGconn *other_open(const struct scene *scene, const char *name);

/* Say something that must succeed. */
void other_say(PGconn *pg, const char *sql);

/*
 * Carry the scene's first migration out under a new id; for helper_start. The kind is
 * OUTCOME_KIND_COUNT when the truth is not found out.
 */
void other_goes_up(void *context);

#endif
