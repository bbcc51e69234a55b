/*
 * A coordinator that only shows its store: whatever is wrong with the store, people see what is in
 * it, nobody changes anything, and not one byte of it is written.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/base/text.h"

#include "tests/component/coordinator/store_files.h"
#include "tests/support/console.h"
#include "tests/support/daemon.h"

#define ANSWER_MS 10000
#define TARGETS 3

/* ---- a store with a run in it ---------------------------------------------------------------- */

static struct folder
folder_of(const struct daemon *daemon)
{
    struct folder folder;

    snprintf(folder.path, sizeof folder.path, "%s", daemon->folder);
    return folder;
}

static struct id
numbered(uint8_t kind, uint8_t number)
{
    return (struct id){{kind, number, 1}};
}

static void
keep(struct store *store, const struct record *record)
{
    struct error error;

    assert_true(save(store, record, &error));
}

static void
keep_target(struct store *store, uint8_t i)
{
    static struct leg_step steps[] = {{.version = "1", .name = "one"}};
    struct record target = {.kind = RECORD_TARGET}, leg = {.kind = RECORD_LEG};
    struct record step = {.kind = RECORD_STEP};
    char name[16];

    snprintf(name, sizeof name, "auth-%d", TARGETS - i);
    target.target = (struct target_record){.target_id = numbered('t', i),
                                           .name = name,
                                           .service = "auth",
                                           .agent = "agent-1",
                                           .applied_version = "1"};
    leg.leg = (struct leg_record){.run_id = numbered('r', 1),
                                  .target_id = numbered('t', i),
                                  .ordinal = i,
                                  .wave = 1,
                                  .state = LEG_DONE,
                                  .from_version = "0",
                                  .steps = steps,
                                  .step_count = 1,
                                  .done_count = 1};
    step.step = (struct step_record){.step_id = numbered('s', i),
                                     .run_id = numbered('r', 1),
                                     .target_id = numbered('t', i),
                                     .version = "1",
                                     .name = "one",
                                     .state = STEP_DONE,
                                     .attempt = 1};
    keep(store, &target);
    keep(store, &leg);
    keep(store, &step);
}

static void
keep_operator(struct store *store, const char *name, const struct key_pair *keys)
{
    struct record person = {.kind = RECORD_OPERATOR};

    person.operator=(struct operator_record){.name = name, .is_active = true};
    memcpy(&person.operator.key, keys->public_key, sizeof person.operator.key);
    keep(store, &person);
}

static void
fill(const struct daemon *daemon, const struct key_pair *viewer)
{
    struct folder folder = folder_of(daemon);
    struct record agent = agent_named("agent-1"), run = {.kind = RECORD_RUN};
    struct store *store = opened(&folder);

    run.run = (struct run_record){.run_id = numbered('r', 1),
                                  .number = 1,
                                  .state = RUN_RUNNING,
                                  .why = "begun",
                                  .operator_name = "you",
                                  .leg_count = TARGETS};
    keep(store, &agent);
    keep_operator(store, "viewer", viewer);
    keep(store, &run);
    for (uint8_t i = 0; i < TARGETS; i++) {
        keep_target(store, i);
    }
    store_close(&store);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static struct console *
console_of(const struct daemon *daemon, const struct key_pair *keys)
{
    return console_new(daemon->endpoints[PARTY_OPERATOR], daemon->keys.public_key, keys);
}

static const struct message *
ask(struct console *console, enum message_type type)
{
    static struct message request;

    request = (struct message){.type = type};
    if (type == MESSAGE_LOG) {
        request.log.run = "1";
    }
    const struct message *answer = console_ask(console, &request, ANSWER_MS);
    assert_non_null(answer);
    return answer;
}

static void
shows_all_of_it(struct console *console)
{
    const struct message *answer = ask(console, MESSAGE_RUNS);

    assert_int_equal(MESSAGE_RUNS_VIEW, answer->type);
    assert_int_equal(1, answer->runs_view.row_count);
    answer = ask(console, MESSAGE_LOG);
    assert_int_equal(MESSAGE_LOG_VIEW, answer->type);
    assert_int_equal(TARGETS, answer->log_view.row_count);
    answer = ask(console, MESSAGE_TARGETS);
    assert_int_equal(MESSAGE_TARGETS_VIEW, answer->type);
    assert_int_equal(TARGETS, answer->targets_view.total);
    assert_string_equal("auth-1", answer->targets_view.rows[0].name);
    assert_string_equal("auth-3", answer->targets_view.rows[2].name);
    assert_false(answer->targets_view.rows[0].is_reachable);
    answer = ask(console, MESSAGE_AGENTS);
    assert_int_equal(MESSAGE_AGENTS_VIEW, answer->type);
    assert_int_equal(1, answer->agents_view.row_count);
    assert_int_equal(TARGETS, answer->agents_view.rows[0].target_count);
    assert_false(answer->agents_view.rows[0].is_connected);
    answer = ask(console, MESSAGE_OPERATORS);
    assert_int_equal(MESSAGE_OPERATORS_VIEW, answer->type);
    assert_int_equal(1, answer->operators_view.row_count);
}

static void
assert_notice(struct console *console, const char *piece)
{
    const struct message *answer = ask(console, MESSAGE_STATUS);

    assert_int_equal(MESSAGE_RUN_VIEW, answer->type);
    assert_int_equal(TARGETS, answer->run_view.leg_count);
    assert_non_null(answer->run_view.notice);
    if (!strstr(answer->run_view.notice, piece)) {
        fail_msg("wanted '%s' in: %s", piece, answer->run_view.notice);
    }
}

/* ---- what can be wrong ----------------------------------------------------------------------- */

/* Write bytes into a file of the store. */
static void
scribble(const struct folder *folder, const char *name, long offset, const char *bytes)
{
    FILE *file = fopen(folder_path(folder, name), "r+");

    assert_non_null(file);
    assert_int_equal(0, fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET));
    assert_true(fwrite(bytes, 1, strlen(bytes), file) == strlen(bytes));
    assert_int_equal(0, fclose(file));
}

