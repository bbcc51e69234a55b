#include "tests/sim/sim_agent.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#define NEVER INT64_MAX
#define TICKS_IN_A_ROW_MAX 1000

static int64_t
now_ms(const struct sim_agent *agent)
{
    return agent->world->now_us / MS + agent->clock_ms;
}

static void
trace_core(void *context, const char *line)
{
    struct sim_agent *agent = context;
    world_trace(agent->world, agent->name, "%s", line);
}

/* ---- the core's turn ----------------------------------------------------------------------- */

static void carry_out(struct sim_agent *agent, const struct agent_action *action);
static void tick(void *subject, uint64_t life);

static void
plan_tick(struct sim_agent *agent)
{
    int64_t wake_ms = agent_core_wake_ms(agent->core);

    if (wake_ms == NEVER || wake_ms >= agent->tick_ms) {
        return;
    }
    agent->tick_ms = wake_ms;
    world_plan(agent->world, (wake_ms - agent->clock_ms) * MS - agent->world->now_us, tick, agent,
               agent->life);
}

/* Take one event and do what the core says; an action may end the process. */
static void
advance(struct sim_agent *agent, struct agent_event *event)
{
    uint64_t life = agent->life;

    event->now_ms = now_ms(agent);
    agent_core_step(agent->core, event, &agent->actions);
    for (size_t i = 0; i < agent->actions.count; i++) {
        carry_out(agent, &agent->actions.items[i]);
        if (agent->life != life) {
            return;
        }
    }
    agent_actions_clear(&agent->actions);
    watch_is_idle(&agent->watch, agent_core_is_idle(agent->core));
    plan_tick(agent);
}

static void
tick(void *subject, uint64_t life)
{
    struct sim_agent *agent = subject;
    struct world *world = agent->world;

    if (!agent->is_up || life != agent->life) {
        return;
    }
    if (agent->peer.paused_until_us > world->now_us) {
        world_plan(world, agent->peer.paused_until_us - world->now_us, tick, agent, life);
        return;
    }
    agent->tick_ms = NEVER;
    if (agent_core_wake_ms(agent->core) > now_ms(agent)) {
        plan_tick(agent);
        return;
    }
    agent->ticks_in_a_row = now_ms(agent) == agent->last_ms ? agent->ticks_in_a_row + 1 : 0;
    agent->last_ms = now_ms(agent);
    if (agent->ticks_in_a_row > TICKS_IN_A_ROW_MAX) {
        world_violated(world, "LOOP", "%s wants a tick again and again", agent->name);
        return;
    }
    advance(agent, &(struct agent_event){.kind = AGENT_EVENT_TICK});
}

/* ---- connection ---------------------------------------------------------------------------- */

static void
link_up(void *subject)
{
    advance(subject, &(struct agent_event){.kind = AGENT_EVENT_LINK_UP});
}

