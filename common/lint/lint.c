#include "common/lint/lint.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"
#include "common/migration/layout.h"
#include "common/sql/deep_stack.h"

struct folder_lint {
    struct linting linting;
    struct error *error;
    bool succeeded;
};

/* ---- which rules ----------------------------------------------------------------------------- */

enum severity
linting_severity(const struct linting *linting, const struct rule *rule)
{
    enum severity severity = rule->severity;

    for (size_t i = 0; i < linting->wish->level_count; i++) {
        if (linting->wish->levels[i].rule == rule) {
            severity = linting->wish->levels[i].severity;
        }
    }
    return severity;
}

void
linting_open(struct linting *linting)
{
    size_t count = rule_count();

    for (size_t scope = 0; scope < RULE_SCOPE_COUNT; scope++) {
        linting->active[scope] =
            arena_alloc(&linting->arena, count * sizeof *linting->active[scope]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = rule_at(i);
        enum severity severity = linting_severity(linting, rule);
        if (severity != SEVERITY_OFF) {
            linting->active[rule->scope][linting->active_count[rule->scope]++] =
                (struct active_rule){rule, severity};
        }
    }
    linting->catalog = catalog_new();
}

void
linting_close(struct linting *linting)
{
    catalog_destroy(&linting->catalog);
    not_yet_release(linting);
    known_release(linting);
    free(linting->made);
    arena_release(&linting->migration_arena);
    arena_release(&linting->arena);
}

/* ---- what the reader has against it ---------------------------------------------------------- */

/* Take "path:line:column" or a path apart; the path is made in the arena. */
static const char *
read_where(const char *where, struct arena *arena, struct place *place)
{
    char *path = arena_text(arena, where);
    size_t numbers[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        char *colon = strrchr(path, ':');
        size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
        if (!digits || colon[1 + digits]) {
            return arena_text(arena, where);
        }
        numbers[i] = strtoul(colon + 1, NULL, 10);
        *colon = '\0';
    }
    *place = (struct place){.line = numbers[1], .column = numbers[0]};
    return path;
}

/* The byte where a line and column begin; people are told lines, fixes and lines need bytes. */
static size_t
offset_of(const struct listed_file *file, const struct place *place)
{
    size_t at = 0;

    for (size_t line = 1; line < place->line; line++) {
        const char *end = memchr(file->text + at, '\n', file->size - at);
        if (!end) {
            return file->size;
        }
        at = (size_t)(end - file->text) + 1;
    }
    for (size_t column = 1; column < place->column && at < file->size; column++) {
        size_t step = text_character(file->text + at, file->size - at);
        at += step ? step : 1;
    }
    return at < file->size ? at : file->size;
}

void
linting_refuse(struct linting *linting, const char *id, const struct error *error,
               const struct source *source)
{
    struct arena *arena = &linting->findings->arena;
    const struct rule *rule = rule_find(id);
    enum severity severity = linting_severity(linting, rule);
    struct place place = {0};

    if (severity == SEVERITY_OFF) {
        return;
    }
    const char *path = read_where(error->where, arena, &place);
    if (linting->wish->is_reported && !linting->wish->is_reported(linting->wish->context, path)) {
        return;
    }
    struct finding *finding = finding_list_add(linting->findings);
    finding->rule = rule;
    finding->severity = severity;
    finding->path = path;
    finding->place = place;
    finding->text =
        arena_format(arena, "%s%s%s%s%s (%s)", error->text, error->found[0] ? ": " : "",
                     error->found, error->hint[0] ? "; " : "", error->hint, error->code);
    if (source && place.line) {
        finding->place.offset = offset_of(source->file, &place);
        scene_take_line(finding, source->file->text, source->file->size, arena);
    }
}

/* ---- one folder ------------------------------------------------------------------------------ */

static bool
is_reported(const struct linting *linting, const char *path)
{
    const struct lint_wish *wish = linting->wish;
    return !wish->is_reported || wish->is_reported(wish->context, path);
}

static const char *
path_of(struct folder_lint *folder, const struct source *source)
{
    return arena_format(&folder->linting.findings->arena, "%s/%s",
                        folder->linting.reading.from->folder, source->file->name);
}

/*
 * Which files of the catalog are new: those that came with the change; without a change, those that
 * go out with this one, and the one before them, which does so more often than not.
 */
static void
mark_new(struct linting *linting, size_t index, size_t file)
{
    const struct source_list *sources = &linting->reading.sources;
    size_t first = file;

    for (size_t i = release_first(sources, index); i < index; i++) {
        first -= sources->items[i].up.file != NULL;
    }
    linting->new_since = first > 1 ? first - 1 : 1;
}

bool
linting_is_new(const struct linting *linting, size_t file)
{
    if (linting->wish->change_of) {
        return file > 0 && file <= linting->file_count &&
               linting->changes[file - 1] != LINT_UNCHANGED;
    }
    return file >= linting->new_since;
}

static void
lint_migration(struct folder_lint *folder, size_t index)
{
    struct linting *linting = &folder->linting;
    const struct source_migration *migration = &linting->reading.sources.items[index];
    const struct {
        const struct source *source;
        enum rule_part part;
    } scripts[] = {
        {&migration->up, ON_UP}, {&migration->verify, ON_VERIFY}, {&migration->down, ON_DOWN}};

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        const struct source *source = scripts[i].source;
        if (!source->file) {
            continue;
        }
        const char *path = path_of(folder, source);
        bool is_asked_for = is_reported(linting, path);
        if (scripts[i].part == ON_UP) {
            linting->files[linting->file_count++] = source->file->name;
            linting->made_count = 0;
            arena_clear(&linting->migration_arena);
            mark_new(linting, index, catalog_begin_file(linting->catalog));
        }
        if (scripts[i].part == ON_UP || is_asked_for) {
            script_lint(linting, migration, index, source, path, scripts[i].part, is_asked_for);
        }
    }
}

