#include "coordinator/shell/store.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "common/base/mem.h"

#include "coordinator/shell/store_private.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

/* ---- helpers -------------------------------------------------------------------------------- */

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

static void
save(struct store *store, const struct record *record)
{
    struct error error = {0};

    if (!store_begin(store, &error) || !store_save(store, record, &error) ||
        !store_commit(store, &error)) {
        fail_msg("%s: %s (%s)", error.code, error.text, error.found);
    }
}

/* Everything that a reader is given. */
struct found {
    struct arena arena;
    struct record records[4096];
    size_t count;
};

static void
take(void *context, const struct record *record)
{
    struct found *found = context;

    assert_true(found->count < sizeof found->records / sizeof *found->records);
    record_copy(record, &found->arena, &found->records[found->count++]);
}

static struct found *
loaded(struct store *store)
{
    struct found *found = mem_zalloc(sizeof *found);
    const struct store_reader reader = {take, found};
    struct error error;

    assert_true(store_load(store, &reader, &error));
    return found;
}

static void
found_destroy(struct found **found)
{
    arena_release(&(*found)->arena);
    free(*found);
}

static size_t
count_of(const struct found *found, enum record_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < found->count; i++) {
        count += found->records[i].kind == kind;
    }
    return count;
}

/* A number that the file answers with, asked beside the store. */
static int64_t
asked(const struct folder *folder, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;

    assert_int_equal(SQLITE_OK, sqlite3_open(folder_path(folder, "store.db"), &database));
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
    int status = sqlite3_step(statement);
    int64_t number = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -status;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static struct record
random_record(enum record_kind kind, struct random *random, struct arena *arena)
{
    struct record record;

    memset(&record, 0, sizeof record);
    record.kind = kind;
    pack_random(record_shape(kind), random, arena, &record.agent);
    return record;
}

/* ---- keeping -------------------------------------------------------------------------------- */

static void
gives_back_every_kind_of_record_as_it_was(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(7);
    (void)state;

    for (int round = 0; round < 30; round++) {
        struct record saved[RECORD_KIND_COUNT];
        struct store *store = opened(&folder);
        for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
            saved[kind] = random_record(kind, &random, &arena);
        }
        saved[RECORD_RUN].run.state = RUN_RUNNING;
        saved[RECORD_RUN].run.number = (uint64_t)round + 1; /* no two runs have one */
        saved[RECORD_LEG].leg.run_id = saved[RECORD_RUN].run.run_id;
        saved[RECORD_STEP].step.run_id = saved[RECORD_RUN].run.run_id;
        saved[RECORD_LOAD].load.run_id = saved[RECORD_RUN].run.run_id;
        for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
            save(store, &saved[kind]);
        }
        store_close(&store);

        store = opened(&folder);
        CLEANUP(found_destroy) struct found *found = loaded(store);
        for (enum record_kind kind = 0; kind < RECORD_AUDIT; kind++) {
            bool is_there = false;
            for (size_t i = 0; i < found->count; i++) {
                is_there = is_there || (found->records[i].kind == kind &&
                                        pack_equal(record_shape(kind), &saved[kind].agent,
                                                   &found->records[i].agent));
            }
            assert_true(is_there);
        }
        store_close(&store);
    }
    assert_int_equal(30, asked(&folder, "SELECT count(*) FROM audit"));
}

static void
keeps_the_newer_of_two_records_with_one_identity(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(8);
    struct store *store = opened(&folder);
    struct record leg = random_record(RECORD_LEG, &random, &arena);
    struct record run = random_record(RECORD_RUN, &random, &arena);
    (void)state;

    run.run.state = RUN_RUNNING;
    leg.leg.run_id = run.run.run_id;
    save(store, &run);
    save(store, &leg);
    leg.leg.state = LEG_FAILED;
    leg.leg.fault.text = "no";
    save(store, &leg);

    CLEANUP(found_destroy) struct found *found = loaded(store);
    assert_int_equal(2, found->count);
    assert_true(pack_equal(record_shape(RECORD_LEG), &leg.leg, &found->records[1].leg));
    store_close(&store);
}

