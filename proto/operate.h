/*
 * operate: what operators ask of the coordinator and are shown. Part of proto/message.h, which has
 * the other half (agents) and the table of all messages.
 */
#ifndef PROTO_OPERATE_H
#define PROTO_OPERATE_H

#include "common/migration/window.h"
#include "proto/estimate.h"

/* ---- operator → coordinator: every one answered by the message named, or REFUSED ------------ */

enum role { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN, ROLE_COUNT };
enum run_kind { RUN_UP, RUN_DOWN, RUN_KIND_COUNT };
enum on_failure { ON_FAILURE_HALT, ON_FAILURE_ROLLBACK, ON_FAILURE_CONTINUE, ON_FAILURE_COUNT };

/* "Do you have this bundle?" → OFFERED */
struct offer {
    struct id request;
    struct digest digest;
    const char *service;
    uint64_t size;
};

/* The next piece of a bundle → OFFERED */
struct put {
    struct id request;
    struct digest digest;
    uint64_t offset, total;
    struct bytes bytes;
};

struct service_bundle {
    const char *service;
    struct digest digest;
};

/* A share of the targets: a number of them, or percent of all of the run's. */
struct share {
    uint64_t number;
    bool is_percent;
};

/* What a run is to do. Nothing in it depends on the state of the fleet. */
struct run_spec {
    enum run_kind kind;
    struct service_bundle *services; /* RUN_UP, RUN_DOWN by version: what to work from */
    size_t service_count;
    struct id undo_run_id;  /* RUN_DOWN: undo exactly what this run did; services is empty then */
    const char *to_version; /* RUN_UP: null is the newest; RUN_DOWN: undo what is above, "0": all */
    const char *select;     /* "env=prod,region!=eu"; null: all targets of the services */
    struct share *waves;    /* cumulative: 1, 10 %, 100 % */
    size_t wave_count;
    uint64_t parallel;   /* targets at a time */
    struct share budget; /* how many targets may fail before the run halts */
    enum on_failure on_failure;
    bool out_of_order; /* allow versions below the newest applied */
    bool skip_refused; /* go without the targets that cannot take part; otherwise APPLY refuses */
    uint64_t targets_max; /* refuse a selection larger than this; 0: no limit */
    uint64_t lock_timeout_ms, timeout_ms;
    struct window window; /* when it may work */
};

/* "What would this do?" → PLANNED, at least every second until it is ready. */
struct plan {
    struct id request; /* said again it is the same plan; PLANNED names it */
    struct run_spec spec;
};

/* "Show me these rows of the plan" → PLANNED */
struct plan_page {
    struct id request;
    struct id plan_id;
    uint64_t offset;
};

/* "Do what the plan says." → STARTED; said again it is the same run. */
struct apply {
    struct id request;
    struct id plan_id;
};

enum steer_verb {
    STEER_PAUSE,
    STEER_RESUME,
    STEER_CANCEL,
    STEER_RETRY,
    STEER_PAUSE_ALL,
    STEER_RESUME_ALL,
    STEER_COUNT
};

/* → DONE. run: a number, an id, or "last" */
struct steer {
    struct id request;
    const char *run;
    enum steer_verb verb;
};

enum leg_filter { LEGS_ALL, LEGS_FAILING, LEGS_OPEN, LEG_FILTER_COUNT };

/* → RUN_VIEW */
struct status {
    struct id request;
    const char *run; /* null: the last */
    enum leg_filter filter;
    uint64_t offset;
};

/* → RUNS_VIEW, newest first */
struct runs {
    struct id request;
    uint64_t offset;
};

/* → LOG_VIEW: the steps of a run with their outcomes */
struct log_request {
    struct id request;
    const char *run;
    const char *target; /* null: all */
    uint64_t offset;
};

/* → TARGETS_VIEW */
struct targets {
    struct id request;
    const char *select;
    uint64_t offset;
};

/* → AGENTS_VIEW */
struct agents {
    struct id request;
    uint64_t offset;
};

/* → OPERATORS_VIEW */
struct operators {
    struct id request;
    uint64_t offset;
};

enum party { PARTY_AGENT, PARTY_OPERATOR, PARTY_COUNT };

/* "This key may come in." → DONE */
struct enrol {
    struct id request;
    enum party party;
    const char *name;
    struct key key;
    enum role role; /* of an operator */
};

/* "This one may not any more." → DONE; in force with the next message, at once. */
struct expel {
    struct id request;
    enum party party;
    const char *name;
};

/*
 * "This database is no target any more." → DONE. A target that an agent still serves is one again
 * with that agent's next report.
 */
struct forget {
    struct id request;
    const char *target;
};

/* ---- coordinator → operator ---------------------------------------------------------------- */

struct refused {
    struct id request;
    struct fault fault;
};

struct done {
    struct id request;
    const char *text; /* what was done, for people */
};

struct offered {
    struct id request;
    bool is_complete;
    uint64_t offset; /* where to go on */
};

struct started {
    struct id request;
    struct id run_id;
    uint64_t number;
};