/* What the change has done to each up, and how far the history goes that was there before it. */
static void
read_changes(struct folder_lint *folder)
{
    struct linting *linting = &folder->linting;
    const struct lint_wish *wish = linting->wish;
    const struct source_list *sources = &linting->reading.sources;
    size_t file = 0;

    linting->changes = arena_alloc(&linting->arena, sources->count * sizeof *linting->changes);
    for (size_t i = 0; wish->change_of && i < sources->count; i++) {
        const struct source_migration *migration = &sources->items[i];
        if (!migration->up.file) {
            continue;
        }
        enum lint_change change = wish->change_of(wish->context, path_of(folder, &migration->up));
        linting->changes[file++] = change;
        if (change != LINT_ADDED && !migration->is_repeatable) {
            linting->settled = file;
            linting->last_settled = migration->up.file->name;
        }
    }
}

static void
lint_migrations(struct folder_lint *folder)
{
    struct linting *linting = &folder->linting;
    const struct source_list *sources = &linting->reading.sources;

    linting->files = arena_alloc(&linting->arena, sources->count * sizeof(char *));
    read_changes(folder);
    for (size_t i = 0; i < sources->count; i++) {
        lint_migration(folder, i);
    }
}

/* What the folder as a whole is refused for ends it when nothing of it can be read. */
static void
lint_sources(void *context)
{
    struct folder_lint *folder = context;
    struct linting *linting = &folder->linting;
    struct reading *reading = &linting->reading;

    bool is_collected = reading_collect(reading);
    if (!is_collected && reading->errors->count) {
        *folder->error = reading->errors->errors[0];
    }
    if (is_collected || (reading->layout && reading->errors->count)) {
        linting_open(linting);
        linting_refuse_all(linting, reading->errors, NULL);
        error_list_release(reading->errors);
        size_t first = linting->findings->count;
        lint_migrations(folder);
        withdraw_lists(linting, first);
        linting_close(linting);
        folder->succeeded = true;
    }
    source_list_release(&reading->sources);
    listing_destroy(&reading->files);
    text_release(&reading->content);
    arena_release(&reading->arena);
}

bool
lint_folder(const struct migrations_source *from, const struct lint_wish *wish,
            struct finding_list *findings, struct lint_tally *tally, struct error *error)
{
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    struct folder_lint folder = {
        .linting = {.wish = wish,
                    .findings = findings,
                    .tally = tally,
                    .reading = {.from = from, .errors = &errors, .notes = &notes}},
        .error = error,
    };

    deep_stack_run(lint_sources, &folder);
    return folder.succeeded;
}
