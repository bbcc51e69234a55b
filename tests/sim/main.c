/*
 * skein-sim: lives through the stories of many seeds, or replays one.
 *
 *   skein-sim --seeds 1000 --from 1      stories of seeds 1 … 1000; stops at the first that fails
 *   skein-sim --seed 42 --trace          that story, line by line
 *   skein-sim --scenario                 the fixed stories, compared with their traces
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/mutation.h"
#include "common/base/text.h"
#include "tests/sim/scenario.h"
#include "tests/sim/story.h"

#define TAIL_SIZE 80

struct options {
    int64_t from, seeds;
    bool traces, keeps_going, quiet, checks_determinism;
    const char *scenario, *mutation;
    bool is_scenario, updates;
};

/* The last lines of a trace. */
struct tail {
    char *lines[TAIL_SIZE];
    uint64_t count;
};

static void
keep_line(void *context, const char *line)
{
    struct tail *tail = context;
    char **place = &tail->lines[tail->count++ % TAIL_SIZE];

    free(*place);
    *place = mem_text(line);
}

static void
print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

/* A core that crashes, or fails an assertion, is a finding too: say of which seed. */
static volatile sig_atomic_t seed_high, seed_low;

static void
say_seed(int number)
{
    char text[64];
    uint64_t seed = (uint64_t)(uint32_t)seed_high << 32 | (uint32_t)seed_low;
    int size = snprintf(text, sizeof text, "seed %" PRIu64 " crashes the program\n", seed);

    if (write(STDOUT_FILENO, text, (size_t)size) < 0) {
        _exit(70);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void
watch_for_crashes(uint64_t seed)
{
    seed_high = (sig_atomic_t)(seed >> 32);
    seed_low = (sig_atomic_t)(uint32_t)seed;
    signal(SIGABRT, say_seed);
    signal(SIGSEGV, say_seed);
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Live through it once more, now listening. */
static void
print_failure(const struct options *options, uint64_t seed, const struct story_end *end)
{
    struct tail tail = {0};

    story_run(seed, (struct trace){.sink = keep_line, .context = &tail});
    for (uint64_t i = tail.count > TAIL_SIZE ? tail.count - TAIL_SIZE : 0; i < tail.count; i++) {
        puts(tail.lines[i % TAIL_SIZE]);
    }
    for (size_t i = 0; i < TAIL_SIZE; i++) {
        free(tail.lines[i]);
    }
    printf("\nseed %" PRIu64 " breaks %s: %s\n", seed, end->violated, end->violation);
    printf("replay: skein-sim --seed %" PRIu64 " --trace%s%s\n", seed,
           options->mutation ? " --mutation " : "", options->mutation ? options->mutation : "");
}

static bool
is_deterministic(uint64_t seed)
{
    struct tail tail = {0};
    struct trace listener = {.sink = keep_line, .context = &tail};
    struct story_end unheard = story_run(seed, (struct trace){0});
    struct story_end first = story_run(seed, listener), second = story_run(seed, listener);

    for (size_t i = 0; i < TAIL_SIZE; i++) {
        free(tail.lines[i]);
    }
    if (first.trace_hash == second.trace_hash && first.hash == second.hash &&
        unheard.hash == first.hash) {
        return true;
    }
    printf("seed %" PRIu64 " is not the same story every time\n", seed);
    return false;
}

static int
run_seeds(const struct options *options)
{
    uint64_t events = 0, runs = 0, effects = 0, failures = 0;
    double begin = seconds_now();
    int64_t seed = options->from;

    for (; seed < options->from + options->seeds; seed++) {
        watch_for_crashes((uint64_t)seed);
        struct story_end end = story_run((uint64_t)seed, (struct trace){0});
        events += end.event_count;
        runs += end.run_count;
        effects += end.effect_count;
        if (!end.is_sound && options->keeps_going) {
            printf("seed %" PRId64 " breaks %s: %s\n", seed, end.violated, end.violation);
            failures++;
        } else if (!end.is_sound && options->quiet) {
            printf("%s after %" PRId64 " seeds, %.1f s: %s\n", end.violated,
                   seed - options->from + 1, seconds_now() - begin, end.violation);
            return 1;
        } else if (!end.is_sound) {
            print_failure(options, (uint64_t)seed, &end);
            return 1;
        }
        if (options->checks_determinism && !is_deterministic((uint64_t)seed)) {
            return 1;
        }
    }
    double seconds = seconds_now() - begin;
    printf("%" PRId64 " seeds, %" PRIu64 " runs, %" PRIu64 " effects, %" PRIu64
           " events in %.1f s: %.0f events/s, %" PRIu64 " violations\n",
           options->seeds, runs, effects, events, seconds, (double)events / seconds, failures);
    return failures ? 1 : 0;
}

static int
replay(const struct options *options)
{
    struct story_end end = story_run((uint64_t)options->from, (struct trace){.sink = print_line});

    printf("%" PRIu64 " events, %" PRId64 " virtual ms, trace hash %016" PRIx64 "\n",
           end.event_count, end.virtual_ms, end.trace_hash);
    if (!end.is_sound) {
        printf("seed %" PRId64 " breaks %s: %s\n", options->from, end.violated, end.violation);
    }
    return end.is_sound ? 0 : 1;
}

#ifdef SKEIN_MUTATIONS
static bool
plant(const char *name)
{
#define NAME_IS(NAME, why)                                                                         \
    if (text_equal(name, #NAME)) {                                                                 \
        mutation_planted = MUTATION_##NAME;                                                        \
        return true;                                                                               \
    }
    MUTATION_TABLE(NAME_IS)
#undef NAME_IS
    return false;
}
#else
static bool
plant(const char *name)
{
    (void)name;
    return false;
}
#endif

static void
list_mutations(void)
{
#define PRINT_NAME(NAME, why) puts(#NAME "\t" why);
    MUTATION_TABLE(PRINT_NAME)
#undef PRINT_NAME
}

static int
usage(FILE *out)
{
    fputs("usage: skein-sim [--seeds N] [--from S] [--keep-going] [--quiet] [--determinism]\n"
          "       skein-sim --seed S [--trace]\n"
          "       skein-sim --scenario[=NAME] [--trace] [--update | --quiet]\n"
          "       skein-sim --mutation NAME …, --mutations (a list; in the mutation build)\n",
          out);
    return out == stdout ? 0 : 64;
}

static bool
read_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"keep-going", no_argument, NULL, 'k'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"determinism", no_argument, NULL, 'd'},
                                          {"scenario", optional_argument, NULL, 'c'},
                                          {"update", no_argument, NULL, 'u'},
                                          {"mutation", required_argument, NULL, 'm'},
                                          {"mutations", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (option == 'n' && !text_to_number(optarg, 1, INT32_MAX, &options->seeds)) {
            return false;
        }
        if ((option == 'f' || option == 's') &&
            !text_to_number(optarg, 0, INT64_MAX / 2, &options->from)) {
            return false;
        }
        options->seeds = option == 's' ? 1 : options->seeds;
        options->traces = options->traces || option == 't';
        options->keeps_going = options->keeps_going || option == 'k';
        options->quiet = options->quiet || option == 'q';
        options->checks_determinism = options->checks_determinism || option == 'd';
        options->updates = options->updates || option == 'u';
        if (option == 'c') {
            options->is_scenario = true;
            options->scenario = optarg;
        }
        if (option == 'm') {
            options->mutation = optarg;
        }
        if (option == 'l') {
            list_mutations();
            exit(0);
        }
        if (option == 'h') {
            exit(usage(stdout));
        }
        if (option == '?') {
            return false;
        }
    }
    return optind == argc;
}

int
main(int argc, char **argv)
{
    struct options options = {.from = 1, .seeds = 1000};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!read_options(argc, argv, &options)) {
        return usage(stderr);
    }
    if (options.mutation && !plant(options.mutation)) {
        fprintf(stderr, "no mutation %s in this build\n", options.mutation);
        return 64;
    }
    if (options.is_scenario) {
        enum scenario_mode mode = options.updates ? SCENARIO_UPDATE
                                  : options.quiet ? SCENARIO_PROMISES
                                                  : SCENARIO_COMPARE;
        return scenario_run_all(options.scenario, options.traces, mode) ? 0 : 1;
    }
    return options.traces ? replay(&options) : run_seeds(&options);
}