static void
keeps_nothing_of_a_turn_that_was_not_committed(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(9);
    struct store *store = opened(&folder);
    struct record agent = random_record(RECORD_AGENT, &random, &arena);
    struct error error;
    (void)state;

    assert_true(store_begin(store, &error));
    assert_true(store_save(store, &agent, &error));
    store_rollback(store);
    store_rollback(store); /* nothing more to take back */

    CLEANUP(found_destroy) struct found *found = loaded(store);
    assert_int_equal(0, found->count);
    store_close(&store);
}

static void
never_changes_a_row_of_the_audit(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct record audit = {.kind = RECORD_AUDIT, .audit = {1, "you", "apply", "run 1", "auth"}};
    struct store *store = opened(&folder);
    (void)state;

    save(store, &audit);
    save(store, &audit);
    store_close(&store);

    assert_int_equal(2, asked(&folder, "SELECT count(*) FROM audit"));
    assert_int_equal(-SQLITE_CONSTRAINT, asked(&folder, "UPDATE audit SET actor = 'me'"));
    assert_int_equal(-SQLITE_CONSTRAINT, asked(&folder, "DELETE FROM audit"));
    assert_int_equal(2, asked(&folder, "SELECT count(*) FROM audit WHERE actor = 'you'"));
}

static void
leads_by_a_larger_epoch_after_every_opening(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store *store = opened(&folder);
    struct id cluster_id = store_cluster_id(store);
    (void)state;

    assert_int_equal(1, store_epoch(store));
    assert_false(id_is_none(&cluster_id));
    for (uint64_t epoch = 2; epoch < 5; epoch++) {
        store_close(&store);
        store = opened(&folder);
        struct id same = store_cluster_id(store);
        assert_int_equal(epoch, store_epoch(store));
        assert_true(id_equal(&cluster_id, &same));
    }
    store_close(&store);
}

/* ---- runs ----------------------------------------------------------------------------------- */

#define TARGETS 60

static struct id
numbered_id(uint8_t kind, uint64_t number)
{
    struct id id = {{kind}};

    for (int i = 0; i < 8; i++) {
        id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    }
    return id;
}

/* A run of TARGETS targets with two steps each, every tenth of which has failed. */
static void
save_run(struct store *store, uint64_t number, enum run_state state)
{
    static struct leg_step steps[] = {{.version = "1", .name = "one"},
                                      {.version = "2", .name = "two"}};
    struct record run = {.kind = RECORD_RUN};
    struct error error;

    run.run = (struct run_record){.run_id = numbered_id('r', number),
                                  .number = number,
                                  .operator_name = "you",
                                  .state = state,
                                  .leg_count = TARGETS,
                                  .started_wall_ms = 1000,
                                  .ended_wall_ms = 3000};
    assert_true(store_begin(store, &error));
    assert_true(store_save(store, &run, &error));
    for (uint64_t i = 0; i < TARGETS; i++) {
        struct record leg = {.kind = RECORD_LEG}, step = {.kind = RECORD_STEP};
        char name[32];
        bool has_failed = i % 10 == 9;
        snprintf(name, sizeof name, "auth-%" PRIu64, i);
        struct record target = {.kind = RECORD_TARGET,
                                .target = {.target_id = numbered_id('t', i),
                                           .name = name,
                                           .service = "auth",
                                           .agent = "agent"}};
        leg.leg = (struct leg_record){.run_id = run.run.run_id,
                                      .target_id = numbered_id('t', i),
                                      .ordinal = i,
                                      .wave = i < 10 ? 1 : 2,
                                      .state = has_failed ? LEG_FAILED : LEG_DONE,
                                      .steps = steps,
                                      .step_count = 2,
                                      .done_count = has_failed ? 1 : 2};
        assert_true(store_save(store, &target, &error));
        assert_true(store_save(store, &leg, &error));
        for (uint64_t position = 0; position < 2; position++) {
            step.step =
                (struct step_record){.step_id = numbered_id('s', number * 1000 + i * 2 + position),
                                     .run_id = run.run.run_id,
                                     .target_id = numbered_id('t', i),
                                     .position = position,
                                     .version = steps[position].version,
                                     .state = has_failed && position == 1 ? STEP_FAILED : STEP_DONE,
                                     .attempt = has_failed && position == 1 ? 3 : 1};
            assert_true(store_save(store, &step, &error));
        }
    }
    assert_true(store_commit(store, &error));
}

