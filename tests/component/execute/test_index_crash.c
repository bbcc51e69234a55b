/*
 * An index that is built concurrently, and everything that can die, in every phase of the build:
 * the process, its backend, the server. In the end the index is valid, and nobody has lent a hand.
 * At the places of our own it dies in test_crash.
 *
 *     component_execute_test_index_crash [KILLS [SEED]]      more kills than every day: 100
 */
#include "tests/component/execute/mortal.h"
#include "tests/component/execute/others.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define KILLS 12 /* every way to die in every phase */
#define SEED 41
#define LIVES 3 /* that end early; then it is left alone */
#define END_MS 60000

static struct cluster *cluster;
static int kills = KILLS;
static uint64_t seed = SEED;

/* Where a build is when something dies; those that wait for others can be waited for. */
enum phase { PHASE_WRITERS, PHASE_LATE_WRITERS, PHASE_SNAPSHOTS, PHASE_ANY, PHASE_COUNT };

static const char *const phase_names[PHASE_COUNT] = {"waiting for writers before build",
                                                     "waiting for writers before validation",
                                                     "waiting for old snapshots", "any moment"};

static int died[PHASE_COUNT][DEATH_COUNT];

/* Those for whom the build waits. */
struct holders {
    PGconn *first, *second;
};

static void
await_phase(const struct scene *scene, enum phase phase)
{
    CLEANUP(mem_free)
    char *sql = mem_format("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname ="
                           " current_database() AND phase = '%s'",
                           phase_names[phase]);

    scene_await(scene, sql, "1");
}

static struct holders
hold(const struct scene *scene, enum phase phase)
{
    struct holders holders = {0};

    if (phase == PHASE_SNAPSHOTS) {
        holders.first = other_open(scene, "reader");
        other_say(holders.first, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    } else if (phase != PHASE_ANY) {
        holders.first = other_open(scene, "writer");
        other_say(holders.first, "BEGIN; INSERT INTO probe VALUES ('writer')");
    }
    return holders;
}

/* The build has come to where it is to die, or it is any moment. */
static void
await(const struct scene *scene, struct holders *holders, enum phase phase, struct random *random)
{
    if (phase == PHASE_ANY) {
        usleep((useconds_t)random_below(random, 120000));
        return;
    }
    if (phase == PHASE_LATE_WRITERS) {
        await_phase(scene, PHASE_WRITERS);
        holders->second = other_open(scene, "late_writer");
        other_say(holders->second, "BEGIN; INSERT INTO probe VALUES ('late')");
        other_say(holders->first, "ROLLBACK");
    }
    await_phase(scene, phase);
}

/* The child's own end; whether the step is done then. */
static bool
ends_well(pid_t child)
{
    int64_t deadline_ms = clock_now_ms() + END_MS;
    bool is_done = false;

    while (!mortal_has_ended(child, &is_done)) {
        assert_true(clock_now_ms() < deadline_ms);
        usleep(5000);
    }
    return is_done;
}

static bool
live_and_let_die(struct scene *scene, const struct step_order *order, struct random *random,
                 int *count)
{
    static unsigned turn;
    enum phase phase = (enum phase)(turn % PHASE_COUNT);
    enum death death = (enum death)(turn++ / PHASE_COUNT % DEATH_COUNT);
    struct holders holders = hold(scene, phase);
    pid_t child = mortal_start(scene, order);

    await(scene, &holders, phase, random);
    bool was_killed = mortal_kill(scene, death, child, random);
    PQfinish(holders.first);
    PQfinish(holders.second);
    died[phase][death] += was_killed;
    *count += was_killed;
    return death != DEATH_PROCESS && ends_well(child);
}

/* As an agent after its start: what has become of it? Otherwise it is assigned again. */
static bool
is_there_anyway(struct scene *scene, struct step_order *order)
{
    scene_sit_anew(scene);
    mortal_await_server(scene);
    if (scene_resolve(scene, order)) {
        assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
        return true;
    }
    sitting_rest(scene->sitting);
    order->attempt++;
    return false;
}

static void
check_index(const struct scene *scene)
{
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_index WHERE indrelid ="
                                        " 'probe'::regclass"),
                     1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_index WHERE indrelid ="
                                        " 'probe'::regclass AND indisvalid AND indisready AND"
                                        " indislive"),
                     1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.migration"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE state = 'done'"),
                     1);
    assert_int_equal(scene_broken_rows(scene), 0);
}

static void
say_deaths(void)
{
    static const char *const names[DEATH_COUNT] = {"process", "backend", "server"};

    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        for (enum death death = 0; death < DEATH_COUNT; death++) {
            print_message("%-38s %-8s %3d\n", phase_names[phase], names[death], died[phase][death]);
        }
    }
}

static void
an_index_is_valid_in_the_end_whatever_dies_in_whatever_phase(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct random random = random_seeded(seed);
    int count = 0, rounds = 0;

    for (; count < kills; rounds++) {
        scene_clear(scene);
        scene_tell(scene, "INSERT INTO probe SELECT i FROM generate_series(1, 20000) i");
        SCENE_PLAN(scene, {.version = "001",
                           .up = rounds % 2 ? "CREATE INDEX CONCURRENTLY probe_what ON probe (what)"
                                            : "CREATE UNIQUE INDEX CONCURRENTLY probe_what ON probe"
                                              " (what)"});
        struct step_order order = scene_order(scene, 0, DIRECTION_UP);
        bool is_done = false;
        for (int life = 0; !is_done && life < LIVES; life++) {
            is_done =
                live_and_let_die(scene, &order, &random, &count) || is_there_anyway(scene, &order);
        }
        mortal_await_server(scene);
        assert_int_equal(is_done ? OUTCOME_DONE : scene_execute(scene, &order), OUTCOME_DONE);
        check_index(scene);
    }
    say_deaths();
    print_message("%d deaths, %d indexes, seed %d\n", count, rounds, (int)seed);
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_valid_in_the_end_whatever_dies_in_whatever_phase),
    };

    kills = count > 1 ? atoi(arguments[1]) : KILLS;
    seed = count > 2 ? (uint64_t)atoi(arguments[2]) : SEED;
    return RUN_TESTS_ON(cluster, "fsync = on", tests);
}
