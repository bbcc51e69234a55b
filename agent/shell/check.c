#include "agent/shell/check.h"

#include <stdio.h>

#include "common/base/mem.h"

static bool
check_target(const struct agent_settings_target *settings, struct error *error)
{
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&settings->target);
    CLEANUP(arena_release) struct arena arena = {0};
    struct target_facts facts;

    if (!sitting_examine(sitting, &arena, &facts, error)) {
        return false;
    }
    printf("ok    %-24s %s, PostgreSQL %llu.%llu, %llu applied%s%s\n", settings->target.name,
           settings->service, (unsigned long long)facts.server_version / 10000,
           (unsigned long long)facts.server_version % 10000,
           (unsigned long long)facts.applied_count, facts.applied_version ? ", newest " : "",
           facts.applied_version ? facts.applied_version : "");
    return true;
}

bool
agent_check(const struct agent_settings *settings)
{
    size_t broken = 0;

    printf("agent %s, coordinator %s\n", settings->name, settings->endpoint);
    for (size_t i = 0; i < settings->target_count; i++) {
        struct error error = {0};
        const char *name = settings->targets[i].target.name;
        if (!check_target(&settings->targets[i], &error)) {
            broken++;
            printf("bad   %-24s %s: %s%s%s\n", name, error.code, error.text,
                   error.where[0] ? ", " : "", error.where);
            if (error.hint[0]) {
                printf("      %-24s hint: %s\n", "", error.hint);
            }
        }
    }
    printf("%zu target%s, %zu broken\n", settings->target_count,
           settings->target_count == 1 ? "" : "s", broken);
    return broken == 0;
}