static void
loads_only_what_is_open(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store *store = opened(&folder);
    (void)state;

    save_run(store, 1, RUN_DONE);
    save_run(store, 2, RUN_FAILED);
    save_run(store, 3, RUN_CANCELLED);
    save_run(store, 4, RUN_HALTED);

    CLEANUP(found_destroy) struct found *found = loaded(store);
    assert_int_equal(1, count_of(found, RECORD_RUN));
    assert_int_equal(TARGETS, count_of(found, RECORD_LEG));
    assert_int_equal(2 * TARGETS, count_of(found, RECORD_STEP));
    for (size_t i = 0; i < found->count; i++) {
        if (found->records[i].kind == RECORD_RUN) {
            assert_int_equal(4, found->records[i].run.number);
        }
        assert_true(i == 0 || found->records[i].kind >= found->records[i - 1].kind);
    }
    store_close(&store);
}

static void
finds_a_run_by_its_number_its_id_or_as_the_last(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct store *store = opened(&folder);
    struct record run;
    struct error error;
    uint64_t number;
    char text[ID_TEXT_SIZE];
    struct id second = numbered_id('r', 2);
    (void)state;

    assert_false(store_find_run(store, NULL, &arena, &run, &error));
    assert_string_equal(error.code, "E-RUN-UNKNOWN");
    assert_true(store_next_number(store, &number, &error));
    assert_int_equal(1, number);
    save_run(store, 1, RUN_DONE);
    save_run(store, 2, RUN_DONE);
    save_run(store, 3, RUN_DONE);
    assert_true(store_next_number(store, &number, &error));
    assert_int_equal(4, number);

    assert_true(store_find_run(store, "2", &arena, &run, &error));
    assert_int_equal(2, run.run.number);
    assert_true(store_find_run(store, id_text(&second, text), &arena, &run, &error));
    assert_int_equal(2, run.run.number);
    assert_true(store_find_run(store, "last", &arena, &run, &error));
    assert_int_equal(3, run.run.number);
    assert_true(store_find_run(store, NULL, &arena, &run, &error));
    assert_int_equal(3, run.run.number);
    const char *const unknown[] = {"4", "0", "-1", "first", "", "9999999999999999999999"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_false(store_find_run(store, unknown[i], &arena, &run, &error));
        assert_string_equal(error.code, "E-RUN-UNKNOWN");
    }
    store_close(&store);
}

static void
turns_the_pages_of_a_run_that_has_ended(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct store *store = opened(&folder);
    struct id run_id = numbered_id('r', 2), target_id = numbered_id('t', 19);
    struct store_page page;
    struct wave_view *waves;
    size_t wave_count;
    uint64_t attempt;
    struct error error;
    (void)state;

    save_run(store, 1, RUN_DONE);
    save_run(store, 2, RUN_DONE);
    save_run(store, 3, RUN_DONE);

    assert_true(store_legs(store, &run_id, LEGS_ALL, 50, 50, &arena, &page, &error));
    assert_int_equal(TARGETS, page.total);
    assert_int_equal(TARGETS - 50, page.count);
    assert_int_equal(50, page.records[0].leg.ordinal);
    assert_true(store_legs(store, &run_id, LEGS_FAILING, 0, 50, &arena, &page, &error));
    assert_int_equal(TARGETS / 10, page.total);
    assert_int_equal(9, page.records[0].leg.ordinal);
    assert_true(store_legs(store, &run_id, LEGS_OPEN, 0, 50, &arena, &page, &error));
    assert_int_equal(0, page.total);

    assert_true(store_steps(store, &run_id, NULL, 2 * TARGETS - 1, 10, &arena, &page, &error));
    assert_int_equal(2 * TARGETS, page.total);
    assert_int_equal(1, page.count);
    assert_true(store_steps(store, &run_id, &target_id, 0, 10, &arena, &page, &error));
    assert_int_equal(2, page.total);
    assert_int_equal(STEP_FAILED, page.records[1].step.state);
    assert_true(store_steps(store, &run_id, NULL, UINT64_MAX, 10, &arena, &page, &error));
    assert_int_equal(0, page.count);
    assert_true(store_failed_attempt(store, &run_id, &target_id, &attempt, &error));
    assert_int_equal(3, attempt);

    assert_true(store_runs(store, 1, 50, &arena, &page, &error));
    assert_int_equal(3, page.total);
    assert_int_equal(2, page.count);
    assert_int_equal(2, page.records[0].run.number);

    assert_true(store_waves(store, &run_id, &arena, &waves, &wave_count, &error));
    assert_int_equal(2, wave_count);
    assert_int_equal(10, waves[0].target_count);
    assert_int_equal(1, waves[0].failed_count);
    assert_int_equal(TARGETS - 10, waves[1].target_count);
    assert_int_equal(2 * (TARGETS - 10), waves[1].step_count);
    store_close(&store);
}