static void
link_down(void *subject)
{
    struct sim_agent *agent = subject;

    watch_cut(&agent->watch);
    advance(agent, &(struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
}

static void
receive(void *subject, const struct message *message)
{
    struct sim_agent *agent = subject;

    watch_hears(&agent->watch, message, now_ms(agent));
    advance(agent, &(struct agent_event){.kind = AGENT_EVENT_MESSAGE, .message = message});
}

static void
say(struct sim_agent *agent, const struct message *message)
{
    watch_says(&agent->watch, message, now_ms(agent));
    check_said(agent->check, message);
    network_say(&agent->peer, message);
}

/* ---- the cache ----------------------------------------------------------------------------- */

static struct cached *
cached_of(struct sim_agent *agent, const struct digest *digest)
{
    for (size_t i = 0; i < agent->cache_count; i++) {
        if (memcmp(&agent->cache[i].digest, digest, sizeof *digest) == 0) {
            return &agent->cache[i];
        }
    }
    assert(agent->cache_count < CACHE_MAX);
    struct cached *cached = &agent->cache[agent->cache_count++];
    *cached = (struct cached){.digest = *digest,
                              .is_bad = world_chance(agent->world, agent->faults->chunk_is_bad)};
    return cached;
}

static void
tell_bundle(void *subject, uint64_t number)
{
    struct sim_agent *agent = subject;
    const struct cached *cached = &agent->cache[number % CACHE_MAX];
    int64_t paused_us = agent->peer.paused_until_us - agent->world->now_us;

    if (!agent->is_up || number / CACHE_MAX != agent->life) {
        return;
    }
    if (paused_us > 0) {
        world_plan(agent->world, paused_us, tell_bundle, agent, number);
        return;
    }
    const struct edition *edition = repository_find(agent->repository, &cached->digest);
    struct fault fault = {.code = "E-SIG-DIGEST", .text = "the bundle is not what was asked for"};
    struct agent_event event = {.kind = AGENT_EVENT_BUNDLE,
                                .digest = cached->digest,
                                .bundle = BUNDLE_PARTIAL,
                                .offset = cached->have};

    if (edition && cached->have >= edition->size) {
        event.bundle = cached->is_bad ? BUNDLE_BAD : BUNDLE_THERE;
        event.fault = cached->is_bad ? &fault : NULL;
    }
    advance(agent, &event);
}

static void
ask_cache(struct sim_agent *agent, const struct cached *cached)
{
    uint64_t place = (uint64_t)(cached - agent->cache);

    world_plan(agent->world, world_between(agent->world, 50, 2 * MS), tell_bundle, agent,
               agent->life * CACHE_MAX + place);
}

static void
keep_chunk(struct sim_agent *agent, const struct chunk *chunk)
{
    struct cached *cached = cached_of(agent, &chunk->digest);

    if (chunk->offset == cached->have) {
        cached->have += chunk->bytes.size;
    }
    ask_cache(agent, cached);
}

/* ---- the workers --------------------------------------------------------------------------- */

static void
report_target(struct sim_agent *agent, size_t target, const struct fault *fault)
{
    struct worker *worker = &agent->workers[target];
    const struct database *database = worker->database;
    const struct contents *contents = &database->contents;
    struct label labels[] = {{"env", database->index % 2 ? "prod" : "test"},
                             {"region", database->index % 3 ? "eu" : "us"}};
    char version[8];
    struct target_report report = {.name = database->name,
                                   .service = database->service->name,
                                   .labels = labels,
                                   .label_count = 2,
                                   .window = database->window,
                                   .state = fault ? TARGET_BROKEN : TARGET_READY};

    if (fault) {
        report.fault = *fault;
    } else {
        report.target_id = database->target_id;
        report.server_version = 150018;
        report.system_identifier = database->system_identifier;
        report.database_oid = database->oid;
        report.timeline = 1;
        report.applied_count = contents->applied_count;
        report.journal_count = contents->journal_count;
        report.journal_head[0] = (uint8_t)contents->journal_count;
    }
    if (!fault && contents->applied_count) {
        snprintf(version, sizeof version, "%03u",
                 (unsigned)contents->order[contents->applied_count - 1] % 1000 + 1);
        report.applied_version = version;
    }
    advance(agent, &(struct agent_event){
                       .kind = AGENT_EVENT_EXAMINED, .target = target, .report = &report});
}

static void
report_survey(struct sim_agent *agent, size_t target, const struct job *job,
              const struct worker_report *result)
{
    const struct database *database = agent->workers[target].database;
    const struct contents *contents = &database->contents;
    struct applied applied[PLACES_MAX];
    char versions[PLACES_MAX][8];
    struct surveyed surveyed = {.survey_id = job->survey_id,
                                .target_id = database->target_id,
                                .succeeded = result->end == JOB_SUCCEEDED};

    if (!surveyed.succeeded) {
        surveyed.fault = result->fault;
    }
    for (size_t i = 0; surveyed.succeeded && i < contents->applied_count; i++) {
        size_t place = contents->order[i];
        snprintf(versions[i], sizeof versions[i], "%03u", (unsigned)place % 1000 + 1);
        applied[i].version = versions[i];
        memcpy(applied[i].checksum, contents->applied[place].checksum, CHECKSUM_SIZE);
        surveyed.applied_count = i + 1;
    }
    surveyed.applied = applied;
    advance(agent, &(struct agent_event){
                       .kind = AGENT_EVENT_SURVEYED, .target = target, .surveyed = &surveyed});
}

static void
worker_ended(void *subject, size_t target, const struct job *job,
             const struct worker_report *report)
{
    struct sim_agent *agent = subject;
    bool has_outcome = report->end == JOB_SUCCEEDED;
    struct agent_event event = {.target = target,
                                .step_id = job->work.step_id,
                                .attempt = job->work.attempt,
                                .outcome = has_outcome ? &report->outcome : NULL};

    if (job->kind == JOB_EXAMINE) {
        report_target(agent, target, has_outcome ? NULL : &report->fault);
        return;
    }
    if (job->kind == JOB_SURVEY) {
        report_survey(agent, target, job, report);
        return;
    }
    event.kind = job->kind == JOB_EXECUTE ? AGENT_EVENT_ENDED : AGENT_EVENT_RESOLVED;
    if (report->end == JOB_UNKNOWN && job->kind == JOB_RESOLVE) {
        event.fault = &report->fault;
    }
    if (has_outcome && job->kind == JOB_EXECUTE) {
        watch_learns(&agent->watch, &job->work.step_id, job->work.attempt, &report->outcome);
    }
    advance(agent, &event);
}

static void
worker_progress(void *subject, size_t target, const struct id *step_id, uint64_t statement)
{
    advance(subject, &(struct agent_event){.kind = AGENT_EVENT_PROGRESS,
                                           .target = target,
                                           .step_id = *step_id,
                                           .statement = statement});
}

static void
start_again(void *subject, uint64_t life)
{
    struct sim_agent *agent = subject;

    if (!agent->is_up && life == agent->life) {
        sim_agent_start(agent);
    }
}

static void
worker_dies(void *subject)
{
    struct sim_agent *agent = subject;

    sim_agent_kill(agent);
    world_plan(agent->world, world_between(agent->world, 10 * MS, 10 * SECOND), start_again, agent,
               agent->life);
}

/* ---- actions ------------------------------------------------------------------------------- */

/* No database here loses a commit: a row that must be there and is not would be a false alarm. */
static void
check_known(struct sim_agent *agent, const struct database *database, const struct assign *assign)
{
    if (id_equal(&assign->target_id, &database->target_id) &&
        assign->journal_count > database->contents.journal_count) {
        world_violated(agent->world, "KNOWN", "%s is told of row %llu, and %s has %zu", agent->name,
                       (unsigned long long)assign->journal_count, database->name,
                       database->contents.journal_count);
    }
}

static void
execute(struct sim_agent *agent, size_t target, const struct assign *assign)
{
    const struct edition *edition = repository_find(agent->repository, &assign->digest);
    const struct migration *migration =
        edition ? manifest_find(&edition->manifest, assign->version) : NULL;
    const struct script *script = migration ? migration_script(migration, assign->direction) : NULL;
    struct job job = {.kind = JOB_EXECUTE};

    watch_executes(&agent->watch, assign, now_ms(agent));
    check_known(agent, agent->workers[target].database, assign);
    if (!script) {
        world_violated(agent->world, "WORK", "%s is told to do what no bundle has", agent->name);
        return;
    }
    job.work = (struct work){.step_id = assign->step_id,
                             .attempt = assign->attempt,
                             .token = assign->token,
                             .place = repository_place(assign->version),
                             .direction = assign->direction};
    memcpy(job.work.checksum, migration_checksum(migration), CHECKSUM_SIZE);
    job.is_transactional = script->is_transactional;
    job.statement_count = script->statement_count;
    worker_start(&agent->workers[target], &job);
}

/* ---- adopting: one transaction, and then its answer ---- */

#define ADOPTION_COMMIT_US (50 * MS)
#define ADOPTION_ANSWER_US (100 * MS)

static void
answer_adoption(void *subject, uint64_t target)
{
    struct sim_agent *agent = subject;
    const struct sim_adoption *adoption = &agent->adoptions[target];
    const struct contents *contents = &agent->workers[target].database->contents;
    struct adopted adopted = {.target_id = adoption->target_id,
                              .result = {.succeeded = true,
                                         .tool = "tool",
                                         .table = "public.tool",
                                         .row_count = contents->by_tool,
                                         .adopted_count = adoption->count,
                                         .agreed_count = contents->by_tool - adoption->count}};

    if (agent->is_up && adoption->life == agent->life) {
        advance(agent, &(struct agent_event){
                           .kind = AGENT_EVENT_ADOPTED, .target = target, .adopted = &adopted});
    }
}

/* The server carries it out even when its client has died meanwhile. */
static void
commit_adoption(void *subject, uint64_t target)
{
    struct sim_agent *agent = subject;
    struct sim_adoption *adoption = &agent->adoptions[target];
    struct database *database = agent->workers[target].database;
    const struct edition *edition = repository_find(agent->repository, &adoption->digest);

    if (!edition || !id_equal(&database->target_id, &adoption->target_id)) {
        world_violated(agent->world, "WORK", "%s is to adopt what is not there", agent->name);
        return;
    }
    adoption->count = contents_adopt(&database->contents, &edition->manifest);
    world_trace(agent->world, database->name, "adopts %zu of %zu", adoption->count,
                database->contents.by_tool);
    world_plan(agent->world, ADOPTION_ANSWER_US - ADOPTION_COMMIT_US, answer_adoption, agent,
               target);
}

static void
adopt(struct sim_agent *agent, const struct agent_action *action)
{
    agent->adoptions[action->target] = (struct sim_adoption){.life = agent->life,
                                                             .digest = action->adopt->digest,
                                                             .target_id = action->adopt->target_id};
    world_plan(agent->world, ADOPTION_COMMIT_US, commit_adoption, agent, action->target);
}

static void
resolve(struct sim_agent *agent, const struct agent_action *action)
{
    struct job job = {.kind = JOB_RESOLVE,
                      .work = {.step_id = action->step_id, .attempt = action->attempt}};

    watch_resolves(&agent->watch, &action->step_id, action->attempt);
    worker_start(&agent->workers[action->target], &job);
}

static void
process_ends(struct sim_agent *agent)
{
    sim_agent_kill(agent);
    world_plan(agent->world, world_between(agent->world, 100 * MS, 10 * SECOND), start_again, agent,
               agent->life);
}

static void
carry_out(struct sim_agent *agent, const struct agent_action *action)
{
    switch (action->kind) {
    case AGENT_TELL:
        say(agent, action->message);
        break;
    case AGENT_RECONNECT:
        watch_cut(&agent->watch);
        network_open(&agent->peer, action->delay_ms * MS);
        break;
    case AGENT_EXAMINE:
        worker_start(&agent->workers[action->target], &(struct job){.kind = JOB_EXAMINE});
        break;
    case AGENT_EXECUTE:
        execute(agent, action->target, action->assign);
        break;
    case AGENT_RESOLVE:
        resolve(agent, action);
        break;
    case AGENT_SURVEY:
        worker_start(&agent->workers[action->target],
                     &(struct job){.kind = JOB_SURVEY, .survey_id = action->survey->survey_id});
        break;
    case AGENT_ADOPT:
        adopt(agent, action);
        break;
    case AGENT_MEASURE:
        break; /* nobody asks: it is about no run */
    case AGENT_STOP:
        worker_stop(&agent->workers[action->target]);
        break;
    case AGENT_LOOK_UP:
        ask_cache(agent, cached_of(agent, &action->digest));
        break;
    case AGENT_KEEP_CHUNK:
        keep_chunk(agent, action->chunk);
        break;
    case AGENT_PAUSE: /* no step here has places where it could go on later */
    case AGENT_RELEASE:
    case AGENT_NOTE:
        break;
    case AGENT_END:
        process_ends(agent);
        break;
    }
}

/* ---- the process --------------------------------------------------------------------------- */

void
sim_agent_init(struct sim_agent *agent, struct world *world, const struct faults *faults,
               struct check *check, const struct repository *repository, struct network *network,
               const char *name, const struct key *key)
{
    *agent = (struct sim_agent){
        .world = world, .faults = faults, .check = check, .repository = repository};
    snprintf(agent->name, sizeof agent->name, "%s", name);
    agent->clock_ms = world_between(world, 1000, 1000000000);
    agent->peer = (struct peer){.key = *key,
                                .side = FROM_AGENT,
                                .name = agent->name,
                                .subject = agent,
                                .link_up = link_up,
                                .link_down = link_down,
                                .receive = receive};
    watch_init(&agent->watch, world, agent->name);
    network_add(network, &agent->peer);
}

void
sim_agent_serve(struct sim_agent *agent, struct database *database)
{
    size_t target = agent->target_count++;

    assert(target < AGENT_TARGETS_MAX && !agent->is_up);
    agent->names[target] = database->name;
    agent->services[target] = database->service->name;
    agent->workers[target] = (struct worker){.world = agent->world,
                                             .faults = agent->faults,
                                             .check = agent->check,
                                             .database = database,
                                             .peer = &agent->peer,
                                             .subject = agent,
                                             .target = target,
                                             .ended = worker_ended,
                                             .progress = worker_progress,
                                             .dies = worker_dies};
}

void
sim_agent_start(struct sim_agent *agent)
{
    struct id boot_id = id_draw(&agent->world->random);
    struct agent_core_config config = {.boot_id = boot_id,
                                       .target_count = agent->target_count,
                                       .target_names = agent->names,
                                       .target_services = agent->services};

    assert(!agent->is_up);
    config.seed = random_next(&agent->world->random);
    world_trace(agent->world, agent->name, "starts");
    if (agent->world->listener.sink) {
        config.trace = (struct trace){.sink = trace_core, .context = agent};
    }
    agent->is_up = true;
    agent->life++;
    agent->tick_ms = NEVER;
    agent->core = agent_core_new(&config);
    network_open(&agent->peer, 0);
    plan_tick(agent);
}

void
sim_agent_kill(struct sim_agent *agent)
{
    if (!agent->is_up) {
        return;
    }
    world_trace(agent->world, agent->name, "dies");
    agent->is_up = false;
    agent->life++;
    network_close(&agent->peer);
    for (size_t i = 0; i < agent->target_count; i++) {
        worker_die(&agent->workers[i]);
    }
    agent_core_destroy(&agent->core);
    agent_actions_clear(&agent->actions);
    agent->peer.paused_until_us = 0;
    watch_release(&agent->watch);
    watch_init(&agent->watch, agent->world, agent->name);
}

void
sim_agent_leave(struct sim_agent *agent)
{
    if (agent->is_up) {
        world_trace(agent->world, agent->name, "is asked to leave");
        agent->watch.is_leaving = true;
        advance(agent, &(struct agent_event){.kind = AGENT_EVENT_LEAVE});
    }
}

void
sim_agent_pause(struct sim_agent *agent, int64_t for_us)
{
    world_trace(agent->world, agent->name, "is stopped for %lld ms", (long long)(for_us / MS));
    agent->peer.paused_until_us = agent->world->now_us + for_us;
}

bool
sim_agent_is_idle(const struct sim_agent *agent)
{
    return !agent->is_up || agent_core_is_idle(agent->core);
}

void
sim_agent_release(struct sim_agent *agent)
{
    if (agent->is_up) {
        agent_core_destroy(&agent->core);
    }
    agent_actions_release(&agent->actions);
    watch_release(&agent->watch);
}