static void
leave_it(const struct folder *folder)
{
    (void)folder;
}

static void
change_a_row(const struct folder *folder)
{
    execute(folder, "store.db", "UPDATE run SET why = 'all is well'");
}

static void
take_the_key(const struct folder *folder)
{
    assert_int_equal(0, unlink(folder_path(folder, "store.db.key")));
}

static void
go_back(const struct folder *folder)
{
    scribble(folder, "store.db.lock", 0, "pid 1\nepoch 99\n");
}

static void
come_from_the_future(const struct folder *folder)
{
    execute(folder, "store.db",
            "ALTER TABLE target ADD COLUMN moon_phase INTEGER; PRAGMA user_version = 99");
}

/* From before the rows had hashes. */
static void
come_from_the_past(const struct folder *folder)
{
    execute(folder, "store.db",
            "ALTER TABLE agent DROP COLUMN mac; ALTER TABLE operator DROP COLUMN mac;"
            "ALTER TABLE target DROP COLUMN mac; ALTER TABLE run DROP COLUMN mac;"
            "ALTER TABLE leg DROP COLUMN mac; ALTER TABLE step DROP COLUMN mac;"
            "PRAGMA user_version = 1");
}

static void
forget_whose_it_is(const struct folder *folder)
{
    execute(folder, "store.db", "DELETE FROM meta");
}

static void
spoil_a_row(const struct folder *folder)
{
    execute(folder, "store.db", "INSERT INTO operator VALUES ('mallory', x'00', 2, 1, 0, x'00')");
}

/* The last page of the file is one of the audit or the bundles: nothing that is shown. */
static void
damage_a_page(const struct folder *folder)
{
    execute(folder, "store.db", "CREATE TABLE extra (x TEXT); INSERT INTO extra VALUES ('y')");
    scribble(folder, "store.db", -4096, "\x0d this is no page of a table any more");
}

static void
open_it_to_others(const struct folder *folder)
{
    assert_int_equal(0, chmod(folder_path(folder, "store.db"), 0644));
}

static const struct wrong {
    void (*happens)(const struct folder *folder);
    const char *code; /* what the notice says; null: the store is sound */
} wrongs[] = {
    {leave_it, NULL},
    {open_it_to_others, NULL},
    {change_a_row, "E-STORE-TAMPERED"},
    {take_the_key, "E-STORE-TAMPERED"},
    {go_back, "E-STORE-REGRESSED"},
    {come_from_the_future, "E-STORE-NEWER"},
    {come_from_the_past, "E-STORE-TAMPERED"},
    {forget_whose_it_is, "E-STORE-CORRUPT"},
    {spoil_a_row, "E-STORE-CORRUPT"},
    {damage_a_page, "E-STORE-CORRUPT"},
};

/* ---- tests ----------------------------------------------------------------------------------- */

