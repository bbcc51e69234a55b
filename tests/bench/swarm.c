/*
 * swarm: a real skein-coordinator under thousands of simulated agents with real sockets and CURVE,
 * all of them in this process. Prints what it measures and one line per bar.
 *
 *   skein-bench-swarm [--quick]
 *
 * Beside it the same exchange with nothing but libzmq, so that a slow machine is not taken for a
 * slow program: both share these processors, and the peers cost more than the coordinator does.
 */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/shell/store.h"
#include "tests/bench/bare.h"
#include "tests/support/console.h"
#include "tests/support/daemon.h"
#include "tests/support/peers.h"

#define STEPS_PER_TARGET 20
#define DESCRIPTORS_MIN 12000 /* two for each of 5,000 peers */

static bool has_short;

/* ---- the table and the bars ----------------------------------------------------------------- */

static void
row(const char *what, double value, const char *unit)
{
    printf("  %-58s %10.2f %s\n", what, value, unit);
    fflush(stdout);
}

static void
bar(const char *name, double value, double limit)
{
    bool is_short = value > limit;

    printf("bar %s %.2f <= %.2f %s\n", name, value, limit, is_short ? "short" : "ok");
    fflush(stdout);
    has_short = has_short || is_short;
}

static double
seconds_since(int64_t begun_us)
{
    return (double)(clock_now_us() - begun_us) / 1e6;
}

static void
die(const char *what)
{
    fprintf(stderr, "swarm: %s\n", what);
    exit(1);
}

/* ---- a fleet -------------------------------------------------------------------------------- */

struct fleet {
    struct daemon daemon;
    struct key_pair *keys;
    size_t count;
    struct bundle *bundle;
    struct peers *peers;
    struct console *console;
};

static struct store *
open_store(const struct fleet *fleet)
{
    CLEANUP(mem_free) char *path = mem_format("%s/store.db", fleet->daemon.folder);
    const struct store_options options = {.path = path};
    struct store *store = NULL;
    struct error error;

    if (!store_open(&options, &store, &error)) {
        die(error.text);
    }
    return store;
}

/* Enrol all of them before the coordinator starts: what `skein agent add` would have saved. */
static void
enrol(struct fleet *fleet)
{
    struct store *store = open_store(fleet);
    struct error error;
    bool is_saved = store_begin(store, &error);

    for (size_t i = 0; i < fleet->count && is_saved; i++) {
        char name[32];
        snprintf(name, sizeof name, "agent-%zu", i);
        struct record record = {.kind = RECORD_AGENT, .agent = {.name = name, .is_active = true}};
        memcpy(record.agent.key.bytes, fleet->keys[i].public_key, KEY_SIZE);
        is_saved = store_save(store, &record, &error);
    }
    if (!is_saved || !store_commit(store, &error)) {
        die(error.text);
    }
    store_close(&store);
}

/* Runs of former days: so many, each with 20 targets and 200 steps. */
static void
add_history(struct fleet *fleet, uint64_t runs)
{
    struct store *store = open_store(fleet);
    struct random random = random_seeded(runs);
    struct error error = {0};
    bool is_saved = true;

    for (uint64_t number = 1; number <= runs && is_saved; number++) {
        struct record run = {.kind = RECORD_RUN};
        run.run = (struct run_record){.run_id = id_draw(&random),
                                      .number = number,
                                      .operator_name = "admin",
                                      .state = RUN_DONE,
                                      .started_wall_ms = 1,
                                      .ended_wall_ms = 2};
        is_saved = store_begin(store, &error) && store_save(store, &run, &error);
        for (uint64_t i = 0; i < 20 && is_saved; i++) {
            struct record leg = {.kind = RECORD_LEG};
            leg.leg = (struct leg_record){.run_id = run.run.run_id,
                                          .target_id = id_draw(&random),
                                          .ordinal = i,
                                          .wave = 1,
                                          .state = LEG_DONE,
                                          .done_count = 10};
            is_saved = store_save(store, &leg, &error);
            for (uint64_t k = 0; k < 10 && is_saved; k++) {
                struct record step = {.kind = RECORD_STEP};
                step.step = (struct step_record){.step_id = id_draw(&random),
                                                 .run_id = run.run.run_id,
                                                 .target_id = leg.leg.target_id,
                                                 .position = k,
                                                 .version = "20250101000000",
                                                 .state = STEP_DONE};
                is_saved = store_save(store, &step, &error);
            }
        }
        is_saved = is_saved && store_commit(store, &error);
    }
    if (!is_saved) {
        die(error.text);
    }
    store_close(&store);
}

