/*
 * party: who may come in: agents and operators, each by one key. Enrolling, expelling, looking up.
 * What an agent does once it is in is session.h.
 */
#ifndef COORDINATOR_CORE_PARTY_H
#define COORDINATOR_CORE_PARTY_H

#include "coordinator/core/state.h"

/* Null when no active one has this key; by name also those that are not active any more. */
struct agent *agent_with_key(struct core *core, const struct key *key);
struct agent *agent_named(struct core *core, const char *name);
struct person *person_with_key(struct core *core, const struct key *key);
struct person *person_named(struct core *core, const char *name);

/* Take a saved one back. */
void agent_load(struct core *core, const struct agent_record *record);
void person_load(struct core *core, const struct operator_record *record);

/* Let every active key in, at start. */
void party_admit_all(struct core *core);

/* ENROL and EXPEL of an admin; the text says what was done. False with the reason. */
bool party_enrol(struct core *core, const struct person *admin, const struct enrol *enrol,
                 const char **text, struct error *error);
bool party_expel(struct core *core, const struct person *admin, const struct expel *expel,
                 const char **text, struct error *error);

void party_release(struct core *core);

#endif
