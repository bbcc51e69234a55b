/* Changes of rows: how many at once, and whether they are the same on every database. */
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

static bool
changes_rows(const struct scene *scene, enum effect_verb verb)
{
    const struct effect *effect = scene->effect;

    return effect->verb == verb && !effect->is_temporary && !effect->is_implied && !scene->is_new;
}

/* Whether the annotation of a batch stands between the statement before this one and its end. */
static bool
is_batched(const struct scene *scene)
{
    const struct annotations *annotations = &scene->script->annotations;
    const struct sql_script *sql = &scene->script->sql;
    const struct stretch *own = &scene->statement->stretch;
    const struct stretch *before =
        scene->statement_index ? &sql->statements[scene->statement_index - 1].stretch : NULL;
    size_t from = before ? before->place.offset + before->size : 0;

    for (size_t i = 0; i < annotations->batch_count; i++) {
        size_t offset = annotations->batches[i].offset;
        if (offset >= from && offset < own->place.offset + own->size) {
            return true;
        }
    }
    return false;
}

/* Whether a statement before this one adds the column, with a value for every row. */
static bool
is_added_filled(const struct scene *scene, size_t statement, const struct effect *change,
                const char *name, size_t size)
{
    for (size_t i = 0; i < statement; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_column = effect->verb == EFFECT_CREATE && effect->object == OBJECT_COLUMN &&
                             effect->column && text_equal(effect->name, change->name) &&
                             text_equal(effect->schema, change->schema);
            if (is_column && strlen(effect->part) == size &&
                strncasecmp(effect->part, name, size) == 0) {
                return effect->column->default_text || effect->column->is_serial ||
                       effect->column->is_identity ||
                       effect->column->default_volatility >= VOLATILITY_STABLE;
            }
        }
    }
    return false;
}

/* What stands behind WHERE: a column, alone or of a table, and the rest. */
struct condition {
    const char *name, *rest, *end;
    size_t size;
};

static bool
read_condition(const struct scene *scene, size_t statement, struct condition *condition)
{
    static const char blanks[] = " \t\r\n\"";
    const struct stretch *stretch = &scene->script->sql.statements[statement].stretch;
    const char *text = scene->script->text + stretch->place.offset, *end = text + stretch->size;
    size_t offset = 0, size = 0;

    if (!text_has_words(text, stretch->size, "WHERE", &offset, &size)) {
        return false;
    }
    const char *name = text + offset + size;
    while (name < end && strchr(blanks, *name)) {
        name++;
    }
    const char *stop = name;
    while (stop < end && !strchr(blanks, *stop) && *stop != '=') {
        stop++;
    }
    const char *dot = memchr(name, '.', (size_t)(stop - name));
    name = dot ? dot + 1 : name;
    const char *rest = stop < end && *stop == '"' ? stop + 1 : stop;
    while (rest < end && strchr(blanks, *rest)) {
        rest++;
    }
    *condition = (struct condition){name, rest, end, (size_t)(stop - name)};
    return true;
}

/*
 * Whether a change concerns rows that hold no value of a column (`… WHERE active IS NULL`) that
 * has just been added with a default: there are none of them.
 */
static bool
finds_no_row(const struct scene *scene, size_t statement, const struct effect *change)
{
    struct condition condition;
    size_t offset = 0, size = 0;

    if (!read_condition(scene, statement, &condition)) {
        return false;
    }
    size_t rest = (size_t)(condition.end - condition.rest);
    bool is_null = text_has_words(condition.rest, rest, "IS NULL", &offset, &size) && !offset;
    for (size_t i = size; is_null && i < rest; i++) {
        is_null = strchr(" \t\r\n;", condition.rest[i]) != NULL;
    }
    return is_null && is_added_filled(scene, statement, change, condition.name, condition.size);
}

