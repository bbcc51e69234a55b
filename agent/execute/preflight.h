/*
 * preflight: what is looked at before a step is begun, and what is done about what is found: the
 * target's replicas, replication slots and archiver, room on the disk, and, with every look at the
 * tables concerned, whoever holds them, the rights on them and their half-made indexes. Whether it
 * is the right database, no standby and no pooler is looked at before all this (sitting_look).
 */
#ifndef AGENT_EXECUTE_PREFLIGHT_H
#define AGENT_EXECUTE_PREFLIGHT_H

#include "agent/execute/policy.h"
#include "agent/execute/try.h"

#define FOUND_MAX 64

struct wanted;

enum preflight_verdict {
    PREFLIGHT_GO,
    PREFLIGHT_AGAIN, /* it was held for a moment: look again whether the step is still to be done */
    PREFLIGHT_FAILED /* try->error says why */
};

/* What was found, and what is done about it. */
struct found {
    enum preflight_check check;
    enum policy policy;
    const struct wanted *about; /* the table; null: not one of those that are locked */
    char text[200], hint[200];
};

struct found_list {
    struct found items[FOUND_MAX];
    size_t count;
};

/* Of one step, through all its tries; cleared at its begin. */
struct preflight {
    struct found_list *all; /* where all that is found goes too; may be null */
    struct found worst;     /* of the last look; without a policy: nothing to wait for */
    bool has_room;          /* or nobody can tell: it was looked at */
    int64_t held_ms;        /* since when it is held; 0: it is not */
    char warnings[OUTCOME_WARNINGS_MAX][200];
    size_t warning_count;
};

/* Look at the server, if that was not done just now. The session is our own, in no transaction. */
enum preflight_verdict preflight_server(struct step_try *try);

/* Judge what a look at the tables has found. False: not to be waited for, try->error says why. */
bool preflight_tables(struct step_try *try);

/*
 * Only look, at the server or for room: what is found is in the preflight. False when it could not
 * be asked.
 */
bool preflight_ask_server(struct step_try *try);
bool preflight_ask_room(struct step_try *try);

/* A look at the tables was denied just now: that is found, with the GRANT that it takes. */
void preflight_denied(struct step_try *try);

/* The role may make nothing in this schema; both can be put into SQL. */
void preflight_may_not_create(struct step_try *try, const char *schema, const char *role);

/* To be told with the outcome, once. */
void preflight_warn(struct preflight *preflight, const char *text);

/* What was warned of, into the outcome. */
void preflight_report(struct step_try *try);

#endif
