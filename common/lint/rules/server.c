/* What belongs to the server and not to a service's schema: roles, settings, extensions, secrets.
 */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

static void
check_role(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_change = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_DROP ||
                     effect->verb == EFFECT_ALTER || effect->verb == EFFECT_RENAME;

    if (is_change && effect->object == OBJECT_ROLE && !effect->is_implied) {
        scene_find(scene, "the role %s belongs to all databases of the server",
                   effect->name ? effect->name : "");
    }
}

static void
check_public(struct scene *scene)
{
    size_t offset = 0, size = 0;

    if (scene->effect->verb == EFFECT_GRANT && scene->effect == scene->effects->effects &&
        scene_words(scene, "TO PUBLIC", &offset, &size)) {
        scene_find(scene, "every role of the server is given this, those of other services too");
    }
}

/* Whether the script gives the setting back behind the statement. */
static bool
is_given_back(const struct scene *scene, const char *setting)
{
    const struct sql_script *sql = &scene->script->sql;

    for (size_t i = scene->statement_index + 1; i < sql->statement_count; i++) {
        const struct sql_facts *facts = &sql->statements[i].facts;
        size_t offset = 0, size = 0;
        const struct stretch *stretch = &sql->statements[i].stretch;
        const char *text = scene->script->text + stretch->place.offset;
        bool is_reset = text_has_words(text, stretch->size, "RESET", &offset, &size);
        if (is_reset && text_has_words(text, stretch->size, "RESET ALL", &offset, &size)) {
            return true;
        }
        for (size_t j = 0; is_reset && j < facts->setting_count; j++) {
            if (text_equal(facts->settings[j].name, setting)) {
                return true;
            }
        }
    }
    return false;
}

/* SET LOCAL ends with the transaction, and the time-outs are Skein's own affair. */
static void
check_setting(struct scene *scene)
{
    const struct sql_facts *facts = &scene->statement->facts;
    size_t offset = 0, size = 0;

    if (facts->kind != SQL_SET || facts->setting_count != 1 || facts->settings[0].is_call ||
        text_ends_with(facts->settings[0].name, "_timeout") ||
        scene_words(scene, "SET LOCAL", &offset, &size) || scene_has_word(scene, "RESET") ||
        is_given_back(scene, facts->settings[0].name)) {
        return;
    }
    scene_find(scene, "%s stays set for whatever comes next in the session",
               facts->settings[0].name);
    if (scene->script->is_transactional && scene_words(scene, "SET", &offset, &size)) {
        size_t session = 0, session_size = 0;
        bool is_session = scene_words(scene, "SET SESSION", &session, &session_size);
        scene_fix(scene, is_session ? session : offset, is_session ? session_size : size,
                  "SET LOCAL");
    }
}

static void
check_database(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->object == OBJECT_DATABASE && !effect->is_implied &&
        (effect->verb == EFFECT_ALTER || effect->verb == EFFECT_SET_OPTIONS ||
         effect->verb == EFFECT_CREATE || effect->verb == EFFECT_RENAME)) {
        scene_find(scene, "the database has another name on every target, and other settings");
    }
}

static void
check_owner(struct scene *scene)
{
    size_t offset = 0, size = 0;
    bool is_own = scene_words(scene, "TO CURRENT_USER", &offset, &size) ||
                  scene_words(scene, "TO CURRENT_ROLE", &offset, &size) ||
                  scene_words(scene, "TO SESSION_USER", &offset, &size);

    if (scene->effect->verb == EFFECT_SET_OWNER && !scene->effect->is_implied && !is_own) {
        scene_find(scene, "the role has to be there on every server, and whoever migrates a member "
                          "of it");
    }
}

/* Whether the script itself has brought the extension: it was borrowed. */
static bool
is_brought_here(const struct scene *scene)
{
    for (size_t i = 0; i < scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_CREATE && effect->object == OBJECT_EXTENSION &&
                !effect->is_noop && text_equal(effect->name, scene->effect->name)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_extension(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->object != OBJECT_EXTENSION || effect->is_implied) {
        return;
    }
    if (effect->verb == EFFECT_DROP && !scene_comes_later(scene, "CREATE EXTENSION") &&
        !is_brought_here(scene)) {
        scene_find(scene, "everything that uses %s is gone with it, or keeps it from going",
                   effect->name);
    } else if (effect->verb == EFFECT_ALTER) {
        scene_find(scene, "which versions of %s there are differs from server to server",
                   effect->name);
    }
}

const struct rule rules_server[] = {
    {.id = RULE_SECRET,
     .name = "secret",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "A password in a migration stands in the repository, in every bundle and in the "
            "server's log.",
     .instead = "Set passwords where secrets are kept, outside of migrations.",
     .bad = "CREATE ROLE app LOGIN PASSWORD 'hunter2';\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .check = NULL},
    {.id = "SK094",
     .name = "role",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why = "Roles belong to the server: on the second database of the same server the migration "
            "fails, or changes what another service relies on.",
     .instead = "Make roles when the server is set up; in migrations only GRANT to them.",
     .bad = "CREATE ROLE reporting;\n",
     .good = "GRANT SELECT ON users TO reporting;\n",
     .also = "squawk ban-alter-role-options",
     .check = check_role},
    {.id = "SK095",
     .name = "grant-to-public",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "PUBLIC is every role that there is and ever will be on this server.",
     .instead = "Grant to the roles that need it.",
     .bad = "GRANT SELECT ON users TO PUBLIC;\n",
     .good = "GRANT SELECT ON users TO reporting;\n",
     .check = check_public},
    {.id = "SK096",
     .name = "setting-of-the-session",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_STATEMENT,
     .parts = ON_UP | ON_DOWN,
     .is_fixable = true,
     .why = "SET without LOCAL outlives the migration: behind a pooler, or with a tool that runs "
            "several files in one session, the next one inherits it.",
     .instead = "SET LOCAL, which ends with the transaction; for a search_path, write the schemas.",
     .bad = "SET search_path = app;\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "SET LOCAL search_path = app;\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .check = check_setting},
    {.id = "SK097",
     .name = "database-setting",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why =
         "What belongs to the database as a whole is set where databases are set up; a migration "
         "does not know what it is called there.",
     .instead = "Set it when the database is made.",
     .bad = "ALTER DATABASE shop SET work_mem = '64MB';\n",
     .good = "SET LOCAL work_mem = '64MB';\n",
     .also = "squawk ban-alter-database-options",
     .check = check_database},
    {.id = "SK098",
     .name = "owner",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Names of owners differ from database to database, and changing an owner needs to be "
            "one.",
     .instead = "Run migrations as the owner: `role` in the agent's configuration, --role on the "
                "command line.",
     .bad = "ALTER TABLE users OWNER TO app;\n",
     .good = "GRANT SELECT ON users TO app;\n",
     .check = check_owner},
    {.id = "SK099",
     .name = "extension",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "Extensions are installed on servers, not in schemas: dropping one takes what uses it "
            "along, and the version to update to has to be there on every server.",
     .instead = "See to it that every server has the version; update it outside of migrations.",
     .bad = "DROP EXTENSION postgis;\n",
     .good = "CREATE EXTENSION IF NOT EXISTS pgcrypto;\n",
     .also = "squawk ban-drop-extension, ban-alter-extension",
     .check = check_extension},
    {0}};