/* A bundle of small migrations. */
static struct bundle *
make_bundle(void)
{
    static struct migration migrations[STEPS_PER_TARGET];
    static struct statement statements[STEPS_PER_TARGET];
    static char texts[STEPS_PER_TARGET][64], versions[STEPS_PER_TARGET][32], content[4096];
    struct manifest manifest = {.format = 1,
                                .service = "bench",
                                .layout = "pairs",
                                .migrations = migrations,
                                .migration_count = STEPS_PER_TARGET};
    size_t used = 0;

    for (int i = 0; i < STEPS_PER_TARGET; i++) {
        snprintf(texts[i], sizeof texts[i], "CREATE TABLE t%d (id integer)", i);
        snprintf(versions[i], sizeof versions[i], "202501010000%02d", i);
        size_t size = strlen(texts[i]);
        struct digest checksum = digest_of(texts[i], size);
        memcpy(content + used, texts[i], size);
        statements[i] =
            (struct statement){.size = size, .line = 1, .column = 1, .tag = "CREATE TABLE"};
        migrations[i] = (struct migration){.version = versions[i],
                                           .name = "table",
                                           .has_up = true,
                                           .up = {.path = versions[i],
                                                  .offset = used,
                                                  .size = size,
                                                  .is_transactional = true,
                                                  .statements = &statements[i],
                                                  .statement_count = 1}};
        memcpy(migrations[i].up.checksum, checksum.bytes, CHECKSUM_SIZE);
        used += size;
    }
    return bundle_new(&manifest, content, used);
}

static void
fleet_make(struct fleet *fleet, size_t count)
{
    memset(fleet, 0, sizeof *fleet);
    daemon_make(&fleet->daemon, NULL);
    fleet->count = count;
    fleet->keys = mem_zalloc(count * sizeof *fleet->keys);
    for (size_t i = 0; i < count; i++) {
        keys_generate(&fleet->keys[i]);
    }
    fleet->bundle = make_bundle();
    enrol(fleet);
}

static void
fleet_connect(struct fleet *fleet)
{
    struct peers_options options = {.endpoint = fleet->daemon.endpoints[PARTY_AGENT],
                                    .keys = fleet->keys,
                                    .count = fleet->count,
                                    .manifest = &fleet->bundle->manifest};

    memcpy(options.server_key, fleet->daemon.keys.public_key, KEYS_SIZE);
    fleet->peers = peers_new(&options);
}

static void
fleet_remove(struct fleet *fleet)
{
    console_destroy(&fleet->console);
    peers_destroy(&fleet->peers);
    daemon_remove(&fleet->daemon);
    bundle_destroy(&fleet->bundle);
    free(fleet->keys);
}

static void
until_live(struct fleet *fleet, double seconds_max)
{
    int64_t begun_us = clock_now_us();

    while (peers_counts(fleet->peers).welcomes < fleet->count) {
        peers_turn(fleet->peers, 20);
        if (seconds_since(begun_us) > seconds_max) {
            fprintf(stderr, "swarm: only %zu of %zu are welcomed after %.0f s\n",
                    peers_live(fleet->peers), fleet->count, seconds_max);
            exit(1);
        }
    }
}

static void
turn_for(struct fleet *fleet, double seconds)
{
    int64_t begun_us = clock_now_us();

    while (seconds_since(begun_us) < seconds) {
        peers_turn(fleet->peers, 20);
    }
}

/* ---- joining, memory, heartbeats ------------------------------------------------------------ */

