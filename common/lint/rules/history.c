/* The history: what is not there any more, not there yet, or there already. */
#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* Whether a statement makes it sure that the thing is there, or does not mind. */
static bool
minds(const struct effect *effect)
{
    return !effect->if_exists && !effect->is_temporary && effect->verb != EFFECT_CREATE &&
           effect->verb != EFFECT_REPLACE;
}

/* What stands in a DO block may be asked about first. */
static bool
is_conditional(const struct scene *scene)
{
    return text_equal(scene->statement->facts.tag, "DO");
}

static void
say_lost(struct scene *scene, const char *what, const struct catalog_loss *loss)
{
    if (loss->new_name) {
        scene_find(scene, "%s is not there any more: it has been called %s since %s", what,
                   loss->new_name, scene_file_name(scene, loss->file));
    } else {
        scene_find(scene, "%s is not there any more: it was dropped in %s", what,
                   scene_file_name(scene, loss->file));
    }
}

static void
check_lost(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_table = effect->object == OBJECT_TABLE || effect->object == OBJECT_RELATION;
    bool is_part = effect->object == OBJECT_COLUMN || effect->object == OBJECT_CONSTRAINT ||
                   effect->object == OBJECT_TRIGGER;

    if (is_conditional(scene) || !(is_table || is_part) || !effect->name || effect->is_implied ||
        (!is_part && !minds(effect)) || effect->if_exists) {
        return;
    }
    const struct catalog_loss *loss =
        catalog_lost(scene->catalog, OBJECT_TABLE, effect->schema, effect->name, NULL);
    if (loss && !catalog_table(scene->catalog, effect->schema, effect->name)) {
        say_lost(scene, scene_object(scene), loss);
        return;
    }
    loss = effect->object == OBJECT_COLUMN && effect->part && minds(effect)
               ? catalog_lost(scene->catalog, OBJECT_COLUMN, effect->schema, effect->name,
                              effect->part)
               : NULL;
    if (loss) {
        say_lost(scene, arena_format(scene->arena, "%s.%s", scene_object(scene), effect->part),
                 loss);
    }
}

/* Whether the statement itself drops the column before it adds it: ALTER TABLE drops first. */
static bool
is_dropped_here(const struct scene *scene)
{
    const struct effect *added = scene->effect;

    for (size_t i = 0; i < scene->effects->effect_count; i++) {
        const struct effect *effect = &scene->effects->effects[i];
        if (effect->verb == EFFECT_DROP && effect->object == OBJECT_COLUMN &&
            text_equal(effect->part, added->part) && text_equal(effect->name, added->name) &&
            text_equal(effect->schema, added->schema)) {
            return true;
        }
    }
    return false;
}

static void
check_there(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = NULL;

    if (effect->verb != EFFECT_CREATE || effect->if_not_exists || effect->is_temporary ||
        effect->is_implied || is_conditional(scene)) {
        return;
    }
    if (effect->object == OBJECT_TABLE) {
        table = catalog_table(scene->catalog, effect->schema, effect->name);
        if (table && !table->is_temporary) {
            scene_find(scene, "%s is there already, since %s", scene_object(scene),
                       scene_file_name(scene, table->file));
        }
    } else if (effect->object == OBJECT_COLUMN && effect->part) {
        table = catalog_table(scene->catalog, effect->schema, effect->name);
        const struct catalog_column *column = table ? catalog_column(table, effect->part) : NULL;
        if (column && !is_dropped_here(scene)) {
            scene_find(scene, "%s.%s is there already, since %s", scene_object(scene), effect->part,
                       scene_file_name(scene, column->file));
        }
    }
}

const struct rule rules_history[] = {
    {.id = "SK112",
     .name = "not-there-any-more",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "What an earlier migration has dropped or renamed cannot be used: the migration fails "
            "on every database.",
     .instead = "Use its new name, or make it again first.",
     .bad = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
            "-- file: 0002_drop.up.sql\nDROP TABLE users;\n"
            "-- file: 0003_column.up.sql\nALTER TABLE users ADD COLUMN email text;\n",
     .good = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "-- file: 0002_drop.up.sql\nDROP TABLE users;\n"
             "-- file: 0003_again.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "ALTER TABLE users ADD COLUMN email text;\n",
     .check = check_lost},
    {.id = "SK113",
     .name = "there-already",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "What an earlier migration has made cannot be made again: the migration fails on every "
            "database.",
     .instead = "Alter what is there.",
     .bad = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
            "-- file: 0002_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "-- file: 0002_other.up.sql\nCREATE TABLE app.users (id bigint PRIMARY KEY);\n",
     .check = check_there},
    {.id = RULE_NOT_YET,
     .name = "not-there-yet",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .why =
         "What only a later migration makes cannot be used by this one: on an empty database the "
         "history stops here.",
     .instead = "Put them into the other order, before either is applied anywhere.",
     .bad = "-- file: 0001_column.up.sql\nALTER TABLE users ADD COLUMN email text;\n"
            "-- file: 0002_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "-- file: 0002_column.up.sql\nALTER TABLE users ADD COLUMN email text;\n",
     .check = NULL},
    {.id = RULE_OUT_OF_ORDER,
     .name = "out-of-order",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .why = "Databases that have applied what comes after it refuse it, or get another schema than "
            "those that have not. Seen with --changed-since.",
     .instead = "Give it a version above all that are there.",
     .bad = "-- file: 0001_a.up.sql\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
            "-- file: 0002_added.up.sql\nCREATE TABLE b (id bigint PRIMARY KEY);\n"
            "-- file: 0003_c.up.sql\nCREATE TABLE c (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_a.up.sql\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
             "-- file: 0002_c.up.sql\nCREATE TABLE c (id bigint PRIMARY KEY);\n"
             "-- file: 0003_added.up.sql\nCREATE TABLE b (id bigint PRIMARY KEY);\n",
     .also = "Atlas non-linear changes",
     .check = NULL},
    {.id = RULE_EDITED,
     .name = "history-edited",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_ENGINE,
     .why = "A migration that some database has applied already is never run there again: an edit "
            "makes two kinds of databases, and Skein refuses to go on where the checksum differs. "
            "Seen with --changed-since.",
     .instead = "Undo the edit and write a new migration.",
     .bad = "-- file: 0001_a.up.sql\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
            "-- file: 0002_edited.up.sql\nCREATE TABLE b (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_a.up.sql\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
             "-- file: 0002_added.up.sql\nCREATE TABLE b (id bigint PRIMARY KEY);\n",
     .check = NULL},
    {0}};
