/*
 * state: all that the coordinator's core knows, and the few things every file of this folder does
 * (tell, save, note in the audit, trace). Private to this folder. Each noun has a file and a header
 * of its own; this one only says what they look like, so that it can be read as a map:
 *
 *   core ─┬─ agents, operators      who may come in                        party.c, session.c
 *         ├─ targets                the databases, each with its agent     target.c
 *         ├─ plannings              plans that were asked for              planning.c, forecast.c
 *         └─ runs ─┬─ waves         how many of its legs are in what state wave.c
 *                  └─ legs ── steps a target's part, migration by migration leg.c, step.c
 */
#ifndef COORDINATOR_CORE_STATE_H
#define COORDINATOR_CORE_STATE_H

#include <uthash.h>
#include <utlist.h>

#include "common/base/arena.h"
#include "common/base/backoff.h"
#include "common/base/error.h"
#include "common/base/machine.h"
#include "common/base/mutation.h"
#include "common/base/random.h"
#include "coordinator/core/core.h"
#include "coordinator/core/itinerary.h"
#include "coordinator/core/known_bundle.h"
#include "coordinator/core/timer.h"

#define HELLO_RATE_MAX 2000        /* HELLOs answered in a second; the others wait */
#define HELLO_RATE_OF_ONE_MAX 10   /* of them, by one agent */
#define TARGETS_PER_AGENT_MAX 2000 /* what one agent may report */
#define MALFORMED_MAX 5            /* malformed frames within a minute before a key is shut out */
#define TWIN_SWAPS_MAX 3           /* changes to and fro between processes, likewise */
#define TWIN_BOOTS 4               /* processes that are remembered for that */
#define QUARANTINE_MS 60000        /* for so long */
#define SURVEY_WAIT_MS 5000        /* a plan waits so long for targets that are not there */
#define SURVEY_PATIENCE_MS 2000    /* and so long after every answer */
#define SURVEY_LIMIT_MS 60000      /* but no longer than this */
#define PLAN_LIFE_MS 3600000       /* how long a plan can be applied */
#define PLANS_PER_OPERATOR_MAX 8   /* the one used longest ago goes first */
#define ASSIGNS_SAID 2             /* so often an assignment is said before it is asked about */
#define QUIET_FACTOR 15            /* a step unheard of for so many resend_ms is asked about */
#define RUN_LINGER_MS 10000        /* a run that has ended is still in memory for so long */
#define RETRY_FIRST_MS 1000        /* back-off of a step that failed retryably */
#define RETRY_MOST_MS 30000
#define KNOWN_BUNDLES_KEPT 16 /* bundles that no plan holds any more, as a cache */
#define INQUIRY_MAX 256       /* questions to the store that are not answered yet */
#define ANSWERED_MAX 64       /* changes whose request ids are remembered */

enum timer_kind {
    TIMER_AGENT,
    TIMER_STEP,
    TIMER_LEG,
    TIMER_RUN,
    TIMER_PLANNING,
    TIMER_ADOPTING,
    TIMER_SIZING,
    TIMER_WINDOW
};

/* ---- who may come in ----------------------------------------------------------------------- */

enum session_state {
    SESSION_ABSENT,
    SESSION_LIVE,
    SESSION_SILENT,
    SESSION_QUARANTINED,
    SESSION_STATE_COUNT
};

struct agent {
    char *name;
    struct key key;
    bool is_active;
    uint64_t since_wall_ms;

    enum session_state state;
    struct id session;
    struct route route;
    struct id boot_id;
    char *software;
    int64_t lease_ms, heard_ms, begun_ms; /* begun: the session */
    bool was_heard;
    bool has_left;        /* of its own will: it is not coming back soon */
    struct timer timer;   /* the lease, or the end of a quarantine */
    int64_t hello_second; /* in which it has said so many HELLOs */
    unsigned hello_count;
    unsigned malformed_count;
    int64_t malformed_since_ms;
    struct id boots[TWIN_BOOTS]; /* processes that had a session before, the last one first */
    unsigned swap_count;         /* so often one of those has come back … */
    int64_t swap_since_ms;       /* … since then */
    struct fault *fault;         /* why it is in quarantine */
    char *alarm;                 /* the last one that was written down for it */

