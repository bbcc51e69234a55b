/*
 * skein-coordinator as people start it: what it refuses, in which words, with which status; and
 * that nothing was changed by it.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/daemon.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define KEY_HEX "1f0c5ae6d8f5a4c9a5f6e2b7d1c0938475665544332211fedcba98765432100f"

struct outcome_of {
    int status;
    char output[8192];
};

/* Run the program with these words, its output and errors together. */
static struct outcome_of
run(const char *const words[], size_t descriptors)
{
    struct outcome_of outcome = {.status = -1};
    int pipes[2];
    size_t used = 0;

    assert_int_equal(0, pipe(pipes));
    pid_t child = fork();
    if (child == 0) {
        char *copies[16] = {mem_text(daemon_program())};
        for (size_t i = 0; words[i] && i < 14; i++) {
            copies[i + 1] = mem_text(words[i]);
        }
        struct rlimit limit = {descriptors, descriptors};
        if (descriptors && (setrlimit(RLIMIT_NOFILE, &limit) < 0 || setuid(65534) < 0)) {
            _exit(99);
        }
        dup2(pipes[1], 1);
        dup2(pipes[1], 2);
        close(pipes[0]);
        alarm(20); /* whatever runs on by mistake does not run for ever */
        execv(copies[0], copies);
        _exit(98);
    }
    close(pipes[1]);
    for (ssize_t got;
         used < sizeof outcome.output - 1 &&
         (got = read(pipes[0], outcome.output + used, sizeof outcome.output - 1 - used)) > 0;) {
        used += (size_t)got;
    }
    close(pipes[0]);
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
}

static void
assert_says(const struct outcome_of *outcome, int status, const char *code, const char *piece)
{
    CLEANUP(mem_free) char *label = mem_format("error[%s]", code);

    if (outcome->status != status || !strstr(outcome->output, label) ||
        !strstr(outcome->output, piece)) {
        fail_msg("wanted status %d, %s and '%s'; got status %d:\n%s", status, label, piece,
                 outcome->status, outcome->output);
    }
}

/* A sound configuration, with these lines replaced or added. */
static const char *
write_config(const struct folder *folder, const char *more)
{
    CLEANUP(mem_free)
    char *text =
        mem_format("listen: {agents: \"tcp://127.0.0.1:*\", operators: "
                   "\"tcp://127.0.0.1:*\"}\nkey: %s/coordinator.key\nstore: %s/store.db\n%s",
                   folder->path, folder->path, more);
    return folder_text(folder, "coordinator.yaml", text, 0600);
}

static void
write_key(const struct folder *folder)
{
    struct key_pair pair;
    struct error error;

    keys_generate(&pair);
    CLEANUP(mem_free) char *base = mem_format("%s/coordinator", folder->path);
    assert_true(keys_save(&pair, base, &error));
}

static void
assert_config_refused(const struct folder *folder, const char *more, const char *code,
                      const char *piece)
{
    const char *words[] = {"--config", write_config(folder, more), NULL};
    struct outcome_of outcome = run(words, 0);

    assert_says(&outcome, 3, code, piece);
    /* Refused before anything was made. */
    assert_int_equal(-1, access(folder_path(folder, "store.db"), F_OK));
}

/* ---- words ---------------------------------------------------------------------------------- */

static void
explains_itself_and_refuses_words_it_does_not_know(void **state)
{
    const char *help[] = {"--help", NULL}, *version[] = {"--version", NULL};
    const char *unknown[] = {"--confg", "x", NULL}, *nothing[] = {NULL};
    const char *both[] = {"--config", "x", "--inspect", "--accept-older-store", NULL};
    const char *extra[] = {"--config", "x", "y", NULL}, *half[] = {"--config", NULL};
    (void)state;

    struct outcome_of outcome = run(help, 0);
    assert_int_equal(0, outcome.status);
    assert_non_null(strstr(outcome.output, "example: skein-coordinator --config"));
    outcome = run(version, 0);
    assert_int_equal(0, outcome.status);
    assert_non_null(strstr(outcome.output, "skein-coordinator " SKEIN_VERSION));
    outcome = run(unknown, 0);
    assert_says(&outcome, 2, "E-CLI-USAGE", "--confg");
    outcome = run(nothing, 0);
    assert_says(&outcome, 2, "E-CLI-USAGE", "--config FILE is missing");
    outcome = run(extra, 0);
    assert_says(&outcome, 2, "E-CLI-USAGE", "unexpected argument y");
    outcome = run(both, 0);
    assert_says(&outcome, 2, "E-CLI-USAGE", "--inspect");
    outcome = run(half, 0);
    assert_says(&outcome, 2, "E-CLI-USAGE", "--config");
}

