#include "tests/sim/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "tests/sim/chaos.h"

#define SWEEP_EVERY 64     /* events between two looks at a whole database */
#define EVENTS_MAX 1000000 /* nothing is so much work */
#define HEALING_MAX (30 * MINUTE)
#define GHOSTS_US (61 * SECOND) /* then the last message that is late has come */
#define REST_US (20 * SECOND)

struct story {
    struct fleet fleet;
    struct chaos chaos;
    bool is_thinking;
    int64_t looked_us;        /* when somebody has last looked what is there; 0: not yet */
    int64_t brought_back_us;  /* when agents were last made to report again */
    int64_t patient_until_us; /* then whoever tidies up cancels what is still open */
};

static struct fleet_size
size_drawn(struct world *world)
{
    bool is_large = world_chance(world, 150);
    struct fleet_size size = {0};

    size.agents = (size_t)world_between(world, 1, is_large ? 8 : 5);
    size.targets_per_agent = (size_t)world_between(world, 1, 3);
    size.repository.services = (size_t)world_between(world, 1, 3);
    size.repository.editions = (size_t)world_between(world, 1, EDITIONS_MAX);
    size.repository.migrations = (size_t)world_between(world, 1, is_large ? PLACES_MAX : 6);
    size.repository.concurrently = world_chance(world, 500) ? 250 : 0;
    size.repository.irreversible = world_chance(world, 200) ? 150 : 0;
    size.repository.is_tampered = world_chance(world, 50);
    return size;
}

/* Run until then, looking at the databases in turn. */
static void
live_until(struct story *story, int64_t until_us)
{
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;
    uint64_t next_sweep = world->event_count + SWEEP_EVERY;

    while (world->now_us < until_us && world_is_sound(world)) {
        int64_t to_us = world->now_us + 100 * MS < until_us ? world->now_us + 100 * MS : until_us;
        world_run_until(world, to_us);
        if (world->event_count >= next_sweep) {
            next_sweep = world->event_count + SWEEP_EVERY;
            check_database(fleet->coordinator.check,
                           &fleet->databases[fleet->swept++ % fleet->database_count]);
        }
        if (world->event_count > EVENTS_MAX) {
            world_violated(world, "LOOP", "more than %d events", EVENTS_MAX);
        }
    }
}

static void
think(void *subject, uint64_t index)
{
    struct story *story = subject;
    struct sim_operator *person = &story->fleet.operators[index];

    if (!story->is_thinking) {
        return;
    }
    if (!person->waits) {
        sim_operator_think(person);
    }
    world_plan(&story->fleet.world, world_between(&story->fleet.world, 200 * MS, 20 * SECOND),
               think, story, index);
}

static void
suffer(struct story *story)
{
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;

    story->is_thinking = true;
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        world_plan(world, world_between(world, 1 * SECOND, 10 * SECOND), think, story, i);
    }
    chaos_begin(&story->chaos, fleet);
    live_until(story, world_between(world, 40 * SECOND, 300 * SECOND));
}

/* Whether one of its targets was removed, and is not back. */
static bool
lacks_target(const struct fleet *fleet, const struct sim_agent *agent)
{
    for (size_t i = 0; i < agent->target_count; i++) {
        const struct record *record = disk_find(&fleet->coordinator.disk, RECORD_TARGET,
                                                &agent->workers[i].database->target_id, NULL);
        if (record && record->target.is_gone) {
            return true;
        }
    }
    return false;
}

/* Agents whose targets were removed by mistake are made to report them again. */
static void
bring_back_targets(struct story *story)
{
    struct fleet *fleet = &story->fleet;

    if (fleet->world.now_us < story->brought_back_us + 20 * SECOND) {
        return;
    }
    for (size_t i = 0; i < fleet->agent_count; i++) {
        if (lacks_target(fleet, &fleet->agents[i])) {
            story->brought_back_us = fleet->world.now_us;
            network_break(&fleet->agents[i].peer);
        }
    }
}

/*
 * What only a person can do: let an agent in again whose key was taken away, help runs along, look
 * what has become of databases that were replaced.
 */
