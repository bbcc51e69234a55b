/*
 * state: all that the agent's core knows, for the files of this folder. Each file owns the noun it
 * is named after; what they call of each other is declared here.
 *
 *   session.c  link, HELLO, WELCOME, lease, PING
 *   step.c     the record of one step, and its machine
 *   target.c   a target's worker: which job is next; reports, questions to the journal
 *   survey.c   what is asked of a target's database: what is applied, how large its tables are
 *   adopt.c    what another tool has applied to a target is taken over
 *   queue.c    a target's steps: assigned, begun, ended, cancelled
 *   bundle.c   which bundles are here, and fetching those that are not
 */
#ifndef AGENT_CORE_STATE_H
#define AGENT_CORE_STATE_H

#include <uthash.h>
#include <utlist.h>

#include "common/base/arena.h"
#include "common/base/backoff.h"
#include "common/base/random.h"
#include "agent/core/core.h"

#define NEVER_MS INT64_MAX
#define PING_COUNT 8       /* PINGs whose PONG may still come */
#define PING_STEPS_MAX 200 /* steps named in one PING */
#define PAST_COUNT 64      /* sessions remembered as over */
#define TOMBSTONE_MAX 1024 /* attempts remembered as over within a session */
#define LOOK_FEW 4         /* targets that are examined or surveyed at a time, but for slow ones */
#define LOOK_SLOW_MS 100   /* a look that has lasted so long is slow */
#define LOOK_MAX 16        /* with the slow ones */

struct agent_step;
struct agent_target;

/* ---- session ------------------------------------------------------------------------------ */

enum agent_session_state {
    AGENT_SESSION_DISCONNECTED,
    AGENT_SESSION_GREETING,
    AGENT_SESSION_HELD,
    AGENT_SESSION_LIVE,
    AGENT_SESSION_STATE_COUNT
};

struct agent_session {
    enum agent_session_state state;
    struct id id, cluster_id;
    struct token token, token_seen;
    int64_t heartbeat_ms, lease_ms;
    int64_t lease_until_ms;
    int64_t hello_sent_ms;
    int64_t due_ms; /* GREETING: the answer; HELD: the next HELLO; LIVE: the next PING */
    uint64_t sequence;
    int64_t ping_sent_ms[PING_COUNT]; /* of sequence % PING_COUNT */
    struct backoff backoff;
    unsigned short_count;       /* sessions in a row that were ended within a lease */
    int64_t eager_until_ms;     /* until then, the coordinator is expected back any moment */
    struct id past[PAST_COUNT]; /* every session ever offered; the oldest is forgotten */
    size_t past_count;
};

void agent_session_link_up(struct agent_core *core);
void agent_session_link_down(struct agent_core *core);
void agent_session_welcome(struct agent_core *core, const struct message *message);
void agent_session_wait(struct agent_core *core, const struct wait *wait);
void agent_session_pong(struct agent_core *core, const struct pong *pong);
void agent_session_bye(struct agent_core *core, const struct bye *bye);
void agent_session_reject(struct agent_core *core, const struct reject *reject);
void agent_session_tick(struct agent_core *core);

/* End the session when its lease has run out; before anything else of a turn. */
void agent_session_check(struct agent_core *core);

/* Whether the session stands and its lease is live: only then anything may begin. */
bool agent_session_is_live(const struct agent_core *core);

/* Whether a message of session `id` is of this one. */
bool agent_session_is(const struct agent_core *core, const struct id *id);

/* ---- bundle ------------------------------------------------------------------------------- */

enum agent_bundle_state {
    AGENT_BUNDLE_LOOKING,  /* the cache is asked */
    AGENT_BUNDLE_WANTED,   /* others are fetched before it */
    AGENT_BUNDLE_FETCHING, /* a CHUNK is awaited */
    AGENT_BUNDLE_KEEPING,  /* a CHUNK is being written */
    AGENT_BUNDLE_THERE
};

struct agent_bundle {
    struct digest digest;
    enum agent_bundle_state state;
    uint64_t offset;
    size_t uses;    /* steps that wait for it or run from it */
    int64_t due_ms; /* FETCHING: say FETCH again; THERE without uses: let it go; else NEVER_MS */
    struct agent_bundle *prev, *next; /* wanted, in the order of asking */
    UT_hash_handle hh;
};

