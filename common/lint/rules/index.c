/* Indexes: how they are built, dropped and built anew beside those who work with the table. */
#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* Whether the script may be turned into one that runs outside a transaction. */
static bool
holds_only_indexes(const struct look *look)
{
    const struct sql_script *sql = &look->script->sql;

    for (size_t i = 0; i < sql->statement_count; i++) {
        const char *tag = sql->statements[i].facts.tag;
        if (!text_equal(tag, "CREATE INDEX") && !text_equal(tag, "DROP INDEX")) {
            return false;
        }
    }
    return true;
}

static void
fix_concurrently(struct look *look)
{
    size_t offset = 0, size = 0;

    if (holds_only_indexes(look) && look_words(look, "INDEX", &offset, &size)) {
        look_fix(look, offset + size, 0, " CONCURRENTLY");
    }
}

static void
check_create(struct look *look)
{
    const struct effect *effect = look->effect;

    if (effect->verb != EFFECT_CREATE || effect->object != OBJECT_INDEX || effect->is_implied ||
        effect->is_concurrent || look->is_new || !look->table) {
        return;
    }
    look_find(look, "writes to %s wait while the index%s%s is built", look_table(look),
              effect->name ? " " : "", effect->name ? effect->name : "");
    fix_concurrently(look);
}

static void
check_drop(struct look *look)
{
    const struct effect *effect = look->effect;

    if (effect->verb != EFFECT_DROP || effect->object != OBJECT_INDEX || effect->is_implied ||
        effect->is_concurrent || look->is_new) {
        return;
    }
    look_find(look,
              "dropping the index %s waits for every query on its table, and every query waits "
              "behind it",
              look_object(look));
    fix_concurrently(look);
}

const struct rule rules_index[] = {
    {.id = "SK010",
     .name = "index-not-concurrent",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .is_fixable = true,
     .why = "CREATE INDEX holds a SHARE lock on its table for as long as it takes to read all of "
            "it, so every INSERT, UPDATE and DELETE waits.",
     .instead = "CREATE INDEX CONCURRENTLY, in a migration that holds nothing but index "
                "statements: it cannot run inside a transaction.",
     .bad = "CREATE INDEX users_email ON users (email);\n",
     .good = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
     .also = "squawk require-concurrent-index-creation; strong_migrations add_index; eugene E6; "
             "pgfence create-index-not-concurrent; Atlas PG101",
     .check = check_create},
    {.id = "SK011",
     .name = "drop-index-not-concurrent",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .is_fixable = true,
     .why =
         "DROP INDEX needs an ACCESS EXCLUSIVE lock on the table: it waits for the longest query "
         "on it, and everybody who comes later waits behind it.",
     .instead = "DROP INDEX CONCURRENTLY, in a migration that holds nothing but index statements.",
     .bad = "DROP INDEX users_email;\n",
     .good = "DROP INDEX CONCURRENTLY users_email;\n",
     .also = "squawk require-concurrent-index-deletion; strong_migrations remove_index; pgfence "
             "drop-index-not-concurrent; Atlas PG102",
     .check = check_drop},
    {0}};