static void
tidy_up(struct story *story)
{
    struct fleet *fleet = &story->fleet;
    struct sim_operator *admin = &fleet->operators[0];

    if (admin->waits) {
        return;
    }
    for (size_t i = 0; i < fleet->agent_count; i++) {
        struct sim_agent *agent = &fleet->agents[i];
        const struct record *record =
            disk_find_named(&fleet->coordinator.disk, RECORD_AGENT, agent->name);
        if (record && !record->agent.is_active) {
            sim_operator_enrol(admin, PARTY_AGENT, agent->name, &agent->peer.key);
            return;
        }
    }
    if (sim_operator_tidy_up(admin, fleet->world.now_us < story->patient_until_us)) {
        return;
    }
    bool is_due = !story->looked_us || fleet->world.now_us > story->looked_us + 1 * MINUTE;
    if (is_due && !fleet_has_open_runs(fleet)) {
        struct run_spec spec = sim_operator_spec(admin);
        story->looked_us = fleet->world.now_us;
        sim_operator_plan(admin, &spec);
    }
}

/* Until every run has ended and every target is reported to be well. */
static void
settle(struct story *story, int64_t until_us)
{
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;

    while (world->now_us < until_us && world_is_sound(world)) {
        tidy_up(story);
        bring_back_targets(story);
        if (!fleet->operators[0].waits && story->looked_us && fleet_settle(fleet, 2 * SECOND)) {
            return;
        }
        live_until(story, world->now_us + 1 * SECOND);
    }
}

static void
recover(struct story *story)
{
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;
    int64_t until_us = world->now_us + HEALING_MAX;

    story->is_thinking = false;
    story->patient_until_us =
        fleet->faults.database_replace_s ? world->now_us + 5 * MINUTE : until_us;
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        fleet->operators[i].waits = fleet->operators[i].wants_apply = false;
    }
    chaos_heal(&story->chaos);
    live_until(story, world->now_us + 5 * SECOND);
    settle(story, until_us);
    live_until(story, world->now_us + GHOSTS_US);
    settle(story, until_us);
    if (world_is_sound(world)) {
        check_all_ended(fleet->coordinator.check);
        fleet_check(fleet);
    }
}

/* Say which line is another one now. */
static void
compare(struct world *world, const char *before, const char *after)
{
    size_t line = 0, i = 0;

    while (before[i] && before[i] == after[i]) {
        i++;
        line = before[i - 1] == '\n' ? i : line;
    }
    if (before[i] || after[i]) {
        world_violated(world, "I14", "a restart has changed something:\n  was %.*s\n  now %.*s",
                       (int)strcspn(before + line, "\n"), before + line,
                       (int)strcspn(after + line, "\n"), after + line);
    }
}

static void
restart(struct story *story)
{
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;
    CLEANUP(text_release) struct text before = {0};
    CLEANUP(text_release) struct text after = {0};

    live_until(story, world->now_us + REST_US);
    fleet_print(fleet, &before);
    world_trace(world, "story", "everything is restarted");
    fleet_restart_all(fleet);
    live_until(story, world->now_us + REST_US);
    fleet_print(fleet, &after);
    compare(world, text_of(&before), text_of(&after));
    fleet_check(fleet);
    for (size_t i = 0; i < fleet->database_count; i++) {
        check_report(fleet->coordinator.check, &fleet->databases[i]);
    }
}

/* Some targets are closed for two minutes, soon after the world's begin. */
static void
give_windows(struct fleet *fleet, uint64_t seed)
{
    for (size_t i = 1; seed % 4 == 0 && i < fleet->database_count; i += 3) {
        uint64_t last = 15 * 60 + 7 + i % 3;
        fleet->databases[i].window =
            (struct window){.days = 127, .begin_min = last + 2, .last_min = last};
    }
}

struct story_end
story_run(uint64_t seed, struct trace listener)
{
    struct story *story = mem_zalloc(sizeof *story);
    struct fleet *fleet = &story->fleet;
    struct world *world = &fleet->world;
    struct story_end end = {0};

    fleet_init(fleet, seed, listener);
    fleet->faults = faults_drawn(world);
    struct fleet_size size = size_drawn(world);
    fleet_build(fleet, &size);
    give_windows(fleet, seed);
    fleet_start(fleet);
    suffer(story);
    if (world_is_sound(world)) {
        recover(story);
    }
    if (world_is_sound(world)) {
        restart(story);
    }
    end.is_sound = world_is_sound(world);
    snprintf(end.violated, sizeof end.violated, "%s", world->violated);
    snprintf(end.violation, sizeof end.violation, "%s", world->violation);
    end.event_count = world->event_count;
    end.hash = world->hash;
    end.trace_hash = world->trace_hash;
    end.run_count = fleet->coordinator.disk.runs.count;
    end.effect_count = check_effect_count(fleet->coordinator.check);
    end.virtual_ms = world->now_us / MS;
    fleet_release(fleet);
    free(story);
    return end;
}