    struct target *targets; /* that it serves, or was the last to serve */
    size_t target_count;
    UT_hash_handle by_name, by_key; /* by_key: the active ones only */
};

struct person {
    char *name;
    struct key key;
    enum role role;
    bool is_active;
    uint64_t since_wall_ms;
    UT_hash_handle by_name, by_key;
};

/* ---- the databases ------------------------------------------------------------------------- */

struct target {
    struct id target_id; /* none: its database could not be asked yet; it is in no record then */
    char *name, *service;
    struct label *labels;
    size_t label_count;
    struct agent *agent;
    struct id session; /* of the agent, in which it was reported */
    enum target_state state;
    struct fault *fault; /* why it is broken */
    uint64_t system_identifier, database_oid, server_version;
    uint64_t applied_count;
    char *applied_version;
    uint64_t journal_count;    /* the length of its journal that the two above are true for */
    uint64_t timeline;         /* of its server, as last reported; 0: not yet */
    struct window window;      /* in which alone steps may be done there, as last reported */
    struct arena window_arena; /* what it points to */
    struct leg *leg;           /* of the open run that has it */
    bool is_replaced;          /* its agent says that another database has its name now */
    struct target *prev, *next;
    UT_hash_handle by_id, by_name;
};

/* ---- runs ---------------------------------------------------------------------------------- */

struct step {
    struct id step_id; /* none: it was never assigned */
    struct leg *leg;
    size_t position;
    enum step_state state;
    enum step_owed owed;
    bool spares;            /* CANCEL: what runs may come to its end */
    unsigned said;          /* how often what is owed was said */
    uint64_t attempt;       /* of the last assignment, from 1 */
    uint64_t ended_attempt; /* the last one that ended without an effect */
    uint64_t journal_count; /* DONE: the number of its journal row, and its hash */
    uint8_t journal_head[CHECKSUM_SIZE];
    enum outcome_kind verdict; /* DONE: done, or already so */
    struct timer timer;        /* when to say again what is owed, or to ask */
    UT_hash_handle hh;
};

struct leg {
    struct run *run;
    struct id target_id;
    struct target *target; /* null: its database is gone, or the run has ended */
    char *name, *service;  /* of the target, as it was when the run was made */
    struct itinerary *itinerary;
    size_t ordinal, wave; /* from 0 */
    enum leg_state state;
    bool has_slot, is_ready;
    struct step *steps; /* one for each of the itinerary's; null: none was ever assigned */
    size_t done_count;  /* so many of the first are done */
    size_t in_flight;   /* steps that an agent has, or may have */
    size_t asked;       /* of those: their agent was asked, and has not answered in this session */
    uint64_t tries;     /* retryable failures in a row */
    struct backoff backoff;
    struct timer timer;    /* when to try again */
    bool window_is_closed; /* its target's or its run's, as it was last looked at */
    struct load *loads;    /* what each step goes through, as the plan found it; null: not known */
    struct fault *fault;
    char *note;              /* what its running step does or waits for; null: nothing to say */
    struct leg *prev, *next; /* in the run's ready list */
};

struct wave {
    size_t first, count; /* of the run's legs */
    size_t in_state[LEG_STATE_COUNT];
};

struct run {
    struct id run_id;
    uint64_t number;
    struct arena arena; /* spec and operator */
    struct run_spec spec;
    const char *operator_name;
    enum run_state state;
    char *why;
    uint64_t started_wall_ms, ended_wall_ms;
    uint64_t rollback_number;

    struct leg *legs;
    size_t leg_count, budget;
    size_t in_state[LEG_STATE_COUNT];
    size_t busy; /* legs that hold a slot */
    struct wave *waves;
    size_t wave_count, wave_capacity, wave; /* wave: the present one, from 0 */
    struct leg *ready;  /* of the present wave: may start as soon as a slot is free */
    size_t loading;     /* the leg whose steps are being taken back */
    bool is_dirty;      /* its counts have changed since it was saved */
    bool is_unsettled;  /* in core->unsettled */
    struct timer timer; /* when it leaves memory, having ended */
    struct timer window_timer;
    bool window_is_closed;   /* as it was last looked at */
    struct run *prev, *next; /* in core->unsettled */
    UT_hash_handle by_id, by_number;
};

