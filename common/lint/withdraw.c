/*
 * Findings that turn out to be idle: what is said of a table that goes in the same file, or that is
 * empty there, or that a later file shows to be a short list.
 */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/linting.h"

/* Whether a statement does this to the table that a finding is about. */
static bool
befalls(const struct effects *effects, enum effect_verb verb, const struct finding *finding)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        if (effect->verb == verb && !effect->part && !effect->is_conditional &&
            !effect->is_bounded && text_equal(effect->name, finding->table) &&
            text_equal(effect->schema, finding->schema)) {
            return true;
        }
    }
    return false;
}

/* Whether a statement behind it drops the table: then it is the drop that is to be told. */
static bool
goes_later(const struct script_look *scene, const struct finding *finding)
{
    for (size_t i = finding->statement + 1; i < scene->script.sql.statement_count; i++) {
        if (befalls(&scene->script.effects[i], EFFECT_DROP, finding)) {
            return true;
        }
    }
    return false;
}

/* Rules about rows that are there: how long they take, and whether they stand in the way. */
static bool
is_about_rows(const struct rule *rule)
{
    return rule->follows_size || text_equal(rule->name, "unique-index-may-fail");
}

/*
 * Whether the same transaction has emptied the table before. Rows that were deleted are gone for
 * who asks whether they stand in the way, but still read by who reads all.
 */
static bool
is_empty_by_then(const struct script_look *scene, const struct finding *finding)
{
    bool may_fail = text_equal(finding->rule->name, "unique-index-may-fail") ||
                    text_equal(finding->rule->name, "add-column-not-null");

    if (!scene->script.is_transactional || !(may_fail || is_about_rows(finding->rule))) {
        return false;
    }
    for (size_t i = 0; i < finding->statement; i++) {
        const struct effects *effects = &scene->script.effects[i];
        if (befalls(effects, EFFECT_TRUNCATE, finding) ||
            (may_fail && befalls(effects, EFFECT_DELETE, finding))) {
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
                       (goes_later(scene, finding) || is_empty_by_then(scene, finding));
        if (!is_idle) {
            findings->items[kept++] = *finding;
        }
    }
    findings->count = kept;
}

void
withdraw_lists(struct linting *linting, size_t first)
{
    struct finding_list *findings = linting->findings;
    size_t kept = first;

    for (size_t i = first; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool is_idle = false;
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
