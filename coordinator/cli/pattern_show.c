#include "coordinator/cli/pattern_show.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/patterns/fill.h"
#include "common/patterns/value.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/show.h"

#define WIDTH_MAX 100

/* ---- what both forms say ----------------------------------------------------------------------
 */

/* One word of a shell's command line: in quotes where it needs them. */
static void
append_shell_word(const char *word, struct text *out)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=.,:-";
    bool is_plain = word[strspn(word, plain)] == '\0';
    const char *quote = is_plain ? "" : strchr(word, '\'') ? "\"" : "'";

    text_format(out, "%s%s%s", quote, word, quote);
}

static void
append_command(const struct pattern *pattern, const struct pattern_example *example,
               const char *between, struct text *out)
{
    text_format(out, "skein new my_change --pattern %s", pattern->name);
    for (size_t i = 0; i < example->setting_count; i++) {
        text_format(out, "%s--set ", between);
        append_shell_word(example->settings[i], out);
    }
}

/* "a table as in SQL: …; default: …" */
static void
append_allowed(const struct pattern_parameter *parameter, struct text *out)
{
    CLEANUP(arena_release) struct arena arena = {0};

    text_append(out, value_allowed(parameter, &arena));
    if (parameter->fallback) {
        text_format(out, "; default: %s", parameter->fallback);
    }
}

/* "expand; in batches; with not_null" */
static void
append_migration(const struct pattern_migration *migration, struct text *out)
{
    const char *condition = migration->condition;

    text_append(out, migration->stage);
    if (migration->how[0]) {
        text_format(out, "; %s", migration->how);
    }
    if (condition && condition[0] == '!') {
        text_format(out, "; without %s", condition + 1);
    } else if (condition) {
        size_t size = strcspn(condition, "|");
        text_format(out, "; with %.*s%s%s", (int)size, condition, condition[size] ? " or " : "",
                    condition[size] ? condition + size + 1 : "");
    }
}

/* The paragraphs of a text, whose lines may be joined. */
static const char *
take_paragraph(const char *about, struct text *paragraph)
{
    text_clear(paragraph);
    about += strspn(about, "\n");
    while (*about && *about != '\n') {
        size_t size = strcspn(about, "\n");
        text_format(paragraph, "%s%.*s", paragraph->size ? " " : "", (int)size, about);
        about += size + (about[size] == '\n');
    }
    return paragraph->size ? about : NULL;
}

/* ---- a terminal -------------------------------------------------------------------------------
 */

static size_t
width_of(const struct terminal *terminal)
{
    return terminal->width > WIDTH_MAX ? WIDTH_MAX : terminal->width;
}

static void
append_title(const struct terminal *terminal, const char *title, struct text *out)
{
    text_format(out, "\n%s%s%s\n", terminal_style(terminal, STYLE_STRONG), title,
                terminal_style(terminal, STYLE_PLAIN));
}

static void
append_parameters(const struct pattern *pattern, const struct terminal *terminal, struct text *out)
{
    append_title(terminal, "parameters", out);
    for (size_t i = 0; i < pattern->parameter_count; i++) {
        const struct pattern_parameter *parameter = &pattern->parameters[i];
        CLEANUP(text_release) struct text allowed = {0};
        bool is_needed = !parameter->fallback && !parameter->is_optional;
        append_allowed(parameter, &allowed);
        text_format(out, "  %s%-14s%s ", terminal_style(terminal, STYLE_NAME), parameter->name,
                    terminal_style(terminal, STYLE_PLAIN));
        terminal_fold(terminal, parameter->sentence, 17, width_of(terminal), out);
        text_format(out, "%s\n%17s", is_needed ? " (needed)" : "", "");
        terminal_fold(terminal, text_of(&allowed), 17, width_of(terminal), out);
        text_append(out, "\n");
    }
}

static void
append_migrations(const struct pattern *pattern, const struct terminal *terminal, struct text *out)
{
    append_title(terminal, "migrations", out);
    for (size_t i = 0; i < pattern->migration_count; i++) {
        CLEANUP(text_release) struct text facts = {0};
        append_migration(&pattern->migrations[i], &facts);
        text_format(out, "  %-16s %s\n", pattern->migrations[i].name, text_of(&facts));
    }
}

void
pattern_show_one(const struct pattern *pattern, const struct terminal *terminal, struct text *out)
{
    CLEANUP(text_release) struct text paragraph = {0};
    const char *about = pattern->about;

    text_format(out, "%s%s%s: %s\n", terminal_style(terminal, STYLE_STRONG), pattern->name,
                terminal_style(terminal, STYLE_PLAIN), pattern->title);
    while ((about = take_paragraph(about, &paragraph))) {
        text_append(out, "\n");
        terminal_fold(terminal, text_of(&paragraph), 0, width_of(terminal), out);
        text_append(out, "\n");
    }
    append_parameters(pattern, terminal, out);
    append_migrations(pattern, terminal, out);
    append_title(terminal, "examples", out);
    for (size_t i = 0; i < pattern->example_count; i++) {
        text_append(out, "  ");
        append_command(pattern, &pattern->examples[i], " ", out);
        text_append(out, "\n");
    }
}

