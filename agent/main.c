/*
 * skein-agent: reads its configuration, serves its targets, and says in its exit status why it
 * ended: 0 after a signal, 1 --check found a broken target, 2 wrong usage, 3 configuration refused,
 * 5 the cache folder is another agent's, 70 a mistake of ours.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "agent/shell/check.h"
#include "agent/shell/failpoints.h"
#include "agent/shell/loop.h"
#include "agent/shell/slim.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FINDINGS = 1,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
    EXIT_CONFLICT = 5,
    EXIT_MISTAKE = 70
};

static const char help[] =
    "usage: skein-agent --config FILE [--check]\n"
    "\n"
    "Carries migrations out on the databases of its host, for a coordinator.\n"
    "\n"
    "  --config FILE  the coordinator, this agent's key, its cache, its targets\n"
    "  --check        read and check the configuration, try every database, and end\n"
    "  --version      print the version\n"
    "  --help         print this\n"
    "\n"
    "SIGTERM and SIGINT end it: what runs is finished when it is short, stopped when it is long, "
    "and\n"
    "in any case found again; a second signal is faster.\n"
    "\n"
    "example: skein-agent --config /etc/skein/agent.yaml --check\n";

struct arguments {
    const char *config;
    bool checks;
};

static int
usage(const char *text, const char *word)
{
    fprintf(stderr, "error[E-CLI-USAGE]: %s%s%s\n", text, word ? " " : "", word ? word : "");
    fputs("  hint:  skein-agent --help\n", stderr);
    return EXIT_USAGE;
}

static int
refuse(const struct error *error)
{
    error_print(error, stderr);
    return error_is(error, "E-CACHE-LOCKED") ? EXIT_CONFLICT : EXIT_REFUSED;
}

static void
print_failpoints(void)
{
#ifdef SKEIN_TESTING
#define PRINT(name, what) printf("%-26s %s\n", name, what);
    AGENT_FAILPOINTS(PRINT)
#undef PRINT
    for (const char *const *name = execute_failpoints; *name; name++) {
        printf("%s\n", *name);
    }
#endif
}

/* True when there is nothing more to do; *status says how it ended. */
static bool
read_arguments(int count, char **words, struct arguments *arguments, int *status)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},      {"failpoints", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

    opterr = 0;
    *status = EXIT_DONE;
    for (int option; (option = getopt_long(count, words, "+h", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            arguments->config = optarg;
            break;
        case 'k':
            arguments->checks = true;
            break;
        case 'f':
            print_failpoints();
            return true;
        case 'v':
            puts("skein-agent " SKEIN_VERSION);
            return true;
        case 'h':
            fputs(help, stdout);
            return true;
        default:
            *status = usage("unknown or incomplete option", words[optind - 1]);
            return true;
        }
    }
    if (optind < count) {
        *status = usage("unexpected argument", words[optind]);
        return true;
    }
    if (!arguments->config) {
        *status = usage("--config FILE is missing", NULL);
        return true;
    }
    return false;
}

/*
 * SIGTERM and SIGINT as a descriptor, blocked for this thread and all to come, so before the first
 * socket; a connection that is gone is an error, not a signal.
 */
static int
take_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
make_link(const struct agent_settings *settings, struct agent_link **link_p, struct error *error)
{
    struct agent_link_config config = {.agent = settings->name, .endpoint = settings->endpoint};

    memcpy(config.server_key, settings->coordinator_key, KEYS_SIZE);
    if (!keys_load(settings->key_path, &config.keys, error)) {
        return false;
    }
    bool is_made = agent_link_new(&config, link_p, error);
    keys_wipe(&config.keys);
    return is_made;
}

static int
serve(const struct agent_settings *settings)
{
    struct agent_loop_parts parts = {.settings = settings, .signals = take_signals()};
    struct error error;

    if (parts.signals < 0) {
        log_fatal(EXIT_MISTAKE, "cannot take signals: %s", strerror(errno));
    }
    if (!make_link(settings, &parts.link, &error)) {
        return refuse(&error);
    }
    if (!agent_cache_open(settings->cache_path, settings->cache_size_max, &parts.cache, &error)) {
        agent_link_destroy(&parts.link);
        return refuse(&error);
    }
    log_info("agent %s serves %zu target%s for %s", settings->name, settings->target_count,
             settings->target_count == 1 ? "" : "s", settings->endpoint);
    if (!agent_loop_run(&parts)) {
        log_warn("a database keeps a thread: ending without it");
        _exit(EXIT_DONE);
    }
    log_info("left");
    agent_cache_close(&parts.cache);
    agent_link_destroy(&parts.link);
    close(parts.signals);
    return EXIT_DONE;
}

/* The checks of a start, and the databases. */
static int
check(const struct agent_settings *settings)
{
    struct agent_link *link;
    struct error error;

    if (!make_link(settings, &link, &error)) {
        return refuse(&error);
    }
    agent_link_destroy(&link);
    return agent_check(settings) ? EXIT_DONE : EXIT_FINDINGS;
}

int
main(int count, char **words)
{
    struct arguments arguments = {0};
    struct agent_settings settings;
    struct error error;
    int status;

    if (read_arguments(count, words, &arguments, &status)) {
        return status;
    }
    agent_slim_prepare();
    if (!agent_settings_open(arguments.config, &settings, &error)) {
        return refuse(&error);
    }
    log_open("skein-agent", settings.log_level);
    status = arguments.checks ? check(&settings) : serve(&settings);
    agent_settings_release(&settings);
    return status;
}
