#include "tests/sim/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define PATIENCE_US (10 * MINUTE)
#define SEED 7

/* ---- the trace ----------------------------------------------------------------------------- */

/*
 * Decisions, effects, and what happens from outside; not what is merely said and heard. Without
 * times and ids, so that only what is decided otherwise reads otherwise.
 */
static bool
is_worth_keeping(const char *what)
{
    static const char *const kept[] = {"run ",     "leg ",       "target ",  "conflict", "starts",
                                       "dies",     "is killed",  "is stop",  "is asked", "loses ",
                                       "network:", "stops",      "begins s", "backend",  "orphan ",
                                       "asks: ",   "is refused", "adopts "};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (text_starts_with(what, kept[i])) {
            return true;
        }
    }
    return strstr(what, "took effect") || strstr(what, " quarantined: ") ||
           (text_starts_with(what, "step ") && !strstr(what, "ignored"));
}

/* "step 18e22930 took effect" reads "step took effect". */
static const char *
without_id(const char *what, char *out, size_t size)
{
    const char *id = strstr(what, "step ");

    id = id ? id + strlen("step ") : NULL;
    if (!id || strspn(id, "0123456789abcdef") != 8 || id[8] != ' ') {
        return what;
    }
    snprintf(out, size, "%.*s%s", (int)(id - what), what, id + 9);
    return out;
}

static void
take_line(void *context, const char *line)
{
    struct scene *scene = context;

    if (scene->prints) {
        puts(line);
    }
    const char *who = line + WORLD_TRACE_WHO, *what = line + WORLD_TRACE_TEXT;
    if (is_worth_keeping(what)) {
        char text[1024];
        text_format(&scene->trace, "%-12.*s%s\n", (int)strcspn(who, " "), who,
                    without_id(what, text, sizeof text));
    }
}

/* ---- for stories --------------------------------------------------------------------------- */

void
scene_expect(struct scene *scene, bool is_so, const char *what)
{
    if (!is_so && !scene->has_failed) {
        scene->has_failed = true;
        printf("scenario %s: %s\n", scene->name, what);
    }
}

static bool
all_reported(const struct scene *scene)
{
    const struct fleet *fleet = &scene->fleet;

    for (size_t i = 0; i < fleet->database_count; i++) {
        if (!disk_find(&fleet->coordinator.disk, RECORD_TARGET, &fleet->databases[i].target_id,
                       NULL)) {
            return false;
        }
    }
    return true;
}

void
scene_open(struct scene *scene, size_t agents, size_t targets_per_agent, size_t migrations)
{
    struct fleet_size size = {.agents = agents, .targets_per_agent = targets_per_agent};

    size.repository =
        (struct repository_size){.services = 1, .editions = 2, .migrations = migrations};
    fleet_init(&scene->fleet, SEED, (struct trace){.sink = take_line, .context = scene});
    fleet_build(&scene->fleet, &size);
    scene->fleet.world.is_calm = true;
    fleet_start(&scene->fleet);
    scene_until(scene, all_reported, "not all targets are reported");
}

void
scene_until(struct scene *scene, bool (*is_so)(const struct scene *scene), const char *what)
{
    struct world *world = &scene->fleet.world;
    int64_t until_us = world->now_us + PATIENCE_US;

    while (!is_so(scene)) {
        if (world->now_us > until_us || !world_go_on(world)) {
            scene_expect(scene, false, what);
            return;
        }
    }
}

void
scene_wait(struct scene *scene, int64_t for_us)
{
    world_run_until(&scene->fleet.world, scene->fleet.world.now_us + for_us);
}

void
scene_settle(struct scene *scene)
{
    scene_expect(scene, fleet_settle(&scene->fleet, PATIENCE_US), "a run does not end");
}

static bool
admin_is_answered(const struct scene *scene)
{
    return !scene->fleet.operators[0].waits;
}

const struct run_record *
scene_run(const struct scene *scene)
{
    static const struct run_record none = {.state = RUN_STATE_COUNT};
    const struct record_list *runs = &scene->fleet.coordinator.disk.runs;

    return runs->count ? &runs->items[runs->count - 1]->run : &none;
}

