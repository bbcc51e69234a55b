#include "tests/support/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/keys.h"
#include "tests/support/cluster.h"
#include "tests/support/folder.h"

extern char **environ;

/* A folder with a key pair and a configuration that works. */
struct place {
    struct folder folder;
    char *config;
};

static struct cluster *cluster;

static struct place
place_make(void)
{
    struct place place = {.folder = folder_make()};
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");
    char hex[KEYS_HEX_SIZE];
    struct key_pair keys;
    struct error error;

    keys_generate(&keys);
    text_hex(keys.public_key, KEYS_SIZE, hex);
    keys_generate(&keys);
    assert_true(keys_save(&keys, folder_path(&place.folder, "a"), &error));
    place.config = mem_format("agent: a\n"
                              "coordinator: {endpoint: 'tcp://127.0.0.1:1', key: %s}\n"
                              "key: %s/a.key\n"
                              "cache: %s\n"
                              "targets:\n"
                              "  - {name: t1, service: auth, database: '%s'}\n",
                              hex, place.folder.path, place.folder.path, conninfo);
    return place;
}

static void
place_remove(struct place *place)
{
    folder_remove(&place->folder);
    free(place->config);
}

static const char *
program(void)
{
    static char path[512];
    const char *build = getenv("SKEIN_BUILD");

    snprintf(path, sizeof path, "%s/bin/skein-agent", build ? build : "build/dev");
    return path;
}

/* Start it with up to three words; its output goes to a file. */
static pid_t
start(const struct folder *folder, const char *first, const char *second, const char *third)
{
    CLEANUP(mem_free)
    char *name = mem_text(program()), *a = mem_text(first), *b = mem_text(second),
         *c = mem_text(third);
    char *words[] = {name, a, b, c, NULL};
    const char *output = folder_path(folder, "output");
    posix_spawn_file_actions_t files;
    pid_t pid;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    assert_int_equal(posix_spawn(&pid, name, &files, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

static void
read_output(const struct folder *folder, char output[8192])
{
    FILE *file = fopen(folder_path(folder, "output"), "r");
    size_t size = fread(output, 1, 8191, file);

    output[size] = '\0';
    fclose(file);
}

/* Run it to its end; the exit status, and what it has said. */
static int
run(const struct folder *folder, const char *first, const char *second, const char *third,
    char output[8192])
{
    int status;

    assert_true(waitpid(start(folder, first, second, third), &status, 0) > 0);
    read_output(folder, output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Run it with a configuration and one option more. */
static int
run_config(const struct place *place, const char *config, mode_t mode, const char *option,
           char output[8192])
{
    const char *path = folder_text(&place->folder, "agent.yaml", config, mode);

    return run(&place->folder, "--config", path, option, output);
}

static void
explains_itself(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char output[8192];

    assert_int_equal(run(&folder, "--help", NULL, NULL, output), 0);
    assert_non_null(strstr(output, "usage: skein-agent --config FILE"));
    assert_int_equal(run(&folder, "--version", NULL, NULL, output), 0);
    assert_string_equal(output, "skein-agent " SKEIN_VERSION "\n");
}

static void
refuses_words_it_does_not_know(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char output[8192];

    assert_int_equal(run(&folder, NULL, NULL, NULL, output), 2);
    assert_int_equal(run(&folder, "--config", NULL, NULL, output), 2);
    assert_int_equal(run(&folder, "--chek", NULL, NULL, output), 2);
    assert_non_null(strstr(output, "error[E-CLI-USAGE]"));
    assert_int_equal(run(&folder, "agent.yaml", NULL, NULL, output), 2);
    assert_non_null(strstr(output, "agent.yaml"));
}

static void
refuses_a_configuration_that_others_could_have_written(void **state)
{
    (void)state;
    CLEANUP(place_remove) struct place place = place_make();
    char output[8192];

    assert_int_equal(run_config(&place, place.config, 0666, "--check", output), 3);
    assert_non_null(strstr(output, "error[E-CFG-PERM]"));
    assert_non_null(strstr(output, "agent.yaml"));
}

static void
refuses_a_key_that_is_none_or_that_others_can_read(void **state)
{
    (void)state;
    CLEANUP(place_remove) struct place place = place_make();
    char output[8192];

    assert_int_equal(chmod(folder_path(&place.folder, "a.key"), 0644), 0);
    assert_int_equal(run_config(&place, place.config, 0600, NULL, output), 3);
    assert_non_null(strstr(output, "error[E-CFG-PERM]"));
    folder_text(&place.folder, "a.key", "public: 12\nsecret: geheim\n", 0600);
    assert_int_equal(run_config(&place, place.config, 0600, NULL, output), 3);
    assert_non_null(strstr(output, "error[E-KEY-FORMAT]"));
    assert_null(strstr(output, "geheim"));
}

static void
a_check_says_what_it_found(void **state)
{
    (void)state;
    CLEANUP(place_remove) struct place place = place_make();
    char output[8192];

    assert_int_equal(run_config(&place, place.config, 0600, "--check", output), 0);
    assert_non_null(strstr(output, "ok    t1"));
    assert_non_null(strstr(output, "1 target, 0 broken"));

    CLEANUP(mem_free)
    char *worse = mem_format(
        "%s  - {name: t2, service: auth, database: 'host=/nowhere dbname=x'}\n", place.config);
    assert_int_equal(run_config(&place, worse, 0600, "--check", output), 1);
    assert_non_null(strstr(output, "bad   t2"));
    assert_non_null(strstr(output, "E-DB-UNREACHABLE"));
    assert_non_null(strstr(output, "2 targets, 1 broken"));
}

static void
two_agents_do_not_share_a_cache(void **state)
{
    (void)state;
    CLEANUP(place_remove) struct place place = place_make();
    CLEANUP(mem_free)
    char *path = mem_text(folder_text(&place.folder, "agent.yaml", place.config, 0600));
    int64_t until_ms = clock_now_ms() + 60000;
    char output[8192];
    int status;

    pid_t first = start(&place.folder, "--config", path, NULL);
    do {
        assert_true(clock_now_ms() < until_ms);
        read_output(&place.folder, output);
    } while (!strstr(output, "serves 1 target for"));
    assert_int_equal(run(&place.folder, "--config", path, NULL, output), 5);
    assert_non_null(strstr(output, "error[E-CACHE-LOCKED]"));
    kill(first, SIGTERM);
    assert_int_equal(waitpid(first, &status, 0), first);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_itself),
        cmocka_unit_test(refuses_words_it_does_not_know),
        cmocka_unit_test(refuses_a_configuration_that_others_could_have_written),
        cmocka_unit_test(refuses_a_key_that_is_none_or_that_others_can_read),
        cmocka_unit_test(a_check_says_what_it_found),
        cmocka_unit_test(two_agents_do_not_share_a_cache),
    };
    return RUN_TESTS_ON(cluster, NULL, tests);
}
