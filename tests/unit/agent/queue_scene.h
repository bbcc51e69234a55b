/*
 * queue_scene: a live core at the bench and its first target's steps, for tests of queues.
 */
#ifndef TESTS_UNIT_AGENT_QUEUE_SCENE_H
#define TESTS_UNIT_AGENT_QUEUE_SCENE_H

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "agent/core/core.h"

#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

/* A live core whose bundle 1 is there. */
static inline struct bench *
ready(size_t target_count)
{
    struct bench *bench = bench_new(target_count);

    bench_live(bench);
    bench_hear_assign(bench, 0, 999, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_ended(bench, 0, 999, OUTCOME_DONE);
    bench_hear(bench, (struct message){.type = MESSAGE_RESULT_ACK,
                                       .result_ack = {.step_id = bench_id(999), .attempt = 1}});
    bench_forget(bench);
    return bench;
}

/* ASSIGN of step `number` of run 2, at its position, everything before position 0 done. */
static inline void
assign(struct bench *bench, unsigned number, uint64_t position)
{
    struct message message = bench_assign(bench, 0, number, position);

    message.assign.run_id = bench_id(80002);
    bench_hear(bench, message);
}

static inline void
ask(struct bench *bench, enum message_type type, unsigned number, uint64_t attempt)
{
    struct message message = {.type = type};
    struct query query = {
        .step_id = bench_id(number), .target_id = bench_target_id(0), .attempt = attempt};

    if (type == MESSAGE_QUERY) {
        message.query = query;
    } else {
        message.cancel = (struct cancel){
            .step_id = query.step_id, .target_id = query.target_id, .attempt = query.attempt};
    }
    bench_hear(bench, message);
}

static inline void
acknowledge(struct bench *bench, unsigned number, uint64_t attempt)
{
    bench_hear(bench,
               (struct message){.type = MESSAGE_RESULT_ACK,
                                .result_ack = {.step_id = bench_id(number), .attempt = attempt}});
}

/* The journal's answer about step `number`: done, or nothing, or it cannot be read. */
static inline void
resolved(struct bench *bench, unsigned number, bool is_done, bool is_silent)
{
    struct outcome outcome = {.kind = OUTCOME_DONE};
    struct fault fault = {.code = "E-DB-UNREACHABLE"};

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_RESOLVED,
                                            .step_id = bench_id(number),
                                            .attempt = 1,
                                            .outcome = is_done ? &outcome : NULL,
                                            .fault = is_silent ? &fault : NULL});
}

static inline void
begin_new_session(struct bench *bench, unsigned number)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, number);
}

#endif
