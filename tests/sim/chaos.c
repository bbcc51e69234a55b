#include "tests/sim/chaos.h"

#include <string.h>

struct strike {
    const char *name;
    size_t mean; /* offset of its mean time in struct faults */
    void (*happen)(struct fleet *fleet);
};

/* ---- whom it hits -------------------------------------------------------------------------- */

static struct sim_agent *
some_agent(struct fleet *fleet)
{
    return &fleet->agents[random_below(&fleet->world.random, fleet->agent_count)];
}

static struct database *
some_database(struct fleet *fleet)
{
    return &fleet->databases[random_below(&fleet->world.random, fleet->database_count)];
}

static int64_t
some_time(struct fleet *fleet, int64_t max_us)
{
    /* Mostly short, now and then long. */
    int64_t most_us = world_chance(&fleet->world, 300) ? max_us : max_us / 10;
    return world_between(&fleet->world, 10 * MS, most_us);
}

/* ---- processes ----------------------------------------------------------------------------- */

static void
start_agent(void *subject, uint64_t life)
{
    struct sim_agent *agent = subject;

    if (!agent->is_up && agent->life == life) {
        sim_agent_start(agent);
    }
}

static void
crash_agent(struct fleet *fleet)
{
    struct sim_agent *agent = some_agent(fleet);

    if (agent->is_up && world_chance(&fleet->world, 200)) {
        sim_agent_leave(agent);
    } else if (agent->is_up) {
        sim_agent_kill(agent);
        world_plan(&fleet->world, some_time(fleet, 60 * SECOND), start_agent, agent, agent->life);
    }
}

static void
pause_agent(struct fleet *fleet)
{
    struct sim_agent *agent = some_agent(fleet);

    if (agent->is_up) {
        sim_agent_pause(agent, some_time(fleet, 60 * SECOND));
    }
}

static void
start_coordinator(void *subject, uint64_t life)
{
    struct sim_coordinator *coordinator = subject;

    if (!coordinator->is_up && coordinator->life == life) {
        sim_coordinator_start(coordinator);
    }
}

static void
crash_coordinator(struct fleet *fleet)
{
    struct sim_coordinator *coordinator = &fleet->coordinator;

    if (coordinator->is_up) {
        sim_coordinator_kill(coordinator);
        world_plan(&fleet->world, some_time(fleet, 40 * SECOND), start_coordinator, coordinator,
                   coordinator->life);
    }
}

static void
pause_coordinator(struct fleet *fleet)
{
    if (fleet->coordinator.is_up) {
        sim_coordinator_pause(&fleet->coordinator, some_time(fleet, 40 * SECOND));
    }
}

/* ---- network ------------------------------------------------------------------------------- */

static void
break_link(struct fleet *fleet)
{
    network_break(&some_agent(fleet)->peer);
}

static void
heal_partition(void *subject, uint64_t number)
{
    (void)number;
    network_cut(subject, false, false);
}

static void
part_network(struct fleet *fleet)
{
    struct peer *peer = &some_agent(fleet)->peer;
    uint64_t ways = 1 + random_below(&fleet->world.random, 3);

    network_cut(peer, ways & 1, ways & 2);
    world_plan(&fleet->world, some_time(fleet, 60 * SECOND), heal_partition, peer, 0);
}

/* ---- databases ----------------------------------------------------------------------------- */

static void
start_database(void *subject, uint64_t number)
{
    struct database *database = subject;
    (void)number;

    if (!database->is_up) {
        database_start(database);
    }
}

static void
restart_database(struct fleet *fleet)
{
    struct database *database = some_database(fleet);

    if (database->is_up) {
        database_stop(database);
        world_plan(&fleet->world, some_time(fleet, 20 * SECOND), start_database, database, 0);
    }
}

static void
promote_database(void *subject, uint64_t number)
{
    struct database *database = subject;
    (void)number;

    database->is_standby = false;
    world_trace(database->world, database->name, "is promoted");
}

static void
demote_database(struct fleet *fleet)
{
    struct database *database = some_database(fleet);

    if (database->is_up && !database->is_standby) {
        database_stop(database);
        database->is_standby = true;
        database_start(database);
        world_plan(&fleet->world, some_time(fleet, 30 * SECOND), promote_database, database, 0);
    }
}