/* Whether an index of one column alone keeps its rows apart. */
static bool
is_key(const struct catalog_table *table, const char *name, size_t size)
{
    const struct catalog_index *index = table ? table->indexes : NULL;

    for (; index; index = index->next) {
        const char *column = index->index.column_count == 1 ? index->index.columns[0] : NULL;
        if (index->index.is_unique && column && strlen(column) == size &&
            strncasecmp(column, name, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a change is one of the row with this key: `… WHERE id = 7`. */
static bool
is_of_one_row(const struct scene *scene, size_t statement, const struct effect *change)
{
    struct condition condition;
    size_t offset = 0, size = 0;

    if (!read_condition(scene, statement, &condition) || condition.rest >= condition.end ||
        *condition.rest != '=') {
        return false;
    }
    size_t rest = (size_t)(condition.end - condition.rest);
    return !text_has_words(condition.rest, rest, "OR", &offset, &size) &&
           !text_has_words(condition.rest, rest, "SELECT", &offset, &size) &&
           is_key(catalog_table(scene->catalog, change->schema, change->name), condition.name,
                  condition.size);
}

static void
check_update_all(struct scene *scene)
{
    if (changes_rows(scene, EFFECT_UPDATE) && !scene->effect->is_bounded && !is_batched(scene)) {
        scene_find(scene, "every row of %s is written anew in one transaction",
                   scene_object(scene));
    }
}

static void
check_delete_all(struct scene *scene)
{
    if (changes_rows(scene, EFFECT_DELETE) && !scene->effect->is_bounded) {
        scene_find(scene, "every row of %s is deleted", scene_object(scene));
    }
}

/* A comparison with a constant key touches a handful of rows; anything else may touch them all. */
static void
check_unbatched(struct scene *scene)
{
    bool is_change = changes_rows(scene, EFFECT_UPDATE) || changes_rows(scene, EFFECT_DELETE);
    size_t size = 0;
    const char *text = scene_text(scene, &size);

    if (is_change && scene->effect->is_bounded && !is_batched(scene) &&
        !scene_has_word(scene, "LIMIT") &&
        (scene_has_word(scene, "NULL") || scene_has_word(scene, "SELECT") ||
         scene_has_word(scene, "FROM") || scene_has_word(scene, "USING")) &&
        !memmem(text, size, "'", 1) &&
        !finds_no_row(scene, scene->statement_index, scene->effect)) {
        scene_find(scene, "%s is changed in one transaction, however many of its rows that are",
                   scene_object(scene));
    }
}

static bool
is_lasting_lock(const struct sql_relation *relation)
{
    return relation->lock >= LOCK_SHARE_ROW_EXCLUSIVE && !relation->is_new &&
           !relation->is_temporary && relation->object != OBJECT_SEQUENCE;
}

/* The first relation that changing its schema keeps others out of; null: none. LOCK TABLE: SK069.
 */
static const struct sql_relation *
locked_by(const struct scene *scene, size_t statement)
{
    const struct effects *effects = &scene->script->effects[statement];

    if (effects->class == CLASS_DATA || effects->class == CLASS_SESSION) {
        return NULL;
    }
    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        if (is_lasting_lock(relation) && !scene_is_new(scene, relation->schema, relation->name)) {
            return relation;
        }
    }
    return NULL;
}

/* Rows of a table that exists already, and not a handful that stand in the statement. */
static const struct effect *
big_change(const struct scene *scene, size_t statement)
{
    const struct effects *effects = &scene->script->effects[statement];

    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_change = effect->verb == EFFECT_UPDATE || effect->verb == EFFECT_DELETE ||
                         (effect->verb == EFFECT_INSERT && !effect->is_bounded);
        const struct sql_relation *relation =
            effects_relation(effects, effect->schema, effect->name);
        if (is_change && !effect->is_temporary && !effect->is_implied && relation &&
            !relation->is_new && !scene_is_new(scene, effect->schema, effect->name) &&
            !finds_no_row(scene, statement, effect) && !is_of_one_row(scene, statement, effect)) {
            return effect;
        }
    }
    return NULL;
}

static void
check_mixed(struct scene *scene)
{
    const struct sql_relation *locked = NULL;

    for (size_t i = 0; scene->script->is_transactional && i < scene->script->sql.statement_count;
         i++) {
        const struct effect *change = big_change(scene, i);
        if (change && locked) {
            scene_find_effect(scene, i, change,
                              "nobody can work with %s, which is locked above, until all of these "
                              "rows are changed",
                              scene_name(scene, locked->schema, locked->name));
            scene_unless_list(scene, change->schema, change->name);
            return;
        }
        locked = locked ? locked : locked_by(scene, i);
    }
}

/*
 * `SELECT 1, 'a' WHERE EXISTS (SELECT … FROM …)` is one row, whatever it asks about; a comparison
 * with a text that is written out finds a handful, as in check_unbatched.
 */
static bool
is_few_rows(const struct scene *scene)
{
    size_t from = 0, where = 0, size = 0, text_size = 0;
    const char *text = scene_text(scene, &text_size);

    if (!scene_words(scene, "FROM", &from, &size)) {
        return true;
    }
    if (!scene_words(scene, "WHERE", &where, &size)) {
        return false;
    }
    size_t behind = where - scene->statement->stretch.place.offset;
    return where < from || memchr(text + behind, '\'', text_size - behind);
}

static void
check_insert_select(struct scene *scene)
{
    const struct effects *effects = scene->effects;

    if (!changes_rows(scene, EFFECT_INSERT) || scene->effect->is_bounded || is_batched(scene) ||
        is_few_rows(scene)) {
        return;
    }
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *read = &effects->effects[i];
        const struct sql_relation *relation = effects_relation(effects, read->schema, read->name);
        if (read->verb == EFFECT_READ && relation && !relation->is_new &&
            !scene_is_new(scene, read->schema, read->name) &&
            !text_equal(read->name, scene->effect->name)) {
            scene_find(scene, "rows of %s are copied in one transaction, however many they are",
                       scene_name(scene, read->schema, read->name));
            return;
        }
    }
}

static bool
is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (text_equal(*names, name)) {
            return true;
        }
    }
    return false;
}

