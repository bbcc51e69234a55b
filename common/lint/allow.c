/* What is allowed is not said; what allows nothing, gives no reason or has expired is. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/linting.h"

/*
 * The statement that an annotation stands in or above; FINDING_OF_FILE when none follows. Above the
 * first one it also is about the file.
 */
static size_t
statement_below(const struct script_look *scene, size_t offset)
{
    const struct sql_script *sql = &scene->script.sql;

    for (size_t i = 0; i < sql->statement_count; i++) {
        const struct stretch *stretch = &sql->statements[i].stretch;
        if (offset < stretch->place.offset + stretch->size) {
            return i;
        }
    }
    return FINDING_OF_FILE;
}

static bool
is_above_all(const struct script_look *scene, size_t offset)
{
    const struct sql_script *sql = &scene->script.sql;
    return sql->statement_count == 0 || offset < sql->statements[0].stretch.place.offset;
}

/*
 * Whether the statement is about a table that another migration of the change has made: most rules
 * leave it alone now, and will not when the change has become history, so nobody has to take the
 * annotation away in between.
 */
static bool
is_about_new(const struct script_look *scene, size_t offset)
{
    size_t statement = statement_below(scene, offset);
    const struct effects *effects =
        statement == FINDING_OF_FILE ? NULL : &scene->script.effects[statement];

    for (size_t i = 0; effects && i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        const struct catalog_table *table =
            catalog_table(scene->linting->catalog, relation->schema, relation->name);
        if (table && table->file != catalog_file(scene->linting->catalog) &&
            linting_is_new(scene->linting, table->file)) {
            return true;
        }
    }
    return false;
}

/* Drop the findings of the script that this allows; whether there were any. */
static bool
drop_allowed(struct script_look *scene, const struct allowance *allowance)
{
    struct finding_list *findings = scene->linting->findings;
    size_t statement = statement_below(scene, allowance->offset), kept = scene->first_finding;
    bool is_file_meant = is_above_all(scene, allowance->offset), is_used = false;

    for (size_t i = scene->first_finding; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool is_place = finding->statement == statement ||
                        (is_file_meant && finding->statement == FINDING_OF_FILE);
        bool is_meant = finding->script == scene->linting->script_count && is_place &&
                        text_equal(finding->rule->id, allowance->code);
        is_used = is_used || is_meant;
        if (!is_meant) {
            findings->items[kept++] = *finding;
        }
    }
    findings->count = kept;
    return is_used;
}

static size_t
comment_size(const struct script_look *scene, size_t offset)
{
    const char *text = scene->script.text + offset;
    const char *end = memchr(text, '\n', scene->script.size - offset);
    size_t size = end ? (size_t)(end - text) : scene->script.size - offset;
    return size && text[size - 1] == '\r' ? size - 1 : size;
}

static void
say(struct script_look *scene, const struct allowance *allowance, const char *rule,
    const char *text)
{
    script_find(scene, rule, allowance->offset, comment_size(scene, allowance->offset),
                FINDING_OF_FILE, text);
}

static void
apply_one(struct script_look *scene, const struct allowance *allowance)
{
    struct arena *arena = scene->arena;
    const struct rule *rule = rule_find(allowance->code);
    const char *today = scene->linting->wish->today;
    bool is_over = allowance->until && today && strcmp(allowance->until, today) < 0;

    if (!text_starts_with(allowance->code, "SK")) {
        return; /* a code of the reader's: it looks itself */
    }
    if (is_over) {
        say(scene, allowance, RULE_ALLOW_EXPIRED,
            arena_format(arena, "allow=%s has ended on %s", allowance->code, allowance->until));
        return;
    }
    bool is_used = drop_allowed(scene, allowance);
    if (!rule) {
        say(scene, allowance, RULE_ALLOW_UNUSED,
            arena_format(arena, "there is no rule %s to allow", allowance->code));
    } else if (!is_used && !text_equal(rule->id, RULE_NOT_YET) &&
               !is_about_new(scene, allowance->offset) &&
               linting_severity(scene->linting, rule) != SEVERITY_OFF) {
        say(scene, allowance, RULE_ALLOW_UNUSED,
            arena_format(arena, "allow=%s allows nothing here: %s finds nothing in what follows",
                         allowance->code, allowance->code));
    } else if (!allowance->reason) {
        say(scene, allowance, RULE_ALLOW_BARE,
            arena_format(arena, "allow=%s gives no reason", allowance->code));
    }
}

void
allow_apply(struct script_look *scene)
{
    const struct annotations *annotations = &scene->script.annotations;

    for (size_t i = 0; i < annotations->allowance_count; i++) {
        apply_one(scene, &annotations->allowances[i]);
    }
}
