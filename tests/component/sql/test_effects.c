#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/sql/catalog.h"
#include "common/sql/split.h"

#include "tests/component/sql/kinds.h"
#include "tests/component/sql/observed.h"
#include "tests/support/cluster.h"

#define MAJOR 15
#define KINDS_MIN 150

static struct cluster *cluster;

/* ---- prediction ------------------------------------------------------------------------------ */

struct prediction {
    struct arena arena;
    struct catalog *catalog;
    struct effects effects;
};

static void
prediction_end(struct prediction *prediction)
{
    catalog_destroy(&prediction->catalog);
    arena_release(&prediction->arena);
}

/* Replay one file; the effects of its last statement stay. */
static void
replay(struct prediction *prediction, const char *text)
{
    struct sql_script script;
    struct place place;
    struct error error;

    if (!sql_split(text, strlen(text), "skein", &prediction->arena, &script, &place, &error)) {
        fail_msg("line %zu: %s", place.line, error.text);
    }
    catalog_begin_file(prediction->catalog);
    for (size_t i = 0; i < script.statement_count; i++) {
        effects_read(&script.statements[i], prediction->catalog, MAJOR, &prediction->arena,
                     &prediction->effects);
        catalog_apply(prediction->catalog, &prediction->effects);
    }
}

static void
predict(struct prediction *prediction, const char *world, const struct kind *kind)
{
    prediction->catalog = catalog_new();
    replay(prediction, world);
    if (kind->given) {
        replay(prediction, kind->given);
    }
    replay(prediction, kind->when);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool
is_index(const struct observed_relation *relation)
{
    return relation->kind == 'i' || relation->kind == 'I';
}

static void
complain(struct text *text, const struct observed_relation *relation, const char *what,
         const char *predicted, const char *seen)
{
    text_format(text, "\n    %s.%s: %s: predicted %s, seen %s", relation->schema, relation->name,
                what, predicted, seen);
}

/* Locks of indexes weaker than these come along with every query, and are not told. */
static enum lock_mode
told(const struct observed_relation *relation, enum lock_mode mode)
{
    return is_index(relation) && mode < LOCK_SHARE_UPDATE_EXCLUSIVE ? LOCK_NONE : mode;
}

static void
compare_relation(const struct effects *effects, const struct observed_relation *relation,
                 struct text *text)
{
    const struct sql_relation *predicted =
        effects_relation(effects, relation->schema, relation->name);
    enum lock_mode lock = predicted && !predicted->is_new ? predicted->lock : LOCK_NONE;
    enum lock_mode seen = told(relation, relation->lock);
    bool scans = predicted && predicted->scans, rewrites = predicted && predicted->rewrites;
    bool is_query = lock <= LOCK_ROW_EXCLUSIVE; /* whose plan the server chooses */

    if (lock != seen) {
        complain(text, relation, "lock", lock_mode_name(lock), lock_mode_name(seen));
    }
    bool is_told = scans ? relation->has_begun : !relation->is_scanned || is_query;
    if (!is_index(relation) && !is_told) {
        complain(text, relation, "scanned", scans ? "yes" : "no", scans ? "no" : "yes");
    }
    if (rewrites != relation->is_rewritten) {
        complain(text, relation, "rewritten", rewrites ? "yes" : "no",
                 relation->is_rewritten ? "yes" : "no");
    }
}

/* What is predicted of relations that are not there would be wrong as well. */
static void
compare_the_others(const struct effects *effects, const struct observed *observed,
                   struct text *text)
{
    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        bool is_there = relation->is_new || effects->effects[0].if_exists;
        for (size_t at = 0; at < observed->count && !is_there; at++) {
            is_there = strcmp(observed->relations[at].schema, relation->schema) == 0 &&
                       strcmp(observed->relations[at].name, relation->name) == 0;
        }
        if (!is_there) {
            text_format(text, "\n    %s.%s: predicted %s, but it does not exist", relation->schema,
                        relation->name, lock_mode_name(relation->lock));
        }
    }
}

/* ---- one kind -------------------------------------------------------------------------------- */

/* What only looks goes into one database again and again; what changes it gets its own. */
static void
look(const struct kind *kind, struct observed *observed)
{
    const char *database = "common";

    if (kind->given || kind->while_count) {
        database = "own";
        observe_tell(cluster, "postgres", "DROP DATABASE IF EXISTS own");
        observe_tell(cluster, "postgres", "CREATE DATABASE own TEMPLATE world");
        if (kind->given) {
            observe_tell(cluster, "own", kind->given);
        }
    }
    observe(cluster, database, kind, observed);
}

static bool
check_kind(const char *world, const struct kind *kind)
{
    CLEANUP(prediction_end) struct prediction prediction = {0};
    CLEANUP(observed_release) struct observed observed = {0};
    CLEANUP(text_release) struct text text = {0};

    predict(&prediction, world, kind);
    look(kind, &observed);
    if (observed.error[0]) {
        text_format(&text, "\n    %s", observed.error);
    }
    for (size_t i = 0; i < observed.count && !observed.error[0]; i++) {
        compare_relation(&prediction.effects, &observed.relations[i], &text);
    }
    compare_the_others(&prediction.effects, &observed, &text);
    if (text_of(&text)[0]) {
        print_error("%s%s\n", kind->title, text_of(&text));
        return false;
    }
    return true;
}

static void
what_is_predicted_of_a_statement_is_what_the_server_does(void **state)
{
    (void)state;
    CLEANUP(kinds_release) struct kinds kinds = kinds_read("statements.sql");
    CLEANUP(mem_free) char *world = kinds_read_text("world.sql");
    size_t wrong = 0;

    observe_tell(cluster, "postgres", "CREATE DATABASE world");
    observe_tell(cluster, "world", world);
    observe_tell(cluster, "postgres", "CREATE DATABASE common TEMPLATE world");
    for (size_t i = 0; i < kinds.count; i++) {
        wrong += !check_kind(world, &kinds.kinds[i]);
    }
    print_message("%zu kinds of statements, %zu of them not as predicted\n", kinds.count, wrong);
    assert_in_range(kinds.count, KINDS_MIN, 10000);
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_predicted_of_a_statement_is_what_the_server_does),
    };

    /* Not UTC, in which a timestamp with time zone is one without; wal_level for publications. */
    cluster = cluster_new("timezone = 'Europe/Berlin'\nwal_level = logical\n");
    int failures = RUN_TESTS(tests);
    cluster_destroy(&cluster);
    return failures;
}