static void
reads_one_run_and_one_step_back_within_a_turn(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    struct store *store = opened(&folder);
    struct id run_id = numbered_id('r', 2), step_id = numbered_id('s', 2005);
    struct found *found = mem_zalloc(sizeof *found);
    const struct store_reader reader = {take, found};
    struct record step, changed;
    struct error error;
    (void)state;

    save_run(store, 1, RUN_DONE);
    save_run(store, 2, RUN_DONE);
    assert_true(store_find_step(store, &step_id, &arena, &step, &error));
    assert_int_equal(RECORD_STEP, step.kind);
    assert_int_equal(1, step.step.position);

    assert_true(store_begin(store, &error));
    changed = step;
    changed.step.attempt = 9;
    assert_true(store_save(store, &changed, &error));
    assert_true(store_find_step(store, &step_id, &arena, &step, &error));
    assert_int_equal(9, step.step.attempt);
    assert_true(store_load_run(store, &run_id, &reader, &error));
    assert_int_equal(1 + 3 * TARGETS, found->count);
    store_rollback(store);

    step_id = numbered_id('s', 77777);
    assert_true(store_find_step(store, &step_id, &arena, &step, &error));
    assert_int_equal(RECORD_KIND_COUNT, step.kind);
    found_destroy(&found);
    store_close(&store);
}

/* A statement that scans what grows with every run would make each step dearer than the last. */
static void
no_statement_goes_through_a_table_that_grows(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store *store = opened(&folder);
    struct error error;
    (void)state;

    for (enum store_query query = QUERY_NEXT_NUMBER; query < QUERY_COUNT; query++) {
        if (query == QUERY_RUN_COUNT) {
            continue; /* one row per run: what `skein runs` shows the number of */
        }
        const char *sql = sqlite3_sql(store_query(store, query, &error));
        CLEANUP(mem_free) char *explain = mem_format("EXPLAIN QUERY PLAN %s", sql);
        sqlite3_stmt *statement;
        assert_int_equal(SQLITE_OK,
                         sqlite3_prepare_v2(store->database, explain, -1, &statement, NULL));
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(statement, 3);
            static const char *const growing[] = {"SCAN run",   "SCAN leg",    "SCAN step",
                                                  "SCAN piece", "SCAN bundle", "TEMP B-TREE"};
            for (size_t i = 0; i < sizeof growing / sizeof *growing; i++) {
                bool is_ordered = strstr(line, "USING INDEX") || strstr(line, "COVERING INDEX");
                if (strstr(line, growing[i]) && !is_ordered) {
                    fail_msg("%s\n%s", sql, line);
                }
            }
        }
        sqlite3_finalize(statement);
    }
    store_close(&store);
}

/* ---- bundles -------------------------------------------------------------------------------- */

