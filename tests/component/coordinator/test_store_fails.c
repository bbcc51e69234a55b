/*
 * What the store says when SQLite says no: at every question that can be asked of it, and about
 * every row that does not hold what it should.
 */
#include "coordinator/shell/store.h"

#include <sqlite3.h>

#include "common/base/mem.h"

#include "coordinator/shell/store_private.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct store *
opened(const struct folder *folder)
{
    const struct store_options options = {.path = folder_path(folder, "store.db")};
    struct store *store = NULL;
    struct error error = {0};

    if (!store_open(&options, &store, &error)) {
        fail_msg("%s: %s (%s)", error.code, error.text, error.found);
    }
    return store;
}

/* ---- every question ------------------------------------------------------------------------- */

struct asking {
    struct store *store;
    struct arena arena;
    struct text bytes;
    struct error error;
};

static const struct id some_id = {{1}};
static const struct digest some_digest = {{2}};

static void
ignore(void *context, const struct record *record)
{
    (void)context;
    (void)record;
}

static const struct store_reader reader = {ignore, NULL};

static bool
ask_load(struct asking *asking)
{
    return store_load(asking->store, &reader, &asking->error);
}

static bool
ask_load_parties(struct asking *asking)
{
    return store_load_parties(asking->store, &reader, &asking->error);
}

static bool
ask_load_run(struct asking *asking)
{
    return store_load_run(asking->store, &some_id, &reader, &asking->error);
}

static bool
ask_next_number(struct asking *asking)
{
    uint64_t number;
    return store_next_number(asking->store, &number, &asking->error);
}

static bool
ask_run(struct asking *asking)
{
    struct record record;
    return store_find_run(asking->store, "1", &asking->arena, &record, &asking->error);
}

static bool
ask_last_run(struct asking *asking)
{
    struct record record;
    return store_find_run(asking->store, "last", &asking->arena, &record, &asking->error);
}

static bool
ask_target(struct asking *asking)
{
    struct record record;
    return store_find_target(asking->store, &some_id, &asking->arena, &record, &asking->error);
}

static bool
ask_target_named(struct asking *asking)
{
    struct id id;
    return store_find_target_named(asking->store, "auth", &id, &asking->error);
}

static bool
ask_step(struct asking *asking)
{
    struct record record;
    return store_find_step(asking->store, &some_id, &asking->arena, &record, &asking->error);
}

static bool
ask_failed_attempt(struct asking *asking)
{
    uint64_t attempt;
    return store_failed_attempt(asking->store, &some_id, &some_id, &attempt, &asking->error);
}

static bool
ask_runs(struct asking *asking)
{
    struct store_page page;
    return store_runs(asking->store, 0, 10, &asking->arena, &page, &asking->error);
}

static bool
ask_legs(struct asking *asking)
{
    struct store_page page;
    return store_legs(asking->store, &some_id, LEGS_ALL, 0, 10, &asking->arena, &page,
                      &asking->error);
}

static bool
ask_steps(struct asking *asking)
{
    struct store_page page;
    return store_steps(asking->store, &some_id, NULL, 0, 10, &asking->arena, &page, &asking->error);
}

static bool
ask_waves(struct asking *asking)
{
    struct wave_view *waves;
    size_t count;
    return store_waves(asking->store, &some_id, &asking->arena, &waves, &count, &asking->error);
}

static bool
ask_bundle(struct asking *asking)
{
    uint64_t offset;
    bool is_complete;
    return store_bundle_offered(asking->store, &some_digest, &offset, &is_complete, &asking->error);
}

static bool
ask_bundle_bytes(struct asking *asking)
{
    return store_bundle_read(asking->store, &some_digest, false, &asking->bytes, &asking->error);
}

static bool
put_piece(struct asking *asking)
{
    static char content[2048];
    struct put put = {.digest = {{3}}, .total = sizeof content, .bytes = {content, sizeof content}};
    uint64_t offset;
    return store_bundle_put(asking->store, &put, &offset, &asking->error);
}

static bool
complete_bundle(struct asking *asking)
{
    return store_bundle_complete(asking->store, &some_digest, "auth", &asking->error);
}

static bool
drop_bundle(struct asking *asking)
{
    return store_bundle_drop(asking->store, &some_digest, &asking->error);
}

static bool
begin(struct asking *asking)
{
    return store_begin(asking->store, &asking->error);
}