static bool
writes_rows(const struct scene *scene)
{
    return scene->effects->class == CLASS_DATA;
}

static void
check_random(struct scene *scene)
{
    static const char *const names[] = {"random",
                                        "gen_random_uuid",
                                        "uuid_generate_v1",
                                        "uuid_generate_v4",
                                        "uuidv4",
                                        "uuidv7",
                                        "uuid_generate_v1mc",
                                        "gen_random_bytes",
                                        "clock_timestamp",
                                        "timeofday",
                                        "setseed",
                                        "random_normal",
                                        NULL};

    if (writes_rows(scene) && is_one_of(scene->call->name, names)) {
        scene_find(scene, "%s() gives other values on every database, and on every try",
                   scene->call->name);
    }
}

static void
check_environment(struct scene *scene)
{
    static const char *const names[] = {"current_user",
                                        "session_user",
                                        "current_role",
                                        "user",
                                        "current_database",
                                        "current_catalog",
                                        "inet_client_addr",
                                        "inet_server_addr",
                                        "pg_backend_pid",
                                        "version",
                                        "txid_current",
                                        "pg_current_xact_id",
                                        NULL};

    if (writes_rows(scene) && is_one_of(scene->call->name, names)) {
        scene_find(scene,
                   "%s writes down who has migrated, and where, and not what the service needs",
                   scene->call->name);
    }
}

const struct rule rules_data[] = {
    {.id = "SK057",
     .name = "update-without-where",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .follows_size = true,
     .why = "Every row is locked until the end of the transaction and written anew, which doubles "
            "the table, and the replicas get all of it at once.",
     .instead = "-- skein: batch key=id above an UPDATE whose WHERE leaves out what is done "
                "already.",
     .bad = "UPDATE users SET active = true;\n",
     .good = "UPDATE users SET active = true WHERE id = 1;\n",
     .also = "strong_migrations backfilling data; pgfence bulk-update; sqlcheck",
     .check = check_update_all},
    {.id = "SK058",
     .name = "delete-without-where",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP,
     .follows_size = true,
     .why = "A DELETE without WHERE empties the table on every database of the fleet.",
     .instead = "Say which rows have to go, and delete them in batches.",
     .bad = "DELETE FROM users;\n",
     .good = "DELETE FROM users WHERE id = 1;\n",
     .also = "pgfence delete-without-where",
     .check = check_delete_all},
    {.id = "SK059",
     .name = "unbatched-change",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "One statement holds its locks until the last row is changed; for a large table that "
            "is minutes in which code that writes the same rows waits, and vacuum cannot clean.",
     .instead = "-- skein: batch key=id above the statement: it is carried out in small "
                "transactions, and goes on after a crash where it was.",
     .bad = "UPDATE users SET name = login WHERE name IS NULL;\n",
     .good = "UPDATE users SET name = 'nobody' WHERE id = 1;\n",
     .also = "strong_migrations backfilling data",
     .check = check_unbatched},
    {.id = "SK060",
     .name = "schema-and-data-mixed",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .follows_size = true,
     .why = "The lock that changing the schema took is held until all rows are changed, because "
            "both are one transaction.",
     .instead = "Two migrations: first the schema, then the rows.",
     .bad = "ALTER TABLE users ADD COLUMN active boolean;\n"
            "UPDATE users SET active = true WHERE last_seen > now() - interval '1 year';\n",
     .good = "ALTER TABLE users ADD COLUMN active boolean;\n",
     .also = "strong_migrations (separate transactions); eugene E4",
     .check = check_mixed},
    {.id = "SK061",
     .name = "insert-select",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Copying a table in one statement is one long transaction: its snapshot holds back "
            "vacuum, and its rows reach the replicas all at once.",
     .instead = "Copy in batches by key.",
     .bad = "INSERT INTO people (id) SELECT id FROM users;\n",
     .good = "INSERT INTO people (id) VALUES (1), (2);\n",
     .check = check_insert_select},
    {.id = "SK062",
     .name = "random-content",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_CALL,
     .parts = ON_UP | ON_DOWN,
     .why = "Rows that differ from database to database, and from try to try, cannot be compared "
            "with each other or found again by the way back.",
     .instead = "Write the values out, or compute them from what the row holds (md5(id::text)).",
     .bad = "INSERT INTO roles (id, name) VALUES (gen_random_uuid(), 'admin');\n",
     .good = "INSERT INTO roles (id, name) VALUES ('6f1c0f5e-6a3b-4e0e-9d51-2f6f0a3f9b11', "
             "'admin');\n",
     .check = check_random},
    {.id = "SK063",
     .name = "content-of-the-session",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_CALL,
     .parts = ON_UP | ON_DOWN,
     .why = "Who migrates, and from where, differs from database to database.",
     .instead = "Write the value out.",
     .bad = "INSERT INTO notes (author) VALUES (current_user);\n",
     .good = "INSERT INTO notes (author) VALUES ('system');\n",
     .check = check_environment},
    {0}};