/* Take hold of a bundle for a step; asks the cache on first need. */
struct agent_bundle *agent_bundle_take(struct agent_core *core, const struct digest *digest);

/* Let go of it and clear the pointer. */
void agent_bundle_drop(struct agent_core *core, struct agent_bundle **bundle_p);

void agent_bundle_event(struct agent_core *core, const struct agent_event *event);
void agent_bundle_chunk(struct agent_core *core, const struct chunk *chunk);

/* REJECT E-BUNDLE-UNKNOWN: the one being fetched cannot be had. */
void agent_bundle_unknown(struct agent_core *core, const struct fault *fault);

void agent_bundle_tick(struct agent_core *core);
int64_t agent_bundle_wake_ms(const struct agent_core *core);

/* ---- step --------------------------------------------------------------------------------- */

enum agent_step_state {
    AGENT_STEP_UNKNOWN, /* not in memory */
    AGENT_STEP_QUEUED,
    AGENT_STEP_RUNNING,
    AGENT_STEP_STOPPING,
    AGENT_STEP_IN_DOUBT,
    AGENT_STEP_ENDED,
    AGENT_STEP_STATE_COUNT
};

enum agent_step_event {
    AGENT_STEP_ASSIGN,
    AGENT_STEP_BEGIN,
    AGENT_STEP_DROP,
    AGENT_STEP_REFUSE,
    AGENT_STEP_STOP,
    AGENT_STEP_END,
    AGENT_STEP_LOSE,
    AGENT_STEP_FIND,
    AGENT_STEP_MISS,
    AGENT_STEP_ACK,
    AGENT_STEP_EVENT_COUNT
};

struct agent_step {
    struct assign assign; /* of a step found in a journal: only ids and attempt */
    size_t target;
    enum agent_step_state state;
    bool is_cancelled;          /* by the coordinator */
    enum agent_step_state said; /* where the coordinator was told it is */
    int64_t begun_ms;
    uint64_t statement;
    char note[NOTE_SIZE_MAX + 1]; /* what it does or waits for, in words */
    int64_t due_ms;               /* ENDED: RESULT is said then, for the first time or again */
    struct outcome outcome;
    struct arena arena; /* holds the outcome */
    struct agent_bundle *bundle;
    struct agent_step *prev, *next; /* in its target's queue, or core->running, or core->unacked */
    UT_hash_handle hh;
};

struct agent_step *agent_step_find(struct agent_core *core, const struct id *step_id);
struct agent_step *agent_step_add(struct agent_core *core, const struct assign *assign,
                                  size_t target);

/* Take the edge; trace it. It must be there. */
void agent_step_move(struct agent_core *core, struct agent_step *step, enum agent_step_event event);

/*
 * Keep what became of it until it is acknowledged. Where that may wait, because another step
 * follows, it is said together with the results of those: small steps are done faster than told.
 */
void agent_step_keep(struct agent_core *core, struct agent_step *step,
                     const struct outcome *outcome, bool may_wait);

/* Forget it; it is in no list any more. */
void agent_step_forget(struct agent_core *core, struct agent_step **step_p);

/* Say where the step is: STATE, or RESULT when it has ended. Nothing without a session. */
void agent_step_tell(struct agent_core *core, struct agent_step *step);
void agent_step_tell_state(struct agent_core *core, const struct id *step_id, uint64_t attempt,
                           enum step_report report, const struct fault *fault);

void agent_step_ack(struct agent_core *core, const struct result_ack *ack);

/* The kept result is known to be stored: forget the step. */
void agent_step_settle(struct agent_core *core, struct agent_step **step_p);

/* Whether this attempt, or a later one, is over since this session began. */
bool agent_step_is_buried(struct agent_core *core, const struct id *step_id, uint64_t attempt);

/* A session is over: every kept result is to be said again in the next. */
void agent_step_part(struct agent_core *core);

/* Say the results that are due: at once, after their wait, or not acknowledged for a while. */
void agent_step_tick(struct agent_core *core);
int64_t agent_step_wake_ms(const struct agent_core *core);

/* ---- target ------------------------------------------------------------------------------- */