static bool
save(struct asking *asking)
{
    const struct record record = {.kind = RECORD_AGENT, .agent = {.name = "a"}};
    return store_save(asking->store, &record, &asking->error);
}

static bool (*const questions[])(struct asking *) = {ask_load,
                                                     ask_load_parties,
                                                     ask_load_run,
                                                     ask_next_number,
                                                     ask_run,
                                                     ask_last_run,
                                                     ask_target,
                                                     ask_step,
                                                     ask_failed_attempt,
                                                     ask_target_named,
                                                     ask_runs,
                                                     ask_legs,
                                                     ask_steps,
                                                     ask_waves,
                                                     ask_bundle,
                                                     ask_bundle_bytes,
                                                     put_piece,
                                                     complete_bundle,
                                                     drop_bundle,
                                                     begin,
                                                     save};

/* A row of every kind, so that every question has something to read. */
static void
fill(struct store *store)
{
    static struct leg_step steps[] = {{.version = "1", .name = "one"}};
    static char content[2048];
    struct put put = {
        .digest = some_digest, .total = 2 * sizeof content, .bytes = {content, sizeof content}};
    const struct record records[] = {
        {.kind = RECORD_AGENT, .agent = {.name = "a"}},
        {
            .kind = RECORD_OPERATOR,
            .operator= {.name = "o"} },
            {.kind = RECORD_TARGET,
             .target = {.target_id = some_id, .name = "auth", .service = "auth", .agent = "a"}},
            {.kind = RECORD_RUN, .run = {.run_id = some_id, .number = 1, .operator_name = "o"}},
            {.kind = RECORD_LEG,
             .leg = {.run_id = some_id,
                     .target_id = some_id,
                     .wave = 1,
                     .steps = steps,
                     .step_count = 1}},
            {.kind = RECORD_STEP,
             .step = {.step_id = some_id, .run_id = some_id, .target_id = some_id, .version = "1"}},
        };
    struct error error;
    uint64_t offset;

    assert_true(store_begin(store, &error));
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        assert_true(store_save(store, &records[i], &error));
    }
    assert_true(store_bundle_put(store, &put, &offset, &error));
    assert_true(store_commit(store, &error));
}

static void
assert_says_no(struct asking *asking, size_t index, const char *code)
{
    bool is_answered = questions[index](asking);

    if (is_answered || strncmp(asking->error.code, code, strlen(code)) != 0) {
        fail_msg("question %zu: wanted %s, got %s %s", index, code,
                 is_answered ? "an answer" : asking->error.code, asking->error.text);
    }
}

static int
always(void *context)
{
    (void)context;
    return 1;
}

static void
says_so_when_a_question_is_interrupted_and_answers_the_next_time(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct asking asking = {.store = opened(&folder)};
    (void)state;

    fill(asking.store);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        sqlite3_progress_handler(asking.store->database, 1, always, NULL);
        assert_says_no(&asking, i, "E-STORE-SQL");
        sqlite3_progress_handler(asking.store->database, 0, NULL, NULL);
        store_rollback(asking.store);
        if (!questions[i](&asking)) {
            fail_msg("question %zu is not answered: %s", i, asking.error.text);
        }
        store_rollback(asking.store);
    }
    arena_release(&asking.arena);
    text_release(&asking.bytes);
    store_close(&asking.store);
}

static int
deny(void *context, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)context;
    (void)action;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return SQLITE_DENY;
}

static void
says_so_when_a_question_cannot_even_be_put(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct asking asking = {.store = opened(&folder)};
    (void)state;

    sqlite3_set_authorizer(asking.store->database, deny, NULL);
    for (size_t i = 0; i + 1 < sizeof questions / sizeof *questions; i++) {
        assert_says_no(&asking, i, "E-STORE-PERM");
    }
    arena_release(&asking.arena);
    text_release(&asking.bytes);
    store_close(&asking.store);
}

/* ---- rows that do not hold what they should -------------------------------------------------- */

