#include "common/lint/rules/rules.h"

#include "common/base/text.h"

const struct rule *const rule_groups[] = {
    rules_engine, rules_index, rules_column,    rules_constraint, rules_drop,   rules_data,
    rules_lock,   rules_type,  rules_migration, rules_server,     rules_object, rules_history,
    rules_compat, NULL,
};

size_t
rule_count(void)
{
    size_t count = 0;

    for (size_t group = 0; rule_groups[group]; group++) {
        for (const struct rule *rule = rule_groups[group]; rule->id; rule++) {
            count++;
        }
    }
    return count;
}

const struct rule *
rule_at(size_t index)
{
    for (size_t group = 0; rule_groups[group]; group++) {
        for (const struct rule *rule = rule_groups[group]; rule->id; rule++) {
            if (index-- == 0) {
                return rule;
            }
        }
    }
    return NULL;
}

const struct rule *
rule_find(const char *id)
{
    for (size_t group = 0; rule_groups[group]; group++) {
        for (const struct rule *rule = rule_groups[group]; rule->id; rule++) {
            if (text_equal(rule->id, id)) {
                return rule;
            }
        }
    }
    return NULL;
}