enum agent_job {
    AGENT_JOB_NONE,
    AGENT_JOB_EXAMINE,
    AGENT_JOB_EXECUTE,
    AGENT_JOB_RESOLVE,
    AGENT_JOB_SURVEY,
    AGENT_JOB_ADOPT
};

enum agent_wish_kind { AGENT_WISH_STEP, AGENT_WISH_SURVEY, AGENT_WISH_SIZES };

/* What the coordinator has asked about a target and its worker has not answered yet. */
struct agent_wish {
    enum agent_wish_kind kind;
    struct id session;
    struct id id; /* the step's, the survey's or the measuring's */
    uint64_t attempt;
    struct message message; /* SURVEY: the question */
    struct arena arena;     /* what it points to */
    struct agent_wish *prev, *next;
};

struct agent_target {
    size_t index;
    const char *name, *service;
    enum agent_job job;
    struct agent_wish *asked; /* the wish the worker is busy with; null: the core's own */
    struct agent_wish *surveys, *questions; /* surveys and sizes; steps */
    size_t survey_count, question_count;
    struct agent_adoption *adoptions; /* that wait; the first is next */
    struct agent_adoption *adopting;  /* what the worker is busy with */
    size_t adoption_count;
    bool is_waiting; /* for others to end their looks */
    int64_t slow_ms; /* its look is slow from then on; NEVER_MS: it is, or does not look */
    struct agent_target *prev, *next;
    struct agent_step *current; /* running, stopping or in doubt */
    int64_t answer_ms;          /* when to say where its steps are */
    int64_t resolve_ms;         /* when the one in doubt is looked up again */
    struct agent_step *queue;   /* run by run, by position */
    size_t queue_count;
    struct id run_id; /* so many first steps of this run are done here */
    uint64_t done_count;
    int64_t gap_ms; /* the first of the queue waits for one that never came; until then */
    bool is_known;  /* the report holds */
    bool is_told;   /* in this session */
    struct target_report report;
    struct arena arena; /* holds the report */
    struct backoff backoff;
    int64_t examined_ms;
    int64_t examine_ms; /* when to look at it (again) */
    bool is_refused;
    char refused_code[32];
    int64_t claim_ms; /* when to say TARGET again */
    int64_t claim_interval_ms;
    UT_hash_handle hh; /* by report.target_id, when that is not none */
};

struct agent_target *agent_target_find(struct agent_core *core, const struct id *target_id);

/* A message of this session concerns the target: it may be served. */
void agent_target_heard(struct agent_target *target);

/* Give the worker its next job, when it has none. */
void agent_target_advance(struct agent_core *core, struct agent_target *target);

/* A session begins; a session is over. */
void agent_target_greet(struct agent_core *core, struct agent_target *target);
void agent_target_part(struct agent_core *core, struct agent_target *target);

void agent_target_refused(struct agent_core *core, const struct target_refused *refused);
void agent_target_survey(struct agent_core *core, const struct survey *survey);
void agent_target_measure(struct agent_core *core, const struct measure *measure);

/* Ask the journal, under the target's lock, what became of a step, and tell the coordinator. */
void agent_target_ask(struct agent_core *core, struct agent_target *target,
                      const struct id *step_id, uint64_t attempt);

/*
 * Have the worker find this out, unless it is asked to already or there are too many wishes. What
 * the message says is copied; null: nothing more.
 */
void agent_target_wish(struct agent_core *core, struct agent_target *target,
                       enum agent_wish_kind kind, const struct id *id, uint64_t attempt,
                       const struct message *message);
void agent_wish_free(struct agent_wish **wish_p);

/* The worker has answered: it, or one that waited for its look to end, goes on. */
void agent_target_end_job(struct agent_core *core, struct agent_target *target);

/* It was well when it was looked at last, and now it did not answer: look what has changed. */
void agent_target_look_again(struct agent_core *core, struct agent_target *target);

void agent_target_examined(struct agent_core *core, const struct agent_event *event);
void agent_target_surveyed(struct agent_core *core, const struct agent_event *event);
void agent_target_measured(struct agent_core *core, const struct agent_event *event);
void agent_target_adopted(struct agent_core *core, const struct agent_event *event);
void agent_target_resolved(struct agent_core *core, const struct agent_event *event);
void agent_target_tick(struct agent_core *core);