/* ---- configuration -------------------------------------------------------------------------- */

static void
refuses_what_the_configuration_must_not_say(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    static const struct {
        const char *more, *code, *piece;
    } wrong[] = {
        {"lisen: 1\n", "E-CFG-UNKNOWN", "coordinator.yaml:4:"},
        {"log: loud\n", "E-CFG-RANGE", "coordinator.yaml:4:6"},
        {"log: info\nlog: info\n", "E-CFG-DUP", "coordinator.yaml:5:"},
        {"limits: 5\n", "E-CFG-TYPE", "coordinator.yaml:4:"},
        {"limits: {agents: many}\n", "E-CFG-TYPE", "coordinator.yaml:4:"},
        {"limits: {agents: 0}\n", "E-CFG-RANGE", "coordinator.yaml:4:"},
        {"limits: {agents: 99999999999999999999}\n", "E-CFG-RANGE", "coordinator.yaml:4:"},
        {"limits: {window: 65}\n", "E-CFG-RANGE", "coordinator.yaml:4:"},
        {"limits: {store_mib: -1}\n", "E-CFG-RANGE", "coordinator.yaml:4:"},
        {"times: {heartbeat: 1}\n", "E-CFG-TYPE", "coordinator.yaml:4:"},
        {"times: {heartbeat: 200ms, resend: 2s}\n", "E-CFG-INCONSISTENT", "times.heartbeat"},
        {"cluster: mine\n", "E-CFG-RANGE", "coordinator.yaml:4:"},
        {"volatile_store: maybe\n", "E-CFG-RANGE", "warn refuse"},
        {"operators: you\n", "E-CFG-TYPE", "coordinator.yaml:4:"},
        {"operators: [you]\n", "E-CFG-TYPE", "coordinator.yaml:4:"},
        {"operators: [{name: you}]\n", "E-CFG-MISSING", "'key'"},
        {"operators: [{name: ../you, key: " KEY_HEX "}]\n", "E-NAME-SYNTAX", "coordinator.yaml:4:"},
        {"operators: [{name: you, key: 12}]\n", "E-KEY", "coordinator.yaml:4:"},
        {"operators: [{name: you, role: king, key: " KEY_HEX "}]\n", "E-CFG-RANGE", "viewer"},
        {"operators:\n  - {name: a, key: " KEY_HEX "}\n  - {name: b, key: " KEY_HEX "}\n",
         "E-CFG-DUP", "coordinator.yaml:6:"},
        {"---\na: b\n", "E-CFG-", "coordinator.yaml"},
        {"x: [1, 2\n", "E-CFG-SYNTAX", "coordinator.yaml:"},
        {"x: &a 1\n", "E-CFG-FEATURE", "coordinator.yaml:4:"},
    };
    (void)state;

    write_key(&folder);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *words[] = {"--config", write_config(&folder, wrong[i].more), NULL};
        struct outcome_of outcome = run(words, 0);
        CLEANUP(mem_free) char *label = mem_format("error[%s", wrong[i].code);
        if (outcome.status != 3 || !strstr(outcome.output, label) ||
            !strstr(outcome.output, wrong[i].piece)) {
            fail_msg("%s: wanted %s and %s, got status %d:\n%s", wrong[i].more, label,
                     wrong[i].piece, outcome.status, outcome.output);
        }
    }
    assert_int_equal(-1, access(folder_path(&folder, "store.db"), F_OK));
}

static void
refuses_endpoints_that_are_none(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    const char *path = folder_text(&folder, "coordinator.yaml",
                                   "listen: {agents: 0.0.0.0, operators: \"tcp://127.0.0.1:*\"}\n"
                                   "key: k\nstore: s\n",
                                   0600);
    const char *words[] = {"--config", path, NULL};
    struct outcome_of outcome = run(words, 0);
    assert_says(&outcome, 3, "E-CFG-RANGE", "coordinator.yaml:1:18");

    folder_text(&folder, "coordinator.yaml",
                "listen: {agents: \"tcp://127.0.0.1:77\", operators: \"tcp://127.0.0.1:77\"}\n"
                "key: k\nstore: s\n",
                0600);
    outcome = run(words, 0);
    assert_says(&outcome, 3, "E-CFG-INCONSISTENT", "listen.operators");
    folder_text(&folder, "coordinator.yaml", "key: k\nstore: s\n", 0600);
    outcome = run(words, 0);
    assert_says(&outcome, 3, "E-CFG-MISSING", "listen");
    folder_text(&folder, "coordinator.yaml", "", 0600);
    outcome = run(words, 0);
    assert_int_equal(3, outcome.status);
}