/* ---- questions to the store ---------------------------------------------------------------- */

/*
 * A message that cannot be answered from memory: the store is asked, and when it has answered, the
 * message is taken again with the answer beside it (core->recalled).
 */
struct inquiry {
    enum action_kind kind; /* NEED_BUNDLE, NEED_RUN, NEED_STEP */
    struct id id;
    uint64_t number;
    struct digest digest;
    enum event_kind source; /* EVENT_AGENT, EVENT_OPERATOR: who has said the message */
    struct key key;
    struct route route;
    struct arena arena;
    struct message message;
    bool lacks_bundle; /* it was asked before for this bundle, and there is none */
    struct digest lacking;
    struct inquiry *prev, *next;
};

/* A change that was made for this request, so that asking again gets the same answer. */
struct answered {
    struct id request;
    struct key key;
    char *text;
};

/* ---- all of it ----------------------------------------------------------------------------- */

struct core {
    struct core_config config;
    struct random random;

    int64_t begun_ms;             /* since when there is this core */
    int64_t now_ms, wall_ms;      /* of the event being taken */
    struct actions *actions;      /* its answers */
    struct arena scratch;         /* what its handling needs, until it has been taken */
    const struct event *recalled; /* what the store has answered to this message; or null */
    const struct digest
        *lacking; /* the bundle that it does not have, of those asked for; or null */
    struct timers timers;

    struct agent *agents_by_name, *agents_by_key;
    struct person *operators_by_name, *operators_by_key;
    size_t active_agents;
    struct target *targets_by_id, *targets_by_name;
    bool targets_are_sorted, agents_are_sorted;
    int64_t hello_second;
    uint64_t hello_count;

    struct run *runs_by_id, *runs_by_number;
    struct run *unsettled;
    struct step *steps;
    struct itinerary *itineraries;
    struct known_bundle *known_bundles;
    struct pace *paces;
    struct planning *plannings;
    struct adopting *adoptings;
    struct sizing *sizings; /* the oldest first */
    struct inquiry *inquiries;
    size_t inquiry_count;
    struct answered answered[ANSWERED_MAX];
    size_t answered_count;
};

/* One trace line; formats nothing when nobody listens. */
#define TRACE(core, ...)                                                                           \
    do {                                                                                           \
        if ((core)->config.trace.sink) {                                                           \
            trace_line(&(core)->config.trace, __VA_ARGS__);                                        \
        }                                                                                          \
    } while (0)

/* Say it; the cluster's id is filled in. */
void core_tell_agent(struct core *core, const struct agent *agent, struct message *message);
void core_tell_route(struct core *core, struct route route, struct message *message);
void core_tell_operator(struct core *core, struct route route, struct message *message);

/* REJECT, REFUSED with this error. */
void core_reject(struct core *core, struct route route, const struct error *error);
void core_refuse(struct core *core, struct route route, const struct id *request,
                 const struct error *error);

/* An audit row. actor null: the coordinator itself. */
void core_audit(struct core *core, const char *actor, const char *verb, const char *subject,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * An audit row about what an agent may not do; the same one again, said over and over, is written
 * down once.
 */
void core_alarm(struct core *core, struct agent *agent, const char *verb, const char *subject,
                const struct error *error);

/* Printf into memory that lasts until the event has been taken. */
const char *core_format(struct core *core, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Set the timer of something; kind and owner say of what. */
void core_wake_at(struct core *core, struct timer *timer, enum timer_kind kind, void *owner,
                  int64_t at_ms);

/*
 * Ask the store, and take `event`'s message again when it has answered. False when too many
 * questions are open.
 */
bool core_inquire(struct core *core, const struct event *event, const struct action *question);

#endif