static void
replace_database(struct fleet *fleet)
{
    struct database *database = some_database(fleet);

    if (database->is_up && !database->is_standby) {
        database_replace(database);
    }
}

static void
kill_backend(struct fleet *fleet)
{
    struct database *database = some_database(fleet);

    if (database->lock_holder) {
        database_kill(database, database->lock_holder);
    }
}

/* ---- people and impostors ------------------------------------------------------------------ */

static void
end_twin(void *subject, uint64_t life)
{
    struct sim_agent *twin = subject;

    if (twin->is_up && twin->life == life) {
        sim_agent_kill(twin);
    }
}

/* A second agent claims the targets of one; often that one cannot say anything to it just now. */
static void
add_twin(struct fleet *fleet)
{
    struct world *world = &fleet->world;
    struct sim_agent *agent = some_agent(fleet);
    struct sim_agent *twin = fleet_add_twin(fleet, agent, world_chance(world, 300));

    if (!twin) {
        size_t index = random_below(&world->random, TWINS_MAX);
        twin = &fleet->agents[fleet->agent_count + index];
    }
    if (twin->is_up) {
        return;
    }
    int64_t for_us = world_between(world, 5 * SECOND, 90 * SECOND);
    if (agent->is_up && world_chance(world, 300)) {
        sim_agent_pause(agent, for_us * 2 / 3);
    } else if (world_chance(world, 400)) {
        network_cut(&agent->peer, true, true);
        world_plan(world, for_us * 2 / 3, heal_partition, &agent->peer, 0);
    }
    sim_agent_start(twin);
    world_plan(world, for_us, end_twin, twin, twin->life);
}

static void
enrol_again(void *subject, uint64_t index)
{
    struct fleet *fleet = subject;
    struct sim_agent *agent = &fleet->agents[index];

    sim_operator_enrol(&fleet->operators[0], PARTY_AGENT, agent->name, &agent->peer.key);
}

static void
revoke_key(struct fleet *fleet)
{
    struct sim_agent *agent = some_agent(fleet);

    sim_operator_expel(&fleet->operators[0], PARTY_AGENT, agent->name);
    world_plan(&fleet->world, world_between(&fleet->world, 2 * SECOND, 40 * SECOND), enrol_again,
               fleet, (uint64_t)(agent - fleet->agents));
}

/* A target is taken out of the record; its agent comes back with it, sooner or later. */
static void
remove_target(struct fleet *fleet)
{
    struct sim_agent *agent = some_agent(fleet);
    const struct worker *worker =
        &agent->workers[random_below(&fleet->world.random, agent->target_count)];

    sim_operator_forget(&fleet->operators[0], worker->database->name);
}

/* Pick a step of somebody else's target; a target that is no more may have been the liar's own. */
struct victim {
    struct fleet *fleet;
    const struct sim_agent *liar;
    struct step_record step;
    uint64_t seen;
};

static bool
is_of_others(const struct victim *victim, const struct id *target_id)
{
    const struct fleet *fleet = victim->fleet;

    for (size_t i = 0; i < fleet->agent_count; i++) {
        for (size_t t = 0; t < fleet->agents[i].target_count; t++) {
            if (id_equal(&fleet->agents[i].workers[t].database->target_id, target_id)) {
                return &fleet->agents[i] != victim->liar;
            }
        }
    }
    return false;
}

static void
consider(void *context, const struct record *record)
{
    struct victim *victim = context;

    if (is_of_others(victim, &record->step.target_id) &&
        random_below(&victim->fleet->world.random, ++victim->seen) == 0) {
        victim->step = record->step;
    }
}

