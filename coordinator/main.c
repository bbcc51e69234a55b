/*
 * skein-coordinator: reads its configuration, starts, and says in its exit status why it ended: 0
 * after a signal, 2 wrong usage, 3 configuration or store refused, 5 the store is held by another,
 * 74 the disk failed, 70 a mistake of ours.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/io/keys.h"
#include "coordinator/shell/failpoints.h"
#include "coordinator/shell/service.h"
#include "coordinator/shell/settings.h"
#include "coordinator/shell/start.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
    EXIT_CONFLICT = 5,
    EXIT_MISTAKE = 70,
    EXIT_DISK = 74
};

static const char help[] =
    "usage: skein-coordinator --config FILE [--check] [--accept-older-store | --inspect]\n"
    "\n"
    "Takes a fleet of PostgreSQL databases from one schema to the next.\n"
    "\n"
    "  --config FILE         what to listen on, whose key, which store, who may come in\n"
    "  --check               read and check the configuration and the key, and end\n"
    "  --accept-older-store  start although the store is older than it was here before: after a\n"
    "                        backup was put back, once\n"
    "  --inspect             only show a store that cannot be trusted or written: nothing is\n"
    "                        started, assigned or changed\n"
    "  --version             print the version\n"
    "  --help                print this\n"
    "\n"
    "example: skein-coordinator --config /etc/skein/coordinator.yaml --check\n";

struct arguments {
    const char *config;
    bool checks, accepts_older, inspects;
};

static int
usage(const char *text, const char *word)
{
    fprintf(stderr, "error[E-CLI-USAGE]: %s%s%s\n", text, word ? " " : "", word ? word : "");
    fputs("  hint:  skein-coordinator --help\n", stderr);
    return EXIT_USAGE;
}

static int
status_of(const struct error *error)
{
    if (error_is(error, "E-STORE-LOCKED") || error_is(error, "E-LISTEN")) {
        return EXIT_CONFLICT;
    }
    if (error_is(error, "E-STORE-IO")) {
        return EXIT_DISK;
    }
    if (error_is(error, "E-STORE-SQL") || text_starts_with(error->code, "E-GATE")) {
        return EXIT_MISTAKE;
    }
    return EXIT_REFUSED;
}

static void
print_failpoints(void)
{
#ifdef SKEIN_TESTING
#define PRINT(name, what) printf("%-18s %s\n", name, what);
    COORDINATOR_FAILPOINTS(PRINT)
#undef PRINT
#endif
}

/* True when there is nothing more to do; *status says how it ended. */
static bool
read_arguments(int count, char **words, struct arguments *arguments, int *status)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"accept-older-store", no_argument, NULL, 'o'},
                                            {"inspect", no_argument, NULL, 'i'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"failpoints", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

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
        case 'o':
            arguments->accepts_older = true;
            break;
        case 'i':
            arguments->inspects = true;
            break;
        case 'f':
            print_failpoints();
            return true;
        case 'v':
            puts("skein-coordinator " SKEIN_VERSION);
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
    if (arguments->inspects && arguments->accepts_older) {
        *status = usage("--inspect takes any store as it is, without --accept-older-store", NULL);
        return true;
    }
    return false;
}

static bool
check_key(const struct settings *settings, struct error *error)
{
    struct key_pair keys;

    if (!keys_load(settings->key_path, &keys, error)) {
        return false;
    }
    keys_wipe(&keys);
    return true;
}

static bool
run(const struct arguments *arguments, struct settings *settings, struct error *error)
{
    CLEANUP(config_destroy) struct config *config = NULL;
    const struct start_options options = {settings, arguments->accepts_older, arguments->inspects};

    if (!config_open(arguments->config, true, &config, error) ||
        !settings_read(config, settings, error)) {
        return false;
    }
    log_open("skein-coordinator", settings->log_level);
    if (arguments->checks) {
        return service_check_libraries(error) && check_key(settings, error) &&
               service_need_descriptors(settings_descriptors(settings), error);
    }
    return start_coordinator(&options, error);
}

int
main(int count, char **words)
{
    struct arguments arguments = {0};
    struct settings settings = {0};
    struct error error;
    int status;

    if (read_arguments(count, words, &arguments, &status)) {
        return status;
    }
    bool goes_well = run(&arguments, &settings, &error);
    settings_release(&settings);
    if (!goes_well) {
        error_print(&error, stderr);
        return status_of(&error);
    }
    if (arguments.checks) {
        puts("the configuration is sound");
    }
    return EXIT_DONE;
}