static void
refuses_a_configuration_that_others_may_write(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    write_key(&folder);
    const char *path = write_config(&folder, "");
    const char *words[] = {"--config", path, NULL};
    assert_int_equal(0, chmod(path, 0666));
    struct outcome_of outcome = run(words, 0);
    assert_says(&outcome, 3, "E-CFG-PERM", "coordinator.yaml");
    const char *missing[] = {"--config", folder_path(&folder, "none.yaml"), NULL};
    outcome = run(missing, 0);
    assert_says(&outcome, 3, "E-CFG-OPEN", "none.yaml");
}

static void
refuses_a_key_that_is_none(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    folder_text(&folder, "coordinator.key", "public: 12\nsecret: 13\n", 0600);
    assert_config_refused(&folder, "", "E-KEY-FORMAT", "coordinator.key");
    folder_text(&folder, "coordinator.key", "public: " KEY_HEX "\nsecret: " KEY_HEX "\n", 0600);
    assert_config_refused(&folder, "", "E-KEY-PAIR", "coordinator.key");
    assert_int_equal(0, unlink(folder_path(&folder, "coordinator.key")));
    assert_config_refused(&folder, "", "E-KEY-OPEN", "coordinator.key");
    write_key(&folder);
    assert_int_equal(0, chmod(folder_path(&folder, "coordinator.key"), 0644));
    assert_config_refused(&folder, "", "E-CFG-PERM", "coordinator.key");
}

static void
checks_without_touching_anything(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    write_key(&folder);
    const char *words[] = {"--config", write_config(&folder, "limits: {agents: 10}\n"), "--check",
                           NULL};
    struct outcome_of outcome = run(words, 0);
    assert_int_equal(0, outcome.status);
    assert_non_null(strstr(outcome.output, "sound"));
    assert_int_equal(-1, access(folder_path(&folder, "store.db"), F_OK));
}

static void
says_how_many_files_it_must_be_allowed_to_open(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    if (geteuid() != 0) {
        print_message("skipped: only root can become somebody who may not raise the limit\n");
        skip();
    }
    write_key(&folder);
    const char *path = write_config(&folder, "limits: {agents: 5000, operators: 100}\n");
    const char *names[] = {"", "coordinator.yaml", "coordinator.key"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(0, chown(folder_path(&folder, names[i]), 65534, 65534));
    }
    const char *words[] = {"--config", path, NULL};
    struct outcome_of outcome = run(words, 256);
    if (outcome.status == 98) {
        print_message("skipped: the program lies where only root may go\n");
        skip();
    }
    assert_says(&outcome, 3, "E-RLIMIT", "5228");
    assert_non_null(strstr(outcome.output, "256"));
}

/* ---- the store ------------------------------------------------------------------------------ */

static void
refuses_stores_it_must_not_use(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    (void)state;

    write_key(&folder);
    const char *words[] = {"--config", write_config(&folder, ""), NULL};
    folder_text(&folder, "store.db", "my letters", 0600);
    struct outcome_of outcome = run(words, 0);
    assert_says(&outcome, 3, "E-STORE-FOREIGN", "store.db");
    assert_int_equal(0, chmod(folder_path(&folder, "store.db"), 0644));
    outcome = run(words, 0);
    assert_says(&outcome, 3, "E-STORE-PERM", "0644");
    CLEANUP(mem_free)
    char *elsewhere = mem_format("listen: {agents: \"tcp://127.0.0.1:*\", operators: "
                                 "\"tcp://127.0.0.1:*\"}\nkey: %s/coordinator.key\n"
                                 "store: /proc/store.db\n",
                                 folder.path);
    folder_text(&folder, "coordinator.yaml", elsewhere, 0600);
    outcome = run(words, 0);
    assert_says(&outcome, 3, "E-STORE-PERM", "/proc");
}