static void
measure_join(size_t count, double join_max_s, double idle_s)
{
    struct fleet fleet;
    char name[64];

    printf("\n%zu agents\n", count);
    struct bare bare;
    bare_measure(count, idle_s, &bare);
    row("bare libzmq: all connected and answered", bare.join_s, "s");
    row("bare libzmq: round trips", bare.round_trips_per_s, "/s");
    if (idle_s > 0) {
        row("bare libzmq: processor for as many heartbeats", bare.heartbeat_percent, "% of a core");
    }

    fleet_make(&fleet, count);
    daemon_begin(&fleet.daemon);
    long alone_kib = daemon_resident_kib(&fleet.daemon);
    daemon_end(&fleet.daemon, SIGTERM);

    fleet_connect(&fleet);
    int64_t begun_us = clock_now_us();
    daemon_start(&fleet.daemon, NULL);
    until_live(&fleet, 60);
    double join_s = seconds_since(begun_us);
    row("from the coordinator's start until all are welcomed", join_s, "s");
    turn_for(&fleet, 2);
    double each_kib = (double)(daemon_resident_kib(&fleet.daemon) - alone_kib) / (double)count;
    row("coordinator memory for each", each_kib, "KiB");

    if (idle_s > 0) {
        long begun_ms = daemon_cpu_ms(&fleet.daemon);
        uint64_t pongs = peers_counts(fleet.peers).pongs;
        begun_us = clock_now_us();
        turn_for(&fleet, idle_s);
        double took_s = seconds_since(begun_us);
        double percent = (double)(daemon_cpu_ms(&fleet.daemon) - begun_ms) / 10 / took_s;
        row("heartbeats answered", (double)(peers_counts(fleet.peers).pongs - pongs) / took_s,
            "/s");
        row("coordinator processor for the heartbeats", percent, "% of a core");
        snprintf(name, sizeof name, "swarm-heartbeat-percent-%zu", count);
        bar(name, percent, 2.0);
    }
    snprintf(name, sizeof name, "swarm-join-s-%zu", count);
    bar(name, join_s, join_max_s);
    snprintf(name, sizeof name, "swarm-memory-kib-%zu", count);
    bar(name, each_kib, 80);
    fleet_remove(&fleet);
}

/* ---- a run ---------------------------------------------------------------------------------- */

/* Ask while the peers go on living. */
static const struct message *
ask(struct fleet *fleet, struct message *request)
{
    const struct message *answer = NULL;

    if (id_is_none(&request->offer.request)) {
        request->offer.request = id_random();
    }
    for (int i = 0; i < 3000 && !answer; i++) {
        peers_turn(fleet->peers, 0);
        answer = console_ask(fleet->console, request, 5);
    }
    if (!answer || answer->type == MESSAGE_REFUSED || answer->type == MESSAGE_REJECT) {
        if (answer) {
            const struct fault *fault =
                answer->type == MESSAGE_REFUSED ? &answer->refused.fault : &answer->reject.fault;
            fprintf(stderr, "%s: %s\n", fault->code, fault->text);
        }
        die("a request was refused, or not answered");
    }
    return answer;
}

static void
upload(struct fleet *fleet)
{
    struct message put = {.type = MESSAGE_PUT};

    put.put = (struct put){.digest = fleet->bundle->digest,
                           .total = fleet->bundle->bytes.size,
                           .bytes = fleet->bundle->bytes};
    if (!ask(fleet, &put)->offered.is_complete) {
        die("the upload is not complete");
    }
}

static struct id
plan(struct fleet *fleet)
{
    struct service_bundle service = {"bench", fleet->bundle->digest};
    struct share wave = {100, true};
    struct message request = {.type = MESSAGE_PLAN};

    request.plan.spec = (struct run_spec){.kind = RUN_UP,
                                          .services = &service,
                                          .service_count = 1,
                                          .waves = &wave,
                                          .wave_count = 1,
                                          .parallel = fleet->count,
                                          .on_failure = ON_FAILURE_HALT};
    const struct message *answer = ask(fleet, &request);
    for (int i = 0; i < 1000 && !answer->planned.is_ready; i++) {
        turn_for(fleet, 0.02);
        answer = ask(fleet, &request); /* said again it tells how far it has come */
    }
    if (!answer->planned.is_ready ||
        answer->planned.step_count != fleet->count * STEPS_PER_TARGET) {
        fprintf(stderr, "%" PRIu64 " steps, %" PRIu64 " targets, %" PRIu64 " refused\n",
                answer->planned.step_count, answer->planned.target_count,
                answer->planned.refused_count);
        die("the plan is not what it should be");
    }
    return answer->planned.plan_id;
}

struct run_cost {
    double steps_per_s, cpu_us_per_step;
    double first_us, last_us; /* processor per step in the first and the last quarter */
};