static void
takes_a_bundle_in_pieces_and_goes_on_where_it_broke_off(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text bytes = {0};
    static char content[600000];
    struct random random = random_seeded(3);
    struct store *store = opened(&folder);
    bool is_complete;
    uint64_t offset;
    struct error error;
    (void)state;

    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (char)random_next(&random);
    }
    struct put put = {.digest = digest_of(content, sizeof content), .total = sizeof content};
    while (put.offset < sizeof content) {
        size_t left = sizeof content - put.offset;
        put.bytes =
            (struct bytes){content + put.offset, left < CHUNK_SIZE_MAX ? left : CHUNK_SIZE_MAX};
        assert_true(store_begin(store, &error));
        assert_true(store_bundle_put(store, &put, &offset, &error));
        assert_int_equal(put.offset + put.bytes.size, offset);
        assert_true(store_bundle_put(store, &put, &offset, &error)); /* said again: no change */
        assert_true(store_commit(store, &error));
        put.offset = offset;
        store_close(&store);
        store = opened(&folder);
        assert_true(store_bundle_offered(store, &put.digest, &offset, &is_complete, &error));
        assert_int_equal(put.offset, offset);
        assert_false(is_complete);
    }

    assert_false(store_bundle_read(store, &put.digest, true, &bytes, &error));
    assert_string_equal(error.code, "E-BUNDLE-UNKNOWN");
    assert_true(store_bundle_complete(store, &put.digest, "auth", &error));
    assert_true(store_bundle_read(store, &put.digest, true, &bytes, &error));
    assert_int_equal(sizeof content, bytes.size);
    assert_memory_equal(content, bytes.data, bytes.size);
    assert_true(store_bundle_drop(store, &put.digest, &error));
    assert_true(store_bundle_offered(store, &put.digest, &offset, &is_complete, &error));
    assert_int_equal(0, offset);
    store_close(&store);
}

static void
refuses_pieces_that_do_not_fit(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store *store = opened(&folder);
    static char content[4096];
    const struct put wrong[] = {
        {.total = 0, .bytes = {content, 1}},
        {.total = BUNDLE_SIZE_MAX + 1, .bytes = {content, 4096}},
        {.total = 4096, .bytes = {content, 0}},
        {.total = 4095, .bytes = {content, 4096}},
        {.total = 8192, .offset = 8000, .bytes = {content, 4096}},
        {.total = 8192, .offset = UINT64_MAX - 1, .bytes = {content, 4096}},
        {.total = 8192, .bytes = {content, 10}},
    };
    struct error error;
    uint64_t offset;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(store_bundle_put(store, &wrong[i], &offset, &error));
        assert_string_equal(error.code, "E-SIG-LENGTH");
    }
    struct put put = {.total = 8192, .bytes = {content, 4096}};
    assert_true(store_bundle_put(store, &put, &offset, &error));
    put.total = 9000;
    assert_false(store_bundle_put(store, &put, &offset, &error));
    assert_string_equal(error.code, "E-SIG-LENGTH");
    store_close(&store);
    assert_int_equal(1, asked(&folder, "SELECT count(*) FROM piece"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_every_kind_of_record_as_it_was),
        cmocka_unit_test(keeps_the_newer_of_two_records_with_one_identity),
        cmocka_unit_test(keeps_nothing_of_a_turn_that_was_not_committed),
        cmocka_unit_test(never_changes_a_row_of_the_audit),
        cmocka_unit_test(leads_by_a_larger_epoch_after_every_opening),
        cmocka_unit_test(loads_only_what_is_open),
        cmocka_unit_test(finds_a_run_by_its_number_its_id_or_as_the_last),
        cmocka_unit_test(turns_the_pages_of_a_run_that_has_ended),
        cmocka_unit_test(reads_one_run_and_one_step_back_within_a_turn),
        cmocka_unit_test(no_statement_goes_through_a_table_that_grows),
        cmocka_unit_test(takes_a_bundle_in_pieces_and_goes_on_where_it_broke_off),
        cmocka_unit_test(refuses_pieces_that_do_not_fit),
    };
    return RUN_TESTS(tests);
}
