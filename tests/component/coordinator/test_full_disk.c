/*
 * The store's disk fills up while the coordinator runs: it says so, loses nothing, does not end,
 * and goes on when there is room.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#include "tests/support/console.h"
#include "tests/support/daemon.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define SOON_MS 20000

static const struct message *
enrol(struct console *admin, size_t number, struct message *request)
{
    static char name[128];
    struct key_pair pair;

    keys_generate(&pair);
    memset(request, 0, sizeof *request);
    request->type = MESSAGE_ENROL;
    snprintf(name, sizeof name, "agent-%0100zu", number);
    request->enrol.name = name;
    memcpy(request->enrol.key.bytes, pair.public_key, KEY_SIZE);
    return console_ask(admin, request, SOON_MS);
}

static uint64_t
agents_known(struct console *admin)
{
    struct message request = {.type = MESSAGE_AGENTS};
    const struct message *answer = console_ask(admin, &request, SOON_MS);

    assert_non_null(answer);
    assert_int_equal(MESSAGE_AGENTS_VIEW, answer->type);
    return answer->agents_view.total;
}

static void
holds_while_there_is_no_room_and_goes_on_when_there_is(void **state)
{
    CLEANUP(folder_remove) struct folder disk = folder_make();
    CLEANUP(daemon_remove) struct daemon daemon;
    struct message request, look = {.type = MESSAGE_AGENTS};
    const struct message *answer;
    static char block[1 << 20];
    size_t said = 0;
    int status;
    (void)state;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", disk.path, "tmpfs", 0, "size=2m,mode=700") < 0) {
        print_message("skipped: a tmpfs cannot be mounted here\n");
        skip();
    }
    CLEANUP(mem_free) char *store = mem_format("%s/store.db", disk.path);
    daemon_make_with_store(&daemon, NULL, store);
    daemon_begin(&daemon);
    CLEANUP(console_destroy)
    struct console *admin =
        console_new(daemon.endpoints[PARTY_OPERATOR], daemon.keys.public_key, &daemon.admin);
    int ballast = open(folder_path(&disk, "ballast"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(sizeof block, write(ballast, block, sizeof block));

    while ((answer = enrol(admin, said, &request)) && answer->type == MESSAGE_DONE) {
        said++;
        assert_true(said < 100000);
    }
    assert_non_null(answer);
    assert_int_equal(MESSAGE_REFUSED, answer->type);
    assert_string_equal("E-STORE-FULL", answer->refused.fault.code);
    for (int i = 0; i < 3; i++) { /* not a crash, and not another answer after a while */
        look.agents.request = id_random();
        answer = console_ask(admin, &look, SOON_MS);
        assert_non_null(answer);
        assert_string_equal("E-STORE-FULL", answer->refused.fault.code);
        assert_false(daemon_has_ended(&daemon, &status));
    }

    assert_int_equal(0, ftruncate(ballast, 0));
    close(ballast);
    int64_t until_ms = clock_now_ms() + SOON_MS;
    do {
        look.agents.request = id_random();
        answer = console_ask(admin, &look, SOON_MS);
        assert_non_null(answer);
    } while (answer->type == MESSAGE_REFUSED && clock_now_ms() < until_ms);
    /* The one that was held is there as well: it had been decided, only not been said. */
    assert_int_equal(said + 1, agents_known(admin));
    answer = enrol(admin, said + 1, &request);
    assert_int_equal(MESSAGE_DONE, answer->type);

    daemon_end(&daemon, SIGKILL);
    daemon_begin(&daemon);
    assert_int_equal(said + 2, agents_known(admin));
    assert_int_equal(0, daemon_end(&daemon, SIGTERM));
    assert_int_equal(0, umount(disk.path));
}

static void
ends_in_peace_when_told_so_while_it_holds(void **state)
{
    CLEANUP(daemon_remove) struct daemon daemon;
    struct message request;
    const struct message *answer;
    (void)state;

    daemon_make(&daemon, "limits: {store_mib: 1}\n");
    daemon_begin(&daemon);
    CLEANUP(console_destroy)
    struct console *admin =
        console_new(daemon.endpoints[PARTY_OPERATOR], daemon.keys.public_key, &daemon.admin);
    for (size_t i = 0; (answer = enrol(admin, i, &request)) && answer->type == MESSAGE_DONE; i++) {
    }
    assert_non_null(answer);
    assert_string_equal("E-STORE-FULL", answer->refused.fault.code);
    assert_int_equal(0, daemon_end(&daemon, SIGTERM));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_while_there_is_no_room_and_goes_on_when_there_is),
        cmocka_unit_test(ends_in_peace_when_told_so_while_it_holds),
    };
    return RUN_TESTS(tests);
}