static void
shows_a_store_whatever_is_wrong_with_it(void **state)
{
    struct key_pair viewer;
    (void)state;

    keys_generate(&viewer);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        CLEANUP(daemon_remove) struct daemon daemon;
        daemon_make(&daemon, NULL);
        struct folder folder = folder_of(&daemon);
        fill(&daemon, &viewer);
        wrongs[i].happens(&folder);
        CLEANUP(text_release) struct text before = content_of(folder_path(&folder, "store.db"));
        daemon.option = "--inspect";
        daemon_begin(&daemon);
        CLEANUP(console_destroy) struct console *console = console_of(&daemon, &daemon.admin);
        shows_all_of_it(console);
        assert_notice(console, wrongs[i].code ? wrongs[i].code : "the store is only shown");
        assert_int_equal(0, daemon_end(&daemon, SIGTERM));
        CLEANUP(text_release) struct text after = content_of(folder_path(&folder, "store.db"));
        assert_int_equal(before.size, after.size);
        assert_memory_equal(before.data, after.data, before.size);
        CLEANUP(mem_free) char *log = daemon_log(&daemon);
        assert_non_null(strstr(log, "inspecting the store"));
        assert_true(!wrongs[i].code || strstr(log, wrongs[i].code));
    }
}

static void
refuses_every_change(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    static const enum message_type changes[] = {
        MESSAGE_OFFER, MESSAGE_PUT,   MESSAGE_PLAN,  MESSAGE_PLAN_PAGE, MESSAGE_APPLY,
        MESSAGE_SIZES, MESSAGE_STEER, MESSAGE_ENROL, MESSAGE_EXPEL,     MESSAGE_FORGET};
    struct key_pair viewer;
    (void)state;

    keys_generate(&viewer);
    daemon_make(&daemon, NULL);
    fill(&daemon, &viewer);
    daemon.option = "--inspect";
    daemon_begin(&daemon);
    CLEANUP(console_destroy) struct console *console = console_of(&daemon, &daemon.admin);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct message request = {.type = changes[i]};
        switch (changes[i]) {
        case MESSAGE_OFFER:
            request.offer.service = "auth";
            break;
        case MESSAGE_STEER:
            request.steer = (struct steer){.run = "1", .verb = STEER_CANCEL};
            break;
        case MESSAGE_ENROL:
            request.enrol.name = "new";
            break;
        case MESSAGE_EXPEL:
            request.expel.name = "agent-1";
            break;
        case MESSAGE_FORGET:
            request.forget.target = "auth-1";
            break;
        case MESSAGE_SIZES:
            request.sizes.service = "auth";
            break;
        default:
            break;
        }
        const struct message *answer = console_ask(console, &request, ANSWER_MS);
        assert_non_null(answer);
        assert_int_equal(MESSAGE_REFUSED, answer->type);
        assert_string_equal("E-STORE-INSPECTED", answer->refused.fault.code);
    }
    const struct message *answer = ask(console, MESSAGE_STATUS);
    assert_int_equal(RUN_RUNNING, answer->run_view.state);
    shows_all_of_it(console);
}

/* A frame that is none, and a run that there never was. */
static void
answers_what_it_cannot_show(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    struct message request = {.type = MESSAGE_STATUS, .status = {.run = "77"}};
    struct key_pair viewer;
    (void)state;

    keys_generate(&viewer);
    daemon_make(&daemon, NULL);
    fill(&daemon, &viewer);
    struct folder folder = folder_of(&daemon);
    execute(&folder, "store.db", "UPDATE run SET why = hex(randomblob(4000))");
    daemon.option = "--inspect";
    daemon_begin(&daemon);
    CLEANUP(console_destroy) struct console *console = console_of(&daemon, &daemon.admin);
    const struct message *answer = console_ask(console, &request, ANSWER_MS);
    assert_string_equal("E-RUN-UNKNOWN", answer->refused.fault.code);
    request = (struct message){.type = MESSAGE_TARGETS, .targets = {.select = "no=such=term"}};
    answer = console_ask(console, &request, ANSWER_MS);
    assert_string_equal("E-SEL-SYNTAX", answer->refused.fault.code);
    request = (struct message){.type = MESSAGE_RUNS, .cluster_id = numbered('x', 1)};
    answer = console_ask(console, &request, ANSWER_MS);
    assert_true(!answer || answer->type == MESSAGE_REJECT);
    /* What was written into the row is longer than any message may say. */
    request = (struct message){.type = MESSAGE_STATUS};
    answer = console_ask(console, &request, ANSWER_MS);
    assert_string_equal("E-STORE-CORRUPT", answer->refused.fault.code);
    answer = console_send(console, "rubbish", 7, ANSWER_MS);
    assert_int_equal(MESSAGE_REJECT, answer->type);
    shows_all_of_it(console);
}

