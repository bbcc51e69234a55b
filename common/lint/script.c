/* One script: read it, show it to the rules statement by statement, replay it. */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"
#include "common/sql/skim.h"

#define MAJOR_ASSUMED 15 /* when nobody says which server it is */

/* ---- findings of the engine itself ----------------------------------------------------------- */

struct finding *
script_find(struct script_look *scene, const char *id, size_t offset, size_t size, size_t statement,
            const char *text)
{
    struct linting *linting = scene->linting;
    struct arena *arena = &linting->findings->arena;
    const struct rule *rule = rule_find(id);
    enum severity severity = linting_severity(linting, rule);

    if (severity == SEVERITY_OFF || !scene->is_reported) {
        return NULL;
    }
    struct finding *finding = finding_list_add(linting->findings);
    finding->rule = rule;
    finding->severity = severity;
    finding->path = scene->script.path;
    finding->place = source_place(scene->script.source, offset, &scene->last);
    finding->columns = size;
    finding->text = arena_text(arena, text);
    finding->script = linting->script_count;
    finding->statement = statement;
    scene_take_line(finding, scene->script.source->file->text, scene->script.source->file->size,
                    arena);
    return finding;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Which rule tells what the reader has against a script. */
static const char *
rule_of(const struct error *error)
{
    static const struct {
        const char *code, *rule;
    } own[] = {
        {"E-MIG-IDENT", RULE_LONG_NAME}, {"E-MIG-SECRET", RULE_SECRET},
        {"E-MIG-SYNTAX", RULE_SYNTAX},   {"E-MIG-LEX", RULE_SYNTAX},
        {"E-MIG-PSQL", RULE_SYNTAX},     {"E-MIG-COMPLEX", RULE_SYNTAX},
        {"E-MIG-ENCODING", RULE_SYNTAX},
    };

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (error_is(error, own[i].code)) {
            return own[i].rule;
        }
    }
    return RULE_REFUSED;
}

void
linting_refuse_all(struct linting *linting, const struct error_list *errors,
                   const struct source *source)
{
    for (size_t i = 0; i < errors->count; i++) {
        linting_refuse(linting, rule_of(&errors->errors[i]), &errors->errors[i], source);
    }
}

/* A script that is only read for what comes after it: what makes and drops things, no more. */
static bool
skim_script(struct script_look *scene, struct script_reading *reading)
{
    struct lint_script *script = &scene->script;
    struct place place;
    struct error error;

    script->text = sql_skim(reading->text, reading->source->size, &reading->scratch);
    script->size = reading->source->size;
    if (!text_is_utf8(reading->text, reading->source->size) ||
        !sql_split(script->text, script->size, ANNOTATION_MARK, &reading->scratch, &script->sql,
                   &place, &error)) {
        return false;
    }
    script->effects =
        arena_alloc(&reading->scratch, (script->sql.statement_count + 1) * sizeof *script->effects);
    return true;
}

/* False when the script cannot be looked at: not parsed, or run as it stands. */
static bool
read_script(struct script_look *scene, struct script_reading *reading)
{
    struct lint_script *script = &scene->script;

    script_understand(reading);
    linting_refuse_all(scene->linting, &reading->found, reading->source);
    linting_refuse_all(scene->linting, reading->reading->errors, reading->source);
    error_list_release(reading->reading->errors);
    script->path = scene->path;
    script->text = reading->text;
    script->size = reading->source->size;
    script->sql = reading->sql;
    script->annotations = reading->annotations;
    script->effects =
        arena_alloc(&reading->scratch, (script->sql.statement_count + 1) * sizeof *script->effects);
    script->is_transactional = reading->judged.script &&
                               refusal_is_transactional(&reading->judged) && !reading->batch_count;
    return reading->judged.script != NULL;
}

/* ---- showing it to the rules ----------------------------------------------------------------- */

static void
run_rules(struct scene *scene, enum rule_scope scope)
{
    const struct linting *linting = scene->linting;

    for (size_t i = 0; i < linting->active_count[scope]; i++) {
        const struct rule *rule = linting->active[scope][i].rule;
        unsigned parts = rule->parts ? rule->parts : ON_UP;
        if (parts & scene->script->part) {
            scene->rule = rule;
            rule->check(scene);
        }
    }
}

/* The relation that an effect is about: itself, or the one that its index, trigger … belongs to. */
static const struct sql_relation *
table_of(const struct effects *effects, const struct effect *effect)
{
    const struct sql_relation *strongest = NULL;

    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        if (text_equal(relation->name, effect->name) &&
            (!effect->schema || text_equal(relation->schema, effect->schema)) &&
            relation->object != OBJECT_INDEX) {
            return relation;
        }
        bool is_table = relation->object != OBJECT_INDEX && relation->object != OBJECT_SEQUENCE;
        if (is_table && (!strongest || relation->lock > strongest->lock)) {
            strongest = relation;
        }
    }
    bool has_table = effect->object == OBJECT_INDEX;
    return has_table ? strongest : NULL;
}