static void
change(struct store *store, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(store->database, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
}

static void
notices_rows_that_cannot_be_what_they_say(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    static const struct {
        const char *sql, *undo;
        bool (*ask)(struct asking *);
        const char *where;
    } damages[] = {
        {"UPDATE agent SET key = x'00'", "UPDATE agent SET key = zeroblob(32)", ask_load_parties,
         "key"},
        {"UPDATE operator SET role = 99", "UPDATE operator SET role = 0", ask_load_parties, "role"},
        {"UPDATE target SET name = NULL", "UPDATE target SET name = 'auth'", ask_target, "name"},
        {"UPDATE target SET labels = x'c1'", "UPDATE target SET labels = x'9190'", ask_load,
         "labels"},
        {"UPDATE run SET spec = x''", NULL, ask_last_run, "spec"},
        {"UPDATE run SET state = -1", NULL, ask_runs, ""},
        {"UPDATE leg SET steps = x'91dd00ffffff'", NULL, ask_legs, "steps"},
        {"UPDATE leg SET steps = x'9191'", NULL, ask_waves, "steps"},
        {"UPDATE step SET outcome = x'90'", NULL, ask_steps, "outcome"},
        {"UPDATE step SET state = 77", NULL, ask_step, ""},
    };
    struct asking asking = {.store = opened(&folder)};
    (void)state;

    fill(asking.store);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        change(asking.store, damages[i].sql);
        bool is_answered = damages[i].ask(&asking);
        if (is_answered || !error_is(&asking.error, "E-STORE-CORRUPT") ||
            !strstr(asking.error.where, damages[i].where)) {
            fail_msg("%s: %s %s", damages[i].sql, asking.error.code, asking.error.where);
        }
        if (damages[i].undo) {
            change(asking.store, damages[i].undo);
        }
    }
    arena_release(&asking.arena);
    store_close(&asking.store);
}

/* What could well be so, and was written by somebody else. */
static void
notices_rows_that_somebody_else_has_written(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    static const struct {
        const char *sql, *undo;
        bool (*ask)(struct asking *);
        const char *where;
    } changes[] = {
        {"UPDATE operator SET role = 2 - role", "UPDATE operator SET role = 2 - role",
         ask_load_parties, "operator "},
        {"INSERT INTO operator SELECT 'mallory', key, role, is_active, since_wall_ms, mac FROM"
         " operator",
         "DELETE FROM operator WHERE name = 'mallory'", ask_load_parties, "operator mallory"},
        {"UPDATE agent SET is_active = 1 - is_active", "UPDATE agent SET is_active = 1 - is_active",
         ask_load, "agent "},
        {"UPDATE agent SET mac = NULL", NULL, ask_load, "agent "},
        {"UPDATE target SET applied_count = applied_count + 1",
         "UPDATE target SET applied_count = applied_count - 1", ask_target, "target "},
        {"UPDATE run SET state = 4 - state", "UPDATE run SET state = 4 - state", ask_runs, "run "},
        {"UPDATE leg SET wave = wave + 1", "UPDATE leg SET wave = wave - 1", ask_legs, "leg "},
        {"UPDATE step SET owed = 3 - owed", "UPDATE step SET owed = 3 - owed", ask_step, "step "},
    };
    struct asking asking = {.store = opened(&folder)};
    (void)state;

    fill(asking.store);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        change(asking.store, changes[i].sql);
        bool is_answered = changes[i].ask(&asking);
        if (is_answered || !error_is(&asking.error, "E-STORE-TAMPERED") ||
            !text_starts_with(asking.error.where, changes[i].where)) {
            fail_msg("%s: %s %s", changes[i].sql, asking.error.code, asking.error.where);
        }
        if (changes[i].undo) {
            change(asking.store, changes[i].undo);
            assert_true(i == 3 || i == 2 || changes[i].ask(&asking));
        }
    }
    arena_release(&asking.arena);
    store_close(&asking.store);
}

static void
assert_refused(const struct store_options *options, const char *code)
{
    struct store *store = NULL;
    struct error error;

    assert_false(store_open(options, &store, &error));
    assert_string_equal(error.code, code);
}

/* What somebody does to the file while no coordinator runs. */
static void
change_file(const char *path, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(SQLITE_OK, sqlite3_open(path, &database));
    assert_int_equal(SQLITE_OK, sqlite3_exec(database, sql, NULL, NULL, NULL));
    sqlite3_close(database);
}

