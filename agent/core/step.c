#include "agent/core/state.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/mutation.h"

#define RESULT_AGAIN_MS 5000 /* a RESULT without RESULT_ACK is said again */
#define RESULT_HOLD_MS 100   /* a RESULT may wait so long for those of the steps behind it */

static const char *const state_names[] = {"unknown",  "queued",   "running",
                                          "stopping", "in_doubt", "ended"};
static const char *const event_names[] = {"assign", "begin", "drop", "refuse", "stop",
                                          "end",    "lose",  "find", "miss",   "ack"};

static const struct machine_edge edges[] = {
    {AGENT_STEP_UNKNOWN, AGENT_STEP_ASSIGN, AGENT_STEP_QUEUED, "the coordinator has assigned it"},
    {AGENT_STEP_UNKNOWN, AGENT_STEP_FIND, AGENT_STEP_ENDED,
     "it was asked for, and the target's journal has its outcome"},
    {AGENT_STEP_QUEUED, AGENT_STEP_BEGIN, AGENT_STEP_RUNNING,
     "the lease is live, its bundle is here, the steps before it are done"},
    {AGENT_STEP_QUEUED, AGENT_STEP_DROP, AGENT_STEP_UNKNOWN,
     "it was cancelled, one before it was not done, or the session is over: it was never begun"},
    {AGENT_STEP_QUEUED, AGENT_STEP_REFUSE, AGENT_STEP_UNKNOWN, "its bundle cannot be had"},
    {AGENT_STEP_RUNNING, AGENT_STEP_STOP, AGENT_STEP_STOPPING,
     "it is to end early; the database decides which came first"},
    {AGENT_STEP_RUNNING, AGENT_STEP_END, AGENT_STEP_ENDED, "the database has decided"},
    {AGENT_STEP_STOPPING, AGENT_STEP_END, AGENT_STEP_ENDED, "the database has decided"},
    {AGENT_STEP_STOPPING, AGENT_STEP_DROP, AGENT_STEP_UNKNOWN,
     "the leaving agent has stopped it; nothing of it is left, and it may be assigned again"},
    {AGENT_STEP_RUNNING, AGENT_STEP_LOSE, AGENT_STEP_IN_DOUBT,
     "it was stopped before the database could be asked"},
    {AGENT_STEP_STOPPING, AGENT_STEP_LOSE, AGENT_STEP_IN_DOUBT,
     "it was stopped before the database could be asked"},
    {AGENT_STEP_IN_DOUBT, AGENT_STEP_FIND, AGENT_STEP_ENDED,
     "the target's journal has its outcome"},
    {AGENT_STEP_IN_DOUBT, AGENT_STEP_MISS, AGENT_STEP_UNKNOWN,
     "under the target's lock its journal knows nothing of it: nothing is left"},
    {AGENT_STEP_ENDED, AGENT_STEP_ACK, AGENT_STEP_UNKNOWN, "the coordinator has stored its result"},
};

const struct machine agent_step_machine = {
    .name = "agent step",
    .states = state_names,
    .state_count = sizeof state_names / sizeof *state_names,
    .events = event_names,
    .event_count = sizeof event_names / sizeof *event_names,
    .edges = edges,
    .edge_count = sizeof edges / sizeof *edges,
};

/*
 * An attempt that is over: its result acknowledged, or said to be not started or refused. An
 * ASSIGN of it that comes late is not new work.
 */
struct agent_tombstone {
    struct id step_id;
    uint64_t attempt;
    UT_hash_handle hh;
};

struct agent_step *
agent_step_find(struct agent_core *core, const struct id *step_id)
{
    struct agent_step *step;

    HASH_FIND(hh, core->steps, step_id, sizeof *step_id, step);
    return step;
}

struct agent_step *
agent_step_add(struct agent_core *core, const struct assign *assign, size_t target)
{
    struct agent_step *step = mem_zalloc(sizeof *step);

    step->assign = *assign;
    step->assign.version = mem_text(assign->version);
    step->target = target;
    HASH_ADD(hh, core->steps, assign.step_id, sizeof step->assign.step_id, step);
    return step;
}

void
agent_step_move(struct agent_core *core, struct agent_step *step, enum agent_step_event event)
{
    char name[SHORT_ID_SIZE];
    const struct machine_edge *edge =
        machine_find(&agent_step_machine, (int)step->state, (int)event);

    assert(edge);
    trace_line(&core->trace, "%s: step %s: %s -> %s: %s", core->targets[step->target].name,
               agent_short_id(&step->assign.step_id, name), state_names[edge->from],
               state_names[edge->to], edge->why);
    step->state = (enum agent_step_state)edge->to;
}

/* Put it among those whose results are kept, in the order in which they are to be said. */
static void
line_up(struct agent_core *core, struct agent_step *step, int64_t due_ms)
{
    struct agent_step *before = core->unacked ? core->unacked->prev : NULL;

    step->due_ms = due_ms;
    while (before && before->due_ms > due_ms) {
        before = before == core->unacked ? NULL : before->prev;
    }
    DL_APPEND_ELEM(core->unacked, before, step);
}

void
agent_step_keep(struct agent_core *core, struct agent_step *step, const struct outcome *outcome,
                bool may_wait)
{
    assert(step->state == AGENT_STEP_ENDED);

    pack_copy(&outcome_shape, outcome, &step->arena, &step->outcome);
    agent_bundle_drop(core, &step->bundle);
    line_up(core, step, core->now_ms + (may_wait ? RESULT_HOLD_MS : 0));
    agent_step_tick(core);
    if (MUTATION(FORGET_UNACKED)) {
        DL_DELETE(core->unacked, step);
        agent_step_forget(core, &step);
    }
}