static void
show_effects(struct scene *scene)
{
    for (size_t i = 0; i < scene->effects->effect_count; i++) {
        scene->effect = &scene->effects->effects[i];
        scene->table = table_of(scene->effects, scene->effect);
        scene->is_new =
            scene->table && (scene->table->is_new || scene->table->is_temporary ||
                             scene_is_new(scene, scene->table->schema, scene->table->name));
        run_rules(scene, RULE_OF_EFFECT);
    }
    scene->effect = NULL;
    scene->table = NULL;
    scene->is_new = false;
    for (size_t i = 0; i < scene->effects->call_count; i++) {
        scene->call = &scene->effects->calls[i];
        run_rules(scene, RULE_OF_CALL);
    }
    scene->call = NULL;
}

static void
show_statements(struct script_look *script, struct scene *scene)
{
    struct linting *linting = script->linting;
    const struct sql_script *sql = &script->script.sql;

    for (size_t i = 0; i < sql->statement_count; i++) {
        struct effects *effects = &script->script.effects[i];
        effects_read(&sql->statements[i], linting->catalog, (int)scene->server_major, script->arena,
                     effects);
        if (script->is_reported) {
            scene->statement = &sql->statements[i];
            scene->statement_index = i;
            scene->effects = effects;
            run_rules(scene, RULE_OF_STATEMENT);
            show_effects(scene);
        }
        if (script->script.part == ON_UP) {
            if (!text_equal(sql->statements[i].facts.tag, "DO")) {
                not_yet_use(script, i, effects); /* a block may ask first */
            }
            not_yet_make(script, effects);
            known_learn(script, i, effects);
            linting->is_incomplete |=
                effects->is_opaque && text_equal(sql->statements[i].facts.tag, "DO");
            known_note_drops(script, effects);
            catalog_apply(linting->catalog, effects);
        }
    }
    scene->statement = NULL;
    scene->effects = NULL;
    scene->statement_index = FINDING_OF_FILE;
}

/* Some tools' migrations come in pieces: several in a row that have the same name. */
static bool
is_piece(const struct linting *linting, size_t index)
{
    const struct source_list *sources = &linting->reading.sources;
    const char *name = sources->items[index].name;

    return name && name[0] &&
           ((index > 0 && text_equal(sources->items[index - 1].name, name)) ||
            (index + 1 < sources->count && text_equal(sources->items[index + 1].name, name)));
}

/* What the change has done to a history that databases have applied already. */
static void
check_change(struct script_look *script)
{
    const struct linting *linting = script->linting;
    size_t file = linting->file_count;

    if (!linting->wish->change_of || script->script.part != ON_UP ||
        script->migration->is_repeatable) {
        return;
    }
    if (linting->changes[file - 1] == LINT_ADDED && file < linting->settled) {
        script_find(script, RULE_OUT_OF_ORDER, 0, 0, FINDING_OF_FILE,
                    arena_format(script->arena, "%s was there before and comes after it",
                                 linting->last_settled));
    } else if (linting->changes[file - 1] == LINT_EDITED) {
        script_find(script, RULE_EDITED, 0, 0, FINDING_OF_FILE,
                    "it was there before: databases that have applied it stay as they are");
    }
}

static void
show(struct script_look *script)
{
    struct linting *linting = script->linting;
    struct scene scene = {
        .linting = linting,
        .arena = script->arena,
        .migration = script->migration,
        .migration_index = script->migration_index,
        .script = &script->script,
        .catalog = linting->catalog,
        .server_major = linting->wish->server_major ? linting->wish->server_major : MAJOR_ASSUMED,
        .statement_index = FINDING_OF_FILE,
        .is_piece = is_piece(linting, script->migration_index),
        .has_downs = release_writes_downs(&linting->reading.sources, script->migration_index),
        .made = linting->made,
        .made_count = linting->made_count,
    };

    if (script->is_reported) {
        check_change(script);
        run_rules(&scene, RULE_OF_SCRIPT);
    }
    show_statements(script, &scene);
    if (script->is_reported) {
        run_rules(&scene, RULE_OF_SCRIPT_END);
        withdraw_idle(script);
        allow_apply(script);
    }
}

void
script_lint(struct linting *linting, const struct source_migration *migration,
            size_t migration_index, const struct source *source, const char *path,
            enum rule_part part, bool is_reported)
{
    struct script_reading reading;
    struct script_look script = {
        .linting = linting,
        .migration = migration,
        .migration_index = migration_index,
        .path = path,
        .script = {.path = path, .source = source, .part = part},
        .first_finding = linting->findings->count,
        .is_reported = is_reported,
    };

    linting->script_count++;
    linting->dropped_keys = NULL;
    linting->tally->read++;
    script_open(&reading, &linting->reading, source);
    reading.is_verify = part == ON_VERIFY;
    script.arena = &reading.scratch;
    bool is_read = is_reported ? read_script(&script, &reading) : skim_script(&script, &reading);
    if (is_read) {
        show(&script);
    } else if (part == ON_UP) {
        linting->is_incomplete = true;
    }
    linting->tally->files += is_reported;
    linting->tally->statements += is_reported ? script.script.sql.statement_count : 0;
    error_list_release(&reading.found);
    arena_release(&reading.scratch);
    arena_clear(&linting->reading.arena);
}