static void
lie(struct fleet *fleet)
{
    struct world *world = &fleet->world;
    struct sim_agent *agent = some_agent(fleet);
    struct victim victim = {.fleet = fleet, .liar = agent};
    struct message message = {.cluster_id = fleet->coordinator.cluster_id};

    if (!agent->is_up || world_chance(world, 200)) {
        for (int64_t i = world_between(world, 1, 8); i > 0; i--) {
            sim_coordinator_hear_noise(&fleet->coordinator, &agent->peer);
        }
        return;
    }
    disk_each(&fleet->coordinator.disk, RECORD_STEP, consider, &victim);
    if (!victim.seen) {
        return;
    }
    if (world_chance(world, 500)) {
        message.type = MESSAGE_RESULT;
        message.result = (struct result){.session = agent->watch.session,
                                         .step_id = victim.step.step_id,
                                         .target_id = victim.step.target_id,
                                         .attempt = victim.step.attempt,
                                         .outcome = {.kind = (enum outcome_kind)random_below(
                                                         &world->random, OUTCOME_KIND_COUNT)}};
    } else {
        message.type = MESSAGE_STATE;
        message.state = (struct state){
            .session = agent->watch.session,
            .step_id = victim.step.step_id,
            .attempt = victim.step.attempt,
            .report = (enum step_report)random_below(&world->random, STEP_REPORT_COUNT)};
    }
    world_trace(world, agent->name, "lies about a step");
    network_say(&agent->peer, &message);
}

/* ---- all of it ----------------------------------------------------------------------------- */

#define STRIKE(name, mean, happen)                                                                 \
    {                                                                                              \
        name, offsetof(struct faults, mean), happen                                                \
    }

static const struct strike strikes[] = {
    STRIKE("agent crash", agent_crash_s, crash_agent),
    STRIKE("agent pause", agent_pause_s, pause_agent),
    STRIKE("coordinator crash", coordinator_crash_s, crash_coordinator),
    STRIKE("coordinator pause", coordinator_pause_s, pause_coordinator),
    STRIKE("link break", link_break_s, break_link),
    STRIKE("partition", partition_s, part_network),
    STRIKE("database restart", database_restart_s, restart_database),
    STRIKE("database standby", database_standby_s, demote_database),
    STRIKE("database replace", database_replace_s, replace_database),
    STRIKE("backend kill", backend_kill_s, kill_backend),
    STRIKE("twin", twin_s, add_twin),
    STRIKE("revoke", revoke_s, revoke_key),
    STRIKE("lie", hostile_s, lie),
    STRIKE("remove target", removal_s, remove_target),
};

static unsigned
mean_s(const struct fleet *fleet, const struct strike *strike)
{
    unsigned seconds;

    memcpy(&seconds, (const char *)&fleet->faults + strike->mean, sizeof seconds);
    return seconds;
}

static void strike_now(void *subject, uint64_t index);

static void
plan_strike(struct chaos *chaos, size_t index)
{
    int64_t mean_us = mean_s(chaos->fleet, &strikes[index]) * (int64_t)SECOND;

    if (mean_us) {
        world_plan(&chaos->fleet->world, world_between(&chaos->fleet->world, 0, 2 * mean_us),
                   strike_now, chaos, index);
    }
}

static void
strike_now(void *subject, uint64_t index)
{
    struct chaos *chaos = subject;

    if (chaos->is_on) {
        strikes[index].happen(chaos->fleet);
        plan_strike(chaos, index);
    }
}

void
chaos_begin(struct chaos *chaos, struct fleet *fleet)
{
    *chaos = (struct chaos){.fleet = fleet, .is_on = true};
    for (size_t i = 0; i < sizeof strikes / sizeof *strikes; i++) {
        plan_strike(chaos, i);
    }
}

static void
heal_agents(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->agent_count + fleet->twin_count; i++) {
        struct sim_agent *agent = &fleet->agents[i];
        bool is_twin = i >= fleet->agent_count;

        agent->peer.paused_until_us = 0;
        network_cut(&agent->peer, false, false);
        for (size_t c = 0; c < agent->cache_count; c++) {
            agent->cache[c].is_bad = false;
        }
        if (is_twin) {
            sim_agent_kill(agent);
        } else if (!agent->is_up) {
            sim_agent_start(agent);
        }
    }
}

void
chaos_heal(struct chaos *chaos)
{
    struct fleet *fleet = chaos->fleet;

    world_trace(&fleet->world, "chaos", "everything heals");
    chaos->is_on = false;
    fleet->faults = (struct faults){0};
    fleet->coordinator.paused_until_us = 0;
    if (!fleet->coordinator.is_up) {
        sim_coordinator_start(&fleet->coordinator);
    }
    for (size_t i = 0; i < fleet->database_count; i++) {
        struct database *database = &fleet->databases[i];
        database->is_standby = false;
        memset(database->is_broken, 0, sizeof database->is_broken);
        if (!database->is_up) {
            database_start(database);
        }
    }
    heal_agents(fleet);
}
