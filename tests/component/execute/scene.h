/*
 * scene: a fresh database, a sitting on it and a bundle, for one test of carrying steps out; the
 * cluster is the program's. A probe table without a unique key counts effects: it cannot hide a
 * second one.
 */
#ifndef TESTS_COMPONENT_EXECUTE_SCENE_H
#define TESTS_COMPONENT_EXECUTE_SCENE_H

#include "agent/execute/execute.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

struct scene {
    struct cluster *cluster;
    char database[32];
    char *conninfo;
    struct target_config config;
    struct sitting *sitting;
    struct bundle *bundle;
    struct arena arena;
    struct outcome outcome;
    struct error error;
};

/* A database with the table probe (what text); the sitting is not connected yet. */
struct scene *scene_new(struct cluster *cluster);
void scene_destroy(struct scene **scene_p);

/* The database as it was at first; the sitting is at rest. */
void scene_clear(struct scene *scene);

/* Another sitting on the same database instead of the present one. */
void scene_sit_anew(struct scene *scene);

/* The bundle that the next orders work from. */
void scene_plan(struct scene *scene, const struct sketch *sketches, size_t count);
#define SCENE_PLAN(scene, ...)                                                                     \
    scene_plan(scene, (const struct sketch[]){__VA_ARGS__},                                        \
               sizeof((const struct sketch[]){__VA_ARGS__}) / sizeof(struct sketch))

/* An order for the bundle's migration number `index`, under a new step id. */
struct step_order scene_order(const struct scene *scene, size_t index, enum direction direction);

/* Carry out; the test fails when the truth is not found out. Returns the outcome's kind. */
enum outcome_kind scene_execute(struct scene *scene, const struct step_order *order);
enum outcome_kind scene_up(struct scene *scene, size_t index);
enum outcome_kind scene_down(struct scene *scene, size_t index);

/* How many rows of the journal are not what their hash says, or do not follow the one before. */
long scene_broken_rows(const struct scene *scene);

/* Questions to the scene's database, as superuser. */
long scene_count(const struct scene *scene, const char *sql);
void scene_tell(const struct scene *scene, const char *sql);
void scene_await(const struct scene *scene, const char *sql, const char *answer);

/* The fault of the last outcome, and parts of it. */
void scene_assert_fault(const struct scene *scene, const char *code, const char *where);
void scene_assert_says(const char *text, const char *part);

#define SCENE_KILLED (-1)

/*
 * Carry the order out in a child process with this failpoint ("execute.after-claim:1"), and wait
 * for its end: the outcome's kind, SCENE_KILLED when it died there.
 */
int scene_execute_in_child(struct scene *scene, const struct step_order *order,
                           const char *failpoint);

/* What the journal knows of an order, into scene->outcome; whether it knows anything. */
bool scene_resolve(struct scene *scene, const struct step_order *order);

/* Find out what became of an order, as an agent does that knows nothing; carry it out again if it
 * is not there. Returns the outcome's kind. */
enum outcome_kind scene_settle(struct scene *scene, const struct step_order *order);

/* Run a function in a thread beside the test. */
struct helper;
struct helper *helper_start(void (*work)(void *context), void *context);
void helper_join(struct helper **helper_p);

#endif