void
agent_step_forget(struct agent_core *core, struct agent_step **step_p)
{
    struct agent_step *step = *step_p;
    char *version;

    *step_p = NULL;
    agent_bundle_drop(core, &step->bundle);
    HASH_DEL(core->steps, step);
    arena_release(&step->arena);
    memcpy(&version, &step->assign.version, sizeof version);
    free(version);
    free(step);
}

static void
bury(struct agent_core *core, const struct id *step_id, uint64_t attempt)
{
    struct agent_tombstone *stone;

    HASH_FIND(hh, core->tombstones, step_id, sizeof *step_id, stone);
    if (!stone) {
        if (HASH_COUNT(core->tombstones) == TOMBSTONE_MAX) {
            struct agent_tombstone *oldest = core->tombstones;
            HASH_DEL(core->tombstones, oldest);
            free(oldest);
        }
        stone = mem_zalloc(sizeof *stone);
        stone->step_id = *step_id;
        HASH_ADD(hh, core->tombstones, step_id, sizeof stone->step_id, stone);
    }
    stone->attempt = attempt > stone->attempt ? attempt : stone->attempt;
}

void
agent_step_tell_state(struct agent_core *core, const struct id *step_id, uint64_t attempt,
                      enum step_report report, const struct fault *fault)
{
    struct message message = {.type = MESSAGE_STATE,
                              .state = {.session = core->session.id,
                                        .step_id = *step_id,
                                        .attempt = attempt,
                                        .report = report}};

    if (core->session.state != AGENT_SESSION_LIVE) {
        return;
    }
    if (fault) {
        message.state.fault = *fault;
    }
    if (report == STEP_REPORT_NOT_STARTED || report == STEP_REPORT_REFUSED) {
        bury(core, step_id, attempt);
    }
    agent_tell(core, &message);
}

static void
tell_result(struct agent_core *core, struct agent_step *step)
{
    struct message message = {.type = MESSAGE_RESULT,
                              .result = {.session = core->session.id,
                                         .step_id = step->assign.step_id,
                                         .target_id = step->assign.target_id,
                                         .attempt = step->assign.attempt,
                                         .outcome = step->outcome}};

    agent_tell(core, &message);
    DL_DELETE(core->unacked, step);
    line_up(core, step, core->now_ms + RESULT_AGAIN_MS);
}

void
agent_step_tell(struct agent_core *core, struct agent_step *step)
{
    static const enum step_report reports[AGENT_STEP_STATE_COUNT] = {
        [AGENT_STEP_QUEUED] = STEP_REPORT_ACCEPTED,
        [AGENT_STEP_RUNNING] = STEP_REPORT_RUNNING,
        [AGENT_STEP_STOPPING] = STEP_REPORT_STOPPING,
        [AGENT_STEP_IN_DOUBT] = STEP_REPORT_RUNNING, /* as far as anyone knows */
    };

    if (core->session.state != AGENT_SESSION_LIVE) {
        return;
    }
    step->said = step->state;
    if (step->state == AGENT_STEP_ENDED) {
        tell_result(core, step);
    } else {
        agent_step_tell_state(core, &step->assign.step_id, step->assign.attempt,
                              reports[step->state], NULL);
    }
}

bool
agent_step_is_buried(struct agent_core *core, const struct id *step_id, uint64_t attempt)
{
    struct agent_tombstone *stone;

    HASH_FIND(hh, core->tombstones, step_id, sizeof *step_id, stone);
    return stone && attempt <= stone->attempt;
}

void
agent_step_part(struct agent_core *core)
{
    struct agent_tombstone *stone, *next;
    struct agent_step *step;

    HASH_ITER(hh, core->tombstones, stone, next)
    {
        HASH_DEL(core->tombstones, stone);
        free(stone);
    }
    DL_FOREACH(core->unacked, step)
    {
        step->due_ms = core->now_ms;
    }
}

void
agent_step_ack(struct agent_core *core, const struct result_ack *ack)
{
    struct agent_step *step = agent_step_find(core, &ack->step_id);

    if (!step || step->state != AGENT_STEP_ENDED || step->assign.attempt != ack->attempt) {
        trace_line(&core->trace, "step: RESULT_ACK ignored: no such result is kept");
        return;
    }
    struct agent_target *target = &core->targets[step->target];
    bury(core, &ack->step_id, ack->attempt);
    agent_step_settle(core, &step);
    agent_queue_calm(core, target);
}

void
agent_step_settle(struct agent_core *core, struct agent_step **step_p)
{
    agent_step_move(core, *step_p, AGENT_STEP_ACK);
    DL_DELETE(core->unacked, *step_p);
    agent_step_forget(core, step_p);
}

void
agent_step_tick(struct agent_core *core)
{
    if (core->now_ms < agent_step_wake_ms(core)) {
        return;
    }
    /* What is due soon goes along: one package, one commit there, one acknowledgement. */
    while (core->unacked && core->unacked->due_ms <= core->now_ms + RESULT_HOLD_MS) {
        agent_step_tell(core, core->unacked);
    }
}

int64_t
agent_step_wake_ms(const struct agent_core *core)
{
    if (!core->unacked || core->session.state != AGENT_SESSION_LIVE) {
        return NEVER_MS;
    }
    return core->unacked->due_ms;
}
