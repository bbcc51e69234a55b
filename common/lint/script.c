/* One script: read it, show it to the rules statement by statement, replay it. */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"
#include "common/migration/refusal.h"

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

/* What the reader says against the script, each at its place. */
static void
refuse_all(struct script_look *scene, const struct error_list *errors)
{
    static const struct {
        const char *code, *rule;
    } own[] = {{"E-MIG-IDENT", RULE_LONG_NAME}, {"E-MIG-SECRET", RULE_SECRET}};

    for (size_t i = 0; scene->is_reported && i < errors->count; i++) {
        const char *rule = RULE_REFUSED;
        for (size_t j = 0; j < sizeof own / sizeof *own; j++) {
            rule = error_is(&errors->errors[i], own[j].code) ? own[j].rule : rule;
        }
        linting_refuse(scene->linting, rule, &errors->errors[i]);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
find_syntax(struct script_look *scene, const struct place *place, const struct error *error)
{
    const char *text =
        arena_format(&scene->arena, "%s%s%s%s%s (%s)", error->text, error->found[0] ? ": " : "",
                     error->found, error->hint[0] ? "; " : "", error->hint, error->code);

    script_find(scene, RULE_SYNTAX, place->offset, 1, FINDING_OF_FILE, text);
}

static bool
check_encoding(struct script_look *scene)
{
    const struct lint_script *script = &scene->script;
    size_t at = 0;

    if (text_is_utf8(script->text, script->size)) {
        return true;
    }
    for (size_t step = 1; step > 0 && at < script->size; at += step) {
        step = text_character(script->text + at, script->size - at);
        if (!step) {
            break;
        }
    }
    script_find(scene, RULE_SYNTAX, at, 1, FINDING_OF_FILE,
                "the file is not UTF-8 here; save it as UTF-8 (E-MIG-ENCODING)");
    return false;
}

static bool
read_script(struct script_look *scene, unsigned accepted)
{
    struct lint_script *script = &scene->script;
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    struct place place;
    struct error error;

    if (!check_encoding(scene)) {
        return false;
    }
    if (!sql_split(script->text, script->size, ANNOTATION_MARK, &scene->arena, &script->sql, &place,
                   &error)) {
        find_syntax(scene, &place, &error);
        return false;
    }
    script->effects =
        arena_alloc(&scene->arena, (script->sql.statement_count + 1) * sizeof *script->effects);
    script->is_transactional = refusal_is_transactional(&script->sql);
    if (!scene->is_reported) {
        return true;
    }
    size_t first =
        script->sql.statement_count ? script->sql.statements[0].stretch.place.offset : script->size;
    annotations_read(script->path, script->text, script->sql.comments, script->sql.comment_count,
                     first, &scene->arena, &script->annotations, &errors);
    const struct judged judged = {.path = script->path,
                                  .text = script->text,
                                  .script = &script->sql,
                                  .annotations = &script->annotations,
                                  .is_verify = script->part == ON_VERIFY,
                                  .accepted = accepted};
    refusals_find(&judged, &errors, &notes);
    refuse_all(scene, &errors);
    return true;
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
        effects_read(&sql->statements[i], linting->catalog, (int)scene->server_major,
                     &script->arena, effects);
        if (script->is_reported) {
            scene->statement = &sql->statements[i];
            scene->statement_index = i;
            scene->effects = effects;
            run_rules(scene, RULE_OF_STATEMENT);
            show_effects(scene);
        }
        if (script->script.part == ON_UP) {
            catalog_apply(linting->catalog, effects);
        }
    }
    scene->statement = NULL;
    scene->effects = NULL;
    scene->statement_index = FINDING_OF_FILE;
}

static void
show(struct script_look *script)
{
    struct linting *linting = script->linting;
    struct scene scene = {
        .linting = linting,
        .arena = &script->arena,
        .migration = script->migration,
        .migration_index = script->migration_index,
        .script = &script->script,
        .catalog = linting->catalog,
        .server_major = linting->wish->server_major ? linting->wish->server_major : MAJOR_ASSUMED,
        .statement_index = FINDING_OF_FILE,
        .has_downs = linting->has_downs,
        .made = linting->made,
        .made_count = linting->made_count,
    };

    if (script->is_reported) {
        run_rules(&scene, RULE_OF_SCRIPT);
    }
    show_statements(script, &scene);
    if (script->is_reported) {
        run_rules(&scene, RULE_OF_SCRIPT_END);
        allow_apply(script);
    }
}

void
script_lint(struct linting *linting, const struct source_migration *migration,
            size_t migration_index, const struct source *source, const char *path,
            enum rule_part part, bool is_reported, unsigned accepted)
{
    struct script_look script = {
        .linting = linting,
        .migration = migration,
        .migration_index = migration_index,
        .script = {.path = path,
                   .source = source,
                   .text = source_text(source),
                   .size = source->size,
                   .part = part},
        .first_finding = linting->findings->count,
        .is_reported = is_reported,
    };

    linting->script_count++;
    linting->tally->read++;
    if (read_script(&script, accepted)) {
        show(&script);
    }
    linting->tally->files += is_reported;
    linting->tally->statements += is_reported ? script.script.sql.statement_count : 0;
    arena_release(&script.arena);
}