static void
refuses_a_store_that_another_coordinator_holds(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    (void)state;

    daemon_make(&daemon, NULL);
    daemon_begin(&daemon);
    CLEANUP(mem_free) char *config = mem_format("%s/coordinator.yaml", daemon.folder);
    CLEANUP(mem_free) char *pid = mem_format("process %ld", (long)daemon.pid);
    const char *words[] = {"--config", config, NULL};
    struct outcome_of outcome = run(words, 0);
    assert_says(&outcome, 5, "E-STORE-LOCKED", pid);
    assert_int_equal(0, daemon_end(&daemon, SIGTERM)); /* and the first one is as well as before */
}

static void
refuses_a_port_that_is_taken(void **state)
{
    CLEANUP(daemon_remove) struct daemon first, second;
    (void)state;

    daemon_make(&first, NULL);
    daemon_make(&second, NULL);
    daemon_begin(&first);
    CLEANUP(mem_free)
    char *text = mem_format("listen: {agents: \"%s\", operators: \"tcp://127.0.0.1:*\"}\n"
                            "key: %s/coordinator.key\nstore: %s/store.db\n",
                            first.endpoints[PARTY_AGENT], second.folder, second.folder);
    CLEANUP(mem_free) char *config = mem_format("%s/coordinator.yaml", second.folder);
    FILE *file = fopen(config, "w");
    fputs(text, file);
    fclose(file);
    const char *words[] = {"--config", config, NULL};
    struct outcome_of outcome = run(words, 0);
    assert_says(&outcome, 5, "E-LISTEN", first.endpoints[PARTY_AGENT]);
}

/* ---- living and ending ---------------------------------------------------------------------- */

static void
ends_with_status_0_after_a_signal_and_leaves_a_sound_store(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    const int signals[] = {SIGTERM, SIGINT};
    (void)state;

    daemon_make(&daemon, NULL);
    for (size_t i = 0; i < 2; i++) {
        daemon_begin(&daemon);
        assert_int_equal(0, daemon_end(&daemon, signals[i]));
    }
    CLEANUP(mem_free) char *path = mem_format("%s/store.db", daemon.folder);
    CLEANUP(mem_free) char *wal = mem_format("%s-wal", path);
    assert_int_equal(-1, access(wal, F_OK)); /* all of it is in the one file */
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &database));
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(database,
                                                   "SELECT (SELECT epoch FROM meta), (SELECT "
                                                   "count(*) FROM operator WHERE name = 'admin'), "
                                                   "(SELECT count(*) FROM audit)",
                                                   -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    assert_int_equal(2, sqlite3_column_int(statement, 0));
    assert_int_equal(1, sqlite3_column_int(statement, 1));
    assert_int_equal(1, sqlite3_column_int(statement, 2)); /* enrolled once, not at every start */
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

static void
writes_no_secret_anywhere(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    char secret[KEYS_HEX_SIZE];
    (void)state;

    daemon_make(&daemon, "log: debug\n");
    daemon_begin(&daemon);
    daemon_end(&daemon, SIGTERM);
    CLEANUP(mem_free) char *log = daemon_log(&daemon);
    text_hex(daemon.keys.secret_key, KEYS_SIZE, secret);
    assert_null(strstr(log, secret));
    CLEANUP(mem_free)
    char *search =
        mem_format("grep -qc -e %s %s/store.db %s/log", secret, daemon.folder, daemon.folder);
    assert_int_not_equal(0, system(search));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_itself_and_refuses_words_it_does_not_know),
        cmocka_unit_test(refuses_what_the_configuration_must_not_say),
        cmocka_unit_test(refuses_endpoints_that_are_none),
        cmocka_unit_test(refuses_a_configuration_that_others_may_write),
        cmocka_unit_test(refuses_a_key_that_is_none),
        cmocka_unit_test(checks_without_touching_anything),
        cmocka_unit_test(says_how_many_files_it_must_be_allowed_to_open),
        cmocka_unit_test(refuses_stores_it_must_not_use),
        cmocka_unit_test(refuses_a_store_that_another_coordinator_holds),
        cmocka_unit_test(refuses_a_port_that_is_taken),
        cmocka_unit_test(ends_with_status_0_after_a_signal_and_leaves_a_sound_store),
        cmocka_unit_test(writes_no_secret_anywhere),
    };
    return RUN_TESTS(tests);
}