void
pattern_show_list(const struct library *library, const struct terminal *terminal, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    size_t count = 0;
    const struct pattern *patterns = library_patterns(library, &count);

    grid_column(grid, "pattern", GRID_LEFT);
    grid_column(grid, "migrations", GRID_RIGHT);
    grid_column(grid, "what it makes", GRID_SHRINKS);
    for (size_t i = 0; i < count; i++) {
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", patterns[i].name);
        grid_cell(grid, STYLE_PLAIN, "%zu", patterns[i].migration_count);
        grid_cell(grid, STYLE_PLAIN, "%s", patterns[i].title);
    }
    grid_render(grid, terminal, 0, out);
}

/* ---- Markdown ---------------------------------------------------------------------------------
 */

/* A text in a cell of a table. */
static void
append_cell(const char *cell, struct text *out)
{
    for (; *cell; cell++) {
        text_append(out, *cell == '|' ? "\\" : "");
        text_append_bytes(out, cell, 1);
    }
}

static void
append_parameter_table(const struct pattern *pattern, struct text *out)
{
    text_append(out, "\n| parameter | what | allowed |\n|---|---|---|\n");
    for (size_t i = 0; i < pattern->parameter_count; i++) {
        const struct pattern_parameter *parameter = &pattern->parameters[i];
        CLEANUP(arena_release) struct arena arena = {0};
        bool is_needed = !parameter->fallback && !parameter->is_optional;
        text_format(out, "| `%s`%s | %s | ", parameter->name, is_needed ? " (needed)" : "",
                    parameter->sentence);
        append_cell(value_allowed(parameter, &arena), out);
        if (parameter->fallback) {
            text_append(out, "; default `");
            append_cell(parameter->fallback, out);
            text_append(out, "`");
        }
        text_append(out, " |\n");
    }
}

/* The scripts that the first example makes: what the way up is, and the way back. */
static void
append_example(const struct pattern *pattern, struct text *out)
{
    CLEANUP(error_list_release) struct error_list errors = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    const struct pattern_example *example = &pattern->examples[0];
    struct filled filled;

    text_append(out, "\n```sh\n");
    append_command(pattern, example, " \\\n    ", out);
    text_append(out, "\n```\n");
    if (!pattern_fill(pattern, example->settings, example->setting_count, &arena, &filled,
                      &errors)) {
        return;
    }
    for (size_t i = 0; i < filled.count; i++) {
        text_format(out, "\n`%s`, up:\n\n```sql\n%s```\n", filled.migrations[i].name,
                    filled.migrations[i].up);
        if (filled.migrations[i].down) {
            text_format(out, "\ndown:\n\n```sql\n%s```\n", filled.migrations[i].down);
        }
    }
}

static void
append_markdown(const struct pattern *pattern, struct text *out)
{
    text_format(out, "\n## %s\n\n*%s*\n\n%s", pattern->name, pattern->title, pattern->about);
    append_parameter_table(pattern, out);
    text_append(out, "\n| migration | stage |\n|---|---|\n");
    for (size_t i = 0; i < pattern->migration_count; i++) {
        text_format(out, "| %s | ", pattern->migrations[i].name);
        append_migration(&pattern->migrations[i], out);
        text_append(out, " |\n");
    }
    append_example(pattern, out);
}

void
pattern_show_markdown(const struct library *library, struct text *out)
{
    size_t count = 0;
    const struct pattern *patterns = library_patterns(library, &count);

    text_append(
        out,
        "# Patterns\n\n*Printed by `skein patterns --format markdown`; `skein patterns NAME` "
        "explains one.*\n\nA pattern is a change of a schema that many have made before, cut into "
        "migrations that an application can live through. `skein new NAME --pattern P --set "
        "name=value …` writes them into a service's folder: plain SQL, to be read, changed and "
        "committed. Migrations of the stages expand and migrate may be applied while old code "
        "runs, those of the stage contract when no old code runs any more: go to the last one "
        "before with `skein up --to` or `skein apply --to`, roll out the application, and go on."
        "\n\nWhat is put into SQL is checked first: a name is quoted where it must be, an "
        "expression is one expression and nothing more. A name with capital letters is written in "
        "double quotes, as in SQL. Each pattern is proved by a test on a real database in which "
        "others write all the time: nothing they write is lost, and the way back restores what "
        "was there.\n\n| pattern | what it makes |\n|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        text_format(out, "| [%s](#%s) | %s |\n", patterns[i].name, patterns[i].name,
                    patterns[i].title);
    }
    for (size_t i = 0; i < count; i++) {
        append_markdown(&patterns[i], out);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

json_t *
pattern_show_json(const struct pattern *pattern)
{
    json_t *parameters = json_array(), *migrations = json_array();

    for (size_t i = 0; i < pattern->parameter_count; i++) {
        const struct pattern_parameter *parameter = &pattern->parameters[i];
        CLEANUP(arena_release) struct arena arena = {0};
        json_array_append_new(parameters,
                              json_pack("{s:s, s:s, s:b, s:o, s:s, s:s}", "name", parameter->name,
                                        "kind", pattern_kind_word(parameter->kind), "needed",
                                        !parameter->fallback && !parameter->is_optional, "default",
                                        show_json_text(parameter->fallback), "allowed",
                                        value_allowed(parameter, &arena), "sentence",
                                        parameter->sentence));
    }
    for (size_t i = 0; i < pattern->migration_count; i++) {
        json_array_append_new(migrations,
                              json_pack("{s:s, s:s, s:b}", "name", pattern->migrations[i].name,
                                        "stage", pattern->migrations[i].stage, "conditional",
                                        pattern->migrations[i].condition != NULL));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", pattern->name, "title", pattern->title,
                     "about", pattern->about, "parameters", parameters, "migrations", migrations);
}
