#include "agent/execute/policy.h"

#include <string.h>

static const struct {
    const char *name;
    enum policy usual;
    bool is_of_catalog;
} checks[CHECK_COUNT] = {
    [CHECK_LAG] = {"lag", POLICY_WARN, false},
    [CHECK_SLOTS] = {"slots", POLICY_WARN, false},
    [CHECK_ARCHIVER] = {"archiver", POLICY_WARN, false},
    [CHECK_WRAPAROUND] = {"wraparound", POLICY_HOLD, false},
    /* Nobody knows when somebody will end it. */
    [CHECK_PREPARED] = {"prepared", POLICY_REFUSE, false},
    [CHECK_OLD] = {"old_transactions", POLICY_HOLD, false},
    [CHECK_INDEXES] = {"invalid_indexes", POLICY_WARN, true},
    [CHECK_ROOM] = {"room", POLICY_WARN, true}, /* what is written is guessed, and often less */
    [CHECK_RIGHTS] = {"rights", POLICY_REFUSE, true},
};

const char *
policy_check_name(enum preflight_check check)
{
    return checks[check].name;
}

bool
policy_check_is_of_catalog(enum preflight_check check)
{
    return checks[check].is_of_catalog;
}

bool
policy_named(const char *word, enum policy *policy)
{
    for (int i = POLICY_IGNORE; i < POLICY_COUNT; i++) {
        if (strcmp(word, policy_words[i]) == 0) {
            *policy = (enum policy)i;
            return true;
        }
    }
    return false;
}

enum policy
policy_of(const struct preflight_policies *policies, enum preflight_check check)
{
    return policies->of[check] == POLICY_DEFAULT ? checks[check].usual : policies->of[check];
}