const struct run_record *
scene_apply(struct scene *scene, const struct run_spec *spec)
{
    struct sim_operator *admin = &scene->fleet.operators[0];
    uint64_t count = scene->fleet.coordinator.disk.runs.count;

    sim_operator_apply(admin, spec);
    scene_until(scene, admin_is_answered, "APPLY is not answered");
    scene_expect(scene, scene->fleet.coordinator.disk.runs.count == count + 1,
                 "no run was started");
    return scene_run(scene);
}

void
scene_steer(struct scene *scene, enum steer_verb verb)
{
    struct sim_operator *admin = &scene->fleet.operators[0];

    sim_operator_steer(admin, scene_run(scene)->number, verb);
    scene_until(scene, admin_is_answered, "STEER is not answered");
    scene_expect(scene, admin->answer == MESSAGE_DONE, "STEER is refused");
}

uint64_t
scene_applied(const struct scene *scene)
{
    uint64_t count = 0;

    for (size_t i = 0; i < scene->fleet.database_count; i++) {
        count += scene->fleet.databases[i].contents.applied_count;
    }
    return count;
}

/* ---- running them -------------------------------------------------------------------------- */

static const char *
trace_path(const struct scenario *scenario, char *path, size_t size)
{
    const char *source = getenv("SKEIN_SOURCE");

    snprintf(path, size, "%s/tests/sim/scenarios/%s.txt", source ? source : ".", scenario->name);
    return path;
}

static void
write_trace(const struct scenario *scenario, const struct scene *scene)
{
    char path[512];
    FILE *file = fopen(trace_path(scenario, path, sizeof path), "w");

    if (!file || fputs(text_of(&scene->trace), file) < 0 || fclose(file) != 0) {
        printf("scenario %s: cannot write %s\n", scenario->name, path);
    }
}

/* Print the first line in which the traces differ. */
static bool
compare_trace(const struct scenario *scenario, const struct scene *scene)
{
    char path[512], expected[1024];
    FILE *file = fopen(trace_path(scenario, path, sizeof path), "r");
    const char *line = text_of(&scene->trace);
    unsigned number = 0;
    bool is_same = true;

    if (!file) {
        printf("scenario %s: there is no %s; --update writes it\n", scenario->name, path);
        return false;
    }
    while (is_same && (number++, fgets(expected, sizeof expected, file))) {
        size_t size = strcspn(line, "\n") + (*line != '\0');
        is_same = strlen(expected) == size && strncmp(expected, line, size) == 0;
        if (!is_same) {
            printf("scenario %s: %s:%u\n  was %s  now %.*s", scenario->name, path, number, expected,
                   (int)size, line);
        }
        line += size;
    }
    if (is_same && *line) {
        is_same = false;
        printf("scenario %s: goes on after %s: %.*s\n", scenario->name, path,
               (int)strcspn(line, "\n"), line);
    }
    fclose(file);
    return is_same;
}

static bool
run_one(const struct scenario *scenario, bool prints, enum scenario_mode mode)
{
    struct scene *scene = mem_zalloc(sizeof *scene);
    bool succeeds;

    scene->name = scenario->name;
    scene->prints = prints;
    scenario->play(scene);
    fleet_check(&scene->fleet);
    if (!world_is_sound(&scene->fleet.world)) {
        printf("scenario %s breaks %s: %s\n", scenario->name, scene->fleet.world.violated,
               scene->fleet.world.violation);
        scene->has_failed = true;
    }
    if (mode == SCENARIO_UPDATE && !scene->has_failed) {
        write_trace(scenario, scene);
    }
    succeeds = !scene->has_failed && (mode == SCENARIO_PROMISES || compare_trace(scenario, scene));
    fleet_release(&scene->fleet);
    text_release(&scene->trace);
    free(scene);
    return succeeds;
}

bool
scenario_run_all(const char *name, bool prints, enum scenario_mode mode)
{
    size_t run_count = 0, failed_count = 0;

    for (size_t i = 0; i < scenario_count; i++) {
        if (!name || text_equal(name, scenarios[i].name)) {
            run_count++;
            failed_count += !run_one(&scenarios[i], prints, mode);
        }
    }
    printf("%zu scenarios, %zu failed\n", run_count, failed_count);
    return run_count > 0 && failed_count == 0;
}