struct plan_leg {
    const char *target, *service;
    uint64_t wave; /* from 1; 0: nothing is to be done there, it has no part in the run */
    const char *from_version;
    const char *to_version;
    uint64_t step_count;
    const char *first_version; /* of the steps */
    struct fault fault;        /* why this target cannot take part; code null when it can */
    const char *note;          /* what a person should know and nothing is refused for; or null */
    struct estimate estimate;
    struct obstacle *obstacles; /* what its preflight would find now, the gravest first */
    size_t obstacle_count;
};

struct planned {
    struct id request;
    struct id plan_id;
    bool is_ready;
    uint64_t surveyed_count;
    enum run_kind kind;
    uint64_t target_count, step_count, wave_count, refused_count;
    uint64_t parallel;
    uint64_t offset;
    struct plan_leg *legs;
    size_t leg_count;
    struct estimate estimate;          /* of all of it, wave by wave */
    uint64_t migration_total;          /* how many go through tables */
    struct plan_migration *migrations; /* those that take longest, in their order */
    size_t migration_count;
};

enum run_state {
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_HALTED,     /* the budget is spent; nothing new starts */
    RUN_CANCELLING, /* what has begun is being waited for */
    RUN_DONE,
    RUN_FAILED, /* ended, and not every target is there */
    RUN_CANCELLED,
    RUN_STATE_COUNT
};

enum leg_state {
    LEG_WAITING, /* its wave has not come, or no slot is free */
    LEG_RUNNING,
    LEG_DONE,
    LEG_FAILED,
    LEG_CANCELLED,
    LEG_STATE_COUNT
};

struct leg_view {
    const char *target, *service;
    uint64_t wave;
    enum leg_state state;
    uint64_t done_count, step_count;
    const char *version; /* of the step that runs, failed, or was last done */
    uint64_t attempt;
    uint64_t unreachable_ms; /* how long the agent has not been heard of; 0: it is there */
    const char *note;        /* what its running step does or waits for; null: nothing to say */
    struct fault fault;
};

struct wave_view {
    uint64_t target_count, done_count, failed_count, running_count;
    uint64_t step_count, step_done_count;
};

struct run_view {
    struct id request;
    struct id run_id;
    uint64_t number;
    enum run_kind kind;
    struct id undo_run_id;
    enum run_state state;
    const char *why; /* the sentence of the last change of state */
    const char *services, *select, *operator_name;
    uint64_t started_wall_ms, ended_wall_ms; /* 0: not yet */
    uint64_t elapsed_ms;
    uint64_t left_ms;         /* estimate; 0: not known */
    uint64_t rollback_number; /* the run that undoes this one; 0: none */
    struct wave_view *waves;
    size_t wave_count;
    uint64_t leg_total, offset; /* rows that match the filter; this page */
    struct leg_view *legs;
    size_t leg_count;
    const char *notice; /* what is to be known of the coordinator that says so; null: nothing */
};

struct run_row {
    struct id run_id;
    uint64_t number;
    enum run_kind kind;
    enum run_state state;
    const char *services, *operator_name;
    uint64_t target_count, done_count, failed_count;
    uint64_t started_wall_ms, ended_wall_ms;
};

struct runs_view {
    struct id request;
    uint64_t total, offset;
    struct run_row *rows;
    size_t row_count;
};

/* What a step came to be; also how it is stored. */
enum step_state {
    STEP_WAITING,
    STEP_ASSIGNED,
    STEP_RUNNING,
    STEP_DONE,
    STEP_FAILED,
    STEP_CANCELLED,
    STEP_STATE_COUNT
};

struct step_row {
    struct id step_id;
    const char *target, *version, *name;
    enum direction direction;
    enum step_state state;
    uint64_t attempt;
    uint64_t ended_wall_ms;
    struct outcome outcome;
};

struct log_view {
    struct id request;
    uint64_t number;
    uint64_t total, offset;
    struct step_row *rows; /* at most LOG_PAGE_SIZE_MAX */
    size_t row_count;
};

struct target_row {
    struct id target_id;
    const char *name, *service, *agent;
    struct label *labels;
    size_t label_count;
    bool is_reachable;
    enum target_state state;
    struct fault fault;
    const char *version;
    uint64_t applied_count;
    uint64_t server_version;
    uint64_t run_number; /* the run that has it now; 0: none */
};

struct targets_view {
    struct id request;
    uint64_t total, offset;
    struct target_row *rows;
    size_t row_count;
};

struct agent_row {
    const char *name;
    struct key key;
    bool is_connected;
    uint64_t silent_ms; /* since it was last heard of; meaningless when never */
    bool was_heard;
    uint64_t target_count;
    const char *software;
    struct fault fault; /* why its key is not listened to for a while; code null when it is */
};

struct agents_view {
    struct id request;
    uint64_t total, offset;
    struct agent_row *rows;
    size_t row_count;
};

struct operator_row {
    const char *name;
    struct key key;
    enum role role;
};

struct operators_view {
    struct id request;
    uint64_t total, offset;
    struct operator_row *rows;
    size_t row_count;
};

#endif