/* Somebody who could write to the store could have added themselves. */
static void
lets_the_operators_of_a_doubtful_store_out(void **state)
{
    struct key_pair viewer;
    (void)state;

    keys_generate(&viewer);
    for (int is_doubtful = 0; is_doubtful < 2; is_doubtful++) {
        CLEANUP(daemon_remove) struct daemon daemon;
        daemon_make(&daemon, NULL);
        struct folder folder = folder_of(&daemon);
        fill(&daemon, &viewer);
        if (is_doubtful) {
            take_the_key(&folder);
        }
        daemon.option = "--inspect";
        daemon_begin(&daemon);
        CLEANUP(console_destroy) struct console *console = console_of(&daemon, &viewer);
        struct message request = {.type = MESSAGE_RUNS};
        const struct message *answer =
            console_ask(console, &request, is_doubtful ? 1500 : ANSWER_MS);
        assert_int_equal(is_doubtful, answer == NULL);
        CLEANUP(mem_free) char *log = daemon_log(&daemon);
        assert_int_equal(is_doubtful, strstr(log, "only the operators of the conf") != NULL);
    }
}

static void
has_no_door_for_agents(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct key_pair viewer;
    (void)state;

    keys_generate(&viewer);
    daemon_make(&daemon, NULL);
    fill(&daemon, &viewer);
    daemon.option = "--inspect";
    daemon_begin(&daemon);
    address.sin_port = htons((uint16_t)daemon.ports[PARTY_AGENT]);
    int visitor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(-1, connect(visitor, (struct sockaddr *)&address, sizeof address));
    assert_int_equal(ECONNREFUSED, errno);
    close(visitor);
}

/* ---- the store alone ------------------------------------------------------------------------- */

static void
is_not_opened_beside_a_coordinator_that_leads(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    (void)state;

    options.inspects = true;
    assert_refused(&options, "E-STORE-PERM"); /* there is none */
    assert_int_equal(-1, access(options.path, F_OK));
    folder_text(&folder, "store.db", "", 0600);
    assert_refused(&options, "E-STORE-FOREIGN");
    assert_int_equal(0, unlink(options.path));
    struct store *leading = opened(&folder);
    assert_refused(&options, "E-STORE-LOCKED");
    store_close(&leading);
}

/* As a user who may only read: once without a log, once with what was committed still in it. */
static int
read_as_nobody(const struct store_options *options, size_t records)
{
    struct store *store;
    struct error error;
    int status;

    pid_t child = fork();
    if (child == 0) {
        bool is_somebody_else = geteuid() != 0 || setuid(65534) == 0;
        if (!is_somebody_else || !try_open(options, &store, &error)) {
            _exit(error_is(&error, "E-STORE-PERM") ? 2 : 1);
        }
        size_t found = records_in(store);
        bool is_doubted = store_doubt(store) != NULL;
        store_close(&store);
        _exit(found == records && !is_doubted ? 0 : 3);
    }
    assert_int_equal(child, waitpid(child, &status, 0));
    return WEXITSTATUS(status);
}

static void
give_away(const struct folder *folder)
{
    static const char *const names[] = {"", "store.db", "store.db.key", "store.db.lock"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = folder_path(folder, names[i]);
        assert_int_equal(0, geteuid() == 0 ? chown(path, 65534, 65534) : 0);
        assert_int_equal(0, chmod(path, i ? 0400 : 0500));
    }
}

static void
is_read_where_nothing_may_be_written(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    struct record agent = agent_named("a");
    (void)state;

    options.inspects = true;
    keep(store, &agent);
    store_close(&store);
    give_away(&folder);
    assert_int_equal(0, read_as_nobody(&options, 1));
    /* A log that cannot be read without writing: leaving it out would show what is not so. */
    assert_int_equal(0, chmod(folder.path, 0700));
    folder_text(&folder, "store.db-wal", "what was committed last", 0600);
    assert_int_equal(0, chmod(folder.path, 0500));
    assert_int_equal(2, read_as_nobody(&options, 1));
    assert_int_equal(0, chmod(folder.path, 0700));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_a_store_whatever_is_wrong_with_it),
        cmocka_unit_test(refuses_every_change),
        cmocka_unit_test(answers_what_it_cannot_show),
        cmocka_unit_test(lets_the_operators_of_a_doubtful_store_out),
        cmocka_unit_test(has_no_door_for_agents),
        cmocka_unit_test(is_not_opened_beside_a_coordinator_that_leads),
        cmocka_unit_test(is_read_where_nothing_may_be_written),
    };
    return RUN_TESTS(tests);
}
