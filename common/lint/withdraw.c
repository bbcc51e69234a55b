/*
 * Findings that turn out to be idle: what is said of a table that goes in the same file, or that is
 * empty there, or that a later file shows to be a short list.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"

/* Whether an effect is one on the table that a finding is about, or on its column. */
static bool
is_on(const struct effect *effect, const struct finding *finding, bool of_column)
{
    bool is_meant = of_column ? effect->object == OBJECT_COLUMN && finding->column &&
                                    text_equal(effect->part, finding->column)
                              : !effect->part;

    return is_meant && !effect->is_conditional && text_equal(effect->name, finding->table) &&
           text_equal(effect->schema, finding->schema);
}

/* Whether a statement does this to the table, or the column. */
static bool
befalls(const struct effects *effects, enum effect_verb verb, const struct finding *finding,
        bool of_column)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        if (effect->verb == verb && !effect->is_bounded && is_on(effect, finding, of_column)) {
            return true;
        }
    }
    return false;
}

/* Whether a statement behind it drops the table or the column: then that is what is to be told. */
static bool
goes_later(const struct script_look *scene, const struct finding *finding)
{
    for (size_t i = finding->statement + 1; i < scene->script.sql.statement_count; i++) {
        const struct effects *effects = &scene->script.effects[i];
        if (befalls(effects, EFFECT_DROP, finding, false) ||
            befalls(effects, EFFECT_DROP, finding, true)) {
            return true;
        }
    }
    return false;
}

/* What the same statement, or one behind it, has to do for a finding to be idle. */
static const struct {
    const char *rule;
    enum effect_verb verb;
} made_good[] = {
    {"SK026", EFFECT_SET_NOT_NULL},
    {"SK027", EFFECT_SET_DEFAULT},
    {"SK027", EFFECT_DROP_NOT_NULL},
    {"SK042", EFFECT_DROP},
};

static bool
is_made_good(const struct script_look *scene, const struct finding *finding)
{
    for (size_t i = 0; i < sizeof made_good / sizeof *made_good; i++) {
        if (!text_equal(made_good[i].rule, finding->rule->id)) {
            continue;
        }
        for (size_t j = finding->statement; j < scene->script.sql.statement_count; j++) {
            if (befalls(&scene->script.effects[j], made_good[i].verb, finding, true)) {
                return true;
            }
        }
    }
    return false;
}

/* Rules about rows that are there: how long they take, and whether they stand in the way. */
static bool
is_about_rows(const struct rule *rule)
{
    return rule->follows_size || text_equal(rule->id, "SK018");
}

/*
 * Whether the same transaction has emptied the table before. Rows that were deleted are gone for
 * who asks whether they stand in the way, but still read by who reads all.
 */
static bool
is_empty_by_then(const struct script_look *scene, const struct finding *finding)
{
    bool may_fail = text_equal(finding->rule->id, "SK018") ||
                    text_equal(finding->rule->id, "SK020") ||
                    text_equal(finding->rule->id, "SK028");

    if (!scene->script.is_transactional || !(may_fail || is_about_rows(finding->rule))) {
        return false;
    }
    for (size_t i = 0; i < finding->statement; i++) {
        const struct effects *effects = &scene->script.effects[i];
        if (befalls(effects, EFFECT_TRUNCATE, finding, false) ||
            (may_fail && befalls(effects, EFFECT_DELETE, finding, false))) {
            return true;
        }
    }
    return false;
}

void
withdraw_idle(struct script_look *scene)
{
    struct finding_list *findings = scene->linting->findings;
    size_t kept = scene->first_finding;

    for (size_t i = scene->first_finding; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool is_idle = scene->script.part == ON_UP && finding->table &&
                       finding->script == scene->linting->script_count &&
                       finding->statement < scene->script.sql.statement_count &&
                       (goes_later(scene, finding) || is_made_good(scene, finding) ||
                        is_empty_by_then(scene, finding));
        if (!is_idle) {
            findings->items[kept++] = *finding;
        }
    }
    findings->count = kept;
}

/* Reading, rewriting, locking a handful of rows takes no time. */
static bool
is_list(const struct linting *linting, const char *schema, const char *name)
{
    CLEANUP(mem_free) char *key = mem_format("%s.%s", schema ? schema : "", name);
    return known_is_list(linting, key);
}

void
withdraw_lists(struct linting *linting, size_t first)
{
    struct finding_list *findings = linting->findings;
    size_t kept = first;

    for (size_t i = first; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool is_idle = finding->table && finding->rule->follows_size &&
                       is_list(linting, finding->schema, finding->table);
        for (size_t j = 0; j < FINDING_LISTS_MAX; j++) {
            is_idle = is_idle || (finding->unless_lists[j] &&
                                  known_is_list(linting, finding->unless_lists[j]));
        }
        if (!is_idle) {
            findings->items[kept++] = *finding;
        }
    }
    findings->count = kept;
}

void
scene_about_column(struct scene *scene, const char *column)
{
    struct linting *linting = scene->linting;
    linting->findings->items[linting->fresh].column = arena_text(&linting->findings->arena, column);
}

void
scene_unless_list(struct scene *scene, const char *schema, const char *name)
{
    struct linting *linting = scene->linting;
    struct finding *finding = &linting->findings->items[linting->fresh];

    for (size_t i = 0; i < FINDING_LISTS_MAX; i++) {
        if (!finding->unless_lists[i]) {
            finding->unless_lists[i] =
                arena_format(&linting->findings->arena, "%s.%s", schema ? schema : "", name);
            return;
        }
    }
}
