#include "agent/shell/crew.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define IDLE_MAX 16 /* workers that keep their connection for a while */
#define END_MS 2000 /* how long the threads may take to end */

struct seat {
    struct agent_worker *worker;
    bool is_idle; /* with an open connection */
};

struct agent_crew {
    struct agent_reports *reports;
    struct seat *seats;
    size_t count;
    size_t idle_count;
    size_t threads;
};

struct agent_crew *
agent_crew_new(const struct agent_settings *settings)
{
    struct agent_crew *crew = mem_zalloc(sizeof *crew);

    crew->reports = agent_reports_new();
    crew->count = settings->target_count;
    crew->seats = mem_zalloc(crew->count * sizeof *crew->seats);
    for (size_t i = 0; i < crew->count; i++) {
        crew->seats[i].worker = agent_worker_new(&settings->targets[i], i, crew->reports);
    }
    return crew;
}

bool
agent_crew_destroy(struct agent_crew **crew_p)
{
    struct agent_crew *crew = *crew_p;
    int64_t deadline_ms = clock_now_ms() + END_MS;
    bool is_clean = true;

    *crew_p = NULL;
    for (size_t i = 0; i < crew->count; i++) {
        agent_worker_stop(crew->seats[i].worker);
    }
    for (size_t i = 0; i < crew->count; i++) {
        is_clean = agent_worker_destroy(&crew->seats[i].worker, deadline_ms) && is_clean;
    }
    if (!is_clean) {
        return false; /* a thread may still report */
    }
    agent_reports_destroy(&crew->reports);
    free(crew->seats);
    free(crew);
    return true;
}

static void
leave_idle(struct agent_crew *crew, struct seat *seat)
{
    crew->idle_count -= seat->is_idle;
    seat->is_idle = false;
}

void
agent_crew_post(struct agent_crew *crew, const struct agent_action *action,
                const struct bundle *bundle, const struct id *cluster_id)
{
    struct seat *seat = &crew->seats[action->target];

    leave_idle(crew, seat);
    if (agent_worker_post(seat->worker, action, bundle, cluster_id)) {
        crew->threads++;
    }
}

void
agent_crew_stop(struct agent_crew *crew, size_t target)
{
    agent_worker_stop(crew->seats[target].worker);
}

void
agent_crew_pause(struct agent_crew *crew, size_t target)
{
    agent_worker_pause(crew->seats[target].worker);
}

/*
 * It has answered, and keeps its connection, because most often more follows: the step after this
 * one, the first step after the survey. When too many sit idle who has only looked goes home: it is
 * asked again after all the others. Those in the middle of a run are as many as the run works on.
 */
static void
enter_idle(struct agent_crew *crew, struct seat *seat, bool has_looked)
{
    if (has_looked && crew->idle_count >= IDLE_MAX) {
        agent_worker_rest(seat->worker);
    } else {
        seat->is_idle = true;
        crew->idle_count++;
    }
}

struct agent_report *
agent_crew_take(struct agent_crew *crew)
{
    struct agent_report *report = agent_reports_take(crew->reports);

    if (!report) {
        return NULL;
    }
    struct seat *seat = &crew->seats[report->event.target];
    if (!report->is_over) {
        leave_idle(crew, seat);
        if (report->event.kind != AGENT_EVENT_PROGRESS) {
            enter_idle(crew, seat, report->event.kind != AGENT_EVENT_ENDED);
        }
    } else if (agent_worker_reap(seat->worker)) {
        leave_idle(crew, seat);
        crew->threads--;
    }
    return report;
}

int
agent_crew_descriptor(const struct agent_crew *crew)
{
    return agent_reports_descriptor(crew->reports);
}

bool
agent_crew_is_home(const struct agent_crew *crew)
{
    return crew->threads == 0;
}