static void
needs_the_key_of_its_rows(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = {.path = folder_path(&folder, "store.db")};
    CLEANUP(mem_free) char *key = mem_format("%s.key", options.path);
    struct store *store = opened(&folder);
    struct error error;
    (void)state;

    fill(store);
    store_close(&store);
    assert_int_equal(0, unlink(key));
    assert_refused(&options, "E-STORE-TAMPERED");
    folder_text(&folder, "store.db.key", "short", 0600);
    assert_refused(&options, "E-STORE-TAMPERED");
    folder_text(&folder, "store.db.key", "0123456789abcdef0123456789abcdef", 0644);
    assert_refused(&options, "E-STORE-PERM");
    assert_int_equal(0, chmod(key, 0600));
    store = opened(&folder); /* any key will do for opening, and none but the right one for rows */
    assert_false(store_load(store, &reader, &error));
    assert_string_equal(error.code, "E-STORE-TAMPERED");
    store_close(&store);

    assert_int_equal(0, unlink(key));
    options.accepts_older = true;
    assert_true(store_open(&options, &store, &error));
    assert_true(store_load(store, &reader, &error));
    store_close(&store);
}

static void
marks_the_rows_of_a_store_of_before(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct store_options options = {.path = folder_path(&folder, "store.db")};
    CLEANUP(mem_free) char *key = mem_format("%s.key", options.path);
    struct store *store = opened(&folder);
    struct error error;
    (void)state;

    fill(store);
    store_close(&store);
    change_file(options.path,
                "ALTER TABLE agent DROP COLUMN mac; ALTER TABLE operator DROP COLUMN mac;"
                "ALTER TABLE target DROP COLUMN mac; ALTER TABLE run DROP COLUMN mac;"
                "ALTER TABLE leg DROP COLUMN mac; ALTER TABLE step DROP COLUMN mac;"
                "PRAGMA user_version = 1");
    assert_refused(&options, "E-STORE-TAMPERED"); /* it has a key: it was marked before */
    assert_int_equal(0, unlink(key));

    store = opened(&folder);
    assert_true(store_load(store, &reader, &error));
    store_close(&store);
    store = opened(&folder);
    assert_true(store_load(store, &reader, &error));
    store_close(&store);
}

static void
notices_a_store_that_does_not_say_whose_it_is(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct store_options options = {.path = folder_path(&folder, "store.db")};
    struct store *store = opened(&folder);
    struct error error;
    (void)state;

    change(store, "UPDATE meta SET cluster_id = x'00'");
    store_close(&store);
    assert_false(store_open(&options, &store, &error));
    assert_string_equal(error.code, "E-STORE-CORRUPT");
}

static void
refuses_a_lock_file_that_it_may_not_use(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct store_options options = {.path = folder_path(&folder, "store.db")};
    struct store *store = NULL;
    struct error error;
    (void)state;

    assert_int_equal(0, symlink("/etc/passwd", folder_path(&folder, "store.db.lock")));
    assert_false(store_open(&options, &store, &error));
    assert_string_equal(error.code, "E-STORE-PERM");
    assert_int_equal(0, unlink(folder_path(&folder, "store.db.lock")));
    folder_text(&folder, "store.db.lock", "what is this", 0600);
    assert_true(store_open(&options, &store, &error)); /* no witness is not a wrong witness */
    assert_int_equal(1, store_epoch(store));
    store_close(&store);
}

static void
makes_its_store_in_the_folder_it_stands_in(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct store_options options = {.path = "store.db"};
    struct store *store = NULL;
    struct error error;
    char before[512];
    (void)state;

    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(0, chdir(folder.path));
    assert_true(store_open(&options, &store, &error));
    store_close(&store);
    assert_int_equal(0, chdir(before));
    assert_int_equal(0, access(folder_path(&folder, "store.db"), F_OK));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_so_when_a_question_is_interrupted_and_answers_the_next_time),
        cmocka_unit_test(says_so_when_a_question_cannot_even_be_put),
        cmocka_unit_test(notices_rows_that_cannot_be_what_they_say),
        cmocka_unit_test(notices_rows_that_somebody_else_has_written),
        cmocka_unit_test(needs_the_key_of_its_rows),
        cmocka_unit_test(marks_the_rows_of_a_store_of_before),
        cmocka_unit_test(notices_a_store_that_does_not_say_whose_it_is),
        cmocka_unit_test(refuses_a_lock_file_that_it_may_not_use),
        cmocka_unit_test(makes_its_store_in_the_folder_it_stands_in),
    };
    return RUN_TESTS(tests);
}