/* Have agent_target_tick look at the target at that time. */
void agent_target_wake_at(struct agent_core *core, int64_t when_ms);

/* ---- adopt -------------------------------------------------------------------------------- */

void agent_adopt_ask(struct agent_core *core, const struct adopt *adopt);

/* Whether the first one may begin now; its turn; its end. */
bool agent_adopt_is_ready(const struct agent_core *core, const struct agent_target *target);
void agent_adopt_begin(struct agent_core *core, struct agent_target *target);
void agent_adopt_answered(struct agent_core *core, struct agent_target *target,
                          const struct adopt_result *result);

/* The session is over: those that wait are not wanted any more. */
void agent_adopt_drop(struct agent_core *core, struct agent_target *target);

/* The bundle cannot be had: refuse those that wait for it. */
void agent_adopt_refuse(struct agent_core *core, const struct agent_bundle *bundle,
                        const struct fault *fault);

/* Free what the worker was busy with, at the end. */
void agent_adopt_release(struct agent_target *target);

/* ---- queue -------------------------------------------------------------------------------- */

void agent_queue_assign(struct agent_core *core, const struct assign *assign);
void agent_queue_query(struct agent_core *core, const struct query *query);
void agent_queue_cancel(struct agent_core *core, const struct cancel *cancel);

/* Whether the first step may begin now. */
bool agent_queue_is_ready(struct agent_core *core, struct agent_target *target);
void agent_queue_begin(struct agent_core *core, struct agent_target *target);

void agent_queue_progress(struct agent_core *core, const struct agent_event *event);
void agent_queue_ended(struct agent_core *core, const struct agent_event *event);

/*
 * A step has ended here, or its result is stored: when none is left, the target is looked at once
 * more and reported, so that the coordinator's last word on it is the database's.
 */
void agent_queue_calm(struct agent_core *core, struct agent_target *target);

/* Stop the step that runs, when one does. */
void agent_queue_stop(struct agent_core *core, struct agent_target *target);

/* Say where the steps are; give up waiting for one that should have come first. */
void agent_queue_tick(struct agent_core *core, struct agent_target *target);

/* The truth about the step in doubt: its outcome, or null: nothing of it is left. */
void agent_queue_settle(struct agent_core *core, struct agent_target *target,
                        const struct outcome *outcome);

/* Drop the queued steps of a run (null: all); each is answered not_started. */
void agent_queue_drop(struct agent_core *core, struct agent_target *target,
                      const struct id *run_id);

/* The bundle cannot be had: refuse the steps that wait for it. */
void agent_queue_refuse(struct agent_core *core, const struct agent_bundle *bundle,
                        const struct fault *fault);

/* ---- all of it ---------------------------------------------------------------------------- */

enum agent_leaving { AGENT_STAYS, AGENT_LEAVES, AGENT_HURRIES, AGENT_GONE };

struct agent_core {
    struct trace trace;
    bool wants_notes;
    struct id boot_id;
    struct random random;
    uint64_t queue_max;
    struct agent_session session;
    enum agent_leaving leaving;
    int64_t stop_ms, end_ms; /* leaving: when to stop what runs; when to go in any case */
    struct agent_target *targets;
    size_t target_count;
    struct agent_target *targets_by_id;
    int64_t target_wake_ms; /* no target wants a tick before */
    size_t looking;         /* targets that are examined, surveyed or adopted */
    size_t slow;            /* of these, for longer than LOOK_SLOW_MS */
    struct agent_target *waiting;
    struct agent_step *steps;
    struct agent_step *running, *unacked; /* unacked: by their due_ms */
    struct agent_tombstone *tombstones;   /* the oldest first */
    struct agent_bundle *bundles, *wanted, *fetching;
    int64_t now_ms;                /* of this turn */
    struct agent_actions *actions; /* of this turn */
};

#define SHORT_ID_SIZE 9

/* The last eight digits, for traces and notes: the first may be a time. Returns out. */
const char *agent_short_id(const struct id *id, char out[SHORT_ID_SIZE]);

/* Say it to the coordinator. */
void agent_tell(struct agent_core *core, struct message *message);

/* A line for the log of this agent. */
void agent_note(struct agent_core *core, bool is_warning, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