static void
run(struct fleet *fleet, struct run_cost *cost)
{
    struct message apply = {.type = MESSAGE_APPLY};
    uint64_t total = (uint64_t)fleet->count * STEPS_PER_TARGET, before, said = 0;
    long cpu_ms[5];

    apply.apply.plan_id = plan(fleet);
    before = peers_counts(fleet->peers).acks;
    int64_t begun_us = clock_now_us();
    cpu_ms[0] = daemon_cpu_ms(&fleet->daemon);
    ask(fleet, &apply);
    for (int quarter = 1; said < total;) {
        peers_turn(fleet->peers, 5);
        said = peers_counts(fleet->peers).acks - before;
        for (; quarter <= 4 && said >= total * (uint64_t)quarter / 4; quarter++) {
            cpu_ms[quarter] = daemon_cpu_ms(&fleet->daemon);
        }
        if (seconds_since(begun_us) > 120) {
            fprintf(stderr, "swarm: %" PRIu64 " of %" PRIu64 " steps\n", said, total);
            die("the run does not end");
        }
    }
    cost->steps_per_s = (double)total / seconds_since(begun_us);
    cost->cpu_us_per_step = (double)(cpu_ms[4] - cpu_ms[0]) * 1000 / (double)total;
    cost->first_us = (double)(cpu_ms[1] - cpu_ms[0]) * 4000 / (double)total;
    cost->last_us = (double)(cpu_ms[4] - cpu_ms[3]) * 4000 / (double)total;

    struct message status = {.type = MESSAGE_STATUS};
    for (int i = 0; i < 200; i++) {
        turn_for(fleet, 0.02);
        if (ask(fleet, &status)->run_view.state == RUN_DONE) {
            break;
        }
    }
    if (ask(fleet, &status)->run_view.state != RUN_DONE || peers_doubled(fleet->peers)) {
        die("the run has not ended as it should");
    }
}

static struct run_cost
measure_run(size_t count, uint64_t history, int rounds)
{
    struct run_cost best = {0};

    for (int round = 0; round < rounds; round++) {
        struct fleet fleet;
        struct run_cost cost;
        fleet_make(&fleet, count);
        add_history(&fleet, history);
        daemon_begin(&fleet.daemon);
        fleet_connect(&fleet);
        until_live(&fleet, 60);
        fleet.console = console_new(fleet.daemon.endpoints[PARTY_OPERATOR],
                                    fleet.daemon.keys.public_key, &fleet.daemon.admin);
        turn_for(&fleet, 0.5);
        upload(&fleet);
        run(&fleet, &cost);
        if (cost.steps_per_s > best.steps_per_s) {
            best = cost;
        }
        fleet_remove(&fleet);
    }
    row("steps, each assigned, answered and durable", best.steps_per_s, "/s");
    row("coordinator processor for each step", best.cpu_us_per_step, "us");
    row("the same in the first quarter of the run", best.first_us, "us");
    row("the same in the last quarter of the run", best.last_us, "us");
    return best;
}

static void
measure_runs(size_t count, uint64_t history, int rounds)
{
    printf("\na run of %zu steps over %zu agents that answer at once\n", count * STEPS_PER_TARGET,
           count);
    struct run_cost fresh = measure_run(count, 0, rounds);
    printf("\nthe same after %" PRIu64 " finished runs\n", history);
    struct run_cost later = measure_run(count, history, rounds);

    bar("swarm-ms-per-1000-steps", 1e6 / fresh.steps_per_s, 200);
    bar("swarm-cost-last-to-first-quarter", fresh.last_us / fresh.first_us, 1.25);
    bar("swarm-ms-per-1000-steps-after-1000-runs", 1e6 / later.steps_per_s, 200);
    bar("swarm-cost-after-1000-runs-to-before", later.cpu_us_per_step / fresh.cpu_us_per_step,
        1.25);
}

static bool
has_word(int count, char **words, const char *word)
{
    for (int i = 1; i < count; i++) {
        if (text_equal(words[i], word)) {
            return true;
        }
    }
    return false;
}

int
main(int count, char **words)
{
    bool is_quick = has_word(count, words, "--quick");
    bool is_all = count == 1 + is_quick;
    struct rlimit limit;

    if (has_word(count, words, "--help")) {
        puts("usage: skein-bench-swarm [--quick] [join] [heartbeat] [run]");
        return 0;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < DESCRIPTORS_MIN) {
        die("12,000 files must be open at a time: ulimit -Hn");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (is_all || has_word(count, words, "join")) {
        measure_join(1000, 3, 0);
    }
    if (is_all || has_word(count, words, "heartbeat")) {
        measure_join(5000, 15, is_quick ? 15 : 40);
    }
    if (is_all || has_word(count, words, "run")) {
        measure_runs(1000, 1000, is_quick ? 1 : 3);
    }
    return has_short;
}
