#include "tests/sim/fleet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

static struct key
key_drawn(struct world *world)
{
    struct key key;

    world_draw_bytes(world, key.bytes, sizeof key.bytes);
    return key;
}

static void
enrol_agent(struct fleet *fleet, const char *name, const struct key *key)
{
    struct record record = {.kind = RECORD_AGENT,
                            .agent = {.name = name, .key = *key, .is_active = true}};
    disk_save(&fleet->coordinator.disk, &record);
}

static void
add_operator(struct fleet *fleet, size_t index, const char *name, enum role role)
{
    struct key key = key_drawn(&fleet->world);
    struct record record = {
        .kind = RECORD_OPERATOR,
        .operator= {.name = name, .key = key, .role = role, .is_active = true} };

    disk_save(&fleet->coordinator.disk, &record);
    sim_operator_init(&fleet->operators[index], &fleet->world, &fleet->repository,
                      &fleet->coordinator.disk, &fleet->network, name, role, &key);
}

static void
add_database(struct fleet *fleet, struct sim_agent *agent)
{
    size_t index = fleet->database_count++;
    struct database *database = &fleet->databases[index];

    assert(index < DATABASES_MAX);
    database_init(database, &fleet->world, &fleet->faults, index,
                  &fleet->repository.services[index % fleet->repository.service_count]);
    database->check = fleet->coordinator.check;
    sim_agent_serve(agent, database);
}

void
fleet_init(struct fleet *fleet, uint64_t seed, struct trace listener)
{
    memset(fleet, 0, sizeof *fleet);
    world_init(&fleet->world, seed);
    fleet->world.listener = listener;
}

void
fleet_build(struct fleet *fleet, const struct fleet_size *size)
{
    struct world *world = &fleet->world;

    assert(size->agents <= AGENTS_MAX && size->agents * size->targets_per_agent <= DATABASES_MAX);
    repository_fill(&fleet->repository, world, &size->repository);
    network_init(&fleet->network, world, &fleet->faults);
    sim_coordinator_init(&fleet->coordinator, world, &fleet->faults, &fleet->repository,
                         &fleet->network);
    add_operator(fleet, 0, "ann", ROLE_ADMIN);
    add_operator(fleet, 1, "ole", ROLE_OPERATOR);
    add_operator(fleet, 2, "vic", ROLE_VIEWER);
    for (size_t i = 0; i < size->agents; i++) {
        struct sim_agent *agent = &fleet->agents[fleet->agent_count++];
        struct key key = key_drawn(world);
        char name[24];

        snprintf(name, sizeof name, "agent-%u", (unsigned)i + 1);
        enrol_agent(fleet, name, &key);
        sim_agent_init(agent, world, &fleet->faults, fleet->coordinator.check, &fleet->repository,
                       &fleet->network, name, &key);
        for (size_t t = 0; t < size->targets_per_agent; t++) {
            add_database(fleet, agent);
        }
    }
}

struct sim_agent *
fleet_add_twin(struct fleet *fleet, const struct sim_agent *agent, bool same_key)
{
    if (fleet->twin_count == TWINS_MAX) {
        return NULL;
    }
    struct sim_agent *twin = &fleet->agents[fleet->agent_count + fleet->twin_count++];
    struct key key = same_key ? agent->peer.key : key_drawn(&fleet->world);
    char name[24];

    snprintf(name, sizeof name, "twin-%u", (unsigned)fleet->twin_count);
    if (!same_key) {
        sim_operator_enrol(&fleet->operators[0], PARTY_AGENT, name, &key);
    }
    sim_agent_init(twin, &fleet->world, &fleet->faults, fleet->coordinator.check,
                   &fleet->repository, &fleet->network, name, &key);
    for (size_t i = 0; i < agent->target_count; i++) {
        sim_agent_serve(twin, agent->workers[i].database);
    }
    return twin;
}

void
fleet_start(struct fleet *fleet)
{
    sim_coordinator_start(&fleet->coordinator);
    for (size_t i = 0; i < fleet->agent_count; i++) {
        sim_agent_start(&fleet->agents[i]);
    }
}

void
fleet_restart_all(struct fleet *fleet)
{
    sim_coordinator_kill(&fleet->coordinator);
    for (size_t i = 0; i < fleet->agent_count; i++) {
        sim_agent_kill(&fleet->agents[i]);
    }
    fleet_start(fleet);
}

void
fleet_check(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->database_count; i++) {
        check_database(fleet->coordinator.check, &fleet->databases[i]);
    }
}

bool
fleet_has_open_runs(const struct fleet *fleet)
{
    const struct record_list *runs = &fleet->coordinator.disk.runs;

    for (size_t i = runs->count; i-- > 0;) {
        if (runs->items[i]->run.state <= RUN_CANCELLING) {
            return true;
        }
    }
    return false;
}

/* Whether all of an agent's targets were reported by that agent, and are ready. */
static bool
is_well(const struct fleet *fleet, const struct sim_agent *agent)
{
    for (size_t i = 0; i < agent->target_count; i++) {
        const struct database *database = agent->workers[i].database;
        const struct record *record =
            disk_find(&fleet->coordinator.disk, RECORD_TARGET, &database->target_id, NULL);
        if (!record || record->target.is_gone || record->target.state != TARGET_READY ||
            !text_equal(record->target.agent, agent->name)) {
            return false;
        }
    }
    return true;
}

static bool
is_still(const struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->agent_count; i++) {
        if (!sim_agent_is_idle(&fleet->agents[i]) || !is_well(fleet, &fleet->agents[i])) {
            return false;
        }
    }
    return fleet->coordinator.is_up && !fleet->operators[0].waits && !fleet_has_open_runs(fleet);
}

bool
fleet_settle(struct fleet *fleet, int64_t for_us)
{
    struct world *world = &fleet->world;
    int64_t until_us = world->now_us + for_us;

    while (world->now_us < until_us && world_is_sound(world)) {
        world_run_until(world, world->now_us + 1 * SECOND);
        if (is_still(fleet)) {
            return true;
        }
    }
    return false;
}

void
fleet_print(const struct fleet *fleet, struct text *out)
{
    disk_print(&fleet->coordinator.disk, out);
    for (size_t i = 0; i < fleet->database_count; i++) {
        const struct contents *contents = &fleet->databases[i].contents;
        text_format(out, "%s: %zu rows in its journal:", fleet->databases[i].name,
                    contents->journal_count);
        for (size_t m = 0; m < PLACES_MAX; m++) {
            text_format(out, " %d/%d", contents->applied[m].is_there, contents->probe[m]);
        }
        text_append(out, "\n");
    }
}

void
fleet_release(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->agent_count + fleet->twin_count; i++) {
        sim_agent_release(&fleet->agents[i]);
    }
    sim_coordinator_release(&fleet->coordinator);
    for (size_t i = 0; i < fleet->database_count; i++) {
        database_release(&fleet->databases[i]);
    }
    network_release(&fleet->network);
    repository_release(&fleet->repository);
    world_release(&fleet->world);
}
